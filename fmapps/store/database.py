"""The SQLite file: its connections, transactions, one writer at a time, and what its errors mean."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fmapps.errors import CorruptStoreError, FmappsError, StoreBusyError, StoreError, StoreVersionError
from fmapps.store import schema

STORE = "store.sqlite3"
IDLE_CONNECTIONS = 16
RESTORE = "restore the folder from a backup, or ingest the sources into a new folder"


class Database:
    """The store of one corpus folder; safe for concurrent threads, and for concurrent processes.

    Args:
        folder: the corpus folder.
        create: make folder and store where they are missing.
        read_only: never write, not even a lock; works in a folder that cannot be written.
        writer_timeout: seconds to wait for another writer.

    Raises:
        StoreError: there is no store and none may be made, or the folder is something else.
        StoreVersionError: a newer fmapps wrote it.
        CorruptStoreError: the file is damaged.
    """

    def __init__(self, folder: Path, *, create: bool, read_only: bool, writer_timeout: float) -> None:
        self.folder = folder
        self.path = folder / STORE
        self.read_only = read_only
        self.writer_timeout = writer_timeout
        self._idle: list[sqlite3.Connection] = []
        self._open: set[sqlite3.Connection] = set()
        self._guard = threading.Lock()
        self._closed = False
        self._immutable = False
        self._writer_guard = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        if not self.path.exists():
            self._create(create and not read_only)
        self._examine()

    def _create(self, allowed: bool) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreError("a corpus is a folder, and this is a file", where=str(self.folder), remedy="name a folder")
        if not allowed:
            raise StoreError(
                "there is no corpus here",
                where=str(self.folder),
                remedy="make one with `fmapps ingest`, or correct the path",
            )
        with _filesystem(self.folder):
            if self.folder.exists() and any(not _ours_before_store(entry.name) for entry in self.folder.iterdir()):
                raise StoreError(
                    f"the folder is not empty and holds no {STORE}",
                    where=str(self.folder),
                    remedy=f"name a new or empty folder; if this was a corpus, its store is lost: {RESTORE}",
                )
            self.folder.mkdir(parents=True, exist_ok=True)
        with self.writing(), translating(self.path):
            if not self.path.exists():
                schema.create(self.path)

    def _examine(self) -> None:
        if self.path.stat().st_size == 0:
            raise CorruptStoreError("the store is an empty file", where=str(self.path), remedy=RESTORE)
        with self.read() as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION:
                raise CorruptStoreError(
                    "the file is not a store of fmapps", where=str(self.path), remedy=f"correct the path, or {RESTORE}"
                )
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > schema.SCHEMA:
            raise StoreVersionError(
                f"the store has schema {version}, and this fmapps reads up to {schema.SCHEMA}",
                where=str(self.path),
                remedy="install a newer fmapps (pip install --upgrade fmapps)",
            )
        if version < 1:
            raise CorruptStoreError(f"the store has schema {version}", where=str(self.path), remedy=RESTORE)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one read transaction: everything read in the block is of one moment."""
        with translating(self.path):
            connection = self._borrow()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer, of all threads and processes, for the length of the block.

        Raises:
            StoreBusyError: another one still writes after `writer_timeout` seconds.
        """
        self._check_writable()
        deadline = time.monotonic() + self.writer_timeout
        if not self._writer_guard.acquire(timeout=self.writer_timeout):
            raise self._busy()
        try:
            lock = FileLock(self.folder / "write.lock", thread_local=False)
            with _filesystem(self.folder):
                try:
                    lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
                except Timeout:
                    raise self._busy() from None
            try:
                yield
            finally:
                lock.release()
        finally:
            self._writer_guard.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction, committed at the end of the block, undone where it raises; only inside `writing`."""
        with translating(self.path):
            if self._writer is None:
                self._writer = self._connect()
            connection = self._writer
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def vacuum(self) -> None:
        """Rewrite the file without its free pages, and empty the write-ahead log; only inside `writing`.

        Raises:
            StoreBusyError: a reader held on to an old state for `writer_timeout` seconds, so that the log could not
                be emptied.
        """
        with translating(self.path):
            if self._writer is None:
                self._writer = self._connect()
            self._drop_idle()
            self._writer.execute("VACUUM")
            deadline = time.monotonic() + self.writer_timeout
            while self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise StoreBusyError(
                        "removed, but a reader still holds the old state, so its traces could not be overwritten",
                        where=str(self.path),
                        remedy="end the other processes that read this corpus, and purge again",
                    )
                time.sleep(0.05)

    def close(self) -> None:
        """Close every connection; the last one to close empties the write-ahead log."""
        with self._guard:
            self._closed = True
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._idle.clear()
            self._writer = None

    def _drop_idle(self) -> None:
        with self._guard:
            for connection in self._idle:
                connection.close()
                self._open.discard(connection)
            self._idle.clear()

    def _borrow(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise StoreError("the corpus is closed", where=str(self.folder), remedy="open it again")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        with self._guard:
            if self._closed or len(self._idle) >= IDLE_CONNECTIONS or connection.in_transaction:
                self._open.discard(connection)
                connection.close()
            else:
                self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        options = ("mode=ro" if self.read_only else "mode=rw") + ("&immutable=1" if self._immutable else "")
        uri = f"{self.path.resolve().as_uri()}?{options}"
        wait = min(10.0, self.writer_timeout)
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=wait)
        try:
            connection.execute("PRAGMA cache_size = -16000")
            connection.execute("PRAGMA foreign_keys = ON")
            if not self.read_only:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            log = self.path.with_name(self.path.name + "-wal")
            unable = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
            if self.read_only and unable and not self._immutable and not (log.exists() and log.stat().st_size):
                # A folder that cannot be written has no room for the shared memory of WAL: read it as it lies.
                self._immutable = True
                return self._connect()
            raise
        except BaseException:
            connection.close()
            raise
        with self._guard:
            self._open.add(connection)
        return connection

    def _check_writable(self) -> None:
        if self.read_only:
            raise StoreError(
                "the corpus was opened read-only", where=str(self.folder), remedy="open it without read_only=True"
            )
        if self._closed:
            raise StoreError("the corpus is closed", where=str(self.folder), remedy="open it again")

    def _busy(self) -> StoreBusyError:
        return StoreBusyError(
            f"another writer has been at work for more than {self.writer_timeout:g} seconds",
            where=str(self.folder),
            remedy="wait for the other ingest or removal to end, or raise FMAPPS_WRITER_TIMEOUT",
        )


