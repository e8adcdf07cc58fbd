"""The audit log of a corpus: append-only records in a chain of hashes, whose personal fields can be erased.

The log is a file of its own beside the store, so that a record never waits for a long ingest. Each record's hash covers
its number, the hash before it and its body. Personal fields stand in a side table; the body holds a salted commitment
to them, so that they can be erased, salt included, while the chain stays whole.

Without a head, commits are written through to the disk when SQLite sees fit (synchronous = NORMAL): a killed process
loses nothing, a power cut may lose the newest records, and the chain stays whole. With a head, or where records are
required, every record is on the disk before its answer is shown (synchronous = FULL).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fmapps.errors import CorruptStoreError, StoreBusyError, StoreError, StoreVersionError
from fmapps.store.database import RESTORE, translating
from fmapps.store.seal import Head, Seal

AUDIT = "audit.sqlite3"
SCHEMA = 1
APPLICATION = 0x666D6175
"""Marks the file as ours: "fmau" in ASCII."""
GENESIS = "0" * 64
"""Stands for the hash before the first record."""

_TABLES = """
CREATE TABLE records (
    sequence INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    seal TEXT,
    body TEXT NOT NULL
);
CREATE TABLE personal (
    sequence INTEGER PRIMARY KEY,
    principal TEXT NOT NULL,
    role TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    salt BLOB NOT NULL
);
CREATE INDEX personal_principal ON personal (principal);
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asked, and the words, of which only keyed fingerprints are kept.

    Attributes:
        principal: id of the one who asked.
        role: theirs, as the vertical names it.
        question: its text.
        answer: its text.
    """

    principal: str
    role: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it is read back.

    Attributes:
        sequence: its number, from 1.
        body: what was recorded.
        principal: who asked; None where that was erased, or nobody asked.
        role: theirs.
    """

    sequence: int
    body: Mapping[str, Any]
    principal: str | None
    role: str | None


