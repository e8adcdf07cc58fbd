"""Contract tests that a package runs on its own vertical, embedder, retriever or corpus; needs pytest.

Derive a class whose name begins with `Test` and override the fixture that names the part:

    from fmapps.testing import VerticalContract

    class TestMyVertical(VerticalContract):
        @pytest.fixture
        def vertical(self) -> Vertical:
            return VERTICAL

fmapps runs the same contracts on its own parts.
"""

from __future__ import annotations

from fmapps.errors import MissingDependencyError

try:
    import pytest
except ModuleNotFoundError as error:
    raise MissingDependencyError("the contract tests need pytest", remedy="pip install pytest") from error

_MODULES = ("corpus", "embedder", "retriever", "vertical")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES))

from fmapps.retrieval.embedding import HashingEmbedder  # noqa: E402
from fmapps.testing.corpus import CorpusContract  # noqa: E402
from fmapps.testing.embedder import EmbedderContract  # noqa: E402
from fmapps.testing.retriever import RetrieverContract  # noqa: E402
from fmapps.testing.vertical import VerticalContract  # noqa: E402

__all__ = ["CorpusContract", "EmbedderContract", "HashingEmbedder", "RetrieverContract", "VerticalContract"]
