"""Documents into the store, batch by batch: what is new is split and embedded, what is known is left alone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InputError
from fmapps.records import Document, Passage
from fmapps.store import reading, writing
from fmapps.store.database import Database
from fmapps.store.writing import Difference

BATCH_PASSAGES = 1024
"""Passages embedded at once, at most: enough for batches of even length."""

FIRST_PASSAGES, LEAST_PASSAGES = 256, 32
"""Passages of the first batch, and of the smallest that a slow machine comes down to."""

BATCH_DOCUMENTS = 512
BATCH_CHARACTERS = 4_000_000
BATCH_SECONDS = 5.0


class Encoder(Protocol):
    """What the store needs of an embedder."""

    @property
    def fingerprint(self) -> str:
        """Names everything that decides the vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Embed n texts: shape (n, dimension), unit rows."""
        ...


@dataclass(slots=True)
class Prepared:
    """A document on its way into the store.

    Attributes:
        document: as it was given.
        difference: what storing it changes.
        number: of the document, where it is known.
        passages: of a new text, n.
        digests: of the passages' words, n.
        vectors: by digest; first those that are known, then all.
        displaced: where a text was read from that another file's now takes the place of; else empty.
    """

    document: Document
    difference: Difference
    number: int
    passages: list[Passage] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    vectors: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)
    displaced: str = ""

    @property
    def missing(self) -> dict[bytes, str]:
        """The words that are still to be embedded, by digest."""
        return {
            digest: passage.text
            for digest, passage in zip(self.digests, self.passages, strict=True)
            if digest not in self.vectors
        }


class Intake:
    """Takes documents in, inside `Database.writing`.

    Args:
        database: the store.
        split: cuts a document into passages.
        encoder: gives the embedder, checked against the store's vectors; called when there is something to embed.
    """

    def __init__(
        self, database: Database, *, split: Callable[[Document], list[Passage]], encoder: Callable[[], Encoder]
    ) -> None:
        self._database = database
        self._split = split
        self._encoder = encoder
        self._batch_passages = FIRST_PASSAGES

    def take(
        self, documents: Iterable[Document], *, refused: Callable[[Document, InputError], None]
    ) -> Iterator[list[Prepared]]:
        """Store documents; each batch is given back once it is committed.

        Args:
            documents: read one by one.
            refused: told of each that cannot be stored.
        """
        batch: dict[str, Prepared] = {}
        passages = characters = 0
        began = time.monotonic()
        for document in documents:
            full = (
                passages >= self._batch_passages
                or characters >= BATCH_CHARACTERS
                or len(batch) >= BATCH_DOCUMENTS
                or time.monotonic() - began > BATCH_SECONDS
            )
            if batch and (full or document.id in batch):
                yield self._commit(list(batch.values()))
                batch, passages, characters, began = {}, 0, 0, time.monotonic()
            try:
                prepared = self._prepare(document)
            except InputError as error:
                refused(document, error)
                continue
            batch[document.id] = prepared
            passages += len(prepared.missing)
            characters += len(document.text)
        if batch:
            yield self._commit(list(batch.values()))

    def embed_again(self) -> Iterator[int]:
        """Embed every passage that the encoder has not embedded yet, then search with its vectors only.

        Returns:
            How many are done, batch by batch. Stopped half-way, the next call goes on from there.
        """
        encoder = self._encoder()
        with self._database.transaction() as connection:
            model = writing.use_model(connection, encoder.fingerprint, encoder.dimension, current=False)
        last = done = 0
        while True:
            with self._database.read() as connection:
                missing = reading.without_vector(connection, model, after=last, limit=BATCH_PASSAGES)
            if not missing:
                break
            vectors = encoder.encode([text for _, text in missing])
            keys = [key for key, _ in missing]
            with self._database.transaction() as connection:
                writing.put_vectors(connection, model, keys, vectors)
            last, done = keys[-1], done + len(keys)
            yield done
        with self._database.read() as connection:
            titles = sorted(reading.titles_without_vector(connection, model))
        for begin in range(0, len(titles), BATCH_PASSAGES):
            some = titles[begin : begin + BATCH_PASSAGES]
            vectors = encoder.encode(some)
            with self._database.transaction() as connection:
                writing.put_title_vectors(connection, model, some, vectors)
        with self._database.transaction() as connection:
            writing.switch_model(connection, model)

    def _prepare(self, document: Document) -> Prepared:
        writing.description(document)
        with self._database.read() as connection:
            known = writing.stored(connection, document.id)
            difference: Difference = "added" if known is None else known.difference(document)
            model = reading.model(connection)
            vectors = {}
            if known and model and difference == "updated":
                vectors = writing.vectors_by_digest(connection, known.number, model)
        prepared = Prepared(document, difference, known.number if known else 0, vectors=vectors)
        if known and difference == "updated" and _elsewhere(known.source, document.source):
            prepared.displaced = known.source
        if difference in ("added", "updated"):
            prepared.passages = self._split(document)
            # A passage is embedded without its title, so that a new one costs no more than the title's own vector.
            prepared.digests = [hashlib.sha256(passage.text.encode()).digest() for passage in prepared.passages]
        return prepared

    def _commit(self, batch: list[Prepared]) -> list[Prepared]:
        changed = [prepared for prepared in batch if prepared.difference != "unchanged"]
        if not changed:
            return batch
        missing = {digest: text for prepared in changed for digest, text in prepared.missing.items()}
        with self._database.read() as connection:
            model = reading.model(connection)
            wanted = {prepared.document.title for prepared in changed if prepared.document.title}
            titles = sorted(wanted if model is None else reading.titles_without_vector(connection, model, wanted))
        vectors: dict[bytes, NDArray[np.float32]] = {}
        of_titles = np.empty((0, 0), dtype=np.float32)
        if missing or titles:
            encoder = self._encoder()
            began = time.monotonic()
            encoded = encoder.encode([*missing.values(), *titles])
            if len(missing) >= LEAST_PASSAGES:
                affordable = len(missing) * BATCH_SECONDS / max(time.monotonic() - began, 1e-3)
                self._batch_passages = min(BATCH_PASSAGES, max(LEAST_PASSAGES, int(affordable)))
            vectors = dict(zip(missing, encoded[: len(missing)], strict=True))
            of_titles = encoded[len(missing) :]
        with self._database.transaction() as connection:
            if model is None:
                named = self._encoder()
                model = writing.use_model(connection, named.fingerprint, named.dimension, current=True)
            writing.put_title_vectors(connection, model, titles, of_titles)
            for prepared in changed:
                if prepared.difference == "described":
                    writing.describe(connection, prepared.number, prepared.document)
                    continue
                rows = [prepared.vectors.get(digest, vectors.get(digest)) for digest in prepared.digests]
                matrix = np.array(rows, dtype=np.float32).reshape(len(rows), model.dimension)
                writing.put(connection, prepared.document, prepared.passages, prepared.digests, matrix, model)
        return batch


def _elsewhere(before: str, now: str) -> bool:
    """Whether two sources are both given and name different files."""
    return bool(before and now) and before != now and Path(before).absolute() != Path(now).absolute()
