"""Documents and their indexes: what is added can be searched, what is removed is gone, what is cited can be re-read."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import DocumentNotFoundError, InputError, ModelMismatchError
from fmapps.ingestion.reader import Failure, read_path
from fmapps.ingestion.splitter import split
from fmapps.records import ANONYMOUS, Citation, Document, Filter, Hit, Principal, Scalar
from fmapps.retrieval.follow import Indexes
from fmapps.retrieval.rerank import RERANKED, Reranker, rerank
from fmapps.retrieval.search import Searcher
from fmapps.settings import Settings
from fmapps.settings import settings as process_settings
from fmapps.store import access, checking, reading, schema, writing
from fmapps.store.checking import CheckReport
from fmapps.store.database import Database
from fmapps.store.intake import Intake
from fmapps.store.reading import DocumentSummary
from fmapps.store.writing import Difference

if TYPE_CHECKING:
    from fmapps.retrieval.embedding import Embedder

__all__ = ["AddReport", "CheckReport", "CitationCheck", "Corpus", "CorpusStatus", "DocumentSummary", "Progress"]

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Told the stage, how much of it is done, and how much there is where that is known."""

FOLLOW_SECONDS = 10.0
"""How often a long `add` brings the lexical index up, so that other processes need not."""


@dataclass(frozen=True, slots=True)
class AddReport:
    """What an `add` did.

    Attributes:
        added: documents that were new.
        updated: documents whose text, title, labels, metadata or period changed.
        unchanged: documents that were there already.
        failures: what could not be added, and why.
        passages: of the documents added or updated.
        displaced: ids of documents whose text was read from another file before, and that file. Two files of one
            name in different folders do this; `prefix` keeps both.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failures: tuple[Failure, ...] = ()
    passages: int = 0
    displaced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CitationCheck:
    """Whether a citation can still be re-read.

    Attributes:
        status: "valid": the words stand there in the current version; "outdated": they stand there in an older
            version, or the document has changed around them; "altered": other words stand there; "missing": there is
            no such document or version that the principal may read.
        message: the same in a sentence.
    """

    status: Literal["valid", "outdated", "altered", "missing"]
    message: str


@dataclass(frozen=True, slots=True)
class CorpusStatus:
    """The state of a corpus, in figures.

    Attributes:
        path: its folder.
        documents: that are held.
        passages: that are searched.
        versions: of all documents, old ones included.
        bytes: that the folder takes.
        embedder: fingerprint of the model whose vectors it holds; None before the first document.
        sequence: the last change in the store.
        lexical_sequence: the last change the lexical index has seen.
        dense_sequence: the last change the dense index has seen.
        schema: version of the store's tables.
    """

    path: Path
    documents: int
    passages: int
    versions: int
    bytes: int
    embedder: str | None
    sequence: int
    lexical_sequence: int
    dense_sequence: int
    schema: int


class Corpus:
    """A folder of documents that can be searched; open it with `Corpus.open`.

    Safe for concurrent threads and processes: one writes at a time, all others read, and every call sees what was
    committed before it began.
    """

    def __init__(self, database: Database, *, embedder: Embedder | None, settings: Settings) -> None:
        self.path = database.folder
        self._database = database
        self._settings = settings
        self._embedder = embedder
        self._embedder_guard = threading.Lock()
        self._indexes = Indexes(database)
        self._searcher = Searcher(database, self._indexes, self._checked_embedder)
        self._intake = Intake(database, split=split, encoder=self._checked_embedder)
        self._reembedding = Intake(database, split=split, encoder=self._loaded_embedder)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = True,
        read_only: bool = False,
        embedder: Embedder | None = None,
        settings: Settings | None = None,
    ) -> Corpus:
        """Open a corpus folder.

        Args:
            path: the folder.
            create: make it where it is missing.
            read_only: refuse to change documents; works in a folder that cannot be written. The indexes, which are
                made from the documents, are still brought up to date where the folder can be written.
            embedder: makes the vectors; None: the one the settings name, loaded when it is first needed.
            settings: None: those of this process.

        Raises:
            StoreError: there is no corpus and none may be made, or the folder is something else.
            StoreVersionError: a newer fmapps wrote it.
            CorruptStoreError: the store is damaged.
        """
        current = settings or process_settings()
        database = Database(Path(path), create=create, read_only=read_only, writer_timeout=current.writer_timeout)
        return cls(database, embedder=embedder, settings=current)

    def close(self) -> None:
        """Let go of files and memory; the corpus cannot be used afterwards."""
        self._indexes.close()
        self._database.close()

    def __enter__(self) -> Corpus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, documents: Iterable[Document | Failure], *, progress: Progress | None = None) -> AddReport:
        """Add documents, or bring those with a known id up to date.

        The same document again changes nothing. A changed text becomes a new version, of which only the passages that
        are new are embedded; older versions stay readable until the document is removed. Documents are committed in
        batches, so that little is lost when the process dies and memory stays bounded.

        Args:
            documents: read one by one; a `Failure` among them is passed on to the report.
            progress: told "documents" with the number taken in.

        Raises:
            StoreBusyError: another process writes.
            ModelMismatchError: the store holds vectors of another embedder.
            StoreError: the disk is full, or the folder cannot be written.
        """
        total = len(documents) if isinstance(documents, Sized) else None
        counts: Counter[Difference] = Counter()
        failures: list[Failure] = []
        displaced: list[tuple[str, str]] = []
        passages = 0

        def sound() -> Iterator[Document]:
            for item in documents:
                if isinstance(item, Failure):
                    failures.append(item)
                else:
                    yield item

        def refused(document: Document, error: InputError) -> None:
            failures.append(Failure(document.source or document.id, error))

        with self._database.writing():
            followed = time.monotonic()
            for batch in self._intake.take(sound(), refused=refused):
                counts.update(prepared.difference for prepared in batch)
                passages += sum(len(prepared.passages) for prepared in batch)
                displaced += [(prepared.document.id, prepared.displaced) for prepared in batch if prepared.displaced]
                if progress:
                    progress("documents", counts.total() + len(failures), total)
                if time.monotonic() - followed > FOLLOW_SECONDS:
                    self._indexes.lexical()
                    followed = time.monotonic()
        self._settle()
        return AddReport(
            added=counts["added"],
            updated=counts["updated"] + counts["described"],
            unchanged=counts["unchanged"],
            failures=tuple(failures),
            passages=passages,
            displaced=tuple(displaced),
        )

    def add_path(
        self,
        path: str | Path,
        *,
        labels: Collection[str] = (),
        metadata: Mapping[str, Scalar] | None = None,
        prefix: str = "",
        progress: Progress | None = None,
    ) -> AddReport:
        """Add a file, or every file of a folder and the folders in it.

        The id of a document is the file's path inside the folder given, or the id that its record has.

        Args:
            path: of the file or folder.
            labels: put on every document, besides its own.
            metadata: put on every document; its own values win.
            prefix: put before every id, so that files of one name in different folders are kept apart.
            progress: as in `add`.

        Raises:
            As `add`; what is wrong with single files is in the report instead.
        """

        def labelled() -> Iterator[Document | Failure]:
            for item in read_path(
                Path(path),
                max_file_bytes=self._settings.max_file_bytes,
                max_text_characters=self._settings.max_text_characters,
            ):
                if isinstance(item, Document) and (labels or metadata or prefix):
                    yield replace(
                        item,
                        id=prefix + item.id,
                        labels=item.labels | frozenset(labels),
                        metadata={**(metadata or {}), **item.metadata},
                    )
                else:
                    yield item

        return self.add(labelled(), progress=progress)

    def remove(self, ids: Iterable[str], *, purge: bool = False) -> int:
        """Remove documents with all their versions; they are gone from every search, in every process, at once.

        Args:
            ids: those that do not exist are passed over.
            purge: besides, leave no byte of them in the folder: rewrites the store and the indexes, which takes time
                in proportion to the whole corpus. It also wipes out what earlier removals left in free pages.

        Returns:
            How many there were.

        Raises:
            StoreBusyError: another process writes, or (with `purge`) holds on to the old state.
        """
        with self._database.writing():
            with self._database.transaction() as connection:
                removed = writing.remove(connection, list(ids))
            if purge:
                self._indexes.rebuild()
                self._database.vacuum()
        if not purge:
            self._settle()
        return removed

    def get(self, document_id: str, *, principal: Principal = ANONYMOUS, version: str | None = None) -> Document:
        """A document, in its current version or in the one with that SHA-256.

        Raises:
            DocumentNotFoundError: there is none that the principal may read.
        """
        with self._database.read() as connection:
            scope = access.scope(connection, principal, Filter())
            return reading.find(connection, document_id, scope, version=version)

    def documents(
        self,
        *,
        principal: Principal = ANONYMOUS,
        filter: Filter = Filter(),  # noqa: B008
        limit: int | None = None,
        offset: int = 0,
    ) -> list[DocumentSummary]:
        """What the principal may read, without the texts, by id."""
        with self._database.read() as connection:
            scope = access.scope(connection, principal, filter)
            return reading.summaries(connection, scope, limit=limit, offset=offset)

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        principal: Principal = ANONYMOUS,
        filter: Filter = Filter(),  # noqa: B008
        level: Literal["passage", "document"] = "passage",
        reranker: Reranker | None = None,
    ) -> list[Hit]:
        """The passages, or the documents by their best passage, that answer a query.

        Args:
            query: in words; there is no query syntax.
            limit: hits at most.
            principal: only what they may read is looked at.
            filter: only what it leaves is looked at.
            level: "document" gives one hit a document.
            reranker: looks again at the first hits and puts them in its own order.

        Returns:
            Best first.

        Raises:
            InputError: `limit` is less than 1.
            ModelMismatchError: the store holds vectors of another embedder.
        """
        if limit < 1:
            raise InputError(f"limit is {limit}", remedy="ask for at least one hit")
        depth = limit if reranker is None else max(limit, RERANKED)
        hits = self._searcher.search(query, limit=depth, principal=principal, filter=filter, level=level)
        return hits if reranker is None else rerank(query, hits, reranker)[:limit]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as the passages are embedded: shape (n, dimension), unit rows."""
        return self._loaded_embedder().encode(texts)

    def verify(self, citation: Citation, *, principal: Principal = ANONYMOUS) -> CitationCheck:
        """Read a citation's range again and compare it with its quote."""
        try:
            current = self.get(citation.document_id, principal=principal)
        except DocumentNotFoundError as error:
            return CitationCheck("missing", error.message)
        if current.version == citation.version:
            if _stands(citation, current):
                return CitationCheck("valid", "the words stand there in the current version")
            return CitationCheck("altered", "other words than the quoted ones stand at that place")
        try:
            older = self.get(citation.document_id, principal=principal, version=citation.version)
        except DocumentNotFoundError:
            if _stands(citation, current):
                return CitationCheck(
                    "outdated", "the cited version is not held; the words stand at the same place in the current one"
                )
            return CitationCheck("missing", "the cited version is not held, so the words could not be checked")
        if _stands(citation, older):
            return CitationCheck(
                "outdated", "the words stand there in an older version; the document has changed since"
            )
        return CitationCheck("altered", "other words than the quoted ones stand at that place of the cited version")

    def check(self, progress: Progress | None = None) -> CheckReport:
        """Read everything again and say what is wrong: the store, every text, passage and vector, both indexes."""
        report = checking.check(self._database, progress=progress)
        return report if report.checks[0].problems else self._indexes.check(report, progress=progress)

    def reembed(self, *, progress: Progress | None = None) -> int:
        """Embed every passage again with the embedder at hand, and search with those vectors from then on.

        Searches go on with the old vectors in processes that hold the old embedder, until it is done. Stopped half-way,
        it goes on from there when it is called again.

        Returns:
            How many passages there are.

        Raises:
            StoreBusyError: another process writes.
        """
        with self._database.read() as connection:
            total = reading.count(connection).passages
        with self._database.writing():
            for done in self._reembedding.embed_again():
                if progress:
                    progress("passages", done, total)
        self._settle()
        return total

    def status(self) -> CorpusStatus:
        """The state of the corpus, in figures."""
        with self._database.read() as connection:
            counts = reading.count(connection)
            model = reading.model(connection)
            sequence = reading.sequence(connection)
        lexical, dense = self._indexes.sequences()
        return CorpusStatus(
            path=self.path,
            documents=counts.documents,
            passages=counts.passages,
            versions=counts.versions,
            bytes=_size(self.path),
            embedder=model.fingerprint if model else None,
            sequence=sequence,
            lexical_sequence=lexical,
            dense_sequence=dense,
            schema=schema.SCHEMA,
        )

    def _settle(self) -> None:
        """Bring the indexes on disk up after a write, so that the next reader need not."""
        self._indexes.lexical()
        self._indexes.save_dense()

    def _loaded_embedder(self) -> Embedder:
        with self._embedder_guard:
            if self._embedder is None:
                from fmapps.retrieval.embedding import default_embedder

                self._embedder = default_embedder(self._settings)
            return self._embedder

    def _checked_embedder(self) -> Embedder:
        embedder = self._loaded_embedder()
        with self._database.read() as connection:
            model = reading.model(connection)
        if model is not None and model.fingerprint != embedder.fingerprint:
            raise ModelMismatchError(
                f"the vectors were made by {model.fingerprint}, and the embedder at hand is {embedder.fingerprint}",
                where=str(self.path),
                remedy="embed again with `fmapps ingest --reembed` (Corpus.reembed()), or open it with the first one",
            )
        return embedder


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        # Another process may have replaced it meanwhile.
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def _stands(citation: Citation, document: Document) -> bool:
    within = 0 <= citation.start < citation.end <= len(document.text)
    return within and document.text[citation.start : citation.end] == citation.quote
