"""What a retriever brings: passage keys with their documents and scores, best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """n passages, best first; equal scores in order of key.

    Attributes:
        keys: shape (n,), int64, the store's passage keys.
        documents: shape (n,), int64, the store's document numbers.
        scores: shape (n,), float32, in the retriever's own unit (BM25, cosine).
    """

    keys: NDArray[np.int64]
    documents: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.keys)


def ranked(keys: NDArray[np.int64], documents: NDArray[np.int64], scores: NDArray[np.float32]) -> Candidates:
    """Candidates in order of falling score, equal scores in order of key."""
    order = np.lexsort((keys, -scores))
    return Candidates(keys[order], documents[order], scores[order])
