"""Keeps the lexical and the dense index up with the store's change log, in every process."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from filelock import FileLock, Timeout

from fmapps.errors import StoreBusyError
from fmapps.retrieval.dense import DamagedSnapshotError, DenseIndex
from fmapps.retrieval.lexical import DamagedIndexError, LexicalEntry, LexicalIndex
from fmapps.store import reading
from fmapps.store.access import facets
from fmapps.store.checking import CheckReport, Problems
from fmapps.store.database import Database
from fmapps.store.reading import Model, StoredPassage

logger = logging.getLogger(__name__)

CHANGES = 2000
"""Changes taken in between two commits of an index."""

SAVE_CHANGES, SAVE_SHARE = 200, 0.1
"""The dense index is written to disk when so many changes, and this share of the documents, are newer than the last."""


class Indexes:
    """The two indexes of a corpus, each at a sequence of its own; whoever finds one behind brings it up.

    The lexical index lies on disk and is shared by all processes, so bringing it up takes a lock. The dense index is
    each process's own: read from a snapshot, brought up in memory. Where nothing can be written, both are in memory.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lexical_folder = database.folder / "lexical"
        self._dense_folder = database.folder / "dense"
        self._lexical_guard = threading.Lock()
        self._lexical: LexicalIndex | None = None
        self._lexical_in_memory = False
        self._dense_guard = threading.Lock()
        self._dense: DenseIndex | None = None
        self._dense_model: Model | None = None
        self._dense_saved = 0

    def close(self) -> None:
        """Let go of files and memory."""
        with self._lexical_guard, self._dense_guard:
            self._lexical = self._dense = None

    def lexical(self) -> LexicalIndex:
        """The lexical index, with every change committed before this call.

        Raises:
            StoreBusyError: another process has been rebuilding it for longer than a writer is waited for.
        """
        with self._database.read() as connection:
            target = reading.sequence(connection)
        index = self._lexical
        if index is not None and index.sequence >= target:
            return index
        with self._lexical_guard:
            if self._lexical is None or self._lexical.sequence < target:
                self._lexical = self._followed_lexical(target)
            return self._lexical

    def mend_lexical(self) -> None:
        """Make the lexical index anew, after it turned out to be damaged while it was searched."""
        with self._lexical_guard:
            self._lexical = None
            if not self._is_writable():
                self._lexical, self._lexical_in_memory = LexicalIndex.open(None), True
                return
            with self._shared():
                self._lexical = self._rebuilt_lexical()

    def dense(self) -> DenseIndex | None:
        """The dense index, with every change committed before this call; None in a store without vectors."""
        with self._database.read() as connection:
            target = reading.sequence(connection)
            model = reading.model(connection)
        if model is None:
            return None
        index = self._dense
        if index is not None and self._dense_model == model and index.sequence >= target:
            return index
        with self._dense_guard:
            if self._dense is None or self._dense_model != model:
                self._dense = self._opened_dense(model)
                self._dense_model = model
            self._follow_dense(self._dense, model)
            return self._dense

    def save_dense(self) -> None:
        """Write the dense index to disk, if enough has changed for it to save readers time."""
        if not self._is_writable():
            return
        index = self.dense()
        if index is None:
            return
        with self._database.read() as connection:
            documents = reading.count(connection).documents
        if index.sequence - self._dense_saved > max(SAVE_CHANGES, SAVE_SHARE * documents):
            self._write_dense(index)

    def rebuild(self) -> None:
        """Make both indexes anew from the store, so that nothing of what was removed is left in their files."""
        with self._lexical_guard, self._shared():
            self._lexical = self._rebuilt_lexical()
        with self._dense_guard:
            self._dense = None
            with self._shared():
                shutil.rmtree(self._dense_folder, ignore_errors=True)
        index = self.dense()
        if index is not None:
            self._write_dense(index)

    def check(self, report: CheckReport, *, progress: Callable[[str, int, int | None], None] | None) -> CheckReport:
        """Add to a report on the store whether both indexes hold exactly its current passages."""
        with self._database.read() as connection:
            sequence = reading.sequence(connection)
            expected = np.fromiter(reading.keys(connection), dtype=np.int64)
        checks = []
        for name, load in (("lexical", self.lexical), ("dense", self.dense)):
            problems = Problems()
            held = np.empty(0, dtype=np.int64)
            try:
                index = load()
                held = np.sort(index.keys()) if index is not None else held
                if index is not None and index.sequence != sequence:
                    problems.add(f"the {name} index stands at change {index.sequence}, and the store at {sequence}")
            except DamagedIndexError as error:
                problems.add(error.message)
            for key in np.setdiff1d(expected, held).tolist():
                problems.add(f"the {name} index lacks passage {key}")
            for key in np.setdiff1d(held, expected).tolist():
                problems.add(f"the {name} index holds passage {key}, which does not exist")
            if len(np.unique(held)) != len(held):
                problems.add(f"the {name} index holds passages twice")
            remedy = f"delete the folder {self._database.folder / name}: it is rebuilt at the next search"
            checks.append(problems.close(f"passages in the {name} index", len(held), remedy))
            if progress:
                progress(f"{name} index", len(held), len(expected))
        return CheckReport((*report.checks, *checks))

    def sequences(self) -> tuple[int, int]:
        """The last change that each index has seen: in memory if it is there, else as it lies on disk; 0 for none."""
        lexical, dense = self._lexical, self._dense
        try:
            if lexical is None and self._lexical_folder.is_dir():
                lexical = LexicalIndex.open(self._lexical_folder)
        except DamagedIndexError:
            lexical = None
        with self._database.read() as connection:
            model = reading.model(connection)
        if dense is None and model is not None:
            dense = self._opened_dense(model)
        return (lexical.sequence if lexical else 0), (dense.sequence if dense else 0)

    def _followed_lexical(self, target: int) -> LexicalIndex:
        if not self._is_writable():
            return self._followed_without_writing(target)
        if self._lexical is not None and not self._lexical_in_memory:
            try:
                self._lexical.refresh()
                if target <= self._lexical.sequence <= self._last():
                    return self._lexical
            except DamagedIndexError:
                # It may just have been replaced by another process; under the lock it is whole or truly damaged.
                self._lexical = None
        try:
            with self._shared():
                return self._followed_under_lock()
        except OSError as error:
            logger.warning("the lexical index cannot be kept on disk (%s); one is made in memory", error)
            return self._followed_without_writing(target)

    def _followed_under_lock(self) -> LexicalIndex:
        try:
            index = self._lexical
            if index is None:
                for leftover in ("lexical.old", "lexical.fresh"):
                    shutil.rmtree(self._database.folder / leftover, ignore_errors=True)
                index = LexicalIndex.open(self._lexical_folder)
            index.refresh()
            if index.sequence > self._last():
                raise DamagedIndexError("it is ahead of the store")
            self._follow_lexical(index)
        except DamagedIndexError as error:
            logger.warning("the lexical index is rebuilt from the store: %s", error.message)
            return self._rebuilt_lexical()
        return index

    def _followed_without_writing(self, target: int) -> LexicalIndex:
        index = self._lexical
        if index is None and self._lexical_folder.is_dir():
            try:
                index = LexicalIndex.open(self._lexical_folder)
            except DamagedIndexError as error:
                logger.warning("the lexical index on disk is passed over for one in memory: %s", error.message)
        if index is not None and not self._lexical_in_memory:
            try:
                index.refresh()
                if index.sequence == target:
                    return index
            except DamagedIndexError as error:
                logger.warning("the lexical index on disk is passed over for one in memory: %s", error.message)
        if index is None or not self._lexical_in_memory:
            index, self._lexical_in_memory = LexicalIndex.open(None), True
        self._follow_lexical(index)
        return index

    def _follow_lexical(self, index: LexicalIndex) -> None:
        while True:
            with self._database.read() as connection:
                reached, changes, _ = reading.changed(connection, index.sequence, limit=CHANGES)
                if reached == index.sequence:
                    return
                index.apply(
                    sequence=reached,
                    removed_documents=[number for number, kind in changes.items() if kind != "added"],
                    added=map(_entry, reading.passages_of(connection, changes)),
                )

    def _rebuilt_lexical(self) -> LexicalIndex:
        self._lexical = None
        with self._database.read() as connection:
            return LexicalIndex.rebuild(
                self._lexical_folder,
                map(_entry, reading.every_passage(connection)),
                sequence=reading.sequence(connection),
            )

    def _opened_dense(self, model: Model) -> DenseIndex:
        try:
            index = DenseIndex.open(self._dense_folder, model.dimension, model.fingerprint)
            if index.sequence > self._last():
                raise DamagedSnapshotError("the snapshot of the dense index is ahead of the store")
        except DamagedSnapshotError as error:
            logger.warning("the dense index is rebuilt from the store: %s", error.message)
            index = DenseIndex.empty(self._dense_folder, model.dimension, model.fingerprint)
        self._dense_saved = index.sequence
        return index

    def _follow_dense(self, index: DenseIndex, model: Model) -> None:
        while True:
            with self._database.read() as connection:
                if reading.model(connection) != model:
                    return
                reached, changes, _ = reading.changed(connection, index.sequence, limit=CHANGES)
                if reached == index.sequence:
                    return
                replaced = {number: kind for number, kind in changes.items() if kind != "described"}
                index.apply(
                    sequence=reached,
                    removed_documents=[number for number, kind in replaced.items() if kind != "added"],
                    added=reading.vectors_of(connection, model, replaced),
                )

    def _write_dense(self, index: DenseIndex) -> None:
        with self._dense_guard, self._shared():
            index.save()
            self._dense_saved = index.sequence

    def _is_writable(self) -> bool:
        return os.access(self._database.folder, os.W_OK)

    def _last(self) -> int:
        with self._database.read() as connection:
            return reading.sequence(connection)

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """Be the one process that changes the index files."""
        lock = FileLock(self._database.folder / "index.lock", thread_local=False)
        try:
            lock.acquire(timeout=self._database.writer_timeout)
        except Timeout:
            raise StoreBusyError(
                f"another process has been building the indexes for over {self._database.writer_timeout:g} seconds",
                where=str(self._database.folder),
                remedy="try again when it is done, or raise FMAPPS_WRITER_TIMEOUT",
            ) from None
        try:
            yield
        finally:
            lock.release()


def _entry(passage: StoredPassage) -> LexicalEntry:
    return LexicalEntry(
        key=passage.key,
        document=passage.document,
        wall=passage.wall,
        title=passage.title,
        heading=passage.heading,
        text=passage.text,
        facets=tuple(facets(passage.metadata)),
        effective_from=passage.effective_from,
        effective_to=passage.effective_to,
    )
