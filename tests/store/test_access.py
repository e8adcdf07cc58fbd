"""What a principal may read and a filter leaves is the same in the store, in both retrievers, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fmapps.corpus import Corpus
from fmapps.records import ANONYMOUS, Document, Filter, Principal, Scalar
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.store import access, reading

DAY = date(2020, 1, 1)
VALUES: dict[str, tuple[Scalar, ...]] = {"year": (2019, 2020, 2021), "kind": ("lease", "note"), "signed": (True, False)}


def documents() -> list[Document]:
    """Every mixture of labels, values and periods, a few of each."""
    made = []
    for i in range(72):
        labels = frozenset(label for bit, label in enumerate("abc") if i >> bit & 1)
        begins = None if i % 4 == 0 else DAY + timedelta(days=i % 5)
        ends = None if i % 3 == 0 else DAY + timedelta(days=5 + i % 4)
        metadata = {key: values[i % len(values)] for key, values in VALUES.items() if (i // 7 + len(key)) % 4}
        made.append(
            Document(
                id=f"d{i}",
                text=f"Clause {i} about rent.",
                labels=labels,
                metadata=metadata,
                effective_from=begins,
                effective_to=ends,
            )
        )
    return made


DOCUMENTS = documents()


@pytest.fixture(scope="module")
def walled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    folder: Path = tmp_path_factory.mktemp("walled") / "corpus.fmapps"
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus:
        corpus.add(DOCUMENTS)
        yield corpus


def written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def passes(document: Document, principal: Principal, filter: Filter) -> bool:
    """The promise, in its own words."""
    return (
        document.labels <= principal.labels
        and (filter.documents is None or document.id in filter.documents)
        and (filter.as_of is None or document.effective_from is None or document.effective_from <= filter.as_of)
        and (filter.as_of is None or document.effective_to is None or filter.as_of <= document.effective_to)
        and all(
            key in document.metadata and written(document.metadata[key]) in map(written, values)
            for key, values in filter.metadata
        )
    )


principals = st.frozensets(st.sampled_from("abcd")).map(lambda labels: Principal("p", labels=labels))
filters = st.builds(
    Filter,
    metadata=st.lists(
        st.sampled_from(sorted(VALUES)).flatmap(
            lambda key: st.tuples(st.just(key), st.lists(st.sampled_from(VALUES[key]), max_size=2).map(tuple))
        ),
        max_size=2,
    ).map(tuple),
    documents=st.none() | st.frozensets(st.sampled_from([f"d{i}" for i in range(80)]), max_size=40),
    as_of=st.none() | st.integers(-3, 12).map(lambda days: DAY + timedelta(days=days)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(principal=principals, filter=filters)
def test_search_list_and_store_agree_with_the_promise(walled: Corpus, principal: Principal, filter: Filter) -> None:
    expected = {document.id for document in DOCUMENTS if passes(document, principal, filter)}
    assert {summary.id for summary in walled.documents(principal=principal, filter=filter)} == expected
    hits = walled.search("clause about rent", limit=100, principal=principal, filter=filter)
    assert {hit.passage.document_id for hit in hits} == expected
    with walled._database.read() as connection:
        scope = access.scope(connection, principal, filter)
        assert len(reading.numbers(connection, scope)) == len(expected)
        assert not (scope.excludes_all and expected)


@settings(max_examples=40, deadline=None)
@given(principal=principals, filter=filters)
def test_each_retriever_alone_keeps_to_the_scope(walled: Corpus, principal: Principal, filter: Filter) -> None:
    expected = {int(id_[1:]) for id_ in (d.id for d in DOCUMENTS if passes(d, principal, filter))}
    _, _, allowed = walled._searcher._scope(principal, filter)
    with walled._database.read() as connection:
        ids = dict(connection.execute("SELECT number, id FROM documents"))
    numbers = set(ids) if allowed is None else set(np.flatnonzero(allowed).tolist())
    assert {int(ids[number][1:]) for number in numbers} == expected
    dense = walled._indexes.dense()
    assert dense is not None
    vector = HashingEmbedder(32).encode(["clause about rent"])[0]
    found = dense.search(vector, limit=100, allowed=allowed)
    assert {int(ids[number][1:]) for number in found.documents.tolist()} == expected


def test_a_value_is_compared_as_it_is_written(walled: Corpus) -> None:
    def count(*values: Scalar) -> int:
        return len(
            walled.documents(principal=Principal("p", labels=frozenset("abc")), filter=Filter((("year", values),)))
        )

    assert count(2020) == count("2020") == count(2020.0) > 0
    assert count(2020, 2021) == count(2020) + count(2021)
    assert count() == 0


@pytest.mark.parametrize("id_", ["", "d1\0", "\0", "\ud800", "d1' OR '1'='1", "%"])
def test_odd_ids_select_nothing(walled: Corpus, id_: str) -> None:
    assert walled.documents(filter=Filter(documents=frozenset({id_}))) == []
    assert walled.search("rent", filter=Filter(documents=frozenset({id_}))) == []
    assert walled.remove([id_]) == 0


def test_keys_and_values_do_not_run_into_each_other(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "c", embedder=HashingEmbedder(32)) as corpus:
        corpus.add(
            [Document(id="x", text="One.", metadata={"a=b": "c"}), Document(id="y", text="One.", metadata={"a": "b=c"})]
        )
        assert [s.id for s in corpus.documents(filter=Filter((("a", ("b=c",)),)))] == ["y"]
        assert [s.id for s in corpus.documents(filter=Filter((("a=b", ("c",)),)))] == ["x"]


def test_a_wall_closed_between_ranking_and_reading_keeps_the_passage_back(tmp_path: Path) -> None:
    with Corpus.open(tmp_path / "c", embedder=HashingEmbedder(32)) as corpus:
        corpus.add([Document(id="x", text="Rent is due."), Document(id="y", text="Rent is late.")])
        real = corpus._searcher._scope

        def late(principal: Principal, filter: Filter) -> object:
            scope = real(principal, filter)
            with Corpus.open(corpus.path, embedder=HashingEmbedder(32)) as other:
                other.add([Document(id="x", text="Rent is due.", labels=frozenset({"m"}))])
            return scope

        corpus._searcher._scope = late  # type: ignore[method-assign, assignment]
        assert [hit.passage.document_id for hit in corpus.search("rent", principal=ANONYMOUS)] == ["y"]
