"""Whatever is done to the audit log is found and placed; a person can be erased from it; a kill leaves it whole."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmapps.errors import ConfigurationError, CorruptStoreError, StoreBusyError, StoreError, StoreVersionError
from fmapps.store.audit import AUDIT, GENESIS, AuditLog, Person, digest
from fmapps.store.audit_checking import AuditReport, check
from fmapps.store.seal import Seal

ROOT = Path(__file__).parents[2]
KEY = b"k" * 32
RECORDS = 12
ERASURE = RECORDS + 1
ERASED = (1, 4, 7, 10)
PEOPLE = ("Wibblefrost", "Zanderquist", "Plimhollow")


def person(number: int) -> Person:
    return Person(PEOPLE[number % 3], "nurse", f"question {number}", f"answer {number}")


def sealed(folder: Path) -> AuditLog:
    return AuditLog(folder / "corpus", seal=Seal(KEY, head=folder / "heads" / "head.json"))


def plain(folder: Path) -> AuditLog:
    return AuditLog(folder / "corpus")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve records of three people, one of whom was erased by the thirteenth."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "corpus").mkdir()
    log = sealed(folder)
    for number in range(RECORDS):
        log.append({"kind": "turn", "versions": {"3": [7, "c" * 64]}, "number": number}, person(number))
    assert log.erase(PEOPLE[0]) == len(ERASED)
    log.close()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "copy"))


def change(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Do to the file what somebody who can write it can do."""
    with closing(sqlite3.connect(folder / "corpus" / AUDIT, isolation_level=None)) as connection:
        for statement, values in statements:
            connection.execute(statement, values)


def rows(folder: Path) -> list[tuple[int, str, str, str]]:
    with closing(sqlite3.connect(folder / "corpus" / AUDIT)) as connection:
        return connection.execute("SELECT sequence, hash, seal, body FROM records ORDER BY sequence").fetchall()


def rebuild(folder: Path) -> None:
    """Number and hash every record anew, as whoever knows the code but not the key can."""
    previous, statements = GENESIS, [("DELETE FROM records", ())]
    for number, (_, _, seal, body) in enumerate(rows(folder), start=1):
        previous = digest(number, previous, body)
        statements.append(("INSERT INTO records VALUES (?, ?, ?, ?)", (number, previous, seal, body)))  # type: ignore[arg-type]
    change(folder, *statements)


def places(report: AuditReport) -> set[int]:
    return {number for problem in report.problems for number in range(problem.first, problem.last + 1)}


def edit_body(draw: st.DataObject, folder: Path) -> set[int]:
    sequence, _, _, body = draw.draw(st.sampled_from(rows(folder)))
    at = draw.draw(st.integers(0, len(body) - 1))
    other = draw.draw(st.characters(exclude_characters=body[at], exclude_categories=["Cs"]))
    change(folder, ("UPDATE records SET body = ? WHERE sequence = ?", (body[:at] + other + body[at + 1 :], sequence)))
    return {sequence}


def edit_hash(draw: st.DataObject, folder: Path) -> set[int]:
    sequence = draw.draw(st.integers(1, ERASURE))
    change(folder, ("UPDATE records SET hash = ? WHERE sequence = ?", ("e" * 64, sequence)))
    return {sequence}


def delete_inside(draw: st.DataObject, folder: Path) -> set[int]:
    first = draw.draw(st.integers(1, ERASURE - 1))
    last = draw.draw(st.integers(first, ERASURE - 1))
    change(folder, ("DELETE FROM records WHERE sequence BETWEEN ? AND ?", (first, last)))
    return set(range(first, last + 1))


def delete_and_number_anew(draw: st.DataObject, folder: Path) -> set[int]:
    gone = draw.draw(st.integers(1, ERASURE - 1))
    shift = "UPDATE records SET sequence = -sequence - ? WHERE sequence > ? OR sequence < 0"
    change(folder, ("DELETE FROM records WHERE sequence = ?", (gone,)), (shift, (0, gone)))
    change(folder, ("UPDATE records SET sequence = -sequence - 1 WHERE sequence < 0", ()))
    return {gone}


def swap(draw: st.DataObject, folder: Path) -> set[int]:
    one, two = draw.draw(st.lists(st.integers(1, ERASURE), min_size=2, max_size=2, unique=True))
    move = "UPDATE records SET sequence = ? WHERE sequence = ?"
    change(folder, (move, (99, one)), (move, (one, two)), (move, (two, 99)))
    return {min(one, two)}


