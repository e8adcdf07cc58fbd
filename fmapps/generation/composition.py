"""What an answer model is, and what it hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fmapps.records import Claim, Hit


@dataclass(frozen=True, slots=True)
class Composition:
    """What a model composed from the hits of one question.

    Attributes:
        claims: in reading order, not yet grounded.
        confidence: from 0 to 1; rises with the chance that the claims answer the question.
        abstained: whether the hits do not answer it; then there are no claims.
        reason: why, in words for the asker; empty otherwise.
    """

    claims: tuple[Claim, ...]
    confidence: float
    abstained: bool = False
    reason: str = ""


class AnswerModel(Protocol):
    """Writes an answer from what was retrieved."""

    @property
    def name(self) -> str:
        """What the answer's reader is told wrote it."""
        ...

    def answer(self, query: str, hits: Sequence[Hit]) -> Composition:
        """Compose an answer.

        Args:
            query: a question that stands on its own.
            hits: what was retrieved, best first.
        """
        ...


class Encoder(Protocol):
    """Embeds texts, as `Corpus.embed` does."""

    def __call__(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Shape (n, dimension), float32, rows of L2 norm 1, for n texts."""
        ...
