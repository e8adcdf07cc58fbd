"""A corpus does what its promises say: adding, changing, removing, searching, re-reading."""

from __future__ import annotations

import shutil
import threading
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fmapps.corpus import Corpus
from fmapps.errors import DocumentNotFoundError, InputError, ModelMismatchError, StoreError
from fmapps.records import ANONYMOUS, Citation, Document, Filter, Heading, Passage, Principal
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.settings import Settings
from tests.conftest import CountingEmbedder

ALPHA = "The lessee pays rent on the first day of each month. " * 3
BETA = "Heart failure causes swelling of the ankles and shortness of breath. " * 3


def paragraphs(*words: str) -> str:
    """One paragraph of about 150 words around each word, so that each makes passages of its own."""
    return "\n\n".join(" ".join(f"{word} sentence number {i} stands here." for i in range(30)) for word in words)


def found(corpus: Corpus, query: str, **options: object) -> list[str]:
    return [hit.passage.document_id for hit in corpus.search(query, level="document", **options)]  # type: ignore[arg-type]


def test_an_added_document_is_found_and_read_back_as_it_was_given(corpus: Corpus) -> None:
    document = Document(
        id="lease/1",
        text="RENT\n" + ALPHA,
        title="Lease",
        metadata={"year": 2020, "signed": True, "rate": 1.5, "place": "Zürich"},
        labels=frozenset({"matter-1", "staff"}),
        effective_from=date(2020, 1, 1),
        effective_to=date(2029, 12, 31),
        source="/in/lease.txt",
        media_type="text/markdown",
        headings=(Heading(0, 4, 1),),
        pages=(0, 40),
    )
    report = corpus.add([document, Document(id="card", text=BETA)])
    reader = Principal("r", labels=frozenset({"matter-1", "staff", "other"}))
    assert (report.added, report.updated, report.unchanged, report.failures) == (2, 0, 0, ())
    assert corpus.get("lease/1", principal=reader) == document
    hit = corpus.search("rent first day of month", principal=reader)[0]
    assert hit.passage.document_id == "lease/1"
    assert document.text[hit.passage.start : hit.passage.end] == hit.passage.text
    assert (hit.passage.title, hit.passage.heading, hit.passage.page) == ("Lease", "RENT", 1)
    assert hit.passage.version == document.version


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400), title=st.text("ab é", max_size=5)
)
def test_any_text_is_read_back_and_every_passage_is_its_range(corpus: Corpus, text: str, title: str) -> None:
    document = Document(id="any", text=text, title=title)
    corpus.add([document])
    assert corpus.get("any") == document
    for hit in corpus.search(text[:50]):
        assert text[hit.passage.start : hit.passage.end] == hit.passage.text
    assert corpus.check().problems == ()


def test_the_same_document_again_changes_nothing(corpus: Corpus, embedder: CountingEmbedder) -> None:
    documents = [Document(id="a", text=ALPHA, labels=frozenset({"y", "x"}), metadata={"k": 1, "j": 2})]
    corpus.add(documents)
    before, embedded = corpus.status().sequence, len(embedder.embedded)
    report = corpus.add([Document(id="a", text=ALPHA, labels=frozenset({"x", "y"}), metadata={"j": 2, "k": 1})])
    assert (report.added, report.updated, report.unchanged, report.passages) == (0, 0, 1, 0)
    assert corpus.status().sequence == before
    assert len(embedder.embedded) == embedded


