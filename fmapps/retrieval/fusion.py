"""Fusion: what each retriever says of a candidate, weighed as evidence and added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InputError
from fmapps.retrieval.threads import single_threaded_blas

Channel: TypeAlias = Literal["dense", "lexical", "title_dense", "title_lexical", "focus_dense", "focus_lexical"]
"""Where a score comes from.

- `dense`: cosine of the query with the passage's text.
- `lexical`: BM25 of the query's distinct terms over title, headings and text of the passage.
- `title_dense`: cosine of the query with the document's title.
- `title_lexical`: BM25 of the query's distinct terms over the title alone.
- `focus_dense`: cosine of the passage with what the query asks beyond the title it names (`focus.residual`).
- `focus_lexical`: BM25 of the terms of that remainder over the passage's text alone.
"""

CHANNELS: tuple[Channel, ...] = get_args(Channel)

DENSITY = "local_density"
DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """What one unit of each score is worth, in nats of log-odds that the passage is relevant.

    One set serves every corpus and every query. Halving or doubling any one of them moved the mean nDCG@10 of eight
    sets of law, healthcare and education by at most .008.

    Attributes:
        dense: per unit of cosine; the inverse of the temperature at which the embedding model was trained.
        lexical: per unit of BM25, which is a sum of log-odds that takes terms to be independent, so worth less than 1.
        title_dense: per unit of cosine with the title.
        focus_lexical: per unit of BM25 of the remainder, where the query names a title.
        title_lexical: per unit of BM25 on the title, where the query names one.
        local_density: per unit of mean cosine with the nearest other candidates; subtracted, because a passage that
            is near everything is near the query by default.
        focus_gain: the query is read as "this title, and then a question" with weight min(1, gain x the share of the
            query that the title explains).
    """

    dense: float = 20.0
    lexical: float = 0.2
    title_dense: float = 4.0
    focus_lexical: float = 0.3
    title_lexical: float = 0.6
    local_density: float = 5.0
    focus_gain: float = 3.0


NEIGHBOURS = 10
"""Candidates of other documents whose mean cosine is a candidate's local density."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidatePool:
    """The candidates of one query, with what each channel says of them.

    Attributes:
        keys: shape (n,), integers, distinct; equal scores are ordered by them.
        documents: shape (n,), integers; the same for passages of one document.
        scores: for each channel, shape (n,), in its own unit; NaN where it is unknown. A channel may be absent.
        vectors: shape (n, dimension), unit rows: the passages' embeddings; None leaves local density out.
        title_share: share, 0 to 1, of the query's idf mass that a title it names explains; 0 if it names none.
    """

    keys: NDArray[np.int64]
    documents: NDArray[np.int64]
    scores: Mapping[Channel, NDArray[np.floating]]
    vectors: NDArray[np.float32] | None = None
    title_share: float = 0.0

    def __post_init__(self) -> None:
        count = len(self.keys)
        for name, values in (("documents", self.documents), *self.scores.items()):
            if values.shape != (count,):
                raise InputError(
                    f"{name} has shape {values.shape} for {count} candidates",
                    remedy="give one value for each candidate",
                )
        if self.vectors is not None and len(self.vectors) != count:
            raise InputError(
                f"{len(self.vectors)} vectors for {count} candidates", remedy="give one vector for each candidate"
            )
        if unknown := set(self.scores) - set(CHANNELS):
            raise InputError(f"no channel is called {min(unknown)!r}", remedy=f"use one of {', '.join(CHANNELS)}")
        if not 0 <= self.title_share <= 1:
            raise InputError(f"title_share is {self.title_share}", remedy="give a share between 0 and 1")


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """The verdict on the candidates of one query.

    Attributes:
        score: shape (n,), in the order of the candidates; nats, comparable within one query only.
        order: shape (n,), positions of the candidates, best first.
        contributions: for each part of the score, shape (n,); they add up to `score`.
        weights: what one unit of each part's raw score counted for in this query.
        raw: for each part, shape (n,): its raw score, unknown ones filled in.
    """

    score: NDArray[np.float64]
    order: NDArray[np.int64]
    contributions: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    raw: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def explain(self, position: int) -> str:
        """Say in one line what the score of the candidate at `position` is made of, largest part first."""
        parts = sorted(self.contributions, key=lambda name: (-abs(self.contributions[name][position]), name))
        words = [
            f"{name} {self.raw[name][position]:.3g} x {self.weights[name]:.3g} = {part[position]:+.2f}"
            for name, part in ((name, self.contributions[name]) for name in parts)
        ]
        return f"score {self.score[position]:.2f}: {'; '.join(words)}"


