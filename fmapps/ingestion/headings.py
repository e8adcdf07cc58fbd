"""Headings of a plain text: Markdown marks, numbered clauses, named parts and lines in capitals."""

from __future__ import annotations

import re

from fmapps.records import Heading

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_MARKED = re.compile(r"\s{0,3}(#{1,6})\s+\S")
_BOLD = re.compile(r"\*\*[^*|]{2,100}\*\*")
_NAMED = re.compile(
    r"(?:(?P<outer>PART|TITLE|BOOK|UNIT|MODULE|ARTICLE|CHAPTER|SCHEDULE|EXHIBIT|ANNEX|APPENDIX|LESSON)|SECTION)"
    r"\s+(?:[IVXLC]{1,7}|[0-9]{1,4}(?:\.[0-9]{1,3})*|[A-Z])(?:\s*[-–—:.]|\s+[A-Z\"“(]|$)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?P<number>[0-9]{1,3}(?:\.[0-9]{1,3})*)(?P<dot>[.)]?)\s+(?P<title>[^\W\d_][^.!?;]{1,80}?)(?:(?P<end>\.)(?=\s)|\.?$)"
)
_WORDS = 12
"""A heading has at most so many words."""

_CHARACTERS = 100
"""A heading's line has at most so many characters; a numbered heading may run into its paragraph's first line."""


def detect_headings(text: str) -> tuple[Heading, ...]:
    """Find the headings of a text that names none.

    Where there are Markdown marks, only they count, and below them a line that is all in bold. Otherwise: a named part
    ("ARTICLE V", "Section 3: Scope"), a numbered clause ("5.2 Termination", also where its paragraph follows on the
    same line) and a line all in capitals.

    Args:
        text: a plain text.

    Returns:
        In order of `start`, apart. A heading's range is its wording with its number, without white space at the ends.
    """
    marked: list[Heading] = []
    guessed: list[Heading] = []
    lines = [match.span() for match in _LINE.finditer(text) if not text[match.start() : match.end()].isspace()]
    for index, (start, end) in enumerate(lines):
        head = text[start : min(end, start + 2 * _CHARACTERS)]
        indent = len(head) - len(head.lstrip())
        if mark := _MARKED.match(head):
            marked.append(Heading(start + indent, start + len(text[start:end].rstrip()), len(mark[1])))
        elif _BOLD.fullmatch(head.strip()):
            marked.append(Heading(start + indent, start + indent + len(head.strip()), 7))
        elif not marked:
            after = lines[index + 1] if index + 1 < len(lines) else None
            before = lines[index - 1] if index else None
            found = _guess(text, head[indent:], end - start, before, after)
            if found:
                guessed.append(Heading(start + indent, start + indent + found[0], found[1]))
    return tuple(marked or guessed)


def opening_heading(text: str) -> str:
    """The heading with which a text begins, on one line; empty where it begins with none."""
    head = text[:2000]
    found = detect_headings(head)
    if not found or head[: found[0].start].strip():
        return ""
    return " ".join(head[found[0].start : found[0].end].split()).strip("#* ")


def _guess(
    text: str, head: str, length: int, before: tuple[int, int] | None, after: tuple[int, int] | None
) -> tuple[int, int] | None:
    """The length and the level of the heading with which a line begins, if it does."""
    line = head.rstrip()
    short = length <= _CHARACTERS and len(line.split()) <= _WORDS
    if short and line[-1] not in ",;" and (named := _NAMED.match(line)):
        return len(line), 1 if named["outer"] else 2
    if numbered := _NUMBERED.match(line):
        return _numbered(text, numbered, line, short, before, after)
    if short and _is_capitals(line) and not _capitals_at(text, before) and not _capitals_at(text, after):
        return len(line), 1
    return None


def _numbered(
    text: str,
    match: re.Match[str],
    line: str,
    short: bool,
    before: tuple[int, int] | None,
    after: tuple[int, int] | None,
) -> tuple[int, int] | None:
    title = match["title"].strip()
    level = match["number"].count(".") + 1
    if not title[:1].isupper() or title[-1] in ",:" or (level == 1 and not match["dot"] and not title.isupper()):
        return None
    if match["end"]:
        words = title.split()
        capitalised = all(word[:1].isupper() or len(word) <= 3 for word in words)
        runs_on = capitalised and len(words) <= 8 and not line[match.end() :].lstrip()[:1].islower()
        return (match.end(), level) if runs_on else None
    # Numbered lines that follow one another directly are a list, not headings.
    if not short or after is None or (level == 1 and (_is_listed(text, before) or _is_listed(text, after))):
        return None
    return len(line), level


def _is_listed(text: str, line: tuple[int, int] | None) -> bool:
    if line is None:
        return False
    match = _NUMBERED.match(text[line[0] : min(line[1], line[0] + 2 * _CHARACTERS)].strip())
    return match is not None and "." not in match["number"] and not match["end"]


def _is_capitals(line: str) -> bool:
    letters = [character for character in line if character.isalpha()]
    return (
        len(letters) >= 4
        and line.isupper()
        and len(letters) * 2 >= len(line)
        and line[-1] not in ",;"
        and "|" not in line
        and any(len(word) >= 4 for word in line.split())
    )


def _capitals_at(text: str, line: tuple[int, int] | None) -> bool:
    if line is None or line[1] - line[0] > 10 * _CHARACTERS:
        return False
    return _is_capitals(text[line[0] : line[1]].strip())
