"""What can be wrong with a store's file or folder is refused with a remedy, and what can be lost is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from fmapps.corpus import Corpus
from fmapps.errors import CorruptStoreError, FmappsError, StoreBusyError, StoreError, StoreVersionError
from fmapps.records import Document
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.settings import Settings
from fmapps.store.database import Database

TEXT = "The lessee pays rent on the first day of each month. " * 20


def opened(folder: Path, *, create: bool = True, read_only: bool = False, writer_timeout: float = 0.2) -> Database:
    return Database(folder, create=create, read_only=read_only, writer_timeout=writer_timeout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed corpus of twelve documents."""
    folder = tmp_path / "corpus.fmapps"
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        corpus.add([Document(id=f"d{i}", text=f"{TEXT} {i}") for i in range(12)])
    return folder


def refusal(kind: type[FmappsError], folder: Path, *, create: bool = True, read_only: bool = False) -> FmappsError:
    with pytest.raises(kind) as caught:
        opened(folder, create=create, read_only=read_only)
    assert caught.value.remedy
    assert str(folder) in caught.value.where
    return caught.value


def test_a_missing_corpus_is_made_only_when_asked(tmp_path: Path) -> None:
    refusal(StoreError, tmp_path / "none", create=False)
    refusal(StoreError, tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()
    opened(tmp_path / "deep" / "new").close()
    opened(tmp_path / "deep" / "new", create=False).close()


def test_a_file_or_a_folder_of_something_else_is_not_taken_for_a_corpus(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    refusal(StoreError, file)
    error = refusal(StoreError, tmp_path)
    assert "not empty" in error.message
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_whose_store_was_deleted_is_not_begun_anew(folder: Path) -> None:
    (folder / "store.sqlite3").unlink()
    assert "backup" in refusal(StoreError, folder).remedy


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_no_store_is_called_damaged(folder: Path, content: bytes) -> None:
    (folder / "store.sqlite3").write_bytes(content)
    assert "backup" in refusal(CorruptStoreError, folder).remedy


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as other:
        other.execute("CREATE TABLE songs (name)")
    assert "not a store" in refusal(CorruptStoreError, tmp_path).message


def test_a_store_of_a_newer_version_is_refused_unchanged(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer fmapps" in refusal(StoreVersionError, folder).remedy
    assert "99" in refusal(StoreVersionError, folder, read_only=True).message


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_store_is_called_damaged_and_never_answers_as_if_whole(folder: Path, share: float) -> None:
    store = folder / "store.sqlite3"
    os.truncate(store, int(store.stat().st_size * share))
    try:
        with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
            report = corpus.check()
        remedies = {check.remedy for check in report.checks if check.problems}
    except CorruptStoreError as error:
        remedies = {error.remedy}
    assert remedies
    assert all("backup" in remedy for remedy in remedies)


def test_a_killed_creation_leaves_a_folder_that_can_be_created_again(tmp_path: Path) -> None:
    folder = tmp_path / "corpus.fmapps"
    folder.mkdir()
    (folder / "write.lock").touch()
    (folder / "store.sqlite3.new").write_bytes(b"half")
    (folder / "store.sqlite3.new-wal").write_bytes(b"half")
    opened(folder).close()
    assert not list(folder.glob("*.new*"))


def test_a_full_disk_is_told_and_what_was_committed_stays(tmp_path: Path) -> None:
    folder = tmp_path / "corpus.fmapps"
    code = """
import resource, signal, sys
from fmapps.corpus import Corpus
from fmapps.errors import StoreError
from fmapps.records import Document
from fmapps.retrieval.embedding import HashingEmbedder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Corpus.open(sys.argv[1], embedder=HashingEmbedder(32)) as corpus:
    corpus.add([Document(id="kept", text="Kept for good.")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    try:
        corpus.add([Document(id="huge", text="A sentence that fills the disk. " * 200_000)])
    except StoreError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert "space" in done.stdout, done.stdout + done.stderr
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        assert [summary.id for summary in corpus.documents()] == ["kept"]
        assert corpus.check().problems == ()


def test_full_pages_undo_the_whole_transaction(folder: Path) -> None:
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        database = corpus._database
        with database.writing(), database.transaction() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="space"):
            corpus.add([Document(id=f"new{i}", text=f"{TEXT * 50} {i}") for i in range(3)])
        assert len(corpus.documents()) == 12
        assert corpus.check().problems == ()


def test_reading_only_never_writes(folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with Corpus.open(folder, embedder=HashingEmbedder(32), read_only=True) as corpus:
        assert len(corpus.search("rent", level="document", limit=20)) == 12
        for attempt in (lambda: corpus.add([]), lambda: corpus.remove(["d1"]), corpus.reembed):
            with pytest.raises(StoreError, match="read-only"):
                attempt()
    after = {
        path.name: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if "-shm" not in path.name and "lock" not in path.name
    }
    assert {name: before[name] for name in after if "-wal" not in name and name in before} == {
        name: time for name, time in after.items() if "-wal" not in name
    }


@pytest.mark.parametrize("left", ["both", "log", "neither"])
def test_what_a_dead_writer_left_in_the_log_is_read_without_writing(folder: Path, tmp_path: Path, left: str) -> None:
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        corpus.add([Document(id="late", text="Committed late.")])
        shutil.copytree(folder, tmp_path / "dead")
    for suffix in {"both": (), "log": ("-shm",), "neither": ("-shm", "-wal")}[left]:
        (tmp_path / "dead" / f"store.sqlite3{suffix}").unlink()
    with Corpus.open(tmp_path / "dead", embedder=HashingEmbedder(32), read_only=True) as dead:
        assert len(dead.documents()) == (12 if left == "neither" else 13)
        assert dead.check().problems == ()


def test_readers_of_one_moment_do_not_see_a_later_one(folder: Path) -> None:
    database = opened(folder)
    with database.read() as early:
        assert early.execute("SELECT count(*) FROM documents").fetchone() == (12,)
        with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
            corpus.remove(["d1"])
        assert early.execute("SELECT count(*) FROM documents").fetchone() == (12,)
    with database.read() as late:
        assert late.execute("SELECT count(*) FROM documents").fetchone() == (11,)
    database.close()


def test_a_transaction_that_raises_changes_nothing(folder: Path) -> None:
    database = opened(folder)

    def fail() -> None:
        with database.writing(), database.transaction() as connection:
            connection.execute("DELETE FROM changes")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM changes").fetchone() == (12,)
    database.close()


def test_two_threads_and_two_objects_wait_for_each_other_or_say_so(folder: Path) -> None:
    one, two = opened(folder), opened(folder)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with one.writing():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(10)
    for database in (one, two):
        with pytest.raises(StoreBusyError, match="another writer"), database.writing():
            pass
    leave.set()
    thread.join()
    with two.writing():
        pass
    one.close()
    two.close()


def test_numbers_are_never_given_twice(folder: Path) -> None:
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        with corpus._database.read() as connection:
            before = connection.execute("SELECT max(number), (SELECT max(key) FROM passages) FROM documents").fetchone()
        corpus.remove([f"d{i}" for i in range(12)], purge=True)
        corpus.add([Document(id="d0", text=TEXT, labels=frozenset({"m"}))])
        with corpus._database.read() as connection:
            after = connection.execute("SELECT number, (SELECT min(key) FROM passages) FROM documents").fetchone()
            walls = connection.execute("SELECT number FROM walls").fetchall()
        assert after[0] > before[0]
        assert after[1] > before[1]
        assert walls == [(2,)]


def test_settings_name_the_time_a_writer_waits(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "c", embedder=HashingEmbedder(8), settings=Settings(writer_timeout=0.0)) as corpus:
        assert corpus._database.writer_timeout == 0.0
        assert corpus.add([Document(id="a", text="One.")]).added == 1
