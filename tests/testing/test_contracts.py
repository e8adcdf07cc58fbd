"""Our own parts keep the shipped contracts, and the contracts see a part that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from fmapps.corpus import Corpus
from fmapps.records import ANONYMOUS, Document, Filter, Hit, Principal
from fmapps.retrieval.embedding import Embedder, MiniLMEmbedder
from fmapps.testing import CorpusContract, EmbedderContract, HashingEmbedder, RetrieverContract
from fmapps.testing.documents import LEDGER
from fmapps.testing.retriever import Search


class TestCorpus(CorpusContract):
    pass


class TestHashingEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return HashingEmbedder()


@cache
def minilm() -> Embedder:
    return MiniLMEmbedder()


@pytest.mark.weights
class TestMiniLM(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return minilm()


EVERYTHING = Filter()
READER = Principal("reader", labels=LEDGER.labels)


def leaks(corpus: Corpus, query: str, options: dict[str, Any]) -> list[Hit]:
    return corpus.search(query, **{**options, "principal": READER})


def ignores_filters(corpus: Corpus, query: str, options: dict[str, Any]) -> list[Hit]:
    return corpus.search(query, **{**options, "filter": Filter()})


def ignores_the_limit(corpus: Corpus, query: str, options: dict[str, Any]) -> list[Hit]:
    return corpus.search(query, **{**options, "limit": 50})


def worst_first(corpus: Corpus, query: str, options: dict[str, Any]) -> list[Hit]:
    return corpus.search(query, **options)[::-1]


def repeats(corpus: Corpus, query: str, options: dict[str, Any]) -> list[Hit]:
    return [hit for hit in corpus.search(query, **options) for _ in range(2)][: options["limit"]]


def misplaces(corpus: Corpus, query: str, options: dict[str, Any]) -> list[Hit]:
    hits = corpus.search(query, **options)
    return [replace(hit, passage=replace(hit.passage, start=hit.passage.start + 1)) for hit in hits]


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        (
            leaks,
            lambda over: RetrieverContract().test_a_document_is_hidden_from_who_lacks_one_of_its_labels(over, set()),
        ),
        (ignores_filters, RetrieverContract().test_filters_hold),
        (ignores_the_limit, RetrieverContract().test_best_first_without_repeats_within_the_limit),
        (worst_first, RetrieverContract().test_best_first_without_repeats_within_the_limit),
        (repeats, RetrieverContract().test_best_first_without_repeats_within_the_limit),
        (misplaces, RetrieverContract().test_every_passage_is_an_exact_range_of_its_document),
    ],
)
def test_a_faulty_retriever_fails(
    corpus: Corpus,
    fault: Callable[[Corpus, str, dict[str, Any]], list[Hit]],
    test: Callable[[Callable[[Iterable[Document]], Search]], None],
) -> None:
    def over(documents: Iterable[Document]) -> Search:
        corpus.add(list(documents))

        def search(
            query: str, *, limit: int = 10, principal: Principal = ANONYMOUS, filter: Filter = EVERYTHING
        ) -> list[Hit]:
            return fault(corpus, query, {"limit": limit, "principal": principal, "filter": filter})

        return search

    with pytest.raises(AssertionError):
        test(over)


class Faulty(HashingEmbedder):
    """Spoils the vectors."""

    def __init__(self, spoil: Callable[[Any], Any]) -> None:
        super().__init__()
        self.spoil = spoil

    def encode(self, texts, **options: Any):
        return self.spoil(super().encode(texts, **options))


@pytest.mark.parametrize(
    ("spoil", "test"),
    [
        (lambda v: v * 2, "test_gives_unit_vectors_in_float32"),
        (lambda v: v.astype(np.float64), "test_gives_unit_vectors_in_float32"),
        (lambda v: v[::-1], "test_a_vector_depends_on_its_text_alone"),
        (lambda v: np.eye(len(v), v.shape[1], dtype=np.float32), "test_a_vector_depends_on_its_text_alone"),
        (lambda v: v[:1].repeat(len(v), axis=0), "test_different_texts_differ"),
    ],
)
def test_a_faulty_embedder_fails(spoil: Callable[[Any], Any], test: str) -> None:
    with pytest.raises(AssertionError):
        getattr(EmbedderContract(), test)(Faulty(spoil))
