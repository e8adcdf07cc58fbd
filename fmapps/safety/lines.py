"""Whom to call: emergency, crisis and poison lines by country, from a table with a source per row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fmapps.settings import settings

_TABLE = Path(__file__).with_name("tables") / "crisis_lines.csv"
ANY_COUNTRY = "*"
"""The rows that serve where a country has none of its own."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that answers.

    Attributes:
        country: ISO 3166-1 alpha-2, or `*`.
        need: `emergency`, `suicide`, `abuse`, `child` or `poison`.
        call: the number, or the address where there is none.
        name: who answers.
        source: where the number is published.
    """

    country: str
    need: str
    call: str
    name: str
    source: str


@cache
def _lines() -> tuple[Line, ...]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(Line(**row) for row in csv.DictReader(file))


def line(need: str, *, country: str | None = None) -> Line | None:
    """The line for a need.

    Args:
        need: as in `Line.need`.
        country: ISO 3166-1 alpha-2; None: the one in the settings.

    Returns:
        The country's own, else the one that serves anywhere, else None.
    """
    code = (country or settings().country).upper()
    found = {row.country: row for row in _lines() if row.need == need}
    return found.get(code) or found.get(ANY_COUNTRY)


def emergency_number(*, country: str | None = None) -> str:
    """What to dial when a life is in danger."""
    found = line("emergency", country=country)
    return found.call if found else "112"
