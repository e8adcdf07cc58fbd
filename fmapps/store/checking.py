"""Reads the whole store again and says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fmapps.errors import CorruptStoreError
from fmapps.records import page_at
from fmapps.store import reading
from fmapps.store.access import facets
from fmapps.store.database import RESTORE, Database
from fmapps.store.reading import VECTOR


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        examined: how many were looked at.
        problems: what is wrong, each in a sentence.
        remedy: what to do about them; empty where there are none.
    """

    name: str
    examined: int
    problems: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was read again, and what was found.

    Attributes:
        checks: in the order in which they were made.
    """

    checks: tuple[Check, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(check.problems for check in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong."""
        return tuple(problem for check in self.checks for problem in check.problems)


NAMED = 20
"""Problems of one kind that are named; the rest are counted."""

NORM = 0.01
"""How far a vector's length may be from 1: half precision stays far within it."""


class Problems:
    """Collects problems of one kind: names the first, counts the rest."""

    def __init__(self) -> None:
        self._named: list[str] = []
        self._count = 0

    def add(self, problem: str) -> None:
        """Take one down."""
        self._count += 1
        if self._count <= NAMED:
            self._named.append(problem)

    def close(self, name: str, examined: int, remedy: str) -> Check:
        """What was found."""
        rest = (f"and {self._count - NAMED} more",) if self._count > NAMED else ()
        return Check(name, examined, (*self._named, *rest), remedy if self._count else "")


def check(database: Database, *, progress: Callable[[str, int, int | None], None] | None = None) -> CheckReport:
    """Read every page, text, passage, vector and log entry of the store.

    Args:
        database: may be read-only.
        progress: told the stage and how much of it is done.

    Returns:
        One check for each kind of thing; damage to the file itself is the first and then the only one, not raised.
    """
    told = progress or (lambda stage, done, total: None)
    checks: list[Check] = []
    try:
        with database.read() as connection:
            checks.append(_file(connection, told))
            if not checks[0].problems:
                checks.extend(examine(connection, told) for examine in (_texts, _passages, _vectors, _facets, _log))
    except CorruptStoreError as error:
        checks = [Check("pages of the file", 0, (error.message,), error.remedy)]
    return CheckReport(tuple(checks))


def _file(connection: sqlite3.Connection, told: Callable[[str, int, int | None], None]) -> Check:
    problems = Problems()
    told("file", 0, None)
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            problems.add(line)
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        problems.add(f"row {row} of {table} points to a missing row of {parent}")
    return problems.close("pages of the file", connection.execute("PRAGMA page_count").fetchone()[0], RESTORE)


def _texts(connection: sqlite3.Connection, told: Callable[[str, int, int | None], None]) -> Check:
    problems = Problems()
    examined, total = 0, reading.count(connection).versions
    for id_, digest, characters, text in connection.execute(
        """
        SELECT documents.id, versions.digest, versions.characters, versions.text
        FROM versions LEFT JOIN documents ON documents.number = versions.document
        """
    ):
        examined += 1
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            problems.add(f"the text of {id_!r} is not the one with SHA-256 {digest[:12]}")
        if len(text) != characters:
            problems.add(f"the text of {id_!r} has {len(text)} characters, not {characters}")
        if examined % 100 == 0:
            told("texts", examined, total)
    return problems.close("texts of all versions", examined, RESTORE)


