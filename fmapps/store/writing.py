"""Changes to the store, each with its entry in the log; every function runs inside one write transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InvalidDocumentError
from fmapps.records import Document, Passage, Scalar
from fmapps.store.access import facets, is_possible, wall
from fmapps.store.reading import VECTOR, Model

Difference = Literal["added", "updated", "described", "unchanged"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds of a document, as far as telling a change takes."""

    number: int
    content: tuple[str, ...]
    description: tuple[str | None, ...]

    def difference(self, document: Document) -> Difference:
        """What adding `document` would change."""
        if self.content != content(document):
            return "updated"
        return "unchanged" if self.description == description(document) else "described"

    @property
    def source(self) -> str:
        """Where what is held was read from."""
        return self.description[1] or ""


def content(document: Document) -> tuple[str, ...]:
    """What decides a document's passages: digest of the text, headings, pages."""
    headings = [(heading.start, heading.end, heading.level) for heading in document.headings]
    return document.version, json.dumps(headings), json.dumps(list(document.pages))


def description(document: Document) -> tuple[str | None, ...]:
    """What may change without touching text or vectors: title, source, media type, metadata, labels, period.

    Raises:
        InvalidDocumentError: a value cannot be stored.
    """
    for key, value in document.metadata.items():
        if not isinstance(key, str) or not isinstance(value, str | int | float | bool):
            raise InvalidDocumentError(
                f"metadata {key!r} of document {document.id!r} is a {type(value).__name__}",
                where=document.source,
                remedy="use a text key and a text, a number or a truth value; join lists into a text",
            )
    try:
        metadata = json.dumps(dict(document.metadata), sort_keys=True, ensure_ascii=False, allow_nan=False)
        labels = json.dumps(sorted(document.labels), ensure_ascii=False)
        (metadata + labels + document.source + document.media_type).encode()
    except (ValueError, TypeError) as error:
        raise InvalidDocumentError(
            f"metadata, labels or source of document {document.id!r} cannot be stored: {error}",
            where=ascii(document.source),
            remedy="use finite numbers and text without lone surrogates",
        ) from error
    if any(
        "\0" in text
        for text in (document.id, document.title, document.source, *document.labels, *_texts(document.metadata))
    ):
        raise InvalidDocumentError(
            f"id, title, source, metadata or labels of document {document.id!a} hold a NUL, which is not text",
            where=ascii(document.source),
            remedy="remove U+0000 from it",
        )
    return (
        document.title,
        document.source,
        document.media_type,
        metadata,
        labels,
        None if document.effective_from is None else document.effective_from.isoformat(),
        None if document.effective_to is None else document.effective_to.isoformat(),
    )


def _texts(metadata: Mapping[str, Scalar]) -> Iterator[str]:
    return (str(text) for pair in metadata.items() for text in pair)


def stored(connection: sqlite3.Connection, document_id: str) -> Stored | None:
    """What the store holds under this id."""
    row = connection.execute(
        """
        SELECT documents.number, versions.digest, versions.headings, versions.pages, documents.title, documents.source,
            documents.media_type, documents.metadata, walls.labels, documents.effective_from, documents.effective_to
        FROM documents JOIN walls ON walls.number = documents.wall JOIN versions ON versions.number = documents.version
        WHERE documents.id = ?
        """,
        (document_id,),
    ).fetchone()
    return None if row is None else Stored(row[0], row[1:4], row[4:])


def vectors_by_digest(connection: sqlite3.Connection, document: int, model: Model) -> dict[bytes, NDArray[np.float32]]:
    """The vectors of a document's current passages, by the digest of the text that was embedded."""
    rows = connection.execute(
        """
        SELECT passages.embedded, vectors.vector FROM passages
            JOIN vectors ON vectors.model = ? AND vectors.passage = passages.key WHERE passages.document = ?
        """,
        (model.number, document),
    )
    return {digest: np.frombuffer(vector, dtype=VECTOR).astype(np.float32) for digest, vector in rows}


def use_model(connection: sqlite3.Connection, fingerprint: str, dimension: int, *, current: bool) -> Model:
    """Register an embedding model; with `current`, its vectors are the ones that are searched from now on."""
    connection.execute(
        "INSERT INTO models (fingerprint, dimension) VALUES (?, ?) ON CONFLICT (fingerprint) DO NOTHING",
        (fingerprint, dimension),
    )
    row = connection.execute(
        "SELECT number, fingerprint, dimension FROM models WHERE fingerprint = ?", (fingerprint,)
    ).fetchone()
    if current:
        connection.execute("UPDATE models SET current = (number = ?)", (row[0],))
    return Model(*row)