def put_in(draw: st.DataObject, folder: Path) -> set[int]:
    sequence = draw.draw(st.sampled_from([-3, 0, ERASURE + 1, ERASURE + 5]))
    change(folder, ("INSERT INTO records VALUES (?, ?, NULL, ?)", (sequence, "0" * 64, '{"kind":"turn"}')))
    return {sequence if sequence <= ERASURE + 1 else ERASURE + 1}


def delete_person(draw: st.DataObject, folder: Path) -> set[int]:
    sequence = draw.draw(st.integers(1, RECORDS).filter(lambda number: number not in ERASED))
    change(folder, ("DELETE FROM personal WHERE sequence = ?", (sequence,)))
    return {sequence}


def edit_person(draw: st.DataObject, folder: Path) -> set[int]:
    sequence = draw.draw(st.integers(1, RECORDS).filter(lambda number: number not in ERASED))
    column = draw.draw(st.sampled_from(["principal", "role", "question", "answer", "salt"]))
    change(folder, (f"UPDATE personal SET {column} = ? WHERE sequence = ?", (draw.draw(st.text()), sequence)))
    return {sequence}


def put_person_back(draw: st.DataObject, folder: Path) -> set[int]:
    sequence = draw.draw(st.sampled_from([*ERASED, ERASURE, ERASURE + 2]))
    change(folder, ("INSERT INTO personal VALUES (?, ?, ?, ?, ?, ?)", (sequence, "x", "y", "q", "a", b"salt")))
    return {sequence}


EVIDENT = [
    *(edit_body, edit_hash, delete_inside, delete_and_number_anew, swap, put_in),
    *(delete_person, edit_person, put_person_back),
]


def cut_tail(draw: st.DataObject, folder: Path) -> set[int]:
    first = draw.draw(st.integers(1, ERASURE))
    change(folder, ("DELETE FROM records WHERE sequence >= ?", (first,)))
    change(folder, ("DELETE FROM personal WHERE sequence >= ?", (first,)))
    return {ERASURE}


def edit_and_rebuild(draw: st.DataObject, folder: Path) -> set[int]:
    touched = edit_body(draw, folder)
    rebuild(folder)
    return touched


def add_and_rebuild(draw: st.DataObject, folder: Path) -> set[int]:
    change(folder, ("INSERT INTO records VALUES (?, '', NULL, ?)", (ERASURE + 1, '{"kind":"accepted"}')))
    rebuild(folder)
    return {ERASURE + 1}


def swap_and_rebuild(draw: st.DataObject, folder: Path) -> set[int]:
    touched = swap(draw, folder)
    rebuild(folder)
    return touched


def test_an_untouched_log_is_whole_and_every_record_says_what_was_put_in(folder: Path) -> None:
    report = check(sealed(folder))
    assert (report.records, report.erased, report.problems) == (ERASURE, len(ERASED), ())
    assert len(report.proved) == 3
    entries = list(sealed(folder).entries())
    assert [entry.sequence for entry in entries] == list(range(ERASURE, 0, -1))
    assert [entry.body["number"] for entry in entries[1:]] == list(reversed(range(RECORDS)))
    assert {entry.principal for entry in entries} == {None, *PEOPLE[1:]}
    assert [entry.body["at"] for entry in entries] == sorted((entry.body["at"] for entry in entries), reverse=True)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), operation=st.sampled_from(EVIDENT), keyed=st.booleans())
def test_any_edit_deletion_or_move_is_found_where_it_is(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    operation: Callable[[st.DataObject, Path], set[int]],
    keyed: bool,
) -> None:
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("changed") / "copy"))
    touched = operation(data, folder)
    report = check(sealed(folder) if keyed else plain(folder))
    assert places(report) & touched
    assert not any("form one chain" in sentence for sentence in report.proved)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), operation=st.sampled_from([cut_tail, edit_and_rebuild, add_and_rebuild, swap_and_rebuild]))
def test_with_a_key_and_a_head_elsewhere_a_cut_tail_and_a_rebuilt_chain_are_found(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    operation: Callable[[st.DataObject, Path], set[int]],
) -> None:
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("rebuilt") / "copy"))
    touched = operation(data, folder)
    assert places(check(sealed(folder))) & touched


def test_without_a_head_a_cut_tail_cannot_be_seen_and_that_is_said(folder: Path) -> None:
    change(folder, ("DELETE FROM records WHERE sequence = ?", (ERASURE,)))
    change(folder, ("DELETE FROM records WHERE sequence = ?", (RECORDS,)))
    change(folder, ("DELETE FROM personal WHERE sequence = ?", (RECORDS,)))
    report = check(plain(folder))
    # That records without a person are not accounted for is seen all the same: the erasure was cut off.
    assert places(report) == set(ERASED)
    assert any("newest records were not cut off" in sentence for sentence in report.unproved)
    assert any("was not rebuilt" in sentence for sentence in report.unproved)