def test_new_title_labels_metadata_and_period_are_seen_at_once_without_embedding_the_text(
    corpus: Corpus, embedder: CountingEmbedder
) -> None:
    corpus.add([Document(id="a", text=ALPHA, title="Old", metadata={"year": 1}), Document(id="b", text=BETA)])
    embedder.embedded.clear()
    changed = Document(
        id="a", text=ALPHA, title="Fresh", metadata={"year": 2}, labels=frozenset({"m"}), effective_to=date(2020, 1, 1)
    )
    assert corpus.add([changed]).updated == 1
    assert embedder.embedded == ["Fresh"]
    holder = Principal("h", labels=frozenset({"m"}))
    assert "a" not in found(corpus, "rent")
    assert found(corpus, "rent", principal=holder)[0] == "a"
    assert corpus.search("fresh", principal=holder)[0].passage.title == "Fresh"
    assert found(corpus, "rent", principal=holder, filter=Filter(metadata=(("year", (2,)),))) == ["a"]
    assert found(corpus, "rent", principal=holder, filter=Filter(metadata=(("year", (1,)),))) == []
    assert "a" not in found(corpus, "rent", principal=holder, filter=Filter(as_of=date(2020, 1, 2)))


def test_a_changed_text_embeds_only_what_is_new(corpus: Corpus, embedder: CountingEmbedder) -> None:
    first = Document(id="a", text=paragraphs("alder", "birch", "cedar", "damson"))
    corpus.add([first])
    whole = len(embedder.embedded)
    embedder.embedded.clear()
    second = Document(id="a", text=paragraphs("alder", "birch", "cedar", "elder"))
    report = corpus.add([second])
    assert report.updated == 1
    assert 0 < len(embedder.embedded) < whole
    assert not [text for text in embedder.embedded if "elder" not in text and "cedar" not in text]
    assert "elder" in corpus.search("elder sentence")[0].passage.text
    assert not [hit for hit in corpus.search("damson", limit=50) if "damson" in hit.passage.text]
    assert {hit.passage.version for hit in corpus.search("sentence", limit=50)} == {second.version}
    assert corpus.get("a", version=first.version).text == first.text
    assert corpus.check().problems == ()


def test_going_back_to_an_old_text_brings_its_version_back(corpus: Corpus) -> None:
    for text in (ALPHA, BETA, ALPHA):
        corpus.add([Document(id="a", text=text)])
    assert corpus.get("a").text == ALPHA
    assert corpus.status().versions == 2
    assert corpus.check().problems == ()


def test_new_headings_or_pages_over_the_same_text_are_taken_over(corpus: Corpus, embedder: CountingEmbedder) -> None:
    text = "Rent\n" + ALPHA + "\nNotice\n" + BETA
    corpus.add([Document(id="a", text=text, pages=(0,))])
    corpus.add([Document(id="a", text=text, pages=(0, 5), headings=(Heading(0, 4, 1),))])
    assert corpus.get("a").pages == (0, 5)
    assert corpus.get("a").headings == (Heading(0, 4, 1),)
    assert corpus.status().versions == 1
    assert corpus.check().problems == ()


def test_an_id_twice_in_one_call_ends_with_the_later_one(corpus: Corpus) -> None:
    report = corpus.add([Document(id="a", text=ALPHA), Document(id="a", text=BETA)])
    assert (report.added, report.updated) == (1, 1)
    assert corpus.get("a").text == BETA


def test_what_cannot_be_stored_is_reported_and_the_rest_goes_in(corpus: Corpus) -> None:
    bad = Document(id="bad", text=ALPHA, metadata={"list": [1, 2]}, source="bad.json")  # type: ignore[dict-item]
    endless = Document(id="nan", text=ALPHA, metadata={"x": float("nan")})
    report = corpus.add([bad, endless, Document(id="good", text=BETA)])
    assert report.added == 1
    assert [failure.path for failure in report.failures] == ["bad.json", "nan"]
    assert all(failure.error.remedy for failure in report.failures)
    assert [summary.id for summary in corpus.documents()] == ["good"]


