"""One search: scope, lexical and dense candidates, fusion, hits."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InputError
from fmapps.records import Filter, Hit, Principal, Signal
from fmapps.retrieval.candidates import Candidates
from fmapps.retrieval.dense import DenseIndex
from fmapps.retrieval.embedding import Embedder
from fmapps.retrieval.focus import NamedTitle, QueryTerm, locate, residual
from fmapps.retrieval.follow import Indexes
from fmapps.retrieval.fusion import CandidatePool, Channel, Fused, fuse
from fmapps.retrieval.lexical import Constraint, DamagedIndexError, LexicalIndex, terms_of
from fmapps.store import access, reading
from fmapps.store.access import Scope
from fmapps.store.database import Database

logger = logging.getLogger(__name__)

CANDIDATES = 100
"""Passages that each retriever brings to the fusion."""

TITLES = 200
"""Passages, the best by their title alone, whose titles are looked for in the query."""

TITLED = 400
"""Passages of documents with the title that the query names, which all become candidates."""

REMEMBERED = 64
"""Scopes whose documents are kept ready."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class _Focus:
    """The title that the query names, its vector, and where the query names it."""

    title: str
    vector: NDArray[np.float32]
    named: NamedTitle


class Searcher:
    """Answers queries over one corpus; safe for concurrent threads.

    Args:
        database: the store.
        indexes: kept up with it.
        embedder: gives the embedder, checked against the store's vectors.
    """

    def __init__(self, database: Database, indexes: Indexes, embedder: Callable[[], Embedder]) -> None:
        self._database = database
        self._indexes = indexes
        self._embedder = embedder
        self._scopes: OrderedDict[Hashable, tuple[int, Scope, NDArray[np.bool_] | None]] = OrderedDict()
        self._guard = threading.Lock()

    def search(
        self, query: str, *, limit: int, principal: Principal, filter: Filter, level: Literal["passage", "document"]
    ) -> list[Hit]:
        """As `Corpus.search`."""
        if limit < 1:
            raise InputError(f"limit is {limit}", remedy="ask for at least one hit")
        if not query.strip():
            return []
        try:
            return self._search(query, limit=limit, principal=principal, filter=filter, level=level)
        except DamagedIndexError as error:
            logger.warning("the lexical index is rebuilt from the store: %s", error.message)
            self._indexes.mend_lexical()
            return self._search(query, limit=limit, principal=principal, filter=filter, level=level)

    def _search(
        self, query: str, *, limit: int, principal: Principal, filter: Filter, level: Literal["passage", "document"]
    ) -> list[Hit]:
        lexical = self._indexes.lexical()
        dense = self._indexes.dense()
        sequence, scope, allowed = self._scope(principal, filter)
        if dense is None or scope.excludes_all:
            return []
        vector = self._embedder().encode([query])[0]
        constraint = (
            None
            if scope.is_empty
            else Constraint(walls=scope.walls, documents=scope.documents, facets=scope.facets, as_of=scope.as_of)
        )
        depth = max(CANDIDATES, limit)
        by_words = lexical.search(query, limit=depth, constraint=constraint)
        by_meaning = dense.search(vector, limit=depth, allowed=allowed)
        by_title = lexical.search(query, limit=TITLES, constraint=constraint, fields={"title": 1.0})
        with self._database.read() as connection:
            model = reading.model(connection)
            if model is None:
                return []
            seen = np.concatenate([by_title.documents, by_words.documents, by_meaning.documents])
            titles = reading.title_vectors(connection, model, np.unique(seen).tolist())
            focus = _focus(lexical, query, [titles[number] for number in seen.tolist() if number in titles])
            brought = [(by_words.keys, by_words.documents), (by_meaning.keys, by_meaning.documents)]
            if focus is not None:
                brought.append(reading.titled(connection, focus.title, scope, limit=TITLED))
                titles |= dict.fromkeys(brought[-1][1].tolist(), (focus.title, focus.vector))
            keys, first = np.unique(np.concatenate([keys for keys, _ in brought]), return_index=True)
            documents = np.concatenate([documents for _, documents in brought])[first]
            gathered = _gather(lexical, dense, query, vector, titles, focus, keys, documents)
            fused = fuse(gathered)
            signals = _Signals(fused, {"lexical": _ranks(by_words), "dense": _ranks(by_meaning)})
            note = f"the query names “{focus.title}”" if focus else ""
            readable = Scope(walls=scope.walls)
            if reading.sequence(connection) != sequence:
                readable = Scope(walls=access.readable_walls(connection, principal))
            return self._hits(connection, gathered, fused, signals, readable, note=note, limit=limit, level=level)

    def _hits(
        self,
        connection: sqlite3.Connection,
        gathered: CandidatePool,
        fused: Fused,
        signals: _Signals,
        readable: Scope,
        *,
        note: str,
        limit: int,
        level: Literal["passage", "document"],
    ) -> list[Hit]:
        """Read the passages in order until there are enough; what was removed or walled off meanwhile is not there."""
        hits: list[Hit] = []
        order = fused.order
        if level == "document":
            order = order[np.sort(np.unique(gathered.documents[order], return_index=True)[1])]
        for begin in range(0, len(order), 2 * limit):
            positions = order[begin : begin + 2 * limit].tolist()
            passages = reading.resolve(connection, gathered.keys[positions].tolist(), readable)
            for position in positions:
                passage = passages.get(int(gathered.keys[position]))
                if passage is not None:
                    parts = signals.of(position, int(gathered.keys[position]))
                    hits.append(Hit(passage, float(fused.score[position]), parts, note))
                    if len(hits) == limit:
                        return hits
        return hits

    def _scope(self, principal: Principal, filter: Filter) -> tuple[int, Scope, NDArray[np.bool_] | None]:
        """The last change seen, what may be searched, and that as a truth value by document number; None for all."""
        with self._database.read() as connection:
            sequence = reading.sequence(connection)
            name = (principal.labels, filter, sequence)
            with self._guard:
                known = self._scopes.get(name)
                if known is not None:
                    self._scopes.move_to_end(name)
                    return known
            scope = access.scope(connection, principal, filter)
            allowed = None
            if not scope.is_empty:
                allowed = np.zeros(reading.last_number(connection) + 1, dtype=np.bool_)
                allowed[reading.numbers(connection, scope)] = True
        with self._guard:
            self._scopes[name] = sequence, scope, allowed
            while len(self._scopes) > REMEMBERED:
                self._scopes.popitem(last=False)
        return sequence, scope, allowed