def canonical(value: object) -> str:
    """JSON of which there is one form: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(sequence: int, previous: str, body: str) -> str:
    """The hash of a record: SHA-256 over its number, the hash before it and its body."""
    return hashlib.sha256(f"{sequence}\n{previous}\n{body}".encode()).hexdigest()


def commitment(salt: bytes, *fields: str) -> str:
    """What the chain holds of fields that may be erased: SHA-256 over a salt and the fields."""
    return hashlib.sha256(salt + canonical(fields).encode()).hexdigest()


def fingerprint(salt: bytes, key: bytes, kind: str, text: str) -> str:
    """Tells whether a text is the recorded one: HMAC-SHA256 under the record's salt and the deployment's key, if any.

    A lone surrogate, which a request may hold, counts as what it is.
    """
    return hmac.new(salt + key, f"{kind}\n{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


class AuditLog:
    """The audit log of one corpus folder; safe for concurrent threads, and for concurrent processes.

    Args:
        folder: the corpus folder.
        seal: seals records and keeps the head; None: neither.
        required: write every record through to the disk, and record nothing on a log that its head contradicts.
        timeout: seconds to wait for another process that appends.
    """

    def __init__(
        self, folder: Path, *, seal: Seal | None = None, required: bool = False, timeout: float = 10.0
    ) -> None:
        self.path = folder / AUDIT
        self.seal = seal
        self._required = required
        self._timeout = timeout
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._warned = False

    def append(self, body: Mapping[str, Any], person: Person | None = None) -> int:
        """Add a record; `at` is set here, so that times rise with the numbers unless the clock is set back.

        Args:
            body: what JSON can hold, with nothing personal in it.
            person: who asked.

        Returns:
            The record's number.

        Raises:
            StoreError: it cannot be written.
        """
        with self._appending() as connection:
            return self._extend(connection, body, person)

    def erase(self, principal: str) -> int:
        """Forget a person: their id, role, fingerprints and salts go, and a record says from which records.

        Returns:
            From how many records.

        Raises:
            StoreBusyError: erased, but a reader holds on to the old state, so that its bytes are still in the file.
        """
        if not self.path.exists():
            return 0
        with self._appending() as connection:
            rows = connection.execute(
                "DELETE FROM personal WHERE principal = ? RETURNING sequence", (principal,)
            ).fetchall()
            numbers = sorted(row[0] for row in rows)
            if numbers:
                self._extend(connection, {"kind": "erasure", "erased": ranges(numbers)}, None)
        # Also where nothing was found: an earlier erasure may have been unable to do it.
        self._empty_write_ahead_log()
        return len(numbers)

    def accept(self) -> int:
        """Let the head begin anew where the log ends now, and record that; for whoever has looked into the log.

        Returns:
            The number of the record that says so.
        """
        with self._appending(accept=True) as connection:
            return self._extend(connection, {"kind": "accepted"}, None)

    def entries(
        self, *, limit: int | None = None, principal: str | None = None, question: str | None = None
    ) -> Iterator[Entry]:
        """Records, the newest first.

        Args:
            limit: at most so many.
            principal: only theirs.
            question: only those whose question was this, to the letter; needs the key they were made with.

        Raises:
            CorruptStoreError: a record is not JSON.
        """
        key = self.seal.key if self.seal else b""
        with self.reading() as connection:
            if connection is None:
                return
            rows = connection.execute(
                """
                SELECT sequence, body, principal, role, question, salt FROM records LEFT JOIN personal USING (sequence)
                WHERE ?1 IS NULL OR principal = ?1 ORDER BY sequence DESC
                """,
                (principal,),
            )
            found = 0
            for sequence, body, who, role, asked, salt in rows:
                if limit is not None and found >= limit:
                    return
                if question is not None and (salt is None or fingerprint(salt, key, "question", question) != asked):
                    continue
                found += 1
                yield Entry(sequence, self._parsed(sequence, body), who, role)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection inside one read transaction, in which nothing can be written; None where there is no log."""
        if not self.path.exists():
            yield None
            return
        with translating(self.path), closing(self._open_to_read()) as connection:
            connection.execute("BEGIN")
            yield connection

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            self._disconnect()

    def _parsed(self, sequence: int, body: object) -> Mapping[str, Any]:
        try:
            parsed = json.loads(body)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            parsed = None
        if not isinstance(parsed, dict):
            raise CorruptStoreError(
                f"record {sequence} cannot be read", where=str(self.path), remedy="run `fmapps audit verify`"
            )
        return parsed

    @contextmanager
    def _appending(self, *, accept: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction, after which the head moves on if the log is still the one it vouches for."""
        with self._guard, self._alone(), translating(self.path):
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                before = _tail(connection)
                contradicted = "" if accept else self._contradiction(connection, before)
                if contradicted and self._required:
                    raise CorruptStoreError(
                        contradicted, where=str(self.path), remedy="run `fmapps audit verify`, and look into it"
                    )
                yield connection
                after = _tail(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            if self.seal and after != before and not contradicted:
                self.seal.advance(after)
        if contradicted and not self._warned:
            self._warned = True
            logger.warning("%s: %s. Run `fmapps audit verify`.", self.path, contradicted)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self.seal is None:
            yield
        else:
            with self.seal.alone():
                yield

    def _contradiction(self, connection: sqlite3.Connection, tail: Head) -> str:
        """Why the head must not move on; empty where it may."""
        if self.seal is None or self.seal.head_file is None:
            return ""
        try:
            head = self.seal.head()
        except CorruptStoreError as error:
            return error.message
        if head is None:
            return "the audit log has records, and no head was kept" if tail.sequence else ""
        row = connection.execute("SELECT hash FROM records WHERE sequence = ?", (head.sequence,)).fetchone()
        return "" if row and row[0] == head.hash else "the audit log is not the one that its head vouches for"

    def _extend(self, connection: sqlite3.Connection, body: Mapping[str, Any], person: Person | None) -> int:
        tail = _tail(connection)
        sequence = tail.sequence + 1
        whole = {**body, "at": datetime.now(UTC).isoformat(timespec="microseconds")}
        if person is not None:
            salt = secrets.token_bytes(32)
            key = self.seal.key if self.seal else b""
            fields = (
                _encodable(person.principal),
                _encodable(person.role),
                fingerprint(salt, key, "question", person.question),
                fingerprint(salt, key, "answer", person.answer),
            )
            whole["person"] = commitment(salt, *fields)
            connection.execute("INSERT INTO personal VALUES (?, ?, ?, ?, ?, ?)", (sequence, *fields, salt))
        written = _encodable(canonical(whole))
        hashed = digest(sequence, tail.hash, written)
        connection.execute(
            "INSERT INTO records (sequence, hash, seal, body) VALUES (?, ?, ?, ?)",
            (sequence, hashed, self.seal.of(hashed) if self.seal else None, written),
        )
        return sequence

    def _connected(self) -> sqlite3.Connection:
        """The connection that writes, to the file that lies there now."""
        try:
            lies = self.path.stat()
        except FileNotFoundError:
            self._disconnect()
            self._create()
            lies = self.path.stat()
        if self._connection is None or self._opened != (lies.st_dev, lies.st_ino):
            self._disconnect()
            self._connection = self._open("rw")
            self._opened = (lies.st_dev, lies.st_ino)
            self._connection.execute("PRAGMA secure_delete = ON")
            durable = self._required or (self.seal is not None and self.seal.head_file is not None)
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        return self._connection

    def _create(self) -> None:
        """Make an empty log, whole or not at all."""
        try:
            with FileLock(self.path.with_suffix(".lock"), timeout=self._timeout, thread_local=False):
                if self.path.exists():
                    return
                draft = self.path.with_name(self.path.name + ".new")
                for suffix in ("", "-wal", "-shm"):
                    draft.with_name(draft.name + suffix).unlink(missing_ok=True)
                with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.executescript(
                        f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA}; "
                        "COMMIT;"
                    )
                draft.replace(self.path)
        except Timeout:
            raise StoreBusyError(
                "another process has been making the audit log for too long",
                where=str(self.path),
                remedy="try again",
            ) from None
        except OSError as error:
            raise StoreError(
                f"the audit log cannot be made: {error.strerror or error}",
                where=str(self.path),
                remedy="make the corpus folder writable for this process, or set FMAPPS_AUDIT=off",
            ) from error

    def _open_to_read(self) -> sqlite3.Connection:
        try:
            return self._open("ro")
        except sqlite3.OperationalError as error:
            waiting = self.path.with_name(self.path.name + "-wal")
            unable = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
            if unable and not (waiting.exists() and waiting.stat().st_size):
                # A folder that cannot be written has no room for the shared memory of WAL: read it as it lies.
                return self._open("ro&immutable=1")
            raise

    def _open(self, mode: str) -> sqlite3.Connection:
        uri = f"{self.path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=self._timeout
        )
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION or version < 1:
                raise CorruptStoreError("the file is no audit log of fmapps", where=str(self.path), remedy=RESTORE)
            if version > SCHEMA:
                raise StoreVersionError(
                    f"the audit log has schema {version}, and this fmapps reads up to {SCHEMA}",
                    where=str(self.path),
                    remedy="install a newer fmapps (pip install --upgrade fmapps)",
                )
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _empty_write_ahead_log(self) -> None:
        with self._guard, translating(self.path):
            connection = self._connected()
            deadline = time.monotonic() + self._timeout
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise StoreBusyError(
                        "erased, but a reader still holds the old state, so its traces could not be overwritten",
                        where=str(self.path),
                        remedy="end the other processes that use this corpus, and erase again",
                    )
                time.sleep(0.05)


def ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Rising numbers as runs: [first, last], both included."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def _tail(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT sequence, hash FROM records ORDER BY sequence DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, GENESIS)


def _encodable(text: str) -> str:
    """The text with what is no character, which SQLite cannot hold, replaced."""
    return text.encode("utf-8", "replace").decode()
