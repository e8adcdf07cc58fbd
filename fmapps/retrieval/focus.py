"""Focus: the document title a query names, and what the query asks beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVERAGE = 0.8
"""Share of a title's idf mass that the query must hold for the title to count as named."""

TIGHTNESS = 0.6
"""Share of the words between the first and the last word of the title, in the query, that must be the title's."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A word of the query: its characters [start, end) and its term, as the index stems it."""

    start: int
    end: int
    term: str


@dataclass(frozen=True, slots=True)
class NamedTitle:
    """A title that the query names.

    Attributes:
        position: which of the titles.
        start: first character of the query's words for it.
        end: one past the last.
        share: of the idf mass of the query's distinct terms, the part that stands nowhere outside [start, end); 0 to 1.
    """

    position: int
    start: int
    end: int
    share: float

    def remainder(self, query: str) -> str:
        """The query without the title's words."""
        return f"{query[: self.start]} {query[self.end :]}".strip()


def locate(
    query: Sequence[QueryTerm], titles: Iterable[Iterable[str]], rarity: Callable[[str], float]
) -> NamedTitle | None:
    """Find the title that explains most of the query.

    Args:
        query: its words in order.
        titles: the terms of each title that may be meant, stemmed as the query is: titles of the best hits in the
            title field.
        rarity: inverse document frequency of a term in the corpus, at least 0.

    Returns:
        The title whose terms stand together in the query and carry the most idf; None if there is none, or if the
        query asks nothing beyond it. Of equals, the first.
    """
    asked = {each.term for each in query}
    idf = {term: rarity(term) for term in asked}
    best: tuple[float, int, int, int] | None = None
    for position, terms in enumerate(titles):
        title = frozenset(terms)
        shared = title & asked
        if not shared:
            continue
        mass = sum(sorted(idf[term] for term in shared))
        whole = mass + sum(sorted(rarity(term) for term in title - asked))
        if mass <= 0 or mass < COVERAGE * whole:
            continue
        value = mass * mass / whole
        if best is not None and value <= best[0]:
            continue
        first, last = _tightest(query, shared)
        if len(shared) >= TIGHTNESS * (last - first + 1):
            best = (value, position, first, last)
    if best is None:
        return None
    _, position, first, last = best
    outside = {each.term for each in (*query[:first], *query[last + 1 :])}
    total = sum(sorted(idf.values()))
    left = sum(sorted(idf[term] for term in outside))
    if not outside or total <= 0:
        return None
    return NamedTitle(position, query[first].start, query[last].end, share=min(1.0, max(0.0, 1 - left / total)))


def residual(query: NDArray[np.float32], title: NDArray[np.float32]) -> NDArray[np.float32]:
    """The query's meaning beyond a title: its vector without the title's direction.

    Args:
        query: shape (dimension,), norm 1.
        title: shape (dimension,), norm 1.

    Returns:
        Shape (dimension,), norm 1, at right angles to `title`; the query itself where nothing is left.
    """
    rest = query - np.float32(query @ title) * title
    norm = float(np.linalg.norm(rest))
    return query if norm < 1e-3 else (rest / norm).astype(np.float32)


def _tightest(query: Sequence[QueryTerm], terms: frozenset[str]) -> tuple[int, int]:
    """First and last index of the shortest stretch of the query that holds all `terms`; the earliest of equals."""
    held: dict[str, int] = {}
    best = (0, len(query) - 1)
    for index, each in enumerate(query):
        if each.term not in terms:
            continue
        held.pop(each.term, None)
        held[each.term] = index
        first = next(iter(held.values()))
        if len(held) == len(terms) and index - first < best[1] - best[0]:
            best = (first, index)
    return best
