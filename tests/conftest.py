"""What many tests share: an embedder without weights, and an empty corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmapps.corpus import Corpus
from fmapps.retrieval.embedding import HashingEmbedder, MiniLMEmbedder
from fmapps.settings import Settings


class CountingEmbedder(HashingEmbedder):
    """Remembers what it embedded."""

    def __init__(self, dimension: int = 64) -> None:
        super().__init__(dimension)
        self.embedded: list[str] = []

    def encode(self, texts: Sequence[str], **options: object) -> NDArray[np.float32]:
        self.embedded.extend(texts)
        return super().encode(texts)


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def quick() -> Settings:
    """Settings under which nobody waits long for another writer."""
    return Settings(writer_timeout=0.5)


@pytest.fixture
def corpus(tmp_path: Path, embedder: CountingEmbedder, quick: Settings) -> Iterator[Corpus]:
    with Corpus.open(tmp_path / "corpus.fmapps", embedder=embedder, settings=quick) as opened:
        yield opened


@pytest.fixture(scope="session")
def minilm() -> MiniLMEmbedder:
    """The real weights, loaded once."""
    return MiniLMEmbedder()