def _ours_before_store(name: str) -> bool:
    return name == "write.lock" or name.startswith(STORE + ".new")


@contextmanager
def _filesystem(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the folder cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="free space, mend its permissions, or open it with read_only=True",
        ) from error


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Raise what an SQLite error inside the block means for the file at `path`; a fault of ours stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        known = _meaning(error, path)
        if known is None:
            raise
        raise known from error


def _meaning(error: sqlite3.Error, path: Path) -> FmappsError | None:
    """What an SQLite error says to the person at the keyboard; None where it is a fault of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    where = str(path)
    if code is None:
        if "closed" in str(error):
            return StoreError("the corpus is closed", where=where, remedy="open it again")
        return None
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return CorruptStoreError(f"the store is damaged ({error})", where=where, remedy=RESTORE)
    if primary == sqlite3.SQLITE_FULL:
        return StoreError(
            "no space is left for the store; what was committed before is kept",
            where=where,
            remedy="free space on that disk and run the command again",
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError(
            f"another program holds the store ({error})", where=where, remedy="close that program, or try again later"
        )
    if primary == sqlite3.SQLITE_READONLY:
        return StoreError(
            f"the store cannot be written ({error})",
            where=where,
            remedy="mend the permissions of the folder and its files",
        )
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        kind = f"cannot be read or written ({error})" if path.exists() else "does not exist"
        return StoreError(f"the store {kind}", where=where, remedy="look at the disk's space, health and permissions")
    return None
