"""The tables of the store, and how a new one is made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = 1
"""Version of the tables; a store with a higher one was written by a newer fmapps."""

APPLICATION = 0x666D6170
"""Marks the file as ours: "fmap" in ASCII."""

# Numbers are AUTOINCREMENT where an index keeps them: a number that is never given twice cannot bring back a stranger.
# The audit log knows a version by its digest and salt together: with the version its salt goes, and what the log holds
# can no longer be tested against a guessed text.
# Large texts stand last in their rows, so that reading the columns before them does not walk their overflow pages.
TABLES = """
CREATE TABLE models (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    current INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE walls (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    labels TEXT NOT NULL UNIQUE
);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    wall INTEGER NOT NULL REFERENCES walls (number),
    effective_from TEXT,
    effective_to TEXT,
    passages INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    media_type TEXT NOT NULL,
    metadata TEXT NOT NULL
);
CREATE INDEX documents_title ON documents (title);
CREATE INDEX documents_scope ON documents (wall, effective_from, effective_to, number);
CREATE TABLE versions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number),
    digest TEXT NOT NULL,
    added_at TEXT NOT NULL,
    characters INTEGER NOT NULL,
    headings TEXT NOT NULL,
    pages TEXT NOT NULL,
    salt BLOB NOT NULL DEFAULT (randomblob(16)),
    text TEXT NOT NULL,
    UNIQUE (document, digest)
);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number),
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    page INTEGER,
    embedded BLOB NOT NULL,
    heading TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX passages_document ON passages (document);
CREATE TABLE vectors (
    model INTEGER NOT NULL REFERENCES models (number),
    passage INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, passage)
) WITHOUT ROWID;
CREATE TABLE titles (
    model INTEGER NOT NULL REFERENCES models (number),
    title TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, title)
) WITHOUT ROWID;
CREATE TABLE facets (
    facet TEXT NOT NULL,
    document INTEGER NOT NULL REFERENCES documents (number),
    PRIMARY KEY (facet, document)
) WITHOUT ROWID;
CREATE INDEX facets_document ON facets (document);
CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER,
    kind TEXT NOT NULL CHECK (kind IN ('added', 'updated', 'described', 'removed', 'reembedded')),
    at TEXT NOT NULL
);
CREATE INDEX changes_document ON changes (document);
"""


def create(path: Path) -> None:
    """Make an empty store at `path`, whole or not at all.

    It is made beside its place and moved there, so that a store file without its tables is damage, never a beginning.
    """
    draft = path.with_name(path.name + ".new")
    for name in (draft.name, draft.name + "-wal", draft.name + "-shm", draft.name + "-journal"):
        draft.with_name(name).unlink(missing_ok=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(
            f"BEGIN; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA}; COMMIT;"
        )
    draft.replace(path)
