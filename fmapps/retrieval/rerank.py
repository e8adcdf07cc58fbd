"""The optional last look: the first hits of a search, put in order again by a model that reads query and passage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import ModelError
from fmapps.records import Hit, Signal
from fmapps.sentences import sentences
from fmapps.settings import isolate_model_libraries, settings

RERANKED = 50
"""Hits that are looked at again; those after them keep their order, behind."""


class Reranker(Protocol):
    """Scores passages for a query, the higher the better."""

    @property
    def name(self) -> str:
        """How hits name it."""
        ...

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n,), one finite score for each of n texts."""
        ...


class SentenceReranker:
    """Scores a passage by its sentence nearest in meaning to the query; needs no weights but the embedder's.

    Args:
        encode: n texts to unit vectors of shape (n, dimension), such as `Corpus.embed`.
    """

    name = "nearest sentence"

    def __init__(self, encode: Callable[[Sequence[str]], NDArray[np.float32]]) -> None:
        self._encode = encode

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n,), the largest cosine of the query with a sentence of each text."""
        if not texts:
            return np.zeros(0, dtype=np.float32)
        pieces = [[text[start:end] for start, end in sentences(text)] or [text] for text in texts]
        vectors = self._encode([query, *(piece for of_text in pieces for piece in of_text)])
        likeness = vectors[1:] @ vectors[0]
        begins = np.cumsum([0, *(len(of_text) for of_text in pieces[:-1])])
        return np.asarray(np.maximum.reduceat(likeness, begins), dtype=np.float32)


class CrossEncoderReranker:
    """Scores with a cross-encoder checkpoint of your own, through sentence-transformers.

    Args:
        folder: of the checkpoint; nothing is downloaded.

    Raises:
        ModelError: the folder holds no cross-encoder (at the first use).

    Source: Nogueira and Cho 2019, Passage Re-ranking with BERT.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"cross-encoder {folder.name}"
        self._folder = folder
        self._lock = threading.Lock()
        self._model: Any = None

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n,), the model's own scores."""
        scores = self._loaded().predict([(query, text) for text in texts], show_progress_bar=False)
        return np.asarray(scores, dtype=np.float32).reshape(len(texts), -1)[:, -1]

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                isolate_model_libraries(settings())
                try:
                    from sentence_transformers import CrossEncoder

                    self._model = CrossEncoder(str(self._folder), device="cpu", local_files_only=True)
                except Exception as error:
                    raise ModelError(
                        f"no cross-encoder could be loaded: {error}",
                        where=str(self._folder),
                        remedy="name the folder of a sequence-classification checkpoint with its tokenizer",
                    ) from error
            return self._model


def rerank(query: str, hits: Sequence[Hit], reranker: Reranker) -> list[Hit]:
    """The hits in the reranker's order; equals keep the order they had.

    Args:
        query: what was searched.
        hits: best first; the first `RERANKED` are scored again.
        reranker: scores them.

    Returns:
        The same hits. A scored one has the reranker's score, and says what its score was before.

    Raises:
        ModelError: a score is not a number.
    """
    first = list(hits[:RERANKED])
    if not first:
        return []
    scores = reranker.score(query, [hit.passage.text for hit in first])
    if scores.shape != (len(first),) or not np.isfinite(scores).all():
        raise ModelError(
            f"gave scores of shape {scores.shape} for {len(first)} passages, or some that are no numbers",
            where=reranker.name,
            remedy="give one finite score for each passage",
        )
    order = np.argsort(-scores, kind="stable").tolist()
    again = [
        replace(
            first[position],
            score=float(scores[position]),
            signals=(Signal(reranker.name, float(scores[position]), rank, float(scores[position])),),
            note=f"before: {first[position].explain()}",
        )
        for rank, position in enumerate(order, 1)
    ]
    floor = again[-1].score
    behind = [
        replace(hit, score=floor, signals=(), note=f"not reranked; before: {hit.explain()}") for hit in hits[RERANKED:]
    ]
    return again + behind
