"""The automatic numbers of a Word document: a reader sees "5.2", the file says only which list counts there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ROMAN: tuple[tuple[int, str], ...] = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
)
_ROMAN += ((9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    pattern: str
    start: int


class Numbering:
    """Counts through a document's numbered paragraphs, in order.

    Args:
        numbering: the numbering part's root; None where the document has none.
        styles: the styles part's root: a style may number its paragraphs.
    """

    def __init__(self, numbering: etree._Element | None, styles: etree._Element) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._list_of: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._styles = {
            style.get(_W + "styleId") or "": marks
            for style in styles.iter(_W + "style")
            if (marks := style.find(f"{_W}pPr/{_W}numPr")) is not None
        }
        if numbering is None:
            return
        for abstract in numbering.iter(_W + "abstractNum"):
            self._levels[abstract.get(_W + "abstractNumId") or ""] = {
                _integer(level.get(_W + "ilvl")): _Level(
                    _value(level, "numFmt") or "decimal",
                    _value(level, "lvlText"),
                    _integer(_value(level, "start"), 1),
                )
                for level in abstract.iter(_W + "lvl")
            }
        for number in numbering.iter(_W + "num"):
            self._list_of[number.get(_W + "numId") or ""] = _value(number, "abstractNumId")

    def label(self, paragraph: etree._Element) -> str:
        """The number or bullet that a reader sees before the paragraph; empty if none."""
        marks = paragraph.find(f"{_W}pPr/{_W}numPr")
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        inherited = self._styles.get(style.get(_W + "val") or "") if style is not None else None
        identity = (
            (_value(marks, "numId") or _value(inherited, "numId")) if marks is not None else _value(inherited, "numId")
        )
        depth = _integer(_value(marks, "ilvl") or _value(inherited, "ilvl"))
        name = self._list_of.get(identity, "")
        levels = self._levels.get(name, {})
        level = levels.get(depth)
        if level is None or level.format == "none":
            return ""
        if level.format == "bullet":
            return "-"
        counts = self._counts[name]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [place for place in counts if place > depth]:
            del counts[deeper]
        label = level.pattern
        for place in range(depth + 1):
            if other := levels.get(place):
                label = label.replace(f"%{place + 1}", _written(counts.get(place, other.start), other.format))
        return label


def _value(element: etree._Element | None, name: str) -> str:
    found = element.find(_W + name) if element is not None else None
    return (found.get(_W + "val") or "") if found is not None else ""


def _integer(value: str | None, default: int = 0) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 9 else default


def _written(number: int, format: str) -> str:
    if format in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 100)
        return letter.upper() if format == "upperLetter" else letter
    if format in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman.upper() if format == "upperRoman" else roman
    return f"{number:02d}" if format == "decimalZero" else str(number)
