"""BM25 over passages: a tantivy index that follows the store's change log."""

from __future__ import annotations

import math
import re
import shutil
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InputError, StoreBusyError, StoreError
from fmapps.retrieval.candidates import Candidates, ranked

if TYPE_CHECKING:
    import tantivy

Field: TypeAlias = Literal["all", "text", "title"]
"""What of a passage is searched: its title, heading and text as one; its text alone; its document's title alone."""

MAX_TERMS = 64
"""A query keeps this many distinct terms, the rarest in the index; the rest could hardly change the ranking."""

COMMON_SHARE = 0.25
"""In an index of more than `LARGE` passages, terms found in more than this share of them do not rank, if others can."""

LARGE = 100_000

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
_ANALYSER = "english"
_LONGEST_WORD = 60
_WRITER_BYTES = 128_000_000
_FIRST_DAY, _LAST_DAY = date.min.toordinal(), date.max.toordinal()


class DamagedIndexError(StoreError):
    """An index on disk that cannot be read; it is derived, and can be rebuilt from the store."""

    code = "index_damaged"


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One passage as the index takes it.

    Attributes:
        key: the store's number of the passage; unique in the index.
        document: the store's number of its document.
        wall: the store's number of the document's set of access labels.
        title: the document's title.
        heading: the headings above the passage.
        text: the words.
        facets: what a filter can ask for, each compared as a whole.
        effective_from: first day in force; None: always was.
        effective_to: last day in force; None: still is.
    """

    key: int
    document: int
    wall: int
    title: str
    heading: str
    text: str
    facets: tuple[str, ...] = ()
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """What may be found, decided before ranking and without effect on a score.

    Attributes:
        walls: only behind these walls; None: any.
        documents: only of these documents; None: any.
        facets: of each group, at least one facet.
        as_of: only what is in force on that day; None: any.
    """

    walls: Collection[int] | None = None
    documents: Collection[int] | None = None
    facets: tuple[Collection[str], ...] = ()
    as_of: date | None = None


class LexicalIndex:
    """Passages by their words. Any number of threads may search; one process at a time may change it.

    Words are lowercased, freed of accents and stemmed as English; other scripts are kept as they are written. Get one
    from `open` or `rebuild`.
    """

    def __init__(self, index: tantivy.Index, folder: Path | None) -> None:
        self._index = index
        self._folder = folder
        self._guard = threading.Lock()
        self._searcher: tantivy.Searcher = index.searcher()
        self._sequence = _read_sequence(self._searcher)

    @classmethod
    def open(cls, folder: Path | None) -> LexicalIndex:
        """Open the index in a folder, made if it is missing; None: one in memory.

        Raises:
            DamagedIndexError: what is there is not a readable index of this form.
        """
        import tantivy

        with _guarded(folder):
            if folder is None:
                index = tantivy.Index(_schema())
            else:
                folder.mkdir(parents=True, exist_ok=True)
                index = tantivy.Index(_schema(), path=str(folder), reuse=True)
            index.register_tokenizer(_ANALYSER, _analyser())
            index.config_reader(reload_policy="manual")
            index.reload()
            return cls(index, folder)

    @classmethod
    def rebuild(cls, folder: Path, entries: Iterable[LexicalEntry], *, sequence: int) -> LexicalIndex:
        """Make the index anew in the place of what was there, of which no byte is left.

        Who has the old one open can go on searching it until `refresh`.

        Args:
            folder: of the index; replaced at the end, when the new one is complete.
            entries: every passage.
            sequence: the last change of the store that they show.
        """
        fresh = folder.with_name(f"{folder.name}.fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        cls.open(fresh).apply(sequence=sequence, removed_documents=(), added=entries)
        if folder.exists():
            old = folder.with_name(f"{folder.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
            fresh.rename(folder)
            shutil.rmtree(old)
        else:
            fresh.rename(folder)
        return cls.open(folder)

    @property
    def sequence(self) -> int:
        """The number of the last change that it shows; 0: none."""
        return self._sequence

    def __len__(self) -> int:
        """How many passages it holds."""
        return max(int(self._searcher.num_docs) - 1, 0)

    def refresh(self) -> None:
        """See what other processes have committed.

        Raises:
            DamagedIndexError: the files are no longer readable.
        """
        with self._guard:
            self._reload()

    def apply(
        self,
        *,
        sequence: int,
        removed_documents: Collection[int],
        added: Iterable[LexicalEntry],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Make one commit of what changed; the same call again changes nothing more.

        Args:
            sequence: the last change of the store that it makes visible; committed together with it.
            removed_documents: documents whose passages go.
            added: passages that come, in place of any that their documents had.
            progress: told how many passages are in so far.

        Raises:
            StoreBusyError: another process is changing it.
            DamagedIndexError: it cannot be written.
        """
        import tantivy

        with self._guard, self._writer() as writer:
            occupied = self._searcher.num_docs > 0
            cleared = set(removed_documents)
            if occupied:
                writer.delete_documents_by_query(tantivy.Query.exists_query("sequence"))
                for document in cleared:
                    writer.delete_documents_by_term("document", document)
            for count, entry in enumerate(added, 1):
                if occupied and entry.document not in cleared:
                    cleared.add(entry.document)
                    writer.delete_documents_by_term("document", entry.document)
                writer.add_document(_document(entry))
                if progress:
                    progress(count)
            writer.add_document(tantivy.Document(sequence=sequence))

    def clear(self) -> None:
        """Take everything out, so that the log can be followed from its start."""
        with self._guard, self._writer() as writer:
            writer.delete_all_documents()

    def search(
        self,
        query: str,
        *,
        limit: int,
        constraint: Constraint | None = None,
        fields: Mapping[Field, float] | None = None,
    ) -> Candidates:
        """The passages that answer a query's words best.

        Args:
            query: any text; each distinct term counts once, and at most `MAX_TERMS` of them, the rarest.
            limit: at most so many.
            constraint: what may be found; None: all.
            fields: what to search, with the weight of each; by default "all" alone.

        Returns:
            Best first; only passages that hold at least one of the terms. Scores are BM25 (k1 1.2, b 0.75).

        Raises:
            InputError: `limit` is not positive.
            DamagedIndexError: the files are no longer readable.

        Source: Robertson and Zaragoza 2009, The Probabilistic Relevance Framework: BM25 and Beyond.
        """
        import tantivy

        if limit < 1:
            raise InputError(f"limit is {limit}", remedy="ask for at least one passage")
        searcher = self._searcher
        with _guarded(self._folder):
            wanted = self._words(searcher, query, fields or {"all": 1.0})
            if wanted is None:
                return _none()
            if constraint is not None:
                clauses = [(tantivy.Occur.Must, clause) for clause in _clauses(constraint)]
                wanted = tantivy.Query.boolean_query([(tantivy.Occur.Must, wanted), *clauses]) if clauses else wanted
            hits = searcher.search(wanted, limit=min(limit, max(searcher.num_docs, 1)), count=False).hits
            return _candidates(searcher, hits)

    def score(
        self, query: str, keys: NDArray[np.int64], *, fields: Mapping[Field, float] | None = None
    ) -> NDArray[np.float32]:
        """The BM25 score of given passages, as `search` gives it.

        Args:
            query: as in `search`.
            keys: shape (n,), int64, without repeats.
            fields: as in `search`.

        Returns:
            Shape (n,), float32; 0 for a passage with none of the terms, or not in the index.
        """
        import tantivy

        scores = np.zeros(len(keys), dtype=np.float32)
        searcher = self._searcher
        with _guarded(self._folder):
            wanted = self._words(searcher, query, fields or {"all": 1.0})
            if wanted is None or not len(keys):
                return scores
            among = _free(tantivy.Query.term_set_query(_schema(), "key", keys.tolist()))
            both = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), (tantivy.Occur.Must, wanted)])
            found = _candidates(searcher, searcher.search(both, limit=len(keys), count=False).hits)
        order = np.argsort(keys)
        scores[order[np.searchsorted(keys, found.keys, sorter=order)]] = found.scores
        return scores

    def rarity(self, term: str, *, field: Field = "all") -> float:
        """Inverse document frequency of an analysed term, as BM25 counts it, at least 0."""
        searcher = self._searcher
        frequency = searcher.doc_freq(field, term)
        return math.log1p((searcher.num_docs - frequency + 0.5) / (frequency + 0.5))

    def keys(self) -> NDArray[np.int64]:
        """The key of every passage in it, in no order."""
        import tantivy

        searcher = self._searcher
        with _guarded(self._folder):
            every = tantivy.Query.exists_query("key")
            hits = searcher.search(every, limit=max(searcher.num_docs, 1), count=False).hits
            values = searcher.fast_field_values("key", [address for _, address in hits])
        return np.array(values, dtype=np.int64)

    def _reload(self) -> None:
        with _guarded(self._folder):
            self._index.reload()
            searcher = self._index.searcher()
            self._searcher, self._sequence = searcher, _read_sequence(searcher)

    @contextmanager
    def _writer(self) -> Iterator[tantivy.IndexWriter]:
        """A writer whose work is committed at the end, or undone if it fails."""
        with _guarded(self._folder):
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        try:
            yield writer
            with _guarded(self._folder):
                writer.commit()
        except BaseException:
            writer.rollback()
            raise
        finally:
            writer.wait_merging_threads()
        self._reload()

    def _words(self, searcher: tantivy.Searcher, query: str, fields: Mapping[Field, float]) -> tantivy.Query | None:
        """Any of the query's terms in any of the fields; None where there is no term that the index has."""
        import tantivy

        terms = list(dict.fromkeys(terms_of(query)))
        clauses = []
        for field, weight in fields.items():
            for term in _informative(searcher, field, terms):
                clause = tantivy.Query.term_query(_schema(), field, term, "freq")
                clauses.append(
                    (tantivy.Occur.Should, clause if weight == 1 else tantivy.Query.boost_query(clause, weight))
                )
        return tantivy.Query.boolean_query(clauses) if clauses else None


