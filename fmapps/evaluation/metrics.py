"""Ranking metrics and the paired bootstrap that tells whether two systems differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ndcg_at(ranked: Sequence[str], relevance: Mapping[str, float], *, k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first k results.

    Args:
        ranked: document ids, best first.
        relevance: grade of each judged document, 0 or more; a grade g gains 2^g - 1, others 0.
        k: how many results count.

    Returns:
        From 0 to 1; 0 where nothing is relevant.

    Source: Järvelin and Kekäläinen 2002, with the exponential gain of Burges et al. 2005.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gain = {id_: 2.0**grade - 1.0 for id_, grade in relevance.items()}
    gains = [gain.get(id_, 0.0) for id_ in ranked[:k]]
    ideal = sorted(gain.values(), reverse=True)[:k]
    best = float(np.dot(ideal, discounts[: len(ideal)]))
    return float(np.dot(gains, discounts[: len(gains)])) / best if best > 0 else 0.0


def recall_at(ranked: Sequence[str], relevance: Mapping[str, float], *, k: int) -> float:
    """The share of relevant documents among the first k results; 0 where nothing is relevant."""
    relevant = {id_ for id_, gain in relevance.items() if gain > 0}
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one system is than another on the same items.

    Attributes:
        mean: of the differences per item.
        low: lower end of the confidence interval.
        high: upper end.
    """

    mean: float
    low: float
    high: float


def paired_bootstrap(
    ours: ArrayLike, theirs: ArrayLike, *, rounds: int = 10_000, level: float = 0.95, seed: int = 0
) -> Difference:
    """The mean difference of two systems with its percentile bootstrap interval over items.

    Args:
        ours: shape (n,), a score per item.
        theirs: shape (n,), on the same items.
        rounds: resamples.
        level: of the interval.
        seed: of the resampling.

    Source: Efron and Tibshirani 1993; Sakai 2006 for retrieval.
    """
    differences: NDArray[np.float64] = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    if differences.ndim != 1 or not differences.size:
        raise ValueError(f"paired scores of shape {differences.shape}: give one score per item, for one item at least")
    generator = np.random.default_rng(seed)
    count = differences.size
    means = np.concatenate(
        [
            differences[generator.integers(0, count, (min(500, rounds - done), count))].mean(axis=1)
            for done in range(0, rounds, 500)
        ]
    )
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return Difference(float(differences.mean()), float(low), float(high))
