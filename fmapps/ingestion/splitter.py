"""Cuts a document into passages: exact ranges that keep to its sections, paragraphs and sentences."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fmapps.errors import InputError
from fmapps.ingestion.headings import detect_headings
from fmapps.records import Document, Heading, Passage
from fmapps.sentences import sentences

PASSAGE_WORDS = 150
"""The usual length of a passage, in words: about 200 tokens; a fifth more still fits the default embedder's 256."""

OVERLAP_WORDS = 30
"""The most that two neighbouring passages of a section share, in words, so that a thought on the border is in one."""

LETTERS = 24
"""So many characters without white space count as one word more."""

_IDEOGRAPHIC = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_IDEOGRAPHIC}]|[^\\s{_IDEOGRAPHIC}]{{1,{LETTERS}}}")
_CLAUSE_ENDS = frozenset(";:,。、，；：")
_JOINERS = frozenset("\u200d\u034f\u2060")
_GRAPHEME = 32
"""How far back to look for the beginning of a character that several code points make."""

_WORDING = 200
"""The most of a heading that a passage's heading path repeats, in characters."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, a piece of a very long one, or a heading: what passages are made of."""

    start: int
    end: int
    words: int
    is_heading: bool = False


@dataclass(slots=True)
class _Group:
    """Units that may share a passage: a section, or short ones joined; `is_bare` if they are all headings."""

    units: list[_Unit]
    words: int
    is_bare: bool


def split(document: Document, *, words: int = PASSAGE_WORDS, overlap: int = OVERLAP_WORDS) -> list[Passage]:
    """Cut a document into passages.

    A passage keeps within a section (short ones are joined with their neighbour), ends with a sentence, and where it
    can with a paragraph. Only a sentence longer than `words` is cut: at a clause's end, else at white space, else
    between two characters. Time grows in proportion to the text.

    Args:
        document: its `headings` guide the cuts; where it has none, they are looked for in the text.
        words: about how many words to put in a passage, and never more than a fifth above. An ideograph counts as a
            word, and so do every `LETTERS` characters without white space.
        overlap: the most words shared by neighbours in the same section; whole sentences only.

    Returns:
        In order, `start` and `end` both rising; between them they cover everything but white space, and
        `document.text[passage.start:passage.end] == passage.text` for each.

    Raises:
        InputError: `words` is less than 1, or `overlap` negative or not less than `words`.
    """
    if words < 1 or not 0 <= overlap < words:
        raise InputError(
            f"passages of {words} words cannot share {overlap}", remedy="choose words >= 1 and 0 <= overlap < words"
        )
    text, version = document.text, document.version
    headings = _sound(text, document.headings) or detect_headings(text)
    starts = [heading.start for heading in headings]
    paths = _paths(text, headings)
    piece = overlap or words
    passages = []
    for group in _joined(_sections(text, headings, words, piece), words):
        for first, last in _packed(text, group, words, overlap):
            body = next((unit for unit in group.units[first:last] if not unit.is_heading), group.units[first])
            above = bisect_right(starts, body.start) - 1
            start, end = group.units[first].start, group.units[last - 1].end
            passages.append(
                Passage(
                    document_id=document.id,
                    version=version,
                    start=start,
                    end=end,
                    text=text[start:end],
                    title=document.title,
                    heading=paths[above] if above >= 0 else "",
                    page=document.page_of(start),
                )
            )
    return passages


def _sound(text: str, headings: Sequence[Heading]) -> tuple[Heading, ...]:
    """The headings that lie in the text, in order and apart, without white space at their ends."""
    kept: list[Heading] = []
    for heading in sorted(headings, key=lambda heading: heading.start):
        if (kept[-1].end if kept else 0) <= heading.start < heading.end <= len(text):
            start, end = _trim(text, heading.start, heading.end)
            if start < end:
                kept.append(Heading(start, end, heading.level))
    return tuple(kept)


def _paths(text: str, headings: Sequence[Heading]) -> list[str]:
    """For each heading, the wordings from the outermost down to it."""
    paths, stack = [], list[tuple[int, str]]()
    for heading in headings:
        while stack and stack[-1][0] >= heading.level:
            stack.pop()
        wording = text[heading.start : min(heading.end, heading.start + _WORDING)]
        stack.append((heading.level, " ".join(wording.split()).strip("#* ")))
        paths.append(" > ".join(wording for _, wording in stack))
    return paths


def _sections(text: str, headings: Sequence[Heading], words: int, piece: int) -> Iterator[_Group]:
    position = 0
    for index in range(-1, len(headings)):
        units: list[_Unit] = []
        if index >= 0:
            heading = headings[index]
            units = list(_units(text, [(heading.start, heading.end)], words, piece, is_heading=True))
            position = heading.end
        end = headings[index + 1].start if index + 1 < len(headings) else len(text)
        units.extend(_units(text, sentences(text[position:end], position), words, piece))
        if units:
            yield _Group(units, sum(unit.words for unit in units), units[-1].is_heading)


