"""What the store holds: documents, versions, passages, vectors, and what changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import DocumentNotFoundError
from fmapps.records import Document, Heading, Passage, Scalar
from fmapps.store.access import Scope, condition, is_possible

VECTOR = np.dtype("<f2")
"""How vectors are kept: half precision moves a cosine by less than 0.0005, and halves the store."""


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document without its text.

    Attributes:
        id: of the document.
        title: what a person would call it.
        version: SHA-256 of the current text.
        characters: of the current text.
        passages: that are searched.
        labels: that a reader must hold.
        metadata: what a filter can compare.
        effective_from: first day in force; None: always was.
        effective_to: last day in force; None: still is.
        source: where it came from.
        added_at: when the document was first added, in UTC.
    """

    id: str
    title: str
    version: str
    characters: int
    passages: int
    labels: frozenset[str]
    metadata: dict[str, Scalar]
    effective_from: date | None
    effective_to: date | None
    source: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model whose vectors the store holds."""

    number: int
    fingerprint: str
    dimension: int


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the indexes need it: what it says, and what decides who finds it."""

    key: int
    document: int
    wall: int
    title: str
    heading: str
    text: str
    metadata: dict[str, Scalar]
    effective_from: date | None
    effective_to: date | None


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)


def sequence(connection: sqlite3.Connection) -> int:
    """The number of the last change; 0 where nothing ever happened."""
    return int(connection.execute("SELECT coalesce(max(sequence), 0) FROM changes").fetchone()[0])


def model(connection: sqlite3.Connection) -> Model | None:
    """The model whose vectors are searched; None in a store that never held one."""
    row = connection.execute("SELECT number, fingerprint, dimension FROM models WHERE current").fetchone()
    return None if row is None else Model(*row)


_DOCUMENT = """
    SELECT documents.id, documents.title, documents.metadata, walls.labels, documents.effective_from,
        documents.effective_to, documents.source, documents.media_type, versions.headings, versions.pages, versions.text
    FROM documents JOIN walls ON walls.number = documents.wall JOIN versions
"""


def find(connection: sqlite3.Connection, document_id: str, scope: Scope, *, version: str | None = None) -> Document:
    """A document, in its current version or in an older one.

    Raises:
        DocumentNotFoundError: there is none in the scope; which of the two is not said.
    """
    where, parameters = condition(scope)
    which = "versions.number = documents.version" if version is None else "versions.digest = ?"
    row = None
    if is_possible(document_id) and is_possible(version or ""):
        row = connection.execute(
            f"{_DOCUMENT} ON versions.document = documents.number AND {which} WHERE documents.id = ? AND {where}",
            [*([] if version is None else [version]), document_id, *parameters],
        ).fetchone()
    if row is None:
        what = f"document {document_id!r}" + (f" in version {version[:12]}" if version else "")
        raise DocumentNotFoundError(
            f"there is no {what} that you may read", remedy="list what there is, or ask for access to it"
        )
    return _document(row)


def _document(row: Sequence[Any]) -> Document:
    return Document(
        id=row[0],
        title=row[1],
        metadata=json.loads(row[2]),
        labels=frozenset(json.loads(row[3])),
        effective_from=_day(row[4]),
        effective_to=_day(row[5]),
        source=row[6],
        media_type=row[7],
        headings=tuple(Heading(*heading) for heading in json.loads(row[8])),
        pages=tuple(json.loads(row[9])),
        text=row[10],
    )


