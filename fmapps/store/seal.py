"""A key kept outside the corpus: it seals each record of the audit log, and the head that says how far the log goes."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fmapps.errors import ConfigurationError, CorruptStoreError, StoreBusyError, StoreError

KEY_BYTES = 32
_MAKE = f"make one with: python -c 'import secrets; print(secrets.token_hex({KEY_BYTES}))' > FILE && chmod 600 FILE"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record that was sealed: its number and its hash."""

    sequence: int
    hash: str


class Seal:
    """Makes and checks seals with a key that whoever can write the corpus need not know.

    Args:
        key: secret bytes.
        head: the file that holds the newest record's number and hash; None: no head is kept.
        timeout: seconds to wait for another process that moves the head.
    """

    def __init__(self, key: bytes, *, head: Path | None = None, timeout: float = 10.0) -> None:
        self.key = key
        self.head_file = head
        self._timeout = timeout

    @classmethod
    def from_files(cls, key_file: Path, heads: Path | None, *, corpus: Path, timeout: float) -> Seal:
        """The seal of one corpus.

        Args:
            key_file: holds the key.
            heads: folder in which each corpus has its head, named by its own name and place; None: keep none.
            corpus: its folder, outside which both must lie.
            timeout: as above.

        Raises:
            ConfigurationError: a file lies inside the corpus, or the key is missing or short.
        """
        place = corpus.resolve()
        for setting, path in (("FMAPPS_AUDIT_KEY_FILE", key_file), ("FMAPPS_AUDIT_HEAD", heads)):
            if path is not None and path.resolve().is_relative_to(place):
                raise ConfigurationError(
                    f"{setting} lies inside the corpus, where who can change the log can change it too",
                    where=str(path),
                    remedy="name a place that only the people who audit, and this process, can write",
                )
        try:
            key = key_file.read_bytes().strip()
        except OSError as error:
            raise ConfigurationError(
                f"the audit key cannot be read: {error.strerror or error}", where=str(key_file), remedy=_MAKE
            ) from error
        if len(key) < KEY_BYTES:
            raise ConfigurationError(
                f"the audit key has {len(key)} bytes, and needs {KEY_BYTES}", where=str(key_file), remedy=_MAKE
            )
        mark = hashlib.sha256(str(place).encode()).hexdigest()[:16]
        return cls(key, head=heads / f"{place.name}-{mark}.json" if heads else None, timeout=timeout)

    def of(self, digest: str) -> str:
        """The seal of a record with this hash: HMAC-SHA256, in hexadecimal."""
        return self._mac(f"record\n{digest}")

    def fits(self, digest: str, seal: object) -> bool:
        """Whether this is the seal of a record with this hash."""
        return isinstance(seal, str) and seal.isascii() and hmac.compare_digest(seal, self.of(digest))

    def head(self) -> Head | None:
        """How far the log had come; None where no head was written yet.

        Raises:
            CorruptStoreError: the head was not written with this key, or is damaged.
        """
        if self.head_file is None:
            return None
        try:
            written = json.loads(self.head_file.read_bytes())
            sequence, digest, seal = int(written["sequence"]), str(written["hash"]), str(written["seal"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorruptStoreError(
                f"the head of the audit log cannot be read ({type(error).__name__})",
                where=str(self.head_file),
                remedy="look into it; then `fmapps audit verify --accept` begins a new head",
            ) from error
        if not hmac.compare_digest(seal.encode(), self._mac(f"head\n{sequence}\n{digest}").encode()):
            raise CorruptStoreError(
                "the head of the audit log was not written with this key",
                where=str(self.head_file),
                remedy="use the key it was written with, or look into who changed it",
            )
        return Head(sequence, digest)

    def advance(self, head: Head) -> None:
        """Write the head, whole or not at all, and through to the disk; only inside `alone`.

        Raises:
            StoreError: it cannot be written.
        """
        if self.head_file is None:
            return
        content = {
            "sequence": head.sequence,
            "hash": head.hash,
            "seal": self._mac(f"head\n{head.sequence}\n{head.hash}"),
        }
        draft = self.head_file.with_suffix(".new")
        try:
            with draft.open("w") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.head_file)
        except OSError as error:
            raise self._unwritable(error) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the one process that extends the log, so that the head never goes back.

        Raises:
            StoreBusyError: another one does, for longer than the timeout.
            StoreError: the folder of the heads cannot be written.
        """
        if self.head_file is None:
            yield
            return
        try:
            self.head_file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.head_file.with_suffix(".lock"), thread_local=False)
            lock.acquire(timeout=self._timeout)
        except Timeout:
            raise StoreBusyError(
                f"another process has been extending the audit log for more than {self._timeout:g} seconds",
                where=str(self.head_file),
                remedy="try again, or raise FMAPPS_WRITER_TIMEOUT",
            ) from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _mac(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the head of the audit log cannot be written: {error.strerror or error}",
            where=str(self.head_file),
            remedy="make the folder that FMAPPS_AUDIT_HEAD names writable for this process",
        )