def test_a_folder_is_added_with_labels_and_metadata_and_its_failures_named(corpus: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text(ALPHA)
    (folder / "sub" / "b.md").write_text("# Heart\n\n" + BETA)
    (folder / "empty.txt").write_text("")
    seen: list[tuple[str, int, int | None]] = []
    report = corpus.add_path(
        folder,
        labels=["m"],
        metadata={"kind": "note"},
        progress=lambda stage, done, total: seen.append((stage, done, total)),
    )
    assert (report.added, len(report.failures)) == (2, 1)
    assert "empty.txt" in report.failures[0].path
    assert seen[-1][:2] == ("documents", 3)
    holder = Principal("h", labels=frozenset({"m"}))
    assert [summary.id for summary in corpus.documents(principal=holder)] == ["a.txt", "sub/b.md"]
    assert corpus.get("a.txt", principal=holder).metadata["kind"] == "note"
    assert corpus.add_path(folder, labels=["m"], metadata={"kind": "note"}).unchanged == 2


def test_a_removed_document_is_gone_from_everything(corpus: Corpus) -> None:
    corpus.add([Document(id="a", text=ALPHA), Document(id="b", text=BETA)])
    passage = corpus.search("rent")[0].passage
    citation = Citation("a", passage.version, passage.start, passage.end, passage.text)
    assert corpus.verify(citation).status == "valid"
    assert corpus.remove(["a", "never there"]) == 1
    assert found(corpus, "rent first day") == ["b"]
    assert corpus.verify(citation).status == "missing"
    assert [summary.id for summary in corpus.documents()] == ["b"]
    with pytest.raises(DocumentNotFoundError):
        corpus.get("a", version=passage.version)
    assert corpus.check().problems == ()
    corpus.add([Document(id="a", text=ALPHA)])
    assert found(corpus, "rent first day")[0] == "a"


def test_absent_and_unreadable_documents_cannot_be_told_apart(corpus: Corpus) -> None:
    corpus.add([Document(id="secret", text=ALPHA, labels=frozenset({"m"}))])
    messages = []
    for id_ in ("secret", "absent"):
        with pytest.raises(DocumentNotFoundError) as caught:
            corpus.get(id_)
        messages.append(str(caught.value).replace(id_, "X"))
        version = corpus.get("secret", principal=Principal("p", labels=frozenset({"m"}))).version
        check = corpus.verify(Citation(id_, version, 0, 10, ALPHA[:10]))
        assert check.status == "missing"
        messages.append(check.message.replace(id_, "X"))
    assert messages[:2] == messages[2:]


def test_a_citation_is_valid_outdated_altered_or_missing(corpus: Corpus) -> None:
    corpus.add([Document(id="a", text=ALPHA)])
    old = Citation("a", corpus.get("a").version, 4, 10, "lessee")
    assert corpus.verify(old).status == "valid"
    assert corpus.verify(Citation("a", old.version, 4, 10, "lessor")).status == "altered"
    assert corpus.verify(Citation("a", old.version, -6, 4, "")).status == "altered"
    assert corpus.verify(Citation("a", old.version, 4, 4, "")).status == "altered"
    assert corpus.verify(Citation("a", old.version, 4, 10**9, ALPHA[4:])).status == "altered"
    corpus.add([Document(id="a", text=BETA)])
    assert corpus.verify(old).status == "outdated"
    assert corpus.verify(Citation("a", old.version, 4, 10, "lessor")).status == "altered"
    assert corpus.verify(Citation("a", "0" * 64, 4, 10, "lessee")).status == "missing"
    assert corpus.verify(Citation("a", "0" * 64, 0, 5, "Heart")).status == "outdated"
    assert corpus.verify(Citation("z", old.version, 4, 10, "lessee")).status == "missing"


def test_document_level_gives_each_document_once_by_its_best_passage(corpus: Corpus) -> None:
    corpus.add([Document(id=f"d{i}", text=paragraphs("alder", "birch", f"cedar{i}")) for i in range(6)])
    hits = corpus.search("cedar3 sentence", level="document", limit=4)
    assert len(hits) == 4
    assert len({hit.passage.document_id for hit in hits}) == 4
    assert hits[0].passage.document_id == "d3"
    assert "cedar3" in hits[0].passage.text
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_hit_explains_its_score(corpus: Corpus) -> None:
    corpus.add([Document(id="a", text=ALPHA), Document(id="b", text=BETA)])
    hit = corpus.search("rent of the lessee")[0]
    assert {"lexical", "dense"} <= set(hit.scores)
    assert all(name in hit.explain() for name in ("lexical", "dense"))
    assert sum(signal.contribution for signal in hit.signals) == pytest.approx(hit.score, abs=1e-6)


@pytest.mark.parametrize("query", ["", "   ", "\n", "?!", "title:rent AND (", "\0", "ünï çødé 漢字", "a" * 20_000])
def test_no_query_is_a_syntax_error(corpus: Corpus, query: str) -> None:
    corpus.add([Document(id="a", text=ALPHA)])
    assert len(corpus.search(query)) <= 1


def test_a_limit_below_one_is_refused(corpus: Corpus) -> None:
    with pytest.raises(InputError, match="limit"):
        corpus.search("rent", limit=0)


def test_an_empty_corpus_answers_with_nothing(corpus: Corpus) -> None:
    assert corpus.search("rent") == []
    assert corpus.documents() == []
    assert corpus.check().problems == ()
    assert corpus.remove(["x"]) == 0


def test_a_document_without_words_is_held_but_never_found(corpus: Corpus) -> None:
    corpus.add([Document(id="blank", text=" \n ")])
    assert corpus.get("blank").text == " \n "
    assert corpus.search("anything") == []
    assert corpus.check().problems == ()


def test_lists_are_by_id_in_pages(corpus: Corpus) -> None:
    corpus.add([Document(id=f"d{i}", text=ALPHA) for i in (3, 1, 2, 0)])
    assert [summary.id for summary in corpus.documents(limit=2, offset=1)] == ["d1", "d2"]
    summary = corpus.documents(limit=1)[0]
    assert (summary.characters, summary.passages, summary.version) == (len(ALPHA), 1, corpus.get("d0").version)
    assert summary.added_at.tzinfo is not None


def test_many_threads_search_while_one_adds(corpus: Corpus) -> None:
    corpus.add([Document(id="base", text=ALPHA)])
    faults: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                assert "base" in found(corpus, "lessee pays rent", limit=100)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(15):
        corpus.add([Document(id=f"d{i}", text=f"{BETA} {i}")])
        corpus.remove([f"d{i - 2}"])
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert corpus.check().problems == ()


def test_vectors_of_another_model_are_refused_until_embedded_again(tmp_path: Path, quick: Settings) -> None:
    path = tmp_path / "c"
    with Corpus.open(path, embedder=HashingEmbedder(64), settings=quick) as first:
        first.add([Document(id="a", text=ALPHA), Document(id="b", text=BETA)])
        with Corpus.open(path, embedder=HashingEmbedder(32), settings=quick) as second:
            for attempt in (lambda: second.search("rent"), lambda: second.add([Document(id="c", text="New words.")])):
                with pytest.raises(ModelMismatchError, match="--reembed"):
                    attempt()
            assert second.reembed() == 2
            assert found(second, "rent lessee")[0] == "a"
            assert second.check().problems == ()
            with pytest.raises(ModelMismatchError):
                first.search("rent")


def test_a_search_sees_what_another_corpus_object_committed(tmp_path: Path, quick: Settings) -> None:
    path = tmp_path / "c"
    embedder = HashingEmbedder(64)
    with Corpus.open(path, embedder=embedder, settings=quick) as one, Corpus.open(path, embedder=embedder) as two:
        assert two.search("rent") == []
        one.add([Document(id="a", text=ALPHA)])
        assert found(two, "rent") == ["a"]
        one.add([Document(id="a", text=ALPHA, labels=frozenset({"m"}))])
        assert found(two, "rent") == []
        two.add([Document(id="a", text=ALPHA)])
        assert found(one, "rent") == ["a"]
        one.remove(["a"], purge=True)
        assert found(two, "rent") == []
        one.add([Document(id="b", text=BETA)])
        assert found(two, "swelling") == ["b"]


def test_a_closed_corpus_says_so(corpus: Corpus) -> None:
    corpus.add([Document(id="a", text=ALPHA)])
    corpus.close()
    for attempt in (lambda: corpus.search("rent"), lambda: corpus.get("a"), lambda: corpus.add([])):
        with pytest.raises(StoreError, match="closed"):
            attempt()


def test_an_interrupted_add_keeps_its_committed_batches(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmapps.store.intake.BATCH_DOCUMENTS", 2)

    def documents() -> object:
        for i in range(5):
            yield Document(id=f"d{i}", text=f"{ALPHA} {i}")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corpus.add(documents())  # type: ignore[arg-type]
    assert [summary.id for summary in corpus.documents()] == ["d0", "d1", "d2", "d3"]
    assert corpus.check().problems == ()


def test_a_copied_folder_is_a_corpus(corpus: Corpus, tmp_path: Path, embedder: CountingEmbedder) -> None:
    corpus.add([Document(id="a", text=ALPHA)])
    corpus.close()
    shutil.copytree(corpus.path, tmp_path / "copy")
    with Corpus.open(tmp_path / "copy", embedder=embedder) as copy:
        assert found(copy, "rent") == ["a"]


_ids = st.sampled_from(["a", "b", "c"])
_words = st.sampled_from(["quartz", "basalt", "granite", "marble"])
_operations = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove"]), _ids, _words, st.sets(st.sampled_from("xy"))), max_size=8
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=_operations, held=st.frozensets(st.sampled_from("xy")))
def test_after_any_changes_a_search_finds_exactly_what_is_there_and_readable(
    corpus: Corpus, operations: list[tuple[str, str, str, set[str]]], held: frozenset[str]
) -> None:
    corpus.remove(["a", "b", "c"])
    there: dict[str, tuple[str, frozenset[str]]] = {}
    for operation, id_, word, labels in operations:
        if operation == "add":
            corpus.add([Document(id=id_, text=f"The {word} is a stone.", labels=frozenset(labels))])
            there[id_] = (word, frozenset(labels))
        else:
            assert corpus.remove([id_]) == (id_ in there)
            there.pop(id_, None)
    hits = corpus.search("which stone is this", principal=Principal("p", labels=held))
    seen = {hit.passage.document_id: hit.passage.text for hit in hits}
    assert seen == {id_: f"The {word} is a stone." for id_, (word, labels) in there.items() if labels <= held}
    assert corpus.check().problems == ()


def test_the_anonymous_reader_sees_only_what_carries_no_label(corpus: Corpus) -> None:
    corpus.add([Document(id="open", text=ALPHA), Document(id="walled", text=ALPHA + "!", labels=frozenset({"m"}))])
    assert found(corpus, "rent") == ["open"]
    assert [summary.id for summary in corpus.documents(principal=ANONYMOUS)] == ["open"]
    assert isinstance(corpus.search("rent")[0].passage, Passage)


def test_a_file_that_takes_the_place_of_another_of_its_name_is_named(corpus, tmp_path):
    for folder, text in (("north", "The rent is 900."), ("south", "The rent is 700.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "lease.txt").write_text(text)
    assert corpus.add_path(tmp_path / "north").displaced == ()
    report = corpus.add_path(tmp_path / "south")
    assert (report.updated, report.displaced) == (1, (("lease.txt", str(tmp_path / "north" / "lease.txt")),))
    (tmp_path / "south" / "lease.txt").write_text("The rent is 650.")
    assert corpus.add_path(tmp_path / "south").displaced == ()
    kept = corpus.add_path(tmp_path / "north", prefix="north/")
    assert (kept.added, kept.displaced) == (1, ())
    assert [summary.id for summary in corpus.documents()] == ["lease.txt", "north/lease.txt"]
