"""How well a sentence answers, and whether anything does: two small logistic models over visible features."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import ConfigurationError
from fmapps.generation.candidates import Candidate
from fmapps.generation.questions import Question, content_words

SENTENCE_FEATURES = ("similarity", "coverage", "figure", "form", "evidence")
"""Cosine with the question; share of its content words in the sentence or above it; whether the sentence holds the date
or number that was asked for; whether it has the form of words that such an answer has; its passage's search score less
the best."""

ANSWER_FEATURES = ("similarity", "coverage", "mention", "polar")
"""The largest similarity; the largest coverage; share of the question's content words that stand anywhere in what was
retrieved; whether the question leaves open that the source has nothing of the kind."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model whose every number can be read.

    Attributes:
        weights: per unit of the feature, by its name.
        constant: added to the sum.
    """

    weights: Mapping[str, float]
    constant: float

    def log_odds(self, features: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
        """Shape (n,), for features of shape (n, len(names))."""
        log_odds: NDArray[np.float64] = features @ np.array([self.weights[name] for name in names]) + self.constant
        return log_odds


@dataclass(frozen=True, slots=True)
class Weights:
    """What `extractive.json` holds.

    Attributes:
        sentence: whether a sentence is part of the answer.
        answer: whether the passages answer the question at all.
        threshold: of the answer's probability; below it the model abstains.
    """

    sentence: Logistic
    answer: Logistic
    threshold: float


@cache
def weights() -> Weights:
    """The coefficients that ship, with their provenance beside them in `extractive.json`.

    Raises:
        ConfigurationError: the file is not what it should be.
    """
    source = files("fmapps.generation") / "extractive.json"
    try:
        stored = json.loads(source.read_text("utf-8"))
        return Weights(
            sentence=_logistic(stored["sentence"], SENTENCE_FEATURES),
            answer=_logistic(stored["answer"], ANSWER_FEATURES),
            threshold=float(stored["threshold"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the coefficients do not read: {error!r}", where=str(source), remedy="reinstall fmapps"
        ) from error


def _logistic(stored: Mapping[str, Any], names: Sequence[str]) -> Logistic:
    given = stored["weights"]
    if set(given) != set(names):
        raise ValueError(f"weights for {sorted(given)}, not for {sorted(names)}")
    return Logistic({name: float(given[name]) for name in names}, float(stored["constant"]))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What can be seen of n candidates and a question.

    Attributes:
        features: shape (n, 5), the columns of `SENTENCE_FEATURES`; similarity is 0 until it is filled in.
        mentioned: for each of the question's content words, whether it stands in any candidate or above one.
    """

    features: NDArray[np.float64]
    mentioned: tuple[bool, ...]

    def answer_features(self, question: Question) -> NDArray[np.float64]:
        """Shape (1, 4), the columns of `ANSWER_FEATURES`."""
        mention = sum(self.mentioned) / len(self.mentioned) if self.mentioned else 0.0
        similarity, coverage = self.features[:, :2].max(axis=0)
        return np.array([[similarity, coverage, mention, float(question.polar)]])


def observe(question: Question, found: Sequence[Candidate], *, titles: bool) -> Evidence:
    """Everything about the candidates but their similarity, which costs an embedding.

    Args:
        question: taken apart.
        found: n candidates.
        titles: whether a document's title counts as standing above its sentences: where several documents are
            searched it says which one is meant, where one is, it says nothing.
    """
    asked = question.words
    above: dict[str, frozenset[str]] = {}
    present = np.zeros((len(found), len(asked)), dtype=np.bool_)
    features = np.zeros((len(found), len(SENTENCE_FEATURES)))
    best = max((candidate.hit.score for candidate in found), default=0.0)
    for row, candidate in enumerate(found):
        passage = candidate.hit.passage
        over = f"{passage.title if titles else ''} {passage.heading} {candidate.under}"
        if over not in above:
            above[over] = frozenset(content_words(over))
        words = above[over].union(content_words(candidate.text))
        present[row] = [word in words for word in asked]
        for kind in question.sought:
            if kind.borne.search(candidate.text):
                features[row, 2 if kind.figure else 3] = 1
        features[row, 4] = candidate.hit.score - best
    if asked:
        features[:, 1] = present.mean(axis=1)
    return Evidence(features, tuple(bool(column.any()) for column in present.T))


def probability(log_odds: float) -> float:
    """Between 0 and 1, without overflow."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds >= 0 else math.exp(log_odds) / (1 + math.exp(log_odds))
