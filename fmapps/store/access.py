"""Who may read what, and which documents a filter leaves: decided in the store, before anything is ranked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from fmapps.records import Filter, Principal, Scalar


@dataclass(frozen=True, slots=True)
class Scope:
    """What one search may look at, in the store's own numbers.

    Attributes:
        walls: readable walls; None: every wall there is.
        documents: numbers of the only documents to look at; None: all.
        facets: each group must be met by one of its facets.
        as_of: the day on which it must be in force; None: any.
    """

    walls: frozenset[int] | None = None
    documents: frozenset[int] | None = None
    facets: tuple[frozenset[str], ...] = ()
    as_of: date | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self.walls is None and self.documents is None and not self.facets and self.as_of is None

    @property
    def excludes_all(self) -> bool:
        """Whether nothing can pass."""
        return any(group is not None and not group for group in (self.walls, self.documents, *self.facets))


def is_possible(id_: str) -> bool:
    """Whether a document can have this id: text that encodes, without NUL, which SQLite's JSON would cut short."""
    try:
        id_.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in id_


def facet(key: str, value: Scalar) -> str:
    """One metadata value as it is compared: by how it is written, so that 2020, 2020.0 and "2020" are equal."""
    if isinstance(value, bool):
        written = "true" if value else "false"
    elif isinstance(value, float) and value.is_integer():
        written = str(int(value))
    else:
        written = str(value)
    return f"{key}\x1f{written}"


def facets(metadata: Mapping[str, Scalar]) -> list[str]:
    """Every facet of a document."""
    return sorted({facet(key, value) for key, value in metadata.items()})


def wall(connection: sqlite3.Connection, labels: Collection[str]) -> int:
    """The number of a set of labels, given when it is first seen."""
    written = json.dumps(sorted(labels), ensure_ascii=False)
    row = connection.execute("SELECT number FROM walls WHERE labels = ?", (written,)).fetchone()
    if row is None:
        row = connection.execute("INSERT INTO walls (labels) VALUES (?) RETURNING number", (written,)).fetchone()
    return int(row[0])


def readable_walls(connection: sqlite3.Connection, principal: Principal) -> frozenset[int] | None:
    """The walls behind which the principal may read; None where that is all of them."""
    walls = connection.execute("SELECT number, labels FROM walls").fetchall()
    readable = frozenset(number for number, labels in walls if principal.may_read(frozenset(json.loads(labels))))
    return None if len(readable) == len(walls) else readable


def scope(connection: sqlite3.Connection, principal: Principal, filter: Filter) -> Scope:
    """What the principal may read of what the filter leaves; ids that do not exist select nothing."""
    numbers: frozenset[int] | None = None
    if filter.documents is not None:
        rows = connection.execute(
            "SELECT number FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps([id_ for id_ in filter.documents if is_possible(id_)]),),
        )
        numbers = frozenset(number for (number,) in rows)
    groups = tuple(frozenset(facet(key, value) for value in values) for key, values in filter.metadata)
    return Scope(readable_walls(connection, principal), numbers, groups, filter.as_of)


def condition(scope: Scope) -> tuple[str, list[str]]:
    """The scope as an SQL condition on `documents`, with its parameters."""
    clauses = ["1"]
    parameters: list[str] = []
    for column, numbers in (("wall", scope.walls), ("number", scope.documents)):
        if numbers is not None:
            clauses.append(f"documents.{column} IN (SELECT value FROM json_each(?))")  # noqa: S608
            parameters.append(json.dumps(sorted(numbers)))
    for group in scope.facets:
        clauses.append(
            "documents.number IN (SELECT document FROM facets WHERE facet IN (SELECT value FROM json_each(?)))"
        )
        parameters.append(json.dumps(sorted(group)))
    if scope.as_of is not None:
        clauses.append("coalesce(documents.effective_from, '') <= ?")
        clauses.append("coalesce(documents.effective_to, '9999-12-31') >= ?")
        parameters += [scope.as_of.isoformat()] * 2
    return " AND ".join(clauses), parameters
