"""The dense index: exact where small, near enough where large, never what was removed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import fmapps.retrieval.dense as dense
from fmapps.errors import InputError, StoreError
from fmapps.retrieval.dense import DamagedSnapshotError, DenseIndex

DIMENSION = 32


def unit_rows(count: int, *, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rows_of(vectors: NDArray[np.float32], *, a_document: int = 4) -> list[tuple[int, int, NDArray[np.float32]]]:
    return [(key, key // a_document, vector) for key, vector in enumerate(vectors)]


def filled(vectors: NDArray[np.float32], folder: Path | None = None) -> DenseIndex:
    index = DenseIndex.open(folder, vectors.shape[1], "model")
    index.apply(sequence=1, removed_documents=(), added=rows_of(vectors))
    return index


def test_finds_the_nearest_with_their_cosines() -> None:
    vectors = unit_rows(300)
    found = filled(vectors).search(vectors[7], limit=20)
    cosines = vectors @ vectors[7]
    expected = np.argsort(-cosines)[:20]
    assert found.keys.tolist() == expected.tolist()
    assert found.documents.tolist() == (expected // 4).tolist()
    np.testing.assert_allclose(found.scores, cosines[expected], atol=1e-3)


def test_equal_scores_come_in_order_of_key() -> None:
    index = DenseIndex.open(None, DIMENSION, "model")
    vector = unit_rows(1)[0]
    index.apply(sequence=1, removed_documents=(), added=[(key, key, vector) for key in (9, 3, 5)])
    assert index.search(vector, limit=3).keys.tolist() == [3, 5, 9]


def test_only_allowed_documents_are_found_and_unknown_numbers_are_not_allowed() -> None:
    vectors = unit_rows(200)
    allowed = np.zeros(20, dtype=np.bool_)
    allowed[[3, 11]] = True
    found = filled(vectors).search(vectors[0], limit=50, allowed=allowed)
    assert set(found.documents.tolist()) == {3, 11}
    assert len(found) == 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(0, 9), max_size=4), st.sets(st.integers(0, 9), max_size=4)), max_size=6))
def test_holds_what_a_dictionary_would_hold(changes: list[tuple[set[int], set[int]]]) -> None:
    index = DenseIndex.open(None, DIMENSION, "model")
    held: dict[int, tuple[int, NDArray[np.float32]]] = {}
    key = 0
    for sequence, (removed, added) in enumerate(changes, 1):
        fresh = []
        for document in sorted(added):
            for vector in unit_rows(3, seed=key):
                fresh.append((key, document, vector))
                key += 1
        held = {k: row for k, row in held.items() if row[0] not in removed | added}
        held |= {k: (document, vector) for k, document, vector in fresh}
        for _ in range(2):
            index.apply(sequence=sequence, removed_documents=removed, added=fresh)
        assert sorted(index.keys().tolist()) == sorted(held)
        assert len(index) == len(held)
        assert index.sequence == sequence
        for k, (document, vector) in held.items():
            found = index.search(vector, limit=1)
            assert (found.keys[0], found.documents[0]) == (k, document)
            np.testing.assert_allclose(index.vectors(np.array([k]))[0], vector, atol=1e-3)


def test_vectors_of_unknown_or_removed_passages_are_nan() -> None:
    index = filled(unit_rows(20))
    index.apply(sequence=2, removed_documents=[0], added=())
    vectors = index.vectors(np.array([0, 4, 77]))
    assert np.isnan(vectors[[0, 2]]).all()
    assert np.isfinite(vectors[1]).all()


def test_an_empty_index_finds_nothing() -> None:
    index = DenseIndex.open(None, DIMENSION, "model")
    assert len(index.search(unit_rows(1)[0], limit=5)) == 0
    assert np.isnan(index.vectors(np.array([1]))).all()
    assert index.keys().dtype == np.int64


def test_refuses_a_vector_of_another_length_and_keeps_its_state() -> None:
    index = filled(unit_rows(8))
    with pytest.raises(InputError, match="shape"):
        index.search(np.ones(3, dtype=np.float32), limit=1)
    with pytest.raises(InputError, match="shape"):
        index.apply(sequence=2, removed_documents=[0], added=[(99, 9, np.ones(3, dtype=np.float32))])
    assert (len(index), index.sequence) == (8, 1)


def test_a_snapshot_brings_everything_back(tmp_path: Path) -> None:
    vectors = unit_rows(100)
    index = filled(vectors, tmp_path / "dense")
    index.apply(sequence=2, removed_documents=[5], added=())
    before = index.search(vectors[3], limit=10)
    index.save()
    for again in (index, DenseIndex.open(tmp_path / "dense", DIMENSION, "model")):
        after = again.search(vectors[3], limit=10)
        assert after.keys.tolist() == before.keys.tolist()
        np.testing.assert_array_equal(after.scores, before.scores)
        assert again.sequence == 2
        again.apply(sequence=3, removed_documents=[6], added=[(500, 50, vectors[40])])
        assert again.search(vectors[40], limit=2).keys.tolist() == [40, 500]


def test_a_snapshot_holds_no_byte_of_a_removed_vector(tmp_path: Path) -> None:
    folder = tmp_path / "dense"
    vectors = unit_rows(40)
    index = filled(vectors, folder)
    index.save()
    canary = vectors[8].astype(np.float16).tobytes()

    def holders() -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file() and canary in path.read_bytes()]

    assert holders()
    index.apply(sequence=2, removed_documents=[2], added=())
    index.save()
    assert not holders()


def test_an_open_snapshot_outlives_the_next_one(tmp_path: Path) -> None:
    vectors = unit_rows(40)
    writer = filled(vectors, tmp_path)
    writer.save()
    reader = DenseIndex.open(tmp_path, DIMENSION, "model")
    writer.apply(sequence=2, removed_documents=range(10), added=[(900, 90, vectors[0])])
    writer.save()
    assert reader.search(vectors[12], limit=1).keys.tolist() == [12]
    assert DenseIndex.open(tmp_path, DIMENSION, "model").keys().tolist() == [900]


@pytest.mark.parametrize("name", ["current.json", "rows.npy", "exact.faiss"])
@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_snapshot_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    filled(unit_rows(40), tmp_path).save()
    (path,) = tmp_path.rglob(name)
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
        if name == "current.json":
            assert len(DenseIndex.open(tmp_path, DIMENSION, "model")) == 0
            return
    else:
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content[:-7] if damage == "truncate" else content)
    with pytest.raises(DamagedSnapshotError) as caught:
        DenseIndex.open(tmp_path, DIMENSION, "model")
    assert isinstance(caught.value, StoreError)
    assert caught.value.where
    assert caught.value.remedy


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    filled(unit_rows(8), tmp_path).save()
    with pytest.raises(DamagedSnapshotError, match="another embedder"):
        DenseIndex.open(tmp_path, DIMENSION, "other")
    with pytest.raises(DamagedSnapshotError, match="another embedder"):
        DenseIndex.open(tmp_path, DIMENSION + 1, "model")
    fresh = DenseIndex.empty(tmp_path, DIMENSION, "other")
    fresh.save()
    assert json.loads((tmp_path / "current.json").read_text())["fingerprint"] == "other"


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01])
def test_a_large_part_is_searched_by_codes_and_misses_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(dense, "EXACT_ROWS", 2000)
    centres = unit_rows(200, dimension=128)
    noise = unit_rows(6000, seed=1, dimension=128)
    vectors = centres[np.arange(6000) % 200] + 0.7 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    filled(vectors, tmp_path).save()
    index = DenseIndex.open(tmp_path, 128, "model")
    assert list(tmp_path.rglob("coarse.faiss"))
    allowed = np.random.default_rng(2).random(1500) < share
    open_rows = allowed[np.arange(6000) // 4]
    queries = vectors[:50]
    shared = 0
    for query in queries:
        exact = np.argsort(-np.where(open_rows, vectors @ query, -9.0))[:10]
        shared += len(np.intersect1d(index.search(query, limit=50, allowed=allowed).keys[:10], exact))
    assert shared / 500 >= 0.95


def test_a_filter_that_goes_against_the_query_still_finds_the_best_it_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "EXACT_ROWS", 2000)
    near, far = unit_rows(2, dimension=64)
    noise = unit_rows(6000, seed=1, dimension=64)
    vectors = np.where(np.arange(6000)[:, None] < 4000, near, far) + 0.5 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    allowed = np.arange(1500) >= 1000
    found = filled(vectors).search(near, limit=50, allowed=allowed)
    exact = 4000 + np.argsort(-(vectors[4000:] @ near))[:50]
    assert len(np.intersect1d(found.keys, exact)) >= 49
