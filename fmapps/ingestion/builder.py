"""Puts a document's text together from the blocks that a reader finds, and remembers where the headings stand."""

from __future__ import annotations

import re

from fmapps.records import Heading

_INVISIBLE = str.maketrans({"\u00ad": None, "\0": None, "\ufeff": None, "\u200b": None})
_LABEL = re.compile(r"(?:\(?(?:[0-9]{1,3}(?:\.[0-9]{1,3})*|[a-zA-Z]|[ivxlIVXL]{1,6})[.)]{1,2}|[0-9.]{1,8}|[-*•▪·–—o§])")


class TextBuilder:
    """Collects blocks; each begins on a line of its own, and stands apart by a blank line unless it is tight."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._tight = True
        self.headings: list[Heading] = []

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def add(self, block: str, *, tight: bool = False) -> None:
        """Add a block as it is; tight ones follow each other without a blank line, as the items of a list do."""
        block = block.translate(_INVISIBLE).rstrip()
        if not block.strip():
            return
        if self._parts:
            self._append("\n" if tight and self._tight else "\n\n")
        self._append(block)
        self._tight = tight

    def heading(self, wording: str, level: int) -> None:
        """Add a heading."""
        wording = squeeze(wording).translate(_INVISIBLE).strip()
        if wording:
            self.add(wording)
            self.headings.append(Heading(self._length - len(wording), self._length, max(level, 1)))

    def row(self, cells: list[str]) -> None:
        """Add a table's row; a cell that only numbers the next one is set before it, as in a list."""
        cells = [squeeze(cell) for cell in cells]
        filled = [cell for cell in cells if cell]
        if len(filled) >= 2 and _LABEL.fullmatch(filled[0]):
            filled[:2] = [f"{filled[0]} {filled[1]}"]
        self.add(" | ".join(filled), tight=True)

    def _append(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)


def squeeze(text: str) -> str:
    """The text on one line, each run of white space a single space."""
    return " ".join(text.split())