def summaries(connection: sqlite3.Connection, scope: Scope, *, limit: int | None, offset: int) -> list[DocumentSummary]:
    """The documents in the scope, by id."""
    where, parameters = condition(scope)
    rows = connection.execute(
        f"""
        SELECT documents.id, documents.title, versions.digest, versions.characters, documents.passages, walls.labels,
            documents.metadata, documents.effective_from, documents.effective_to, documents.source, documents.added_at
        FROM documents JOIN walls ON walls.number = documents.wall JOIN versions ON versions.number = documents.version
        WHERE {where} ORDER BY documents.id LIMIT ? OFFSET ?
        """,  # noqa: S608
        [*parameters, -1 if limit is None else limit, offset],
    )
    return [
        DocumentSummary(
            id=row[0],
            title=row[1],
            version=row[2],
            characters=row[3],
            passages=row[4],
            labels=frozenset(json.loads(row[5])),
            metadata=json.loads(row[6]),
            effective_from=_day(row[7]),
            effective_to=_day(row[8]),
            source=row[9],
            added_at=datetime.fromisoformat(row[10]),
        )
        for row in rows
    ]


def numbers(connection: sqlite3.Connection, scope: Scope) -> NDArray[np.int64]:
    """The numbers of the documents in the scope, in no order."""
    where, parameters = condition(scope)
    rows = connection.execute(f"SELECT number FROM documents WHERE {where}", parameters).fetchall()  # noqa: S608
    return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))


def resolve(connection: sqlite3.Connection, keys: Sequence[int], scope: Scope) -> dict[int, Passage]:
    """The passages with these keys that still exist behind readable walls."""
    where, parameters = condition(Scope(walls=scope.walls))
    rows = connection.execute(
        f"""
        SELECT passages.key, documents.id, versions.digest, passages.start, passages.end, passages.text,
            documents.title, passages.heading, passages.page
        FROM passages JOIN documents ON documents.number = passages.document
            JOIN versions ON versions.number = documents.version
        WHERE passages.key IN (SELECT value FROM json_each(?)) AND {where}
        """,  # noqa: S608
        [json.dumps([int(key) for key in keys]), *parameters],
    )
    return {row[0]: Passage(*row[1:]) for row in rows}


def changed(connection: sqlite3.Connection, after: int, *, limit: int) -> tuple[int, dict[int, str], bool]:
    """What changed after a point of the log.

    Args:
        connection: inside a read transaction.
        after: the last change already known.
        limit: changes to read at most.

    Returns:
        The sequence reached; for each document changed its first kind of change since `after`; and whether a new
        model came into force, so that every vector is another.
    """
    rows = connection.execute(
        "SELECT sequence, document, kind FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit)
    ).fetchall()
    first: dict[int, str] = {}
    reembedded = False
    for _, document, kind in rows:
        if kind == "reembedded":
            reembedded = True
        else:
            first.setdefault(document, kind)
    return (rows[-1][0] if rows else after), first, reembedded


def passages_of(connection: sqlite3.Connection, documents: Collection[int]) -> Iterator[StoredPassage]:
    """The current passages of these documents, document by document."""
    rows = connection.execute(
        """
        SELECT passages.key, documents.number, documents.wall, documents.title, passages.heading, passages.text,
            documents.metadata, documents.effective_from, documents.effective_to
        FROM json_each(?) AS wanted CROSS JOIN documents ON documents.number = wanted.value
            CROSS JOIN passages ON passages.document = documents.number
        """,
        (json.dumps(sorted(documents)),),
    )
    for row in rows:
        yield _stored_passage(row)


def every_passage(connection: sqlite3.Connection) -> Iterator[StoredPassage]:
    """Every current passage, by document; reads as it goes."""
    rows = connection.execute(
        """
        SELECT passages.key, documents.number, documents.wall, documents.title, passages.heading, passages.text,
            documents.metadata, documents.effective_from, documents.effective_to
        FROM passages JOIN documents ON documents.number = passages.document ORDER BY passages.key
        """
    )
    for row in rows:
        yield _stored_passage(row)


def _stored_passage(row: Sequence[Any]) -> StoredPassage:
    key, document, wall, title, heading, text, metadata, effective_from, effective_to = row
    return StoredPassage(
        key, document, wall, title, heading, text, json.loads(metadata), _day(effective_from), _day(effective_to)
    )


_OF_THESE = "json_each(?) AS wanted CROSS JOIN passages ON passages.document = wanted.value"


