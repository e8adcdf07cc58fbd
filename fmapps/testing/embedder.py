"""What every embedder keeps: unit vectors of one dimension that depend on the text alone."""

# The name of a test says what must hold.
# ruff: noqa: D102

from __future__ import annotations

import numpy as np
import pytest

from fmapps.retrieval.embedding import Embedder

TEXTS = (
    "The ferry leaves at noon.",
    "Apples are picked in August.",
    "",
    "a",
    "Cafe\u0301 \u4f60\u597d \U0001f34f \u05e9\u05dc\u05d5\u05dd",
    "The harbour master may move a boat. " * 400,
)
AGREEMENT = 0.995
"""Least cosine between vectors of one text, computed in different company."""


class EmbedderContract:
    """Override `embedder`."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        """The embedder to try."""
        raise NotImplementedError("override the fixture embedder")

    def test_gives_unit_vectors_in_float32(self, embedder: Embedder) -> None:
        vectors = embedder.encode(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dimension)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)

    def test_no_text_gives_no_vector(self, embedder: Embedder) -> None:
        assert embedder.encode([]).shape == (0, embedder.dimension)

    def test_a_vector_depends_on_its_text_alone(self, embedder: Embedder) -> None:
        together = embedder.encode(TEXTS)
        backwards = embedder.encode(TEXTS[::-1], batch_size=2)[::-1]
        alone = np.concatenate([embedder.encode([text]) for text in TEXTS])
        assert (np.sum(together * backwards, axis=1) >= AGREEMENT).all()
        assert (np.sum(together * alone, axis=1) >= AGREEMENT).all()

    def test_different_texts_differ(self, embedder: Embedder) -> None:
        ferry, apples = embedder.encode(TEXTS[:2])
        assert float(ferry @ apples) < AGREEMENT

    def test_shared_words_bring_texts_nearer(self, embedder: Embedder) -> None:
        ferry, again, apples = embedder.encode([TEXTS[0], "At noon the ferry leaves the quay.", TEXTS[1]])
        assert float(ferry @ again) > float(ferry @ apples)

    def test_its_fingerprint_stays(self, embedder: Embedder) -> None:
        before = embedder.fingerprint
        embedder.encode(["anything"])
        assert before
        assert embedder.fingerprint == before
