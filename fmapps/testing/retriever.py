"""What every retriever keeps: best first, no repeats, nothing that may not be seen, and the same answer twice."""

# The name of a test says what must hold.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Protocol, TypeAlias

import pytest

from fmapps.records import ANONYMOUS, Document, Filter, Hit, Principal
from fmapps.testing.documents import ALL, AWKWARD, HARBOUR, LEDGER, ORCHARD, TARIFF


class Search(Protocol):
    """How a retriever is asked."""

    def __call__(
        self, query: str, *, limit: int = 10, principal: Principal = ANONYMOUS, filter: Filter = ...
    ) -> list[Hit]:
        """The passages that answer the query, best first."""
        ...


SearchOver: TypeAlias = Callable[[Iterable[Document]], Search]
"""Given documents, a retriever over exactly those."""


class RetrieverContract:
    """Override `search_over`."""

    @pytest.fixture
    def search_over(self) -> SearchOver:
        """Makes a retriever over documents."""
        raise NotImplementedError("override the fixture search_over")

    def test_finds_the_passage_with_the_words_of_the_query(self, search_over: SearchOver) -> None:
        search = search_over(ALL)
        assert search("prune the apple trees")[0].passage.document_id == ORCHARD.id
        assert search("harbour master slipway")[0].passage.document_id == HARBOUR.id

    def test_every_passage_is_an_exact_range_of_its_document(self, search_over: SearchOver) -> None:
        search = search_over(ALL)
        texts = {document.id: document for document in ALL}
        found = [hit.passage for query in ("zebra", "crowns", "apples", "boat") for hit in search(query, limit=50)]
        assert {passage.document_id for passage in found} >= {AWKWARD.id, TARIFF.id, ORCHARD.id, HARBOUR.id}
        for passage in found:
            document = texts[passage.document_id]
            assert document.text[passage.start : passage.end] == passage.text
            assert passage.version == document.version
            assert passage.title == document.title

    def test_best_first_without_repeats_within_the_limit(self, search_over: SearchOver) -> None:
        search = search_over(ALL)
        for limit in (1, 2, 50):
            hits = search("zebra crowns apples boat", limit=limit)
            scores = [hit.score for hit in hits]
            assert 0 < len(hits) <= limit
            assert scores == sorted(scores, reverse=True)
            assert len({hit.passage.id for hit in hits}) == len(hits)

    def test_every_hit_says_who_found_it(self, search_over: SearchOver) -> None:
        for hit in search_over(ALL)("apples in August"):
            assert hit.signals
            assert all(signal.retriever.replace("_", " ") in hit.explain() for signal in hit.signals)

    def test_asking_twice_gives_the_same(self, search_over: SearchOver) -> None:
        search = search_over(ALL)
        assert search("crowns for a horse") == search("crowns for a horse")

    @pytest.mark.parametrize(
        "labels",
        [frozenset(), frozenset({"accounts"}), frozenset({"directors", "cooks"})],
        ids=["none", "one", "other"],
    )
    def test_a_document_is_hidden_from_who_lacks_one_of_its_labels(
        self, search_over: SearchOver, labels: frozenset[str]
    ) -> None:
        hits = search_over(ALL)(LEDGER.text, limit=50, principal=Principal("reader", labels=labels))
        assert hits
        assert LEDGER.id not in {hit.passage.document_id for hit in hits}

    def test_a_document_is_found_by_who_holds_all_its_labels(self, search_over: SearchOver) -> None:
        director = Principal("director", labels=LEDGER.labels | {"more"})
        assert search_over(ALL)(LEDGER.text, principal=director)[0].passage.document_id == LEDGER.id

    def test_filters_hold(self, search_over: SearchOver) -> None:
        search = search_over(ALL)

        def found(filter: Filter) -> set[str]:
            hits = search("zebra crowns apples boat horse", limit=50, filter=filter)
            return {hit.passage.document_id for hit in hits}

        assert found(Filter(metadata=(("shelf", ("rules",)),))) == {HARBOUR.id, TARIFF.id}
        assert found(Filter(metadata=(("year", (2020, 2021)),))) == {HARBOUR.id, ORCHARD.id}
        assert found(Filter(metadata=(("shelf", ("rules",)), ("year", (2019,))))) == {TARIFF.id}
        assert found(Filter(metadata=(("shelf", ("nowhere",)),))) == set()
        assert found(Filter(documents=frozenset({ORCHARD.id, LEDGER.id}))) == {ORCHARD.id}
        assert found(Filter(documents=frozenset())) == set()
        assert TARIFF.id in found(Filter(as_of=date(2019, 12, 31)))
        assert TARIFF.id not in found(Filter(as_of=date(2020, 1, 1)))
        assert HARBOUR.id in found(Filter(as_of=date(1800, 1, 1)))

    @pytest.mark.parametrize(
        "query", ['"', "a:b AND (", "shelf:rules", "*", "\\", "zebra~2 +-^", "\u05e9\u05dc\u05d5\u05dd"]
    )
    def test_there_is_no_query_syntax_to_trip_over(self, search_over: SearchOver, query: str) -> None:
        hits = search_over(ALL)(query, limit=50)
        assert LEDGER.id not in {hit.passage.document_id for hit in hits}

    def test_nothing_to_search_is_no_hit(self, search_over: SearchOver) -> None:
        assert search_over(())("zebra") == []
        assert search_over(ALL)("  \n") == []
