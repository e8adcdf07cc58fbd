"""Sentences as exact ranges of a text: wrapped lines, list items, table rows, abbreviations and inline numbering."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPENERS = "\"'“‘«‹([{*_#>-–—•§¿¡"
_CLOSERS = "\"'”’»›)]}*_"

# Possessive and guarded by a lookbehind, so that a run of ten million full stops is read once.
_END = re.compile(
    r"(?<![.!?…؟۔।॥։])(?P<mark>[.!?…؟۔।॥։]++)[" + re.escape(_CLOSERS) + r"]*+(?=\s|\Z)"
    r"|[。！？｡]++[」』”’）]*+"
    r"|(?<=\s)(?P<bullet>[•▪‣●◦])(?=\s)"
)
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_SPACE = re.compile(r"\s*+")
_LABEL = re.compile(r"\(?(?:[0-9]{1,3}(?:\.[0-9]{1,3})*|[A-Za-z]|[ivxlIVXL]{1,6})\)?")
_INLINE_LABEL = re.compile(r"\((?:[a-z]{1,2}|[ivxl]{1,6})\)\s")
_ITEM = re.compile(
    r"\s*+(?:[-*+•▪‣●◦·–—]|#{1,6}|>|§+|"
    r"\(?[0-9]{1,3}(?:\.[0-9]{1,3})*[.)]|\((?:[a-zA-Z]{1,2}|[ivxl]{1,6})\)|[a-zA-Z]\)|[A-Za-hj-u]\.|[ivxl]{2,6}[.)]"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3})++(?=\s+[A-Z]))\s+\S"
)
_COLUMNS = re.compile(r"\S(?: {3,}|\t+ *)(?=\S)")

_CONTINUES = frozenset(
    "mr mrs ms mx dr prof rev hon messrs gen col lt sgt capt v vs cf viz e.g i.e approx ca esp".split()
)
"""Abbreviations that something always follows."""

_BEFORE_NUMBER = frozenset(
    "no nos fig figs sec secs art arts ch chs p pp para paras eq eqs vol vols ex exh tab sched app reg regs cl pt pts "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
"""Abbreviations that a number or a label follows; before anything else the full stop ends the sentence."""

_MAY_END = frozenset(
    "inc corp ltd co plc bros jr sr st etc al ave blvd rd dept univ assn est govt intl mfg tel ext min max supp cir ct "
    "stat ann ed eds rev id ibid mt ft".split()
)
"""Abbreviations that can end a sentence: they do when a word follows that commonly begins one."""

_STARTERS = frozenset(
    "the this that these those an it its he she they we you your our his her their if in on at for from to when where "
    "while as by but and or no not each any all such there however after before upon unless neither either both with "
    "without under what which who how why is are do does can may should must some many most other also because since "
    "although though during until let please see".split()
)
"""Words that commonly begin a sentence."""

_DANGLING = frozenset(
    "of the and to with by in or a an for from at as on that is was are were between this its their his her into than "
    "not be been has have had which who shall will may any all such under upon no".split()
)
"""Words after which a line break is no end."""

_TITLE_LINE = 50
"""A line shorter than this, in characters, before one that begins with a capital is taken to stand alone."""

_LOOK = 400
"""How far into a line to look for what kind of line it is, in characters."""


def sentences(text: str, start: int = 0) -> list[tuple[int, int]]:
    """Find the sentences of a text.

    A list item, a table row and a line that stands alone (a title) each count as a sentence of their own; a line that
    merely wraps does not end one. Time grows in proportion to the text, whatever it holds.

    Args:
        text: any text.
        start: added to every offset, for a text that is itself a range of a document.

    Returns:
        Ranges `(start, end)` in code points, in order, apart, without white space at either end; between them they
        cover everything but white space.
    """
    return [(first + start, last + start) for first, last in _ranges(text)]


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    for block_start, block_end in _blocks(text):
        begin = block_start
        for match in _END.finditer(text, block_start, block_end):
            if match["bullet"]:
                end = match.start()
            elif match["mark"] and not _ends(text, begin, match, block_end):
                continue
            else:
                end = match.end()
            trimmed = _trim(text, begin, end)
            if trimmed:
                yield trimmed
            begin = end
        trimmed = _trim(text, begin, block_end)
        if trimmed:
            yield trimmed


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    start = _SPACE.match(text, start, end).end()  # type: ignore[union-attr]  # it matches the empty string
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if end > start else None


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines in which a line break is only a wrap."""
    begin = previous_start = previous_end = -1
    for match in _LINE.finditer(text):
        start, end = match.span()
        if begin < 0:
            begin = start
        elif _parted(text, (previous_start, previous_end), (start, end)):
            yield begin, previous_end
            begin = start
        previous_start, previous_end = start, end
    if begin >= 0:
        yield begin, previous_end


def _parted(text: str, line: tuple[int, int], following: tuple[int, int]) -> bool:
    """Whether the break between two lines ends a sentence."""
    gap = text[line[1] : following[0]]
    if len(gap) > 2 or (len(gap) == 2 and gap != "\r\n"):
        return True
    here = text[line[0] : min(line[1], line[0] + _LOOK)].strip()
    after = text[following[0] : min(following[1], following[0] + _LOOK)].strip()
    if not here or not after:
        return True
    if _ITEM.match(after) or here.startswith("#") or here[-1] == ":" or _is_row(here) or _is_row(after):
        return True
    if line[1] - line[0] >= _TITLE_LINE or here[-1] in ",;-–—(&/":
        return False
    begins = after.lstrip(_OPENERS)[:1]
    return not begins.islower() and here.rsplit(None, 1)[-1].lower() not in _DANGLING


def _is_row(line: str) -> bool:
    return line.count("|") >= 2 or " | " in line or len(_COLUMNS.findall(line)) >= (1 if "\t" in line else 2)


def _ends(text: str, begin: int, match: re.Match[str], block_end: int) -> bool:
    """Whether a mark that white space follows ends the sentence that began at `begin`."""
    position = _SPACE.match(text, match.end(), block_end).end()  # type: ignore[union-attr]
    if position >= block_end:
        return True
    ahead = text[position : position + 24].lstrip(_OPENERS)
    if ahead[:1] in (".", "…"):
        return False  # dots apart: an ellipsis, or the leader of a table of contents
    if ahead[:1].islower() and not _INLINE_LABEL.match(text, position):
        return False
    if match["mark"] != ".":
        return True
    window = text[max(begin, match.start() - 24) : match.start()]
    token = window.rsplit(None, 1)[-1] if window.strip() else ""
    if match.start() - begin <= 24 and window.strip() == token and _LABEL.fullmatch(token):
        return False
    word = token.lstrip(_OPENERS).lower()
    following = re.split(r"[\s,;:.)\]]", ahead, maxsplit=1)[0]
    if word in _CONTINUES:
        return False
    if word in _BEFORE_NUMBER:
        return not (following[:1].isdigit() or (following.isupper() and len(following) <= 4))
    abbreviated = word in _MAY_END or ("." in word and not word[-1].isdigit() and len(word) <= 8)
    if abbreviated or (len(word) == 1 and word.isalpha()):
        return following.lower() in _STARTERS
    return True
