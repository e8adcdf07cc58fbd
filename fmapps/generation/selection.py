"""Which candidates become claims, and how they are put before the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmapps.generation.candidates import Candidate, Stretch
from fmapps.generation.questions import content_words
from fmapps.records import Citation, Claim, Hit

CLAIMS = 3
"""Claims of an answer, at most."""

CLAIM_WORDS = 90
"""Words up to which a claim takes in its neighbours."""

LAGGING = 1.0
"""Log-odds by which a claim may fall short of the best one."""

REPEATED = 0.9
"""Cosine from which two sentences say the same; also the share of words."""

TEMPERATURE = 0.5
"""How much further passages add to the support of a document, in units of a hit's score; at 0 only the best counts.

A hit's score holds what its document's other passages add already, so that little is left to add here."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Candidates with what is known of them; the rows agree.

    Attributes:
        candidates: n candidates, none a fragment.
        vectors: shape (n, dimension), unit rows.
        log_odds: shape (n,), of each being part of the answer.
    """

    candidates: Sequence[Candidate]
    vectors: NDArray[np.float32]
    log_odds: NDArray[np.float64]


@dataclass(slots=True)
class _Range:
    """Candidates of one stretch that stand next to one another, from `first` to `last`."""

    stretch: Stretch
    first: int
    last: int


def claims(scored: Scored, everything: Sequence[Candidate], hits: Sequence[Hit]) -> tuple[Claim, ...]:
    """The claims that the scored candidates make.

    Args:
        scored: what may be chosen.
        everything: all candidates, for the neighbours.
        hits: what was retrieved.

    Returns:
        The best supported document first; reading order within a document; each one exact range.
    """
    support = document_support(hits)
    value = scored.log_odds + [support[candidate.hit.passage.document_id] for candidate in scored.candidates]
    lines: dict[Stretch, list[Candidate]] = {}
    for candidate in everything:
        lines.setdefault(candidate.stretch, []).append(candidate)
    chosen: list[int] = []
    ranges: list[_Range] = []
    for row in np.argsort(-value, kind="stable").tolist():
        candidate = scored.candidates[row]
        if value[row] < value.max() - LAGGING:
            break
        if any(_holds(taken, candidate) for taken in ranges):
            continue
        if any(_repeats(scored, row, other) for other in chosen):
            continue
        grown = _grown(candidate, lines[candidate.stretch])
        if len(_joined([*ranges, grown], lines)) > CLAIMS:
            break
        ranges.append(grown)
        chosen.append(row)
    best = {scored.candidates[row].hit.passage.document_id: float(value[row]) for row in reversed(chosen)}
    shown = _joined(ranges, lines)
    shown.sort(key=lambda taken: (-best[_document(taken)], _document(taken), taken.stretch.start, taken.first))
    return tuple(_claim(taken, lines[taken.stretch]) for taken in shown)


def document_support(hits: Sequence[Hit]) -> dict[str, float]:
    """What all the hits of a document add up to, by its id, less that of the best supported document."""
    scores: dict[str, list[float]] = {}
    for hit in hits:
        scores.setdefault(hit.passage.document_id, []).append(hit.score)
    total = {
        document: TEMPERATURE * float(np.logaddexp.reduce(np.array(values) / TEMPERATURE))
        for document, values in scores.items()
    }
    best = max(total.values())
    return {document: value - best for document, value in total.items()}


def _grown(candidate: Candidate, line: Sequence[Candidate]) -> _Range:
    """The candidate with the neighbours without which it does not read."""
    first = last = candidate.position
    room = CLAIM_WORDS - len(candidate.text.split())
    while line[first].leans and first > 0 and not line[first - 1].fragment:
        room -= len(line[first - 1].text.split())
        if room < 0 or candidate.position - first >= 2:
            break
        first -= 1
    announces = candidate.text.endswith(":")
    while last + 1 < len(line) and (announces or (":" in candidate.text and line[last + 1].listed)):
        room -= len(line[last + 1].text.split())
        if room < 0:
            break
        last += 1
        announces = announces and line[last].listed
    return _Range(candidate.stretch, first, last)


def _holds(taken: _Range, candidate: Candidate) -> bool:
    return taken.stretch is candidate.stretch and taken.first <= candidate.position <= taken.last


def _repeats(scored: Scored, row: int, other: int) -> bool:
    if float(scored.vectors[row] @ scored.vectors[other]) >= REPEATED:
        return True
    words, others = (set(content_words(scored.candidates[index].text)) for index in (row, other))
    smaller = min(len(words), len(others))
    return smaller > 0 and len(words & others) >= REPEATED * smaller


def _joined(ranges: Sequence[_Range], lines: dict[Stretch, list[Candidate]]) -> list[_Range]:
    """Ranges that overlap made one, and those that merely touch while the whole stays short enough to read."""
    joined: list[_Range] = []
    for taken in sorted(ranges, key=lambda taken: (id(taken.stretch), taken.first, taken.last)):
        before = joined[-1] if joined else None
        if before and before.stretch is taken.stretch and taken.first <= before.last + 1:
            last = max(before.last, taken.last)
            pieces = lines[taken.stretch][before.first : last + 1]
            if taken.first <= before.last or sum(len(piece.text.split()) for piece in pieces) <= CLAIM_WORDS:
                joined[-1] = _Range(taken.stretch, before.first, last)
                continue
        joined.append(taken)
    return joined


def _document(taken: _Range) -> str:
    return taken.stretch.hits[0].passage.document_id


def _claim(taken: _Range, line: Sequence[Candidate]) -> Claim:
    first, last = line[taken.first], line[taken.last]
    passage = first.hit.passage
    quote = taken.stretch.quote(first.start, last.end)
    text = " ".join(quote.split())
    citation = Citation(
        passage.document_id, passage.version, first.start, last.end, quote, title=passage.title, page=passage.page
    )
    return Claim(f"{'' if first.opens else '… '}{text}{'' if last.closes else ' …'}", (citation,))