def test_a_deleted_log_is_found_by_its_head(folder: Path) -> None:
    for file in (folder / "corpus").iterdir():
        file.unlink()
    report = check(sealed(folder))
    assert [(problem.first, problem.last) for problem in report.problems] == [(1, ERASURE)]
    assert check(plain(folder)).problems == ()


def test_a_cut_is_not_covered_up_by_the_records_that_follow(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    change(folder, ("DELETE FROM records WHERE sequence >= ?", (RECORDS,)))
    change(folder, ("DELETE FROM personal WHERE sequence >= ?", (RECORDS,)))
    log = sealed(folder)
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            log.append({"kind": "turn"}, person(number))
    assert len(caplog.records) == 1
    assert "vouches" in caplog.text
    report = check(log)
    assert any("chain was rebuilt" in problem.message for problem in report.problems)
    strict = AuditLog(folder / "corpus", seal=log.seal, required=True)
    with pytest.raises(CorruptStoreError, match="vouches"):
        strict.append({"kind": "turn"})
    assert check(log).records == report.records
    assert log.accept() == report.records + 1
    assert {problem.first for problem in check(log).problems} == set(ERASED)


def test_a_head_that_is_missing_or_forged_is_a_problem_and_does_not_stop_the_recording(folder: Path) -> None:
    head = folder / "heads" / "head.json"
    written = json.loads(head.read_text())
    head.write_text(json.dumps({**written, "sequence": 1}))
    log = sealed(folder)
    assert log.append({"kind": "turn"}) == ERASURE + 1
    assert "not written with this key" in check(log).problems[0].message
    head.write_text("{")
    assert "cannot be read" in check(log).problems[0].message
    head.unlink()
    log.append({"kind": "turn"})
    assert "no head for this log" in check(log).problems[0].message
    assert not head.exists()
    log.accept()
    assert check(log).problems == ()


def test_a_record_made_without_the_key_after_sealed_ones_is_pointed_out(folder: Path) -> None:
    log = plain(folder)
    log.append({"kind": "turn"})
    log.close()
    sealed(folder).append({"kind": "turn"})
    assert places(check(sealed(folder))) == {ERASURE + 1}
    other = AuditLog(folder / "corpus", seal=Seal(b"x" * 32))
    assert places(check(other)) == set(range(1, ERASURE + 3)) - {ERASURE + 1}


def test_records_from_before_the_key_are_named(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    log = plain(tmp_path)
    for number in range(3):
        log.append({"kind": "turn"}, person(number))
    log.close()
    sealed(tmp_path).accept()
    report = check(sealed(tmp_path))
    assert report.problems == ()
    assert any("records 1 to 3, made without a key" in sentence for sentence in report.unproved)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.sampled_from(PEOPLE)), max_size=14),
    keyed=st.booleans(),
)
def test_whoever_is_erased_and_when_the_log_stays_whole_and_no_byte_of_them_is_left(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, str]], keyed: bool
) -> None:
    folder = tmp_path_factory.mktemp("erasing")
    (folder / "corpus").mkdir()
    log = sealed(folder) if keyed else plain(folder)
    held: dict[str, int] = dict.fromkeys(PEOPLE, 0)
    gone = 0
    for erasing, who in steps:
        if erasing:
            assert log.erase(who) == held[who]
            gone += held[who]
            held[who] = 0
            content = b"".join(file.read_bytes() for file in (folder / "corpus").iterdir())
            assert who.encode() not in content
        else:
            log.append({"kind": "turn"}, Person(who, "nurse", "Why?", "So."))
            held[who] += 1
        report = check(log)
        assert (report.problems, report.erased) == ((), gone)
    for who in PEOPLE:
        assert len(list(log.entries(principal=who))) == held[who]
    log.close()