def fuse(candidates: CandidatePool, weights: FusionWeights | None = None) -> Fused:
    """Add up the evidence of every channel.

    Scores enter as they are, neither ranked nor normalised over the candidates: a long query of rare terms spreads
    its BM25 scores widely and so follows the words, a short one whose words all candidates share follows the meaning.
    Nothing is set per corpus. Passages of one document support each other: every one of them gains what the others
    add to its document's log-odds, which keeps their order among themselves.

    Args:
        candidates: n of them; more channels known for each candidate make a better order.
        weights: what each score is worth; None: the defaults.

    Returns:
        One score for each candidate, and its parts.

    Source: convex combination of raw scores over rank fusion, Bruch et al. 2023 (doi:10.1145/3596512); hubs in
        nearest-neighbour search, Radovanović et al. 2010; their correction, Conneau et al. 2018 (CSLS).
    """
    weights = weights or FusionWeights()
    count = len(candidates.keys)
    if count == 0:
        return Fused(np.zeros(0), np.zeros(0, dtype=np.int64))
    known: dict[Channel, NDArray[np.float64]] = {
        name: filled for name in CHANNELS if (filled := _filled(name, candidates.scores.get(name))) is not None
    }
    applied: dict[str, float] = _weights_of_query(weights, candidates.title_share, frozenset(known))
    raw: dict[str, NDArray[np.float64]] = {name: scores for name, scores in known.items() if applied[name] != 0.0}
    contributions = {name: applied[name] * scores for name, scores in raw.items()}
    if candidates.vectors is not None and weights.local_density != 0.0 and "dense" in raw:
        raw[DENSITY] = local_density(candidates.vectors, candidates.documents)
        applied[DENSITY] = -weights.local_density
        contributions[DENSITY] = applied[DENSITY] * raw[DENSITY]
    passage_score = np.zeros(count)
    for part in contributions.values():
        passage_score = passage_score + part
    raw[DOCUMENT] = document_support(passage_score, candidates.documents)
    applied[DOCUMENT] = 1.0
    contributions[DOCUMENT] = raw[DOCUMENT]
    score = passage_score + raw[DOCUMENT]
    return Fused(
        score=score,
        order=np.lexsort((candidates.keys, -score)).astype(np.int64),
        contributions=contributions,
        weights={name: applied[name] for name in contributions},
        raw=raw,
    )


def local_density(vectors: NDArray[np.float32], documents: NDArray[np.int64]) -> NDArray[np.float64]:
    """How near each candidate is to its nearest candidates of other documents.

    Args:
        vectors: shape (n, dimension), unit rows.
        documents: shape (n,).

    Returns:
        Shape (n,), mean cosine with the `NEIGHBOURS` nearest; where there are fewer, with as many as there are for
        the candidate that has fewest; 0 where one has none.
    """
    with single_threaded_blas():
        similarity = vectors @ vectors.T
    other = documents[:, None] != documents[None, :]
    neighbours = min(NEIGHBOURS, int(other.sum(axis=1).min()))
    if neighbours == 0:
        return np.zeros(len(vectors))
    similarity[~other] = -np.inf
    nearest = np.partition(similarity, -neighbours, axis=1)[:, -neighbours:]
    return np.asarray(np.sort(nearest, axis=1).mean(axis=1, dtype=np.float64))


def document_support(passage_score: NDArray[np.float64], documents: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the other passages of a document add to its best one.

    Args:
        passage_score: shape (n,), nats.
        documents: shape (n,).

    Returns:
        Shape (n,), log of the sum of exp(score) over the document's candidates, less the best score; 0 for one that
        stands alone, the same for all passages of a document.
    """
    _, group = np.unique(documents, return_inverse=True)
    groups = int(group.max()) + 1
    best = np.full(groups, -np.inf)
    np.maximum.at(best, group, passage_score)
    ordered = np.argsort(passage_score, kind="stable")
    total = np.zeros(groups)
    np.add.at(total, group[ordered], np.exp(passage_score - best[group])[ordered])
    return np.asarray(np.log(total)[group])


def _filled(name: Channel, scores: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
    """The scores with unknown ones filled in; None if none is known.

    A candidate that a retriever's list does not hold scores below the list's last. A document without a title is
    neither for nor against: it gets the mean.
    """
    if scores is None:
        return None
    known = np.isfinite(scores)
    if not known.any():
        return None
    values = scores.astype(np.float64)
    values[~known] = np.sort(values[known]).mean() if name == "title_dense" else values[known].min()
    return values


def _weights_of_query(weights: FusionWeights, title_share: float, present: frozenset[Channel]) -> dict[str, float]:
    """What one unit of each channel counts for, given how much of the query a title explains."""
    focus = min(1.0, weights.focus_gain * title_share)
    focus_words = focus if {"focus_lexical", "title_lexical"} <= present else 0.0
    focus_meaning = focus / 2 if "focus_dense" in present else 0.0
    return {
        "dense": weights.dense * (1 - focus_meaning),
        "focus_dense": weights.dense * focus_meaning,
        "lexical": weights.lexical * (1 - focus_words),
        "focus_lexical": weights.focus_lexical * focus_words,
        "title_lexical": weights.title_lexical * focus_words,
        "title_dense": weights.title_dense,
    }