def _passages(connection: sqlite3.Connection, told: Callable[[str, int, int | None], None]) -> Check:
    problems = Problems()
    examined, total = 0, reading.count(connection).passages
    documents = connection.execute(
        """
        SELECT documents.number, documents.id, documents.passages, versions.pages, versions.text
        FROM documents LEFT JOIN versions
            ON versions.number = documents.version AND versions.document = documents.number
        """
    )
    for number, id_, expected, pages, text in documents:
        if text is None:
            problems.add(f"the current version of {id_!r} is missing")
            continue
        starts = tuple(json.loads(pages))
        found = 0
        for start, end, page, words, embedded in connection.execute(
            "SELECT start, end, page, text, embedded FROM passages WHERE document = ?", (number,)
        ):
            found += 1
            examined += 1
            if text[start:end] != words or not 0 <= start < end:
                problems.add(f"passage {start}-{end} of {id_!r} is not that range of its text")
            if page != page_at(starts, start):
                problems.add(f"passage {start}-{end} of {id_!r} has the wrong page")
            if hashlib.sha256(words.encode()).digest() != embedded:
                problems.add(f"passage {start}-{end} of {id_!r} has the digest of other words")
            if examined % 1000 == 0:
                told("passages", examined, total)
        if found != expected:
            problems.add(f"{id_!r} has {found} passages, not {expected}")
    return problems.close("passages against their ranges", examined, RESTORE)


def _vectors(connection: sqlite3.Connection, told: Callable[[str, int, int | None], None]) -> Check:
    problems = Problems()
    model = reading.model(connection)
    examined, total = 0, reading.count(connection).passages
    for key, id_, vector in connection.execute(
        """
        SELECT passages.key, documents.id, vectors.vector
        FROM passages JOIN documents ON documents.number = passages.document
            LEFT JOIN vectors ON vectors.model = ? AND vectors.passage = passages.key
        """,
        (model.number if model else 0,),
    ):
        examined += 1
        if vector is None or model is None:
            problems.add(f"passage {key} of {id_!r} has no vector")
            continue
        values = np.frombuffer(vector, dtype=VECTOR).astype(np.float32)
        norm = float(np.linalg.norm(values))
        if len(values) != model.dimension:
            problems.add(f"the vector of passage {key} of {id_!r} has {len(values)} numbers, not {model.dimension}")
        elif not abs(norm - 1) <= NORM:
            problems.add(f"the vector of passage {key} of {id_!r} has length {norm:.4f}, not 1")
        if examined % 1000 == 0:
            told("vectors", examined, total)
    for (key,) in connection.execute(
        "SELECT passage FROM vectors WHERE NOT EXISTS (SELECT 1 FROM passages WHERE key = passage)"
    ):
        problems.add(f"there is a vector for passage {key}, which does not exist")
    if model is not None:
        for title in reading.titles_without_vector(connection, model):
            problems.add(f"the title {title!r} has no vector")
    return problems.close("vectors of the passages", examined, "embed again with `fmapps ingest --reembed`")


def _facets(connection: sqlite3.Connection, told: Callable[[str, int, int | None], None]) -> Check:
    problems = Problems()
    examined = 0
    for number, id_, metadata in connection.execute("SELECT number, id, metadata FROM documents"):
        examined += 1
        held = [facet for (facet,) in connection.execute("SELECT facet FROM facets WHERE document = ?", (number,))]
        if sorted(held) != facets(json.loads(metadata)):
            problems.add(f"a filter would not see the metadata of {id_!r} as they are")
    told("metadata", examined, examined)
    return problems.close("metadata against the filters", examined, "add those documents again")


def _log(connection: sqlite3.Connection, told: Callable[[str, int, int | None], None]) -> Check:
    problems = Problems()
    entries, last = connection.execute("SELECT count(*), coalesce(max(sequence), 0) FROM changes").fetchone()
    if entries != last:
        problems.add(f"the change log has {entries} entries, and its last is number {last}")
    for (number,) in connection.execute(
        """
        SELECT number FROM documents WHERE NOT EXISTS (SELECT 1 FROM changes WHERE document = number)
            OR EXISTS (SELECT 1 FROM changes WHERE document = number AND kind = 'removed')
        """
    ):
        problems.add(f"the change log does not account for document number {number}")
    for (number,) in connection.execute(
        """
        SELECT document FROM changes WHERE document IS NOT NULL GROUP BY document
        HAVING sum(kind = 'removed') = 0 AND document NOT IN (SELECT number FROM documents)
        """
    ):
        problems.add(f"document number {number} is gone, and the change log does not say why")
    told("log", entries, entries)
    return problems.close("entries of the change log", entries, RESTORE)
