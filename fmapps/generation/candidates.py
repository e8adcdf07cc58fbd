"""The pieces of the retrieved passages that an answer may quote: sentences, and clauses of very long sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from fmapps.records import Hit
from fmapps.sentences import sentences

LONGEST = 60
"""Words; a longer sentence is cut into clauses."""

_SHORTEST_CLAUSE = 8
"""Words; a shorter clause stays with its neighbour."""

_CLAUSE = re.compile(
    r"(?<=[;:|])\s+|\s+(?=[•▪–—-]\s)|\s+(?=\((?:[a-zA-Z]|[ivx]{1,4}|\d{1,2})\)\s)"
    r"|(?<=,)\s+(?=(?:and|or|but|nor|provided|except|unless|which|who|where|while|if|in|as|with|subject|to|by|from)\b)"
)
"""Where a long sentence may be cut and stay legible."""

_WORD = re.compile(r"\S+")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")

_LISTED = re.compile(r"(?:[-*•▪‣●◦·–—]+|#{1,6})\s+")
"""A mark of lists and headings that is no part of what is said."""

_LEANS = re.compile(
    r"(?:it|its|this|these|those|they|them|their|he|she|his|her|such|said|however|therefore|thus|also|moreover|"
    r"but|furthermore|in addition|additionally|otherwise|the (?:former|latter|same)|for (?:example|instance)|and|or|"
    r"instead|as a result|in (?:such|this|that|either)|if so)\b",
    re.IGNORECASE,
)
"""An opening that leans on the sentence before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Retrieved text of one document without a gap: overlapping passages read as one.

    Attributes:
        start: its first character in the document.
        text: the words, exactly.
        hits: whose passages it is made of, in reading order.
    """

    start: int
    text: str
    hits: tuple[Hit, ...]

    def quote(self, start: int, end: int) -> str:
        """The words of a range of the document."""
        return self.text[start - self.start : end - self.start]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A range of a document that could be quoted.

    Attributes:
        hit: the best hit whose passage holds it.
        start: first character in the document.
        end: one past the last.
        text: the words, exactly.
        stretch: where it stands.
        position: its place among the candidates of the stretch, fragments included.
        opens: whether it begins a sentence.
        closes: whether it ends one.
        listed: whether a list mark stands before it.
        fragment: whether it says nothing by itself: a heading, a question, a number, a mark.
        under: the fragment with words that stands nearest before it in the stretch, such as its heading; may be empty.
        leans: whether it is hard to understand without what stands before it.
    """

    hit: Hit
    start: int
    end: int
    text: str
    stretch: Stretch
    position: int
    opens: bool
    closes: bool
    listed: bool
    fragment: bool
    under: str
    leans: bool


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """Every sentence of the hits' passages once: documents in the order of the hits, reading order within each.

    Passages that overlap are read as one stretch, so that what they share appears once and their neighbours are known.

    Args:
        hits: best first.
    """
    by_document: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        by_document.setdefault((hit.passage.document_id, hit.passage.version), []).append(hit)
    found: list[Candidate] = []
    for group in by_document.values():
        for stretch in _stretches(group):
            pieces = ((whole, piece) for whole in sentences(stretch.text) for piece in clauses(stretch.text, *whole))
            under = ""
            for position, (whole, piece) in enumerate(pieces):
                found.append(_candidate(stretch, position, whole, piece, under))
                if found[-1].fragment and _LETTER.search(found[-1].text):
                    under = found[-1].text
    return found


def _candidate(
    stretch: Stretch, position: int, whole: tuple[int, int], piece: tuple[int, int], under: str
) -> Candidate:
    text = stretch.text[slice(*piece)]
    start, end = stretch.start + piece[0], stretch.start + piece[1]
    listed = bool(_LISTED.fullmatch(stretch.text, whole[0], piece[0]))
    opens = listed or piece[0] == whole[0]
    return Candidate(
        hit=_holder(stretch.hits, start, end),
        start=start,
        end=end,
        text=text,
        stretch=stretch,
        position=position,
        opens=opens,
        closes=piece[1] == whole[1],
        listed=listed,
        fragment=is_fragment(text),
        under=under,
        leans=not opens or text[:1].islower() or bool(_LEANS.match(text)),
    )


def clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range of a sentence without its list mark; of a very long one, the ranges of its clauses.

    Args:
        text: holds the sentence.
        start: its first character.
        end: one past its last.
    """
    mark = _LISTED.match(text, start, end)
    if mark and mark.end() < end:
        start = mark.end()
    if _count(text, start, end) <= LONGEST:
        yield start, end
        return
    piece = start
    while piece < end:
        cut = _cut(text, piece, end)
        yield piece, len(text[:cut].rstrip()) if cut < end else end
        piece = cut


def _cut(text: str, start: int, end: int) -> int:
    """Where the clause that begins at `start` ends: the last legible place within `LONGEST` words, or a space."""
    following = islice(_WORD.finditer(text, start, end), LONGEST + _SHORTEST_CLAUSE + 1)
    words = [match.start() for match in following]
    if len(words) <= LONGEST + _SHORTEST_CLAUSE:
        return end
    earliest, latest = words[_SHORTEST_CLAUSE], words[LONGEST]
    places = [
        match.end() for match in _CLAUSE.finditer(text, earliest, latest + 1) if earliest <= match.end() <= latest
    ]
    far = [place for place in places if place >= words[LONGEST // 2]]
    return (far or places or [latest])[-1]


def _stretches(group: Sequence[Hit]) -> Iterator[Stretch]:
    """The passages of one document, those that overlap or touch made one."""
    start, text, members = 0, "", list[Hit]()
    for hit in sorted(group, key=lambda hit: (hit.passage.start, hit.passage.end)):
        passage = hit.passage
        if members and passage.start <= start + len(text):
            text += passage.text[start + len(text) - passage.start :]
            members.append(hit)
            continue
        if members:
            yield Stretch(start, text, tuple(members))
        start, text, members = passage.start, passage.text, [hit]
    if members:
        yield Stretch(start, text, tuple(members))


def _holder(members: Sequence[Hit], start: int, end: int) -> Hit:
    """The best of the hits that share the most of a range."""

    def shared(hit: Hit) -> tuple[int, float]:
        return min(end, hit.passage.end) - max(start, hit.passage.start), hit.score

    return max(members, key=shared)


def is_fragment(text: str) -> bool:
    """Whether the text says nothing by itself: a heading, a question, a bare number or label, a rule of dashes."""
    if text.endswith("?"):
        return True
    letters = sum(character.isalpha() for character in text)
    words = [word for word in text.split() if _LETTER.search(word)]
    if len(words) < 3 or letters < len(text) / 3:
        return True
    if text.rstrip("\"'”’)]")[-1:] in ".;!:":
        return False
    capitals = sum(word.lstrip("\"'“‘([")[:1].isupper() for word in words if len(word) > 3)
    long_words = sum(len(word) > 3 for word in words)
    return len(words) <= 12 and capitals >= 0.7 * max(long_words, 1) and not _DIGIT.search(text)


def _count(text: str, start: int, end: int) -> int:
    return len(text[start:end].split())
