"""What every corpus keeps: what was added is found and re-read, what was changed or removed is gone."""

# The name of a test says what must hold.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from fmapps.corpus import Corpus
from fmapps.errors import DocumentNotFoundError, InputError
from fmapps.records import Citation, Document, Principal
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.testing.documents import ALL, HARBOUR, LEDGER, ORCHARD, TARIFF
from fmapps.testing.retriever import RetrieverContract, Search, SearchOver

OpenCorpus: TypeAlias = Callable[[], Corpus]
"""Opens the same corpus again at each call; the first call makes it."""

DIRECTOR = Principal("director", labels=LEDGER.labels)
HORSES = replace(TARIFF, text="A horse crosses for eleven crowns.\n\nA mule crosses for seven.")


class CorpusContract(RetrieverContract):
    """Override `open_corpus` to try another corpus than the embedded one."""

    @pytest.fixture
    def open_corpus(self, tmp_path: Path) -> Iterator[OpenCorpus]:
        """Opens a corpus that is empty at first, with an embedder that needs no weights."""
        opened: list[Corpus] = []

        def open_() -> Corpus:
            opened.append(Corpus.open(tmp_path / "contract.fmapps", embedder=HashingEmbedder()))
            return opened[-1]

        yield open_
        for corpus in opened:
            corpus.close()

    @pytest.fixture
    def corpus(self, open_corpus: OpenCorpus) -> Corpus:
        """An empty corpus."""
        return open_corpus()

    @pytest.fixture
    def search_over(self, corpus: Corpus) -> SearchOver:
        """Searches the corpus, once it holds the documents and no others."""

        def over(documents: Iterable[Document]) -> Search:
            corpus.remove([summary.id for summary in corpus.documents(principal=DIRECTOR)])
            corpus.add(list(documents))
            return corpus.search

        return over

    def test_what_was_added_is_read_back_whole(self, corpus: Corpus) -> None:
        report = corpus.add(ALL)
        assert (report.added, report.updated, report.unchanged, report.failures) == (len(ALL), 0, 0, ())
        for document in ALL:
            assert corpus.get(document.id, principal=DIRECTOR) == document
            assert corpus.get(document.id, principal=DIRECTOR).metadata == document.metadata

    def test_adding_the_same_again_changes_nothing(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        before = corpus.search("zebra crowns", limit=50)
        report = corpus.add(ALL)
        assert (report.added, report.updated, report.unchanged) == (0, 0, len(ALL))
        assert corpus.search("zebra crowns", limit=50) == before

    def test_a_changed_document_answers_with_its_new_text_only(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        report = corpus.add([HORSES])
        assert (report.added, report.updated, report.unchanged) == (0, 1, 0)
        assert corpus.get(TARIFF.id).text == HORSES.text
        passages = [hit.passage for hit in corpus.search("crosses for crowns bicycle mule", limit=50)]
        of_tariff = [passage for passage in passages if passage.document_id == TARIFF.id]
        assert of_tariff
        assert all(passage.version == HORSES.version and "bicycle" not in passage.text for passage in of_tariff)

    def test_new_labels_hide_at_once(self, corpus: Corpus) -> None:
        corpus.add([HARBOUR, ORCHARD])
        corpus.add([replace(HARBOUR, labels=frozenset({"pilots"}))])
        assert HARBOUR.id not in {hit.passage.document_id for hit in corpus.search(HARBOUR.text)}
        with pytest.raises(DocumentNotFoundError):
            corpus.get(HARBOUR.id)

    def test_a_removed_document_is_gone(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        assert corpus.remove([ORCHARD.id, "never-was"]) == 1
        assert corpus.remove([ORCHARD.id]) == 0
        assert ORCHARD.id not in {hit.passage.document_id for hit in corpus.search(ORCHARD.text, limit=50)}
        assert ORCHARD.id not in {summary.id for summary in corpus.documents()}
        with pytest.raises(DocumentNotFoundError):
            corpus.get(ORCHARD.id)

    def test_a_removed_document_can_come_back(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        corpus.remove([ORCHARD.id])
        assert corpus.add([ORCHARD]).added == 1
        assert corpus.search("prune the apple trees")[0].passage.document_id == ORCHARD.id

    def test_what_may_not_be_read_seems_not_to_exist(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        with pytest.raises(DocumentNotFoundError) as hidden:
            corpus.get(LEDGER.id)
        with pytest.raises(DocumentNotFoundError) as missing:
            corpus.get("nowhere")
        assert hidden.value.message.replace(LEDGER.id, "?") == missing.value.message.replace("nowhere", "?")
        assert LEDGER.id not in {summary.id for summary in corpus.documents()}
        assert LEDGER.id in {summary.id for summary in corpus.documents(principal=DIRECTOR)}

    def test_one_hit_a_document_where_documents_are_asked_for(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        found = [hit.passage.document_id for hit in corpus.search("zebra crowns apples", limit=50, level="document")]
        assert len(found) == len(set(found)) > 1

    def test_a_citation_is_valid_as_long_as_the_words_stand_there(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        start = TARIFF.text.index("A horse")
        quote = TARIFF.text[start:]
        citation = Citation(TARIFF.id, TARIFF.version, start, len(TARIFF.text), quote)
        assert corpus.verify(citation).status == "valid"
        assert corpus.verify(replace(citation, quote=quote.replace("nine", "four"))).status == "altered"
        assert corpus.verify(replace(citation, start=start + 1)).status == "altered"
        corpus.add([HORSES])
        assert corpus.verify(citation).status != "valid"
        corpus.remove([TARIFF.id])
        assert corpus.verify(citation).status == "missing"

    def test_a_citation_into_what_may_not_be_read_is_missing(self, corpus: Corpus) -> None:
        corpus.add(ALL)
        citation = Citation(LEDGER.id, LEDGER.version, 0, 9, LEDGER.text[:9])
        assert corpus.verify(citation).status == "missing"
        assert corpus.verify(citation, principal=DIRECTOR).status == "valid"

    def test_another_opening_sees_what_was_committed(self, open_corpus: OpenCorpus) -> None:
        first, second = open_corpus(), open_corpus()
        first.add(ALL)
        assert second.search("prune the apple trees")[0].passage.document_id == ORCHARD.id
        first.remove([ORCHARD.id])
        assert ORCHARD.id not in {hit.passage.document_id for hit in second.search(ORCHARD.text, limit=50)}

    def test_it_is_all_there_after_closing(self, open_corpus: OpenCorpus) -> None:
        corpus = open_corpus()
        corpus.add(ALL)
        corpus.remove([HARBOUR.id])
        before = corpus.search("zebra crowns apples", limit=50)
        corpus.close()
        again = open_corpus()
        assert again.search("zebra crowns apples", limit=50) == before
        with pytest.raises(DocumentNotFoundError):
            again.get(HARBOUR.id)

    def test_a_limit_below_one_is_refused(self, corpus: Corpus) -> None:
        corpus.add([HARBOUR])
        with pytest.raises(InputError):
            corpus.search("boat", limit=0)
