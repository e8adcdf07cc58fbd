"""The lexical index: BM25 by words, limits that leave scores alone, one commit for each step of the log."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fmapps.retrieval.lexical as lexical
from fmapps.errors import InputError, StoreBusyError, StoreError
from fmapps.retrieval.lexical import Constraint, DamagedIndexError, LexicalEntry, LexicalIndex, terms_of

TEXTS = (
    "The harbour master may move a boat that blocks the ferry.",
    "The ferry leaves at noon, and the ferry returns at dusk.",
    "Apples are picked in August and pressed in September.",
    "A mooring fee is due each month; a late fee is added after thirty days.",
    "Pears ripen after the apples.",
)


def entry(key: int, text: str = "", *, document: int | None = None, wall: int = 0, **rest: object) -> LexicalEntry:
    return LexicalEntry(
        key=key,
        document=key if document is None else document,
        wall=wall,
        title=str(rest.pop("title", "")),
        heading=str(rest.pop("heading", "")),
        text=text or TEXTS[key % len(TEXTS)],
        **rest,  # type: ignore[arg-type]
    )


@pytest.fixture
def index() -> LexicalIndex:
    made = LexicalIndex.open(None)
    made.apply(sequence=1, removed_documents=(), added=map(entry, range(len(TEXTS))))
    return made


def test_ranks_by_the_words_and_their_stems(index: LexicalIndex) -> None:
    found = index.search("ferries returning", limit=5)
    assert found.keys.tolist() == [1, 0]
    assert found.scores[0] > found.scores[1] > 0
    assert index.search("zebra", limit=5).keys.tolist() == []


def test_scores_are_those_of_bm25(index: LexicalIndex) -> None:
    counts = [len(terms_of(text)) for text in TEXTS]
    documents = len(TEXTS) + 1
    idf = np.log(1 + (documents - 2 + 0.5) / (2 + 0.5))
    length = counts[1] / (sum(counts) / documents)
    expected = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * length))
    assert index.search("ferry", limit=1).scores[0] == pytest.approx(expected, rel=1e-4)


def test_a_repeated_word_counts_once(index: LexicalIndex) -> None:
    once, thrice = index.search("ferry", limit=5), index.search("ferry ferry FERRIES", limit=5)
    np.testing.assert_array_equal(once.scores, thrice.scores)


@pytest.mark.parametrize("query", ["", "  ", "?!", 'text:"', "document:1 OR", "(ferry", "\ud800", "a" * 5000, "\x00"])
def test_any_text_is_a_query(index: LexicalIndex, query: str) -> None:
    assert len(index.search(query, limit=3)) <= 3


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_a_text_is_found_by_itself(text: str) -> None:
    index = LexicalIndex.open(None)
    index.apply(sequence=1, removed_documents=(), added=[entry(1, text or " "), entry(2, "ferry")])
    assert (1 in index.search(text, limit=5).keys) == bool(terms_of(text))


def test_other_scripts_accents_and_forms_are_found() -> None:
    index = LexicalIndex.open(None)
    texts = [
        "契約の解除は三十日前に通知する",
        "العقد ينتهي بعد شهر",
        "Le café est fermé",
        "nai\u0308ve reading",
        "Ｆｕｌｌ width",
    ]
    index.apply(sequence=1, removed_documents=(), added=[entry(key, text) for key, text in enumerate(texts)])
    for key, query in enumerate(["解除", "العقد", "cafe", "na\u00efve", "full"]):
        assert index.search(query, limit=5).keys.tolist() == [key]


def test_fields_can_be_asked_apart() -> None:
    index = LexicalIndex.open(None)
    index.apply(
        sequence=1,
        removed_documents=(),
        added=[entry(1, "noon", title="Ferry"), entry(2, "ferry", title="Noon"), entry(3, "dusk", heading="Ferry")],
    )
    assert index.search("ferry", limit=5, fields={"title": 1.0}).keys.tolist() == [1]
    assert index.search("ferry", limit=5, fields={"text": 1.0}).keys.tolist() == [2]
    assert index.search("ferry", limit=5).keys.tolist() == [1, 2, 3]
    heavy = index.search("ferry", limit=5, fields={"title": 3.0, "text": 1.0})
    assert heavy.scores[0] == pytest.approx(3 * index.search("ferry", limit=1, fields={"title": 1.0}).scores[0])


CONSTRAINTS = {
    "walls": (Constraint(walls={2}), {2}),
    "documents": (Constraint(documents={1, 3, 99}), {1, 3}),
    "facets": (Constraint(facets=(("kind=a", "kind=b"), ("open=yes",))), {1, 2}),
    "within a period": (Constraint(as_of=date(2020, 6, 1)), {1, 2, 4}),
    "last day": (Constraint(as_of=date(2020, 12, 31)), {1, 2, 4}),
    "day after": (Constraint(as_of=date(2021, 1, 1)), {1, 3, 4}),
    "nothing": (Constraint(walls=()), set()),
    "several": (Constraint(walls={1, 2}, documents={2, 3}, as_of=date(2020, 6, 1)), {2}),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_limits_what_is_found_and_changes_no_score(name: str) -> None:
    index = LexicalIndex.open(None)
    entries = [
        entry(1, "ferry", wall=1, facets=("kind=a", "open=yes")),
        entry(2, "ferry ferry", wall=2, facets=("kind=b", "open=yes"), effective_to=date(2020, 12, 31)),
        entry(3, "the ferry", wall=1, facets=("kind=b",), effective_from=date(2021, 1, 1)),
        entry(4, "a long ferry ride", wall=3, facets=("open=yes",)),
    ]
    index.apply(sequence=1, removed_documents=(), added=entries)
    every = index.search("ferry", limit=10)
    before = dict(zip(every.keys.tolist(), every.scores.tolist(), strict=True))
    constraint, expected = CONSTRAINTS[name]
    found = index.search("ferry", limit=10, constraint=constraint)
    assert set(found.keys.tolist()) == expected
    assert dict(zip(found.keys.tolist(), found.scores.tolist(), strict=True)) == {key: before[key] for key in expected}


def test_given_passages_are_scored_as_search_does(index: LexicalIndex) -> None:
    found = index.search("the ferry", limit=5)
    keys = np.array([77, 4, 1, 2, 0])
    scores = dict(zip(keys.tolist(), index.score("the ferry", keys).tolist(), strict=True))
    assert {key: scores[key] for key in found.keys.tolist()} == dict(
        zip(found.keys.tolist(), found.scores.tolist(), strict=True)
    )
    assert scores[77] == scores[2] == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5))), max_size=4))
def test_follows_a_log_and_the_same_step_twice_changes_nothing(changes: list[tuple[set[int], set[int]]]) -> None:
    index = LexicalIndex.open(None)
    held: dict[int, int] = {}
    key = 0
    for sequence, (removed, added) in enumerate(changes, 1):
        fresh = [(key + 2 * place + half, document) for place, document in enumerate(sorted(added)) for half in (0, 1)]
        key += len(fresh)
        held = {k: document for k, document in held.items() if document not in removed | added} | dict(fresh)
        for _ in range(2):
            index.apply(
                sequence=sequence,
                removed_documents=removed,
                added=[entry(k, document=document) for k, document in fresh],
            )
        assert index.sequence == sequence
        assert len(index) == len(held)
        assert sorted(index.keys().tolist()) == sorted(held)


def test_a_failing_step_changes_nothing(index: LexicalIndex) -> None:
    def failing() -> object:
        yield entry(50, "walrus")
        raise RuntimeError("the store went away")

    with pytest.raises(RuntimeError, match="went away"):
        index.apply(sequence=2, removed_documents=[1], added=failing())  # type: ignore[arg-type]
    index.refresh()
    assert index.sequence == 1
    assert len(index.search("walrus", limit=1)) == 0
    index.apply(sequence=2, removed_documents=[1], added=())
    assert index.sequence == 2


def test_a_folder_keeps_it_and_other_readers_see_commits_on_refresh(tmp_path: Path) -> None:
    writer = LexicalIndex.open(tmp_path / "lexical")
    writer.apply(sequence=4, removed_documents=(), added=[entry(1, "ferry")])
    reader = LexicalIndex.open(tmp_path / "lexical")
    writer.apply(sequence=5, removed_documents=[1], added=[entry(2, "ferry")])
    assert (reader.sequence, reader.search("ferry", limit=2).keys.tolist()) == (4, [1])
    reader.refresh()
    assert (reader.sequence, reader.search("ferry", limit=2).keys.tolist()) == (5, [2])


def test_a_second_writer_is_told_to_try_again(tmp_path: Path) -> None:
    first, second = LexicalIndex.open(tmp_path), LexicalIndex.open(tmp_path)

    def during() -> object:
        with pytest.raises(StoreBusyError):
            second.apply(sequence=9, removed_documents=(), added=())
        yield entry(1, "ferry")

    first.apply(sequence=1, removed_documents=(), added=during())  # type: ignore[arg-type]
    assert first.sequence == 1


def test_a_rebuilt_folder_has_nothing_of_what_was_removed(tmp_path: Path) -> None:
    folder = tmp_path / "lexical"
    index = LexicalIndex.open(folder)
    index.apply(sequence=1, removed_documents=(), added=[entry(1, "zugzwang"), entry(2, "ferry")])
    segments = {path.name for path in folder.iterdir() if path.suffix in {".term", ".idx", ".fast", ".store"}}
    assert index.rarity("zugzwang") < index.rarity("unheard")
    rebuilt = LexicalIndex.rebuild(folder, [entry(2, "ferry")], sequence=2)
    assert segments
    assert not segments & {path.name for path in folder.iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == ["lexical"]
    index.refresh()
    for seen in (rebuilt, index):
        assert (seen.sequence, seen.search("ferry zugzwang", limit=5).keys.tolist()) == (2, [2])
        assert seen.rarity("zugzwang") == seen.rarity("unheard")


def test_cleared_it_follows_from_the_start(tmp_path: Path) -> None:
    index = LexicalIndex.open(tmp_path)
    index.apply(sequence=3, removed_documents=(), added=[entry(1)])
    index.clear()
    assert (index.sequence, len(index), index.keys().tolist()) == (0, 0, [])


@pytest.mark.parametrize("damage", ["meta", "segment"])
def test_a_damaged_folder_is_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    index = LexicalIndex.open(tmp_path)
    index.apply(sequence=1, removed_documents=(), added=[entry(1)])
    del index
    names = ["meta.json"] if damage == "meta" else [path.name for path in tmp_path.glob("*.term")]
    for name in names:
        (tmp_path / name).write_bytes(b"{")
    with pytest.raises(DamagedIndexError) as caught:
        LexicalIndex.open(tmp_path).search("ferry", limit=1)
    assert isinstance(caught.value, StoreError)
    assert caught.value.where == str(tmp_path)
    assert caught.value.remedy


def test_a_long_query_keeps_its_rarest_terms(index: LexicalIndex) -> None:
    words = " ".join(f"w{number}" for number in range(lexical.MAX_TERMS))
    index.apply(sequence=2, removed_documents=(), added=[entry(100, words)])
    found = index.search(f"dusk the and a {words}", limit=10)
    assert set(found.keys.tolist()) == {1, 100}


def test_the_most_common_words_of_a_large_index_do_not_rank(
    monkeypatch: pytest.MonkeyPatch, index: LexicalIndex
) -> None:
    assert index.search("the apples", limit=5).keys.tolist() != index.search("apples", limit=5).keys.tolist()
    monkeypatch.setattr(lexical, "LARGE", 3)
    monkeypatch.setattr(lexical, "COMMON_SHARE", 0.4)
    assert index.search("the apples", limit=5).keys.tolist() == index.search("apples", limit=5).keys.tolist()
    assert len(index.search("the", limit=5)) == 3


def test_no_passages_are_no_limit(index: LexicalIndex) -> None:
    with pytest.raises(InputError):
        index.search("ferry", limit=0)


@pytest.mark.slow
def test_killed_while_committing_it_reopens_at_a_whole_step(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from fmapps.retrieval.lexical import LexicalEntry, LexicalIndex\n"
        "index = LexicalIndex.open(Path(sys.argv[1]))\n"
        "for step in range(index.sequence + 1, 10_000):\n"
        "    added = [LexicalEntry(3 * step + n, step, 0, '', '', 'ferry') for n in range(3)]\n"
        "    index.apply(sequence=step, removed_documents=(), added=added)\n"
        "    print(step, flush=True)\n"
    )
    reached = 0
    for kill_after in range(1, 9):
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(kill_after)]
        process.kill()
        process.wait()
        process.stdout.close()
        index = LexicalIndex.open(tmp_path)
        assert index.sequence >= told[-1] > reached
        reached = index.sequence
        assert sorted(index.keys().tolist()) == list(range(3, 3 * reached + 3))