def terms_of(text: str) -> list[str]:
    """The terms of a text as the index sees them, in order, with repeats."""
    return list(_analyser().analyze(_plain(text)))


def _plain(text: str) -> str:
    """Compatibility forms made one, and Chinese and Japanese, which put no space between words, cut into characters."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
    return _UNSPACED.sub(r" \g<0> ", text)


def _informative(searcher: tantivy.Searcher, field: Field, terms: list[str]) -> list[str]:
    """The terms that can rank: those the index has, without the most common of a large one, the rarest `MAX_TERMS`."""
    frequency = {term: searcher.doc_freq(field, term) for term in terms}
    known = [term for term in terms if frequency[term]]
    if searcher.num_docs > LARGE:
        most = searcher.num_docs * COMMON_SHARE
        known = [term for term in known if frequency[term] <= most] or known
    if len(known) > MAX_TERMS:
        known = sorted(known, key=lambda term: frequency[term])[:MAX_TERMS]
    return known


def _clauses(constraint: Constraint) -> Iterator[tantivy.Query]:
    """One query for each limit, none of which adds to a score."""
    import tantivy

    schema, query = _schema(), tantivy.Query
    if constraint.walls is not None:
        yield _free(query.term_set_query(schema, "wall", list(constraint.walls)))
    if constraint.documents is not None:
        yield _free(query.term_set_query(schema, "document", list(constraint.documents)))
    for group in constraint.facets:
        yield _free(query.term_set_query(schema, "facet", list(group)))
    if constraint.as_of is not None:
        day, integer = constraint.as_of.toordinal(), tantivy.FieldType.Integer
        yield _free(query.range_query(schema, "effective_from", integer, upper_bound=day))
        yield _free(query.range_query(schema, "effective_to", integer, lower_bound=day))


def _free(query: tantivy.Query) -> tantivy.Query:
    import tantivy

    return tantivy.Query.const_score_query(query, 0.0)


def _document(entry: LexicalEntry) -> tantivy.Document:
    import tantivy

    document = tantivy.Document()
    document.add_integer("key", entry.key)
    document.add_integer("document", entry.document)
    document.add_integer("wall", entry.wall)
    document.add_integer("effective_from", entry.effective_from.toordinal() if entry.effective_from else _FIRST_DAY)
    document.add_integer("effective_to", entry.effective_to.toordinal() if entry.effective_to else _LAST_DAY)
    for facet in entry.facets:
        document.add_text("facet", facet)
    document.add_text("all", _plain("\n".join((entry.title, entry.heading, entry.text))))
    document.add_text("text", _plain(entry.text))
    document.add_text("title", _plain(entry.title))
    return document


def _candidates(searcher: tantivy.Searcher, hits: list[tuple[float, tantivy.DocAddress]]) -> Candidates:
    if not hits:
        return _none()
    addresses = [address for _, address in hits]
    return ranked(
        np.array(searcher.fast_field_values("key", addresses), dtype=np.int64),
        np.array(searcher.fast_field_values("document", addresses), dtype=np.int64),
        np.array([score for score, _ in hits], dtype=np.float32),
    )


def _none() -> Candidates:
    return Candidates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def _read_sequence(searcher: tantivy.Searcher) -> int:
    """From the marker, a document without words that every commit replaces."""
    import tantivy

    hits = searcher.search(tantivy.Query.exists_query("sequence"), limit=1, count=False).hits
    values = searcher.fast_field_values("sequence", [address for _, address in hits])
    return int(values[0] or 0) if values else 0


@cache
def _analyser() -> tantivy.TextAnalyzer:
    import tantivy

    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.remove_long(_LONGEST_WORD))
    plain = words.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.ascii_fold())
    return plain.filter(tantivy.Filter.stemmer("english")).build()


@cache
def _schema() -> tantivy.Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    for name in ("key", "document", "wall", "effective_from", "effective_to", "sequence"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_text_field("facet", tokenizer_name="raw", index_option="basic")
    for name in ("all", "text", "title"):
        builder.add_text_field(name, tokenizer_name=_ANALYSER, index_option="freq")
    return builder.build()


@contextmanager
def _guarded(folder: Path | None) -> Iterator[None]:
    """Turn the library's failures, its panics included, into an error that says what to do."""
    try:
        yield
    except StoreError:
        raise
    except (ValueError, OSError) as error:
        if "LockBusy" in str(error):
            raise StoreBusyError(
                "another process is changing the lexical index", where=str(folder), remedy="try again when it is done"
            ) from error
        raise _damaged(folder, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(folder, error) from error


def _damaged(folder: Path | None, error: BaseException) -> DamagedIndexError:
    return DamagedIndexError(
        f"the lexical index cannot be used: {error}",
        where=str(folder or "in memory"),
        remedy="delete the folder: it is rebuilt from the store at the next search",
    )
