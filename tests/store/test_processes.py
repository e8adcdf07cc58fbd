"""Kills at any moment and several processes at once do not cost a committed document, and bring back no other."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fmapps.corpus import Corpus
from fmapps.errors import StoreBusyError
from fmapps.records import Document
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.settings import Settings
from tests.store.workload import document

KILLS = 36
ROOT = Path(__file__).parents[2]


def start(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def follow(states: dict[int, set[int | None]], lines: list[str]) -> None:
    """For each document the versions it may have: what was done last, and what was begun after that."""
    for line in lines:
        stage, operation, version, names = line.split()
        after = int(version) if operation == "put" else None
        for number in map(int, names.split(",")):
            states[number] = {after} if stage == "done" else states[number] | {after}


def assert_whole(corpus: Corpus, states: dict[int, set[int | None]]) -> dict[int, set[int | None]]:
    """Every committed document is searchable in its committed version, nothing else is, and every check passes."""
    held = {summary.id: summary for summary in corpus.documents()}
    for number, possible in states.items():
        summary = held.pop(f"d{number}", None)
        version = None if summary is None else int(summary.metadata["version"])
        assert version in possible
        hits = corpus.search(f"mark{number}v{version or 0}", limit=500)
        texts = [hit.passage.text for hit in hits if hit.passage.document_id == f"d{number}"]
        if version is None:
            assert texts == []
        else:
            assert corpus.get(f"d{number}") == document(number, version)
            assert summary is not None
            assert len(texts) == summary.passages
            assert all(f"mark{number}v{version}" in text for text in texts)
        states[number] = {version}
    assert held == {}
    report = corpus.check()
    assert report.problems == ()
    return states


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_moment_it_reopens_with_every_committed_document_and_no_other(tmp_path: Path) -> None:
    folder, chance = tmp_path / "corpus.fmapps", random.Random(20)
    states: dict[int, set[int | None]] = {number: {None} for number in range(40)}
    interrupted = 0
    for seed in range(1, KILLS + 1):
        journal = tmp_path / f"journal{seed}"
        journal.touch()
        process = start("-m", "tests.store.workload", folder, journal, seed)
        deadline = time.monotonic() + 60
        while not journal.stat().st_size and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.6))
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        lines = journal.read_text().splitlines()
        interrupted += bool(lines) and lines[-1].startswith("begin")
        follow(states, lines)
        with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
            states = assert_whole(corpus, states)
    assert interrupted > KILLS / 2


READER = """
import sys, time
from fmapps.corpus import Corpus
from fmapps.retrieval.embedding import HashingEmbedder
with Corpus.open(sys.argv[1], embedder=HashingEmbedder(32), create=False, read_only=sys.argv[2] == "ro") as corpus:
    print("ready", flush=True)
    seen = 0
    while True:
        hits = corpus.search("sentence stands here", limit=400, level="document")
        number = len({hit.passage.document_id for hit in hits})
        if "d0" not in {hit.passage.document_id for hit in hits}:
            sys.exit("the document that was always there was not found")
        if any(hit.passage.document_id == "gone" for hit in hits):
            sys.exit("a document removed before the start was found")
        seen = max(seen, number)
        if number == 25:
            break
print("saw", seen)
"""


@pytest.mark.slow
def test_one_writer_and_several_readers_work_together(tmp_path: Path) -> None:
    folder = tmp_path / "corpus.fmapps"
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        corpus.add([document(0, 1), Document(id="gone", text="This sentence stands here.")])
        corpus.remove(["gone"])
        readers = [start("-c", READER, folder, mode) for mode in ("rw", "rw", "ro")]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"ready\n"
        for number in range(1, 25):
            corpus.add([document(number, 1)])
        for reader in readers:
            out, err = reader.communicate(timeout=60)
            assert (reader.returncode, out) == (0, b"saw 25\n"), err.decode()
        assert corpus.check().problems == ()


WRITER = """
import sys, time
from fmapps.corpus import Corpus
from fmapps.records import Document
from fmapps.retrieval.embedding import HashingEmbedder
def slowly():
    yield Document(id="slow", text="Slowly but surely.")
    print("writing", flush=True)
    sys.stdin.readline()
with Corpus.open(sys.argv[1], embedder=HashingEmbedder(32)) as corpus:
    corpus.add(slowly())
"""


@pytest.mark.slow
def test_a_second_writer_waits_or_says_who_is_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "corpus.fmapps"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"writing\n"
    with Corpus.open(folder, embedder=HashingEmbedder(32), settings=Settings(writer_timeout=0.3)) as hasty:
        with pytest.raises(StoreBusyError, match="another writer") as caught:
            hasty.add([Document(id="second", text="Second.")])
        assert caught.value.retryable
        assert "FMAPPS_WRITER_TIMEOUT" in caught.value.remedy
        assert hasty.search("surely") == []
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as patient:
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert patient.add([Document(id="second", text="Second.")]).added == 1
        assert {summary.id for summary in patient.documents()} == {"slow", "second"}
    process.communicate(timeout=30)
