"""The check re-reads everything: each kind of damage is found, named, and given its remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmapps.corpus import Corpus
from fmapps.records import Document
from fmapps.retrieval.embedding import HashingEmbedder

TEXT = "The lessee pays rent on the first day of each month. " * 60


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    corpus = Corpus.open(tmp_path / "corpus.fmapps", embedder=HashingEmbedder(32))
    corpus.add(
        Document(id=f"d{i}", text=f"{TEXT} {i}", title=f"Lease {i}", metadata={"year": i}, pages=(0, 900))
        for i in range(4)
    )
    corpus.add([Document(id="d3", text=f"{TEXT} changed", title="Lease 3", pages=(0, 900))])
    corpus.remove(["d2"])
    return corpus


def test_it_says_what_it_looked_at(corpus: Corpus) -> None:
    told: list[tuple[str, int, int | None]] = []
    report = corpus.check(lambda stage, done, total: told.append((stage, done, total)))
    examined = {check.name: check.examined for check in report.checks}
    status = corpus.status()
    assert report.ok
    assert report.problems == ()
    assert examined.pop("pages of the file") > 10
    assert examined == {
        "texts of all versions": 4,
        "passages against their ranges": status.passages,
        "vectors of the passages": status.passages,
        "metadata against the filters": 3,
        "entries of the change log": 6,
        "passages in the lexical index": status.passages,
        "passages in the dense index": status.passages,
    }
    assert {stage for stage, _, _ in told} >= {"file", "log", "lexical index", "dense index"}
    corpus.close()


ZEROS, SHORT = np.zeros(32, dtype="<f2").tobytes(), np.ones(3, dtype="<f2").tobytes()
DAMAGES = {
    "text": ("UPDATE versions SET text = replace(text, 'rent', 'Rent') WHERE document = 1", "SHA-256"),
    "old text": ("UPDATE versions SET text = text || '!' WHERE number = 4", "SHA-256"),
    "version": ("DELETE FROM versions WHERE document = 1", "current version of 'd0' is missing"),
    "passage": ("UPDATE passages SET text = 'other words' WHERE key = 1", "not that range"),
    "range": ("UPDATE passages SET start = start + 1 WHERE key = 1", "not that range"),
    "page": ("UPDATE passages SET page = 7 WHERE key = 1", "wrong page"),
    "fewer passages": ("DELETE FROM passages WHERE key = 1", "passages, not"),
    "vector gone": ("DELETE FROM vectors WHERE passage = 1", "no vector"),
    "vector zero": ("UPDATE vectors SET vector = x'" + ZEROS.hex() + "' WHERE passage = 1", "length 0.0000"),
    "vector short": ("UPDATE vectors SET vector = x'" + SHORT.hex() + "' WHERE passage = 1", "3 numbers, not 32"),
    "vector of none": (
        "INSERT INTO vectors SELECT model, 9999, vector FROM vectors LIMIT 1",
        "9999, which does not exist",
    ),
    "title": ("DELETE FROM titles WHERE title = 'Lease 1'", "'Lease 1' has no vector"),
    "facet": ("UPDATE facets SET facet = 'year' || char(31) || '99' WHERE document = 1", "metadata of 'd0'"),
    "log gap": ("DELETE FROM changes WHERE sequence = 3", "5 entries"),
    "log of none": ("DELETE FROM changes WHERE kind = 'removed'", "does not say why"),
    "log missing": ("UPDATE changes SET document = 77 WHERE document = 1", "does not account"),
    "unindexed": (
        "INSERT INTO passages SELECT 9999, document, start, end, page, embedded, heading, text FROM passages"
        " WHERE key = 1",
        "lacks passage 9999",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_found_and_given_a_remedy(corpus: Corpus, damage: str) -> None:
    statement, words = DAMAGES[damage]
    with corpus._database.writing(), corpus._database.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute(statement)
    report = corpus.check()
    assert not report.ok
    assert any(words in problem for problem in report.problems), report.problems
    assert all(check.remedy for check in report.checks if check.problems)
    corpus.close()


def test_a_scrambled_page_is_found_by_the_file_check(corpus: Corpus) -> None:
    corpus.close()
    store = corpus.path / "store.sqlite3"
    content = bytearray(store.read_bytes())
    content[8192 * 5 : 8192 * 9] = bytes(8192 * 4)
    store.write_bytes(content)
    with Corpus.open(corpus.path, embedder=HashingEmbedder(32)) as damaged:
        report = damaged.check()
    assert report.checks[0].problems
    assert "backup" in report.checks[0].remedy


def test_many_problems_of_a_kind_are_counted(corpus: Corpus) -> None:
    with corpus._database.writing(), corpus._database.transaction() as connection:
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 5000 UNION ALL SELECT i + 1 FROM n LIMIT 30)"
            " INSERT INTO vectors SELECT 1, i, x'00' FROM n"
        )
    problems = next(check for check in corpus.check().checks if check.problems).problems
    assert len(problems) == 21
    assert problems[-1] == "and 10 more"
    corpus.close()