def put(
    connection: sqlite3.Connection,
    document: Document,
    passages: Sequence[Passage],
    digests: Sequence[bytes],
    vectors: NDArray[np.float32],
    model: Model,
) -> None:
    """Make this text the document's current version.

    Args:
        connection: inside a write transaction.
        document: new, or under an id that exists.
        passages: n exact ranges of its text.
        digests: n, of the texts that were embedded.
        vectors: shape (n, dimension), unit rows.
        model: that made the vectors.
    """
    now = _now()
    written = description(document)
    digest, headings, pages = content(document)
    known = stored(connection, document.id)
    if known is None:
        number = int(
            connection.execute(
                """
                INSERT INTO documents (id, version, wall, passages, added_at, title, source, media_type, metadata)
                VALUES (?, 0, ?, 0, ?, '', '', '', '') RETURNING number
                """,
                (document.id, wall(connection, document.labels), now),
            ).fetchone()[0]
        )
    else:
        number = known.number
        _delete_passages(connection, number)
    version = connection.execute(
        """
        INSERT INTO versions (document, digest, added_at, characters, headings, pages, text)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (document, digest)
            DO UPDATE SET headings = excluded.headings, pages = excluded.pages
        RETURNING number
        """,
        (number, digest, now, len(document.text), headings, pages, document.text),
    ).fetchone()[0]
    connection.execute(
        "UPDATE documents SET version = ?, passages = ? WHERE number = ?", (version, len(passages), number)
    )
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
    first = (row[0] if row else 0) + 1
    connection.executemany(
        """
        INSERT INTO passages (key, document, start, end, page, embedded, heading, text)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            (first + i, number, passage.start, passage.end, passage.page, digests[i], passage.heading, passage.text)
            for i, passage in enumerate(passages)
        ),
    )
    connection.executemany(
        "INSERT INTO vectors (model, passage, vector) VALUES (?, ?, ?)",
        ((model.number, first + i, vector.tobytes()) for i, vector in enumerate(vectors.astype(VECTOR))),
    )
    _describe(connection, number, document, written)
    _log(connection, number, "added" if known is None else "updated")


def describe(connection: sqlite3.Connection, number: int, document: Document) -> None:
    """Change what does not touch text or vectors."""
    _describe(connection, number, document, description(document))
    _log(connection, number, "described")


def remove(connection: sqlite3.Connection, ids: Collection[str]) -> int:
    """Delete every trace of these documents; the log keeps their numbers only.

    Returns:
        How many there were.
    """
    rows = connection.execute(
        "SELECT number, title FROM documents WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([id_ for id_ in ids if is_possible(id_)]),),
    ).fetchall()
    for number, title in rows:
        _delete_passages(connection, number)
        for table in ("facets", "versions"):
            connection.execute(f"DELETE FROM {table} WHERE document = ?", (number,))  # noqa: S608
        connection.execute("DELETE FROM documents WHERE number = ?", (number,))
        _drop_title_if_unused(connection, title)
        _log(connection, number, "removed")
    _drop_unused_walls(connection)
    return len(rows)


def put_vectors(
    connection: sqlite3.Connection, model: Model, keys: Sequence[int], vectors: NDArray[np.float32]
) -> None:
    """Keep another model's vectors of existing passages."""
    connection.executemany(
        "INSERT OR REPLACE INTO vectors (model, passage, vector) VALUES (?, ?, ?)",
        ((model.number, key, vector.tobytes()) for key, vector in zip(keys, vectors.astype(VECTOR), strict=True)),
    )


def put_title_vectors(
    connection: sqlite3.Connection, model: Model, titles: Sequence[str], vectors: NDArray[np.float32]
) -> None:
    """Keep a model's vectors of titles."""
    connection.executemany(
        "INSERT OR REPLACE INTO titles (model, title, vector) VALUES (?, ?, ?)",
        ((model.number, title, vector.tobytes()) for title, vector in zip(titles, vectors.astype(VECTOR), strict=True)),
    )


def switch_model(connection: sqlite3.Connection, model: Model) -> None:
    """Search with this model's vectors from now on, and forget those of every other."""
    use_model(connection, model.fingerprint, model.dimension, current=True)
    connection.execute("DELETE FROM vectors WHERE model <> ?", (model.number,))
    connection.execute("DELETE FROM titles WHERE model <> ?", (model.number,))
    connection.execute("DELETE FROM models WHERE number <> ?", (model.number,))
    _log(connection, None, "reembedded")


def _describe(connection: sqlite3.Connection, number: int, document: Document, written: tuple[str | None, ...]) -> None:
    title, source, media_type, metadata, _, effective_from, effective_to = written
    (before, title_before) = connection.execute(
        "SELECT wall, title FROM documents WHERE number = ?", (number,)
    ).fetchone()
    after = wall(connection, document.labels)
    connection.execute(
        """
        UPDATE documents SET title = ?, source = ?, media_type = ?, metadata = ?, wall = ?, effective_from = ?,
            effective_to = ? WHERE number = ?
        """,
        (title, source, media_type, metadata, after, effective_from, effective_to, number),
    )
    connection.execute("DELETE FROM facets WHERE document = ?", (number,))
    connection.executemany(
        "INSERT INTO facets (facet, document) VALUES (?, ?)", ((facet, number) for facet in facets(document.metadata))
    )
    if before != after:
        _drop_unused_walls(connection)
    if title_before != title:
        _drop_title_if_unused(connection, title_before)


def _delete_passages(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(
        """
        DELETE FROM vectors WHERE model IN (SELECT number FROM models)
            AND passage IN (SELECT key FROM passages WHERE document = ?)
        """,
        (number,),
    )
    connection.execute("DELETE FROM passages WHERE document = ?", (number,))


def _drop_unused_walls(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM walls WHERE NOT EXISTS (SELECT 1 FROM documents WHERE documents.wall = walls.number)"
    )


def _drop_title_if_unused(connection: sqlite3.Connection, title: str) -> None:
    connection.execute(
        """
        DELETE FROM titles WHERE model IN (SELECT number FROM models) AND title = ?
            AND NOT EXISTS (SELECT 1 FROM documents WHERE documents.title = titles.title)
        """,
        (title,),
    )


def _log(connection: sqlite3.Connection, number: int | None, kind: str) -> None:
    connection.execute("INSERT INTO changes (document, kind, at) VALUES (?, ?, ?)", (number, kind, _now()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