class _Signals:
    """The parts of each candidate's score, as a hit tells them."""

    def __init__(self, fused: Fused, ranks: dict[str, dict[int, int]]) -> None:
        self._fused = fused
        self._ranks = ranks

    def of(self, position: int, key: int) -> tuple[Signal, ...]:
        """Those of one candidate, the largest contribution first; only retrievers rank."""
        signals = [
            Signal(
                name, float(self._fused.raw[name][position]), self._ranks.get(name, {}).get(key), float(part[position])
            )
            for name, part in self._fused.contributions.items()
        ]
        return tuple(sorted(signals, key=lambda signal: -signal.contribution))


def _ranks(found: Candidates) -> dict[int, int]:
    return {key: rank for rank, key in enumerate(found.keys.tolist(), 1)}


def _focus(lexical: LexicalIndex, query: str, titles: Iterable[tuple[str, NDArray[np.float32]]]) -> _Focus | None:
    """The title that the query names, among those of the candidates; the earlier of equals."""
    vectors = dict(titles)
    names = list(vectors)
    words = [
        QueryTerm(match.start(), match.end(), term)
        for match in _WORD.finditer(query)
        for term in terms_of(match.group())
    ]
    named = locate(words, [terms_of(name) for name in names], lexical.rarity)
    return None if named is None else _Focus(names[named.position], vectors[names[named.position]], named)


def _gather(
    lexical: LexicalIndex,
    dense: DenseIndex,
    query: str,
    vector: NDArray[np.float32],
    titles: Mapping[int, tuple[str, NDArray[np.float32]]],
    focus: _Focus | None,
    keys: NDArray[np.int64],
    documents: NDArray[np.int64],
) -> CandidatePool:
    """Every candidate with what every channel says of it, the one it came from and the others."""
    vectors = dense.vectors(keys)
    known = np.isfinite(vectors).all(axis=1)
    keys, documents, vectors = keys[known], documents[known], vectors[known]
    by_document = {number: float(title @ vector) for number, (_, title) in titles.items()}
    scores: dict[Channel, NDArray[np.floating]] = {
        "dense": vectors @ vector,
        "lexical": lexical.score(query, keys),
        "title_dense": np.array([by_document.get(number, np.nan) for number in documents.tolist()]),
    }
    if focus is not None:
        scores["title_lexical"] = lexical.score(query, keys, fields={"title": 1.0})
        scores["focus_lexical"] = lexical.score(focus.named.remainder(query), keys, fields={"text": 1.0})
        scores["focus_dense"] = vectors @ residual(vector, focus.vector)
    return CandidatePool(
        keys=keys,
        documents=documents,
        scores=scores,
        vectors=vectors,
        title_share=focus.named.share if focus else 0.0,
    )