def vectors_of(
    connection: sqlite3.Connection, model: Model, documents: Collection[int] | None = None
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Key, document and vector of every current passage, of these documents or of all; reads as it goes."""
    # CROSS JOIN keeps SQLite from starting at the vectors, of which it would read every one.
    some = "passages" if documents is None else _OF_THESE
    rows = connection.execute(
        f"""
        SELECT passages.key, passages.document, vectors.vector
        FROM {some} CROSS JOIN vectors ON vectors.model = ? AND vectors.passage = passages.key
        """,  # noqa: S608
        [*([] if documents is None else [json.dumps(sorted(documents))]), model.number],
    )
    for key, document, vector in rows:
        yield key, document, np.frombuffer(vector, dtype=VECTOR).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the store holds."""

    documents: int
    versions: int
    passages: int


def count(connection: sqlite3.Connection) -> Counts:
    """Documents, versions of them, and passages of their current versions."""
    return Counts(
        *connection.execute(
            "SELECT count(*), (SELECT count(*) FROM versions), coalesce(sum(passages), 0) FROM documents"
        ).fetchone()
    )


def without_vector(connection: sqlite3.Connection, model: Model, *, after: int, limit: int) -> list[tuple[int, str]]:
    """Key and text of passages, past the key `after`, that this model has not embedded."""
    return connection.execute(
        """
        SELECT key, text FROM passages WHERE key > ?
            AND NOT EXISTS (SELECT 1 FROM vectors WHERE model = ? AND passage = key) ORDER BY key LIMIT ?
        """,
        (after, model.number, limit),
    ).fetchall()


def last_number(connection: sqlite3.Connection) -> int:
    """The highest document number ever given."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'documents'").fetchone()
    return int(row[0]) if row else 0


def keys(connection: sqlite3.Connection) -> Iterator[int]:
    """The keys of every current passage, rising."""
    return (key for (key,) in connection.execute("SELECT key FROM passages ORDER BY key"))


def titles_without_vector(
    connection: sqlite3.Connection, model: Model, titles: Collection[str] | None = None
) -> frozenset[str]:
    """Those of the titles, or of all documents' titles, that this model has not embedded; an empty one needs none."""
    if titles is None:
        titles = [title for (title,) in connection.execute("SELECT DISTINCT title FROM documents WHERE title <> ''")]
    rows = connection.execute(
        "SELECT title FROM titles WHERE model = ? AND title IN (SELECT value FROM json_each(?))",
        (model.number, json.dumps(sorted(titles))),
    )
    return frozenset(titles) - {title for (title,) in rows}


def title_vectors(
    connection: sqlite3.Connection, model: Model, documents: Collection[int]
) -> dict[int, tuple[str, NDArray[np.float32]]]:
    """Title of each of these documents that has one, with its vector, by document number."""
    rows = connection.execute(
        """
        SELECT documents.number, documents.title, titles.vector
        FROM json_each(?) AS wanted CROSS JOIN documents ON documents.number = wanted.value
            CROSS JOIN titles ON titles.model = ? AND titles.title = documents.title
        """,
        (json.dumps(sorted(documents)), model.number),
    )
    return {number: (title, np.frombuffer(vector, dtype=VECTOR).astype(np.float32)) for number, title, vector in rows}


def titled(
    connection: sqlite3.Connection, title: str, scope: Scope, *, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys and document numbers, shape (n,) each, of the passages of documents in the scope with this title."""
    where, parameters = condition(scope)
    rows = connection.execute(
        f"""
        SELECT passages.key, passages.document FROM documents JOIN passages ON passages.document = documents.number
        WHERE documents.title = ? AND {where} LIMIT ?
        """,  # noqa: S608
        [title, *parameters, limit],
    ).fetchall()
    pairs = np.array(rows, dtype=np.int64).reshape(len(rows), 2)
    return pairs[:, 0], pairs[:, 1]
