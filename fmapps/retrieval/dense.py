"""Nearest passages by cosine: FAISS over half-precision vectors, with a snapshot on disk that processes share."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import threading
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InputError, StoreError
from fmapps.retrieval.candidates import Candidates, ranked

EXACT_ROWS = 100_000
"""A part of at most so many rows is scanned exactly; a larger one by one-bit codes, rescored exactly."""

EXACT_SHARE = 0.03
"""Where a filter leaves at most this share of a large part, those rows are scanned exactly."""

RESCORED = 500
"""Rows of a large part that the one-bit codes bring to exact scoring, at least; twice the limit if that is more."""

_BLOCK = 16_384
_SAMPLE = 50_000
_FORMAT = 1


class DamagedSnapshotError(StoreError):
    """A snapshot on disk that is not whole, or of another model; it can be made again from the store."""

    code = "index_damaged"


class DenseIndex:
    """Passages by their vectors. Any number of threads may search while one changes it.

    Rows lie in parts that never change once made: `apply` adds a part and marks what was removed, and small parts are
    merged into larger ones. The snapshot's part is mapped into memory, not read, so processes share it. Vectors are
    kept in half precision, which moves a cosine by less than 0.0005. Get one from `open` or `empty`.

    Source: Douze et al. 2024, The Faiss library; Gao and Long 2024, RaBitQ.
    """

    def __init__(self, folder: Path | None, dimension: int, fingerprint: str) -> None:
        self._folder = folder
        self._dimension = dimension
        self._fingerprint = fingerprint
        self._state = _State(parts=(), sequence=0)
        self._guard = threading.Lock()

    @classmethod
    def empty(cls, folder: Path | None, dimension: int, fingerprint: str) -> DenseIndex:
        """An index without rows, whatever the folder holds; `save` replaces that."""
        return cls(folder, dimension, fingerprint)

    @classmethod
    def open(cls, folder: Path | None, dimension: int, fingerprint: str) -> DenseIndex:
        """Open the snapshot in a folder; without one, or with None, an empty index.

        Args:
            folder: where `save` writes; None: nowhere.
            dimension: length of a vector.
            fingerprint: of the embedder that made the vectors.

        Raises:
            DamagedSnapshotError: the snapshot is not whole, or was made with another dimension or fingerprint.
        """
        index = cls(folder, dimension, fingerprint)
        if folder is not None and (folder / "current.json").exists():
            try:
                index._state = _load(folder, dimension, fingerprint)
            except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
                raise DamagedSnapshotError(
                    f"the snapshot of the dense index cannot be used: {error}",
                    where=str(folder),
                    remedy="delete the folder: it is made again from the store",
                ) from error
        return index

    @property
    def sequence(self) -> int:
        """The number of the last change of the store that it shows; 0: none."""
        return self._state.sequence

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    def __len__(self) -> int:
        """How many passages it holds."""
        return sum(part.living for part in self._state.parts)

    def apply(
        self,
        *,
        sequence: int,
        removed_documents: Collection[int],
        added: Iterable[tuple[int, int, NDArray[np.float32]]],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Make what changed visible, all at once; the same call again changes nothing more.

        Args:
            sequence: the last change of the store that it makes visible.
            removed_documents: documents whose passages go.
            added: key, document and unit vector of shape (dimension,) of passages that come, in place of any that their
                documents had.
            progress: told how many passages are in so far.

        Raises:
            InputError: a vector has another length.
        """
        with self._guard:
            fresh = list(_parts_of(added, self._dimension, progress))
            gone = np.unique(
                np.concatenate([np.fromiter(removed_documents, np.int64), *(part.documents for part in fresh)])
            )
            parts = [part.without(gone) for part in self._state.parts]
            for part in fresh:
                parts.append(part)
                while len(parts) > 1 and parts[-2].living < 2 * parts[-1].living:
                    parts[-2:] = [_merged(parts[-2:], self._dimension)]
            self._state = _State(tuple(part for part in parts if part.living), sequence)

    def clear(self) -> None:
        """Take everything out, in memory; `save` takes it off the disk."""
        with self._guard:
            self._state = _State((), 0)

    def save(self) -> None:
        """Write a snapshot without a byte of what was removed, and go on from it; without a folder, do nothing.

        It takes the place of the last one at once; processes that have the last one open can go on using it.

        Raises:
            OSError: it cannot be written.
        """
        if self._folder is None:
            return
        with self._guard:
            parts = self._state.parts
            whole = _merged(parts, self._dimension) if len(parts) != 1 or parts[0].dead is not None else parts[0]
            _save(self._folder, whole, self._state.sequence, self._dimension, self._fingerprint)
            self._state = _load(self._folder, self._dimension, self._fingerprint)

    def search(
        self, vector: NDArray[np.float32], *, limit: int, allowed: NDArray[np.bool_] | None = None
    ) -> Candidates:
        """The passages nearest to a vector.

        Args:
            vector: shape (dimension,), unit length.
            limit: at most so many.
            allowed: for each document number, whether it may be found; numbers past its end may not. None: all may.

        Returns:
            Best first. Scores are cosines, exact for what is returned; in parts of more than `EXACT_ROWS` rows a
            passage may be missed, as `python -m benchmarks.speed` measures.

        Raises:
            InputError: the vector has another length, or `limit` is not positive.
        """
        if vector.shape != (self._dimension,):
            raise InputError(f"the vector has shape {vector.shape}, not ({self._dimension},)")
        if limit < 1:
            raise InputError(f"limit is {limit}", remedy="ask for at least one passage")
        query = np.ascontiguousarray(vector, dtype=np.float32)
        found = [part.search(query, limit, allowed) for part in self._state.parts]
        if not found:
            return Candidates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        best = ranked(*(np.concatenate(column) for column in zip(*found, strict=True)))
        return Candidates(best.keys[:limit], best.documents[:limit], best.scores[:limit])

    def vectors(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of given passages.

        Args:
            keys: shape (n,), int64.

        Returns:
            Shape (n, dimension), float32; NaN for a passage that is not in the index.
        """
        vectors = np.full((len(keys), self._dimension), np.nan, dtype=np.float32)
        for part in self._state.parts:
            rows, known = part.rows_of(keys)
            vectors[known] = part.vectors(rows[known])
        return vectors

    def keys(self) -> NDArray[np.int64]:
        """The key of every passage in it, in no order."""
        parts = [part.keys if part.dead is None else part.keys[~part.dead] for part in self._state.parts]
        return np.concatenate([np.empty(0, np.int64), *parts])


@dataclass(frozen=True, slots=True)
class _State:
    """What one moment's searches see."""

    parts: tuple[_Part, ...]
    sequence: int


class _Coarse:
    """One-bit codes of a part, made when first needed and shared by the part's successors."""

    def __init__(self, index: Any = None) -> None:
        self._index = index
        self._guard = threading.Lock()

    def of(self, part: _Part) -> Any:
        """The FAISS index of the codes."""
        with self._guard:
            if self._index is None:
                self._index = _coarse(part)
            return self._index


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """n rows in order of key.

    Attributes:
        keys: shape (n,), int64, rising.
        documents: shape (n,), int64.
        exact: FAISS index of the rows in half precision.
        coarse: their one-bit codes.
        dead: shape (n,), which rows were removed; None: none.
        living: how many were not.
    """

    keys: NDArray[np.int64]
    documents: NDArray[np.int64]
    exact: Any
    coarse: _Coarse
    dead: NDArray[np.bool_] | None
    living: int

    def codes(self) -> NDArray[np.float16]:
        """A view of the rows, shape (n, dimension)."""
        import faiss

        size = self.exact.ntotal * self.exact.code_size
        view: NDArray[np.float16] = faiss.rev_swig_ptr(self.exact.codes.data(), size).view(np.float16)
        return view.reshape(self.exact.ntotal, self.exact.d)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Some rows, in single precision."""
        return self.codes()[rows].astype(np.float32)

    def without(self, documents: NDArray[np.int64]) -> _Part:
        """The same part with the rows of these documents marked as removed."""
        if not len(documents):
            return self
        gone = np.isin(self.documents, documents)
        if self.dead is not None:
            gone |= self.dead
        living = len(gone) - int(np.count_nonzero(gone))
        return self if living == self.living else replace(self, dead=gone, living=living)

    def rows_of(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each key its row, and whether there is a living one."""
        rows = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[rows] == keys
        return rows, known if self.dead is None else known & ~self.dead[rows]

    def search(
        self, query: NDArray[np.float32], limit: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Keys, documents and cosines of the best living and allowed rows, in no order."""
        open_rows = self._open_rows(allowed)
        total = len(self.keys)
        count = total if open_rows is None else int(np.count_nonzero(open_rows))
        if not count:
            rows, scores = np.empty(0, np.int64), np.empty(0, np.float32)
        elif total <= EXACT_ROWS or count <= EXACT_SHARE * total:
            rows, scores = self._scan(query, min(limit, count), open_rows)
        else:
            rows, scores = self._scan_codes(query, limit, open_rows, count)
        return self.keys[rows], self.documents[rows], scores

    def _open_rows(self, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        living = None if self.dead is None else ~self.dead
        if allowed is None:
            return living
        last = int(self.documents.max())
        if last >= len(allowed):
            allowed = np.pad(allowed, (0, last + 1 - len(allowed)))
        passing = allowed[self.documents]
        return passing if living is None else passing & living

    def _scan(
        self, query: NDArray[np.float32], limit: int, open_rows: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Exactly, every open row."""
        import faiss

        chosen = None
        if open_rows is not None:
            bitmap: Any = faiss.IDSelectorBitmap  # as Python sees them, not as the stubs describe their C++ side
            parameters: Any = faiss.SearchParameters
            chosen = parameters(sel=bitmap(np.packbits(open_rows, bitorder="little")))
        with _one_thread():
            scores, rows = self.exact.search(query[None], limit, params=chosen)
        real = rows[0] >= 0
        return rows[0][real], scores[0][real]

    def _scan_codes(
        self, query: NDArray[np.float32], limit: int, open_rows: NDArray[np.bool_] | None, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """By the codes, then exactly; where the filter goes against the query, exactly from the start.

        Codes cannot be filtered while they are scanned, so as many more are taken as the filter will drop.
        """
        total = len(self.keys)
        wanted = max(RESCORED, 2 * limit)
        taken = min(total, math.ceil(wanted * total / count))
        coarse = self.coarse.of(self)
        with _one_thread():
            _, found = coarse.search(query[None], taken)
        rows = found[0][found[0] >= 0]
        if open_rows is not None:
            rows = rows[open_rows[rows]]
            if len(rows) < min(count, wanted // 2):
                return self._scan(query, min(limit, count), open_rows)
        rows = rows[: max(wanted, limit)]
        scores = self.vectors(rows) @ query
        if len(rows) > limit:
            best = np.argpartition(-scores, limit - 1)[:limit]
            rows, scores = rows[best], scores[best]
        return rows, scores


@contextmanager
def _one_thread() -> Iterator[None]:
    """One query is one thread's work to FAISS; more threads would only wait for it, at the cost of other searches."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _parts_of(
    added: Iterable[tuple[int, int, NDArray[np.float32]]], dimension: int, progress: Callable[[int], None] | None
) -> Iterator[_Part]:
    """The rows as they come, in parts of a block each."""
    rows = iter(added)
    done = 0
    while block := list(islice(rows, _BLOCK)):
        for key, _, vector in block:
            if vector.shape != (dimension,):
                raise InputError(f"the vector of passage {key} has shape {vector.shape}, not ({dimension},)")
        yield _part(
            np.fromiter((key for key, _, _ in block), np.int64, len(block)),
            np.fromiter((document for _, document, _ in block), np.int64, len(block)),
            np.array([vector for _, _, vector in block], dtype=np.float16),
        )
        done += len(block)
        if progress:
            progress(done)


def _part(keys: NDArray[np.int64], documents: NDArray[np.int64], vectors: NDArray[np.float16]) -> _Part:
    import faiss

    order = np.argsort(keys, kind="stable")
    if np.any(order[1:] < order[:-1]):
        keys, documents, vectors = keys[order], documents[order], vectors[order]
    exact = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    exact.add_sa_codes(np.ascontiguousarray(vectors).view(np.uint8))
    return _Part(keys, documents, exact, _Coarse(), None, len(keys))


def _merged(parts: Sequence[_Part], dimension: int) -> _Part:
    """One part of the living rows of several."""
    living = [slice(None) if part.dead is None else ~part.dead for part in parts]
    columns = list(zip(parts, living, strict=True))
    return _part(
        np.concatenate([np.empty(0, np.int64), *(part.keys[rows] for part, rows in columns)]),
        np.concatenate([np.empty(0, np.int64), *(part.documents[rows] for part, rows in columns)]),
        np.concatenate([np.empty((0, dimension), np.float16), *(part.codes()[rows] for part, rows in columns)]),
    )


def _coarse(part: _Part) -> Any:
    """One-bit codes of a part's rows, which keep the nearest among some hundred candidates."""
    import faiss

    index = faiss.IndexRaBitQFastScan(part.exact.d, faiss.METRIC_INNER_PRODUCT)
    sample = np.linspace(0, len(part.keys) - 1, num=min(len(part.keys), _SAMPLE), dtype=np.int64)
    index.train(part.vectors(sample))
    for first in range(0, len(part.keys), _BLOCK):
        index.add(part.vectors(np.arange(first, min(first + _BLOCK, len(part.keys)))))
    return index


def _save(folder: Path, part: _Part, sequence: int, dimension: int, fingerprint: str) -> None:
    """Write a part into a folder of its own, then name it as the current one, then take the others away."""
    import faiss

    folder.mkdir(parents=True, exist_ok=True)
    name = f"{sequence}-{secrets.token_hex(4)}"
    place = folder / name
    place.mkdir()
    np.save(place / "rows.npy", np.stack([part.keys, part.documents]))
    faiss.write_index(part.exact, str(place / "exact.faiss"))
    if len(part.keys) > EXACT_ROWS:
        faiss.write_index(part.coarse.of(part), str(place / "coarse.faiss"))
    manifest = {
        "format": _FORMAT,
        "name": name,
        "sequence": sequence,
        "dimension": dimension,
        "fingerprint": fingerprint,
        "files": {path.name: _checksum(path, durable=True) for path in sorted(place.iterdir())},
    }
    pending = folder / f"{name}.json"
    pending.write_text(json.dumps(manifest), "utf-8")
    _checksum(pending, durable=True)
    pending.replace(folder / "current.json")
    for other in folder.iterdir():
        if other.is_dir() and other.name != name:
            shutil.rmtree(other, ignore_errors=True)


def _load(folder: Path, dimension: int, fingerprint: str) -> _State:
    import faiss

    manifest = json.loads((folder / "current.json").read_text("utf-8"))
    if manifest["format"] != _FORMAT:
        raise ValueError(f"format {manifest['format']}, where {_FORMAT} is understood")
    if manifest["dimension"] != dimension or manifest["fingerprint"] != fingerprint:
        raise ValueError("it was made by another embedder")
    place = folder / manifest["name"]
    for name, checksum in manifest["files"].items():
        if _checksum(place / name) != checksum:
            raise ValueError(f"{name} has been altered")
    keys, documents = np.load(place / "rows.npy")
    exact = faiss.read_index(str(place / "exact.faiss"), faiss.IO_FLAG_MMAP_IFC)
    coarse = None
    if "coarse.faiss" in manifest["files"]:
        coarse = faiss.read_index(str(place / "coarse.faiss"), faiss.IO_FLAG_MMAP_IFC)
    part = _Part(keys, documents, exact, _Coarse(coarse), None, len(keys))
    return _State((part,) if len(keys) else (), int(manifest["sequence"]))


def _checksum(path: Path, *, durable: bool = False) -> int:
    """CRC-32 of a file, which is forced to the disk first where it must last."""
    checksum = 0
    with path.open("rb") as stream:
        if durable:
            os.fsync(stream.fileno())
        while block := stream.read(2**20):
            checksum = zlib.crc32(block, checksum)
    return checksum