def test_no_word_of_question_or_answer_is_kept_and_a_question_can_be_recognised(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    log = sealed(tmp_path)
    log.append({"kind": "turn"}, Person("p", "", "Is Quabblenorth ill?", "Flomwitherby says so."))
    log.append({"kind": "turn"}, Person("p", "", "\ud800 lone", "\udfff"))
    content = b"".join(file.read_bytes() for file in (tmp_path / "corpus").iterdir())
    assert b"Quabblenorth" not in content
    assert b"Flomwitherby" not in content
    assert [entry.sequence for entry in log.entries(question="Is Quabblenorth ill?")] == [1]
    assert [entry.sequence for entry in log.entries(question="\ud800 lone")] == [2]
    assert list(plain(tmp_path).entries(question="Is Quabblenorth ill?")) == []
    assert check(log).problems == ()


def test_an_erasure_that_a_reader_holds_up_says_so_and_can_be_done_again(folder: Path) -> None:
    log = AuditLog(folder / "corpus", timeout=0.2)
    log.append({"kind": "turn"}, person(1))
    with log.reading() as connection:
        assert connection is not None
        connection.execute("SELECT count(*) FROM personal").fetchone()
        with pytest.raises(StoreBusyError, match="erase again"):
            log.erase(PEOPLE[1])
    assert log.erase(PEOPLE[1]) == 0
    assert PEOPLE[1].encode() not in b"".join(file.read_bytes() for file in (folder / "corpus").iterdir())


def test_a_text_exchanged_in_the_store_is_found(folder: Path) -> None:
    assert check(sealed(folder), versions={3: "c" * 64, 4: "d" * 64}).problems == ()
    assert check(sealed(folder), versions={4: "d" * 64}).problems == ()
    assert places(check(sealed(folder), versions={3: "d" * 64})) == {1}


def test_threads_and_log_objects_append_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    logs = [sealed(tmp_path), sealed(tmp_path)]

    def work(log: AuditLog) -> None:
        for number in range(20):
            log.append({"kind": "turn"}, person(number))

    threads = [threading.Thread(target=work, args=(log,)) for log in logs * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = check(logs[0])
    assert (report.records, report.problems) == (80, ())


APPENDER = """
import sys
from pathlib import Path
from fmapps.store.audit import AuditLog, Person
from fmapps.store.seal import Seal
folder = Path(sys.argv[1])
log = AuditLog(folder / "corpus", seal=Seal(b"k" * 32, head=folder / "heads" / "head.json"))
while True:
    number = log.append({"kind": "turn"}, Person("p", "", "q", "a"))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_killed_while_appending_in_several_processes_it_is_whole_and_holds_what_was_recorded(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    recorded = 0
    for kill in range(8):
        processes = [
            subprocess.Popen([sys.executable, "-c", APPENDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline()
        time.sleep(0.02 * kill)
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
        seen = [int(line) for process in processes for line in process.communicate()[0].splitlines()]
        recorded = max([recorded, *seen])
        report = check(sealed(tmp_path))
        assert report.problems == ()
        assert report.records >= recorded
    assert sealed(tmp_path).append({"kind": "turn"}) == report.records + 1
    assert check(sealed(tmp_path)).problems == ()


def test_what_is_no_log_or_from_a_newer_version_is_refused_with_the_remedy(folder: Path) -> None:
    change(folder, ("PRAGMA user_version = 9", ()))
    with pytest.raises(StoreVersionError, match="schema 9"):
        check(plain(folder))
    (folder / "corpus" / AUDIT).write_bytes(b"not a database at all" * 100)
    with pytest.raises(CorruptStoreError):
        check(plain(folder))
    with pytest.raises(CorruptStoreError):
        plain(folder).append({"kind": "turn"})
    (folder / "corpus" / AUDIT).unlink()
    (folder / "corpus" / AUDIT).mkdir()
    with pytest.raises(StoreError):
        plain(folder).append({"kind": "turn"})


def test_a_log_that_is_removed_under_a_process_is_begun_anew_and_the_head_tells(folder: Path) -> None:
    log = sealed(folder)
    log.append({"kind": "turn"})
    for file in (folder / "corpus").iterdir():
        file.unlink()
    assert log.append({"kind": "turn"}) == 1
    assert places(check(log)) >= {ERASURE}


def test_a_key_that_is_short_missing_or_inside_the_corpus_is_refused(tmp_path: Path) -> None:
    corpus, key = tmp_path / "corpus", tmp_path / "key"
    corpus.mkdir()

    def seal(file: Path, heads: Path | None = None) -> Seal:
        return Seal.from_files(file, heads, corpus=corpus, timeout=1.0)

    with pytest.raises(ConfigurationError, match="cannot be read"):
        seal(key)
    key.write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="needs 32"):
        seal(key)
    key.write_bytes(KEY + b"\n")
    assert seal(key).key == KEY
    (corpus / "key").write_bytes(KEY)
    with pytest.raises(ConfigurationError, match="inside the corpus"):
        seal(corpus / "key")
    with pytest.raises(ConfigurationError, match="inside the corpus"):
        seal(key, corpus / "heads")