def _units(
    text: str, ranges: Sequence[tuple[int, int]], words: int, piece: int, *, is_heading: bool = False
) -> Iterator[_Unit]:
    for start, end in ranges:
        count = len(_WORD.findall(text, start, end))
        if count <= words:
            yield _Unit(start, end, max(count, 1), is_heading)
        else:
            yield from _pieces(text, start, end, piece, is_heading=is_heading)


def _pieces(text: str, start: int, end: int, piece: int, *, is_heading: bool) -> Iterator[_Unit]:
    """Cut a range into pieces of at most `piece` words, at the ends of clauses where there are any."""
    begin, count, clause, clause_count = start, 0, 0, 0
    for match in _WORD.finditer(text, start, end):
        if count == piece:
            cut, used = (clause, clause_count) if clause else (_boundary(text, begin, match.start()), count)
            yield from _unit(text, begin, cut, used, is_heading=is_heading)
            begin, count, clause = cut, count - used, 0
        count += 1
        last = match.end()
        if 2 * count >= piece and text[last - 1] in _CLAUSE_ENDS and (last == end or text[last].isspace()):
            clause, clause_count = last, count
    yield from _unit(text, begin, end, count, is_heading=is_heading)


def _unit(text: str, start: int, end: int, words: int, *, is_heading: bool) -> Iterator[_Unit]:
    start, end = _trim(text, start, end)
    if start < end:
        yield _Unit(start, end, max(words, 1), is_heading)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _boundary(text: str, begin: int, position: int) -> int:
    """The nearest place at or before `position` that parts no character; `position` where there is none near."""
    for place in range(position, max(begin, position - _GRAPHEME), -1):
        if _parts(text, begin, place):
            return place
    return position


def _parts(text: str, begin: int, place: int) -> bool:
    """Whether a cut at `place` falls between two characters as a reader sees them."""
    before, after = text[place - 1], text[place]
    if before.isspace():
        return (before, after) != ("\r", "\n")
    if after in _JOINERS or before in _JOINERS or unicodedata.category(after).startswith("M"):
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f" or "\u1160" <= after <= "\u11ff":
        return False
    if _is_regional(before) and _is_regional(after):
        run = place - 1
        while run > max(begin, place - _GRAPHEME) and _is_regional(text[run - 1]):
            run -= 1
        return (place - run) % 2 == 0
    return True


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _joined(sections: Iterator[_Group], words: int) -> Iterator[_Group]:
    """Join a bare heading with what follows it, and short sections with their neighbours."""
    short = words // 3
    held: _Group | None = None
    for section in sections:
        if held is None:
            held = section
        elif (held.is_bare and held.words < short) or (
            held.words + section.words <= words and min(held.words, section.words) < short
        ):
            held.units.extend(section.units)
            held.words += section.words
            held.is_bare = held.is_bare and section.is_bare
        else:
            yield held
            held = section
    if held is not None:
        yield held


def _packed(text: str, group: _Group, words: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Ranges of unit indices, each a passage; filled evenly, so that the last is no scrap."""
    units = group.units
    most = words + words // 5
    if group.words <= most:
        yield 0, len(units)
        return
    passages = -(-(group.words - overlap) // (words - overlap))
    target = min(words, -(-(group.words + (passages - 1) * overlap) // passages))
    first = new = 0
    while True:
        count = sum(unit.words for unit in units[first:new])
        last = new
        while last < len(units) and (last == new or _fits(count, units[last].words, target, most)):
            count += units[last].words
            last += 1
        if last == len(units):
            yield first, last
            return
        last = _at_paragraph(text, units, new, last, count)
        yield first, last
        least, room = first + 1, min(overlap, most - units[last].words)
        new = first = last
        while first > least and units[first - 1].words <= room and not units[first - 1].is_heading:
            first -= 1
            room -= units[first].words


def _fits(count: int, more: int, target: int, most: int) -> bool:
    """Whether a sentence of `more` words still goes in: if that comes nearer to the target, and not over the most."""
    return count + more <= most and count + more - target <= max(target - count, 0)


def _at_paragraph(text: str, units: list[_Unit], new: int, last: int, count: int) -> int:
    """Where to end a full passage: before the paragraph that does not fit, if it is at least two thirds full there."""
    least, place = 2 * count // 3, last
    while place > new + 1:
        if text.count("\n", units[place - 1].end, units[place].start) > 1:
            return place
        place -= 1
        count -= units[place].words
        if count < least:
            break
    return last
