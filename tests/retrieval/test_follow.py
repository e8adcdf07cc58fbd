"""The indexes are only ever what the store says: behind, damaged, deleted or ahead, they come right by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fmapps.corpus import Corpus
from fmapps.records import Document
from fmapps.retrieval import follow
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.store import writing

STONES = ("quartz", "basalt", "granite", "marble", "slate", "gneiss")
EMBEDDER = HashingEmbedder(32)


def stone(name: str) -> Document:
    return Document(id=name, text=f"About {name}: it is a stone. " * 60, title=name.title())


@pytest.fixture(autouse=True)
def every_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots are written after every change, so that they are there to be damaged."""
    monkeypatch.setattr(follow, "SAVE_CHANGES", 0)
    monkeypatch.setattr(follow, "SAVE_SHARE", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus.fmapps"
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        corpus.add(map(stone, STONES))
        corpus.remove(["gneiss"])
    return folder


@pytest.fixture(params=["writable", "read-only", "unwritable folder"])
def reopen(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Corpus]]:
    corpora: list[Corpus] = []

    def open_() -> Corpus:
        if request.param == "unwritable folder":
            monkeypatch.setattr("os.access", lambda *arguments, **options: False)
        corpora.append(Corpus.open(folder, embedder=EMBEDDER, read_only=request.param != "writable"))
        return corpora[-1]

    yield open_
    for corpus in corpora:
        corpus.close()


def assert_right(corpus: Corpus, stones: tuple[str, ...] = STONES[:5]) -> None:
    for name in stones:
        assert corpus.search(name)[0].passage.document_id == name
    found = {hit.passage.document_id for hit in corpus.search("which stone is it", limit=100)}
    assert found == set(stones)
    assert corpus.check().problems == ()


@pytest.mark.parametrize("gone", [("lexical",), ("dense",), ("lexical", "dense")])
def test_deleted_indexes_are_made_again(folder: Path, reopen: Callable[[], Corpus], gone: tuple[str, ...]) -> None:
    for name in gone:
        assert (folder / name).is_dir()
        shutil.rmtree(folder / name)
    assert_right(reopen())


def test_deleted_indexes_are_made_again_while_the_corpus_is_open(folder: Path) -> None:
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        assert_right(corpus)
        shutil.rmtree(folder / "lexical")
        shutil.rmtree(folder / "dense")
        corpus.add([stone("chalk")])
        assert_right(corpus, (*STONES[:5], "chalk"))
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        assert_right(corpus, (*STONES[:5], "chalk"))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "overwritten": lambda content: bytes(len(content)),
    "scrambled": lambda content: bytes(byte ^ 0x5A for byte in content),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["lexical", "dense"])
def test_any_damaged_index_file_is_noticed_and_the_index_made_again(
    folder: Path, tmp_path: Path, name: str, damage: str
) -> None:
    sound = tmp_path / "sound"
    shutil.copytree(folder, sound)
    files = [
        path.relative_to(folder) for path in (folder / name).rglob("*") if path.is_file() and "lock" not in path.name
    ]
    assert files
    for file in files:
        shutil.rmtree(folder)
        shutil.copytree(sound, folder)
        (folder / file).write_bytes(DAMAGES[damage]((folder / file).read_bytes()))
        with Corpus.open(folder, embedder=EMBEDDER) as corpus:
            assert_right(corpus)


@pytest.mark.parametrize("name", ["lexical", "dense"])
def test_an_index_that_is_behind_catches_up(
    folder: Path, tmp_path: Path, reopen: Callable[[], Corpus], name: str
) -> None:
    shutil.copytree(folder / name, tmp_path / "old")
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        corpus.add([stone("chalk"), Document(id="slate", text="Slate again, a stone.", title="Slate")])
        corpus.remove(["marble"])
    shutil.rmtree(folder / name)
    shutil.copytree(tmp_path / "old", folder / name)
    assert_right(reopen(), ("quartz", "basalt", "granite", "slate", "chalk"))


@pytest.mark.parametrize("name", ["lexical", "dense"])
def test_an_index_ahead_of_a_restored_store_is_made_again(
    folder: Path, tmp_path: Path, reopen: Callable[[], Corpus], name: str
) -> None:
    shutil.copytree(folder, tmp_path / "backup")
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        corpus.add([stone("chalk")])
    (folder / "store.sqlite3").write_bytes((tmp_path / "backup" / "store.sqlite3").read_bytes())
    for other in {"lexical", "dense"} - {name}:
        shutil.rmtree(folder / other)
        shutil.copytree(tmp_path / "backup" / other, folder / other)
    assert_right(reopen())


def test_what_a_killed_rebuild_left_is_cleared_away(folder: Path) -> None:
    (folder / "lexical").rename(folder / "lexical.old")
    (folder / "lexical.fresh").mkdir()
    (folder / "lexical.fresh" / "half").write_text("half")
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        assert_right(corpus)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["dense", "lexical"]


def test_a_change_committed_but_not_indexed_is_found_at_the_next_search(folder: Path) -> None:
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        assert_right(corpus)
        with corpus._database.writing(), corpus._database.transaction() as connection:
            writing.remove(connection, ["marble"])
        assert_right(corpus, ("quartz", "basalt", "granite", "slate"))


def test_many_changes_are_followed_in_several_commits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "CHANGES", 2)
    shutil.rmtree(folder / "lexical")
    shutil.rmtree(folder / "dense")
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        corpus.add([stone("chalk"), stone("flint"), stone("shale")])
        corpus.remove(["quartz", "flint"])
        assert_right(corpus, ("basalt", "granite", "marble", "slate", "chalk", "shale"))


def test_a_removed_document_never_appears_even_if_an_index_still_holds_it(folder: Path) -> None:
    with Corpus.open(folder, embedder=EMBEDDER) as corpus:
        assert_right(corpus)
        lexical, dense = corpus._indexes.lexical(), corpus._indexes.dense()
        corpus._indexes.lexical = lambda: lexical  # type: ignore[method-assign]
        corpus._indexes.dense = lambda: dense  # type: ignore[method-assign]
        with corpus._database.writing(), corpus._database.transaction() as connection:
            writing.remove(connection, ["marble"])
        assert "marble" not in {hit.passage.document_id for hit in corpus.search("marble stone", limit=50)}


def test_nothing_is_written_to_a_folder_that_cannot_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(folder / "lexical")
    shutil.rmtree(folder / "dense")
    monkeypatch.setattr("os.access", lambda *arguments, **options: False)
    with Corpus.open(folder, embedder=EMBEDDER, read_only=True) as corpus:
        assert_right(corpus)
    assert not [path for path in folder.iterdir() if path.is_dir()]


def test_the_status_tells_how_far_each_index_is(folder: Path, reopen: Callable[[], Corpus]) -> None:
    status = reopen().status()
    assert (status.sequence, status.lexical_sequence, status.dense_sequence) == (7, 7, 7)
    shutil.rmtree(folder / "lexical")
    shutil.rmtree(folder / "dense")
    status = reopen().status()
    assert (status.sequence, status.lexical_sequence, status.dense_sequence) == (7, 0, 0)
    assert (status.documents, status.passages > 4, status.versions, status.schema) == (5, True, 5, 1)
    assert status.bytes > 10_000
