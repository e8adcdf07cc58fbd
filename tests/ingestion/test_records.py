"""JSON, JSON Lines and CSV: records become documents, and a bad one is named while the others go in."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from tests.ingestion.making import only, read, refused


def _write(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        {
            "id": "r1",
            "title": "One",
            "text": "First text.",
            "metadata": {"year": 2020, "tags": ["a", "b"]},
            "court": "X",
            "labels": ["m-7"],
            "effective_from": "2020-01-31",
            "effective_to": None,
        },
        {"id": 2, "text": "Second\ud83d\ude00 text.\r\n", "meta": {"contract_id": "c"}},
        {"question": "Why?", "answer": "Because.", "score": 3},
    ]
    path = _write(tmp_path, "rows.jsonl", "\ufeff" + "\n\n".join(map(json.dumps, rows)) + "\n")
    (first, second, third), failures = read(path)
    assert not failures
    assert (first.id, first.title, first.text) == ("r1", "One", "First text.")
    assert first.metadata == {"court": "X", "year": 2020, "tags": '["a", "b"]'}
    assert first.labels == {"m-7"}
    assert first.effective_from == date(2020, 1, 31)
    assert first.effective_to is None
    assert (second.id, second.text, second.metadata) == ("2", "Second😀 text.\r\n", {"contract_id": "c"})
    assert third.id == "rows.jsonl#5"
    assert third.text == "question: Why?\nanswer: Because.\nscore: 3"
    assert third.source == str(path)


def test_bad_lines_are_named_and_the_others_go_in(tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "text": "Good."}',
        '{"id": "b", "text": ',
        '["not an object"]',
        '{"id": "a", "text": "Again."}',
        '{"id": "c", "text": 5}',
        '{"id": "d", "text": "x", "labels": "secret"}',
        '{"id": "e", "text": "x", "effective_from": "soon"}',
        '{"id": "f", "text": "  "}',
        '{"id": "g", "text": "lone \\ud800"}',
        '{"id": "h", "text": "nul \\u0000"}',
        '{"id": "i", "text": "x", "metadata": {"n": NaN}}',
        "[" * 100_000,
        '{"id": " ", "text": "x"}',
        '{"id": "j", "text": "x", "effective_from": "2020-01-02", "effective_to": "2020-01-01"}',
        '{"id": "z", "text": "Last."}',
    ]
    path = _write(tmp_path, "rows.jsonl", "\n".join(lines).encode() + b'\n{"text": "\xff"}\n')
    documents, failures = read(path)
    assert [document.text for document in documents] == ["Good.", "Last."]
    assert [failure.path for failure in failures] == [f"{path}:{number}" for number in [*range(2, 15), 16]]
    assert "line 1" in str(failures[2].error)
    assert all(failure.error.remedy and failure.error.where == failure.path for failure in failures)


def test_gzipped_json_lines(tmp_path: Path) -> None:
    data = b"".join(json.dumps({"id": str(i), "text": f"Text {i}."}).encode() + b"\n" for i in range(2000))
    documents, failures = read(_write(tmp_path, "rows.jsonl.gz", gzip.compress(data)))
    assert len(documents) == 2000
    assert not failures
    documents, [failure] = read(_write(tmp_path, "cut.jsonl.gz", gzip.compress(data)[:-2000]))
    assert 0 < len(documents) < 2000
    assert "truncated" in str(failure.error)


def test_a_gzip_bomb_is_stopped(tmp_path: Path) -> None:
    path = _write(tmp_path, "bomb.jsonl.gz", gzip.compress(b'{"id": "a", "text": "' + b"a" * 5_000_000 + b'"}'))
    assert path.stat().st_size < 100_000
    assert "more than 1,000,000 bytes" in refused(path, max_file_bytes=1_000_000)


def test_json_lines_without_a_record_are_refused(tmp_path: Path) -> None:
    assert "no record" in refused(_write(tmp_path, "a.jsonl", "\n\n"))


def test_json(tmp_path: Path) -> None:
    path = _write(tmp_path, "list.json", json.dumps([{"id": "a", "text": "One."}, {"id": "b", "text": "Two."}]))
    assert [(document.id, document.text) for document in read(path)[0]] == [("a", "One."), ("b", "Two.")]
    document = only(_write(tmp_path, "one.json", json.dumps({"text": "Only.", "year": 2020})))
    assert (document.id, document.title, document.metadata) == ("one.json", "one", {"year": 2020})
    document = only(_write(tmp_path, "nested.json", '{"title": "Map", "a": {"b": ["é"]}}'))
    assert document.title == "Map"
    assert json.loads(document.text) == {"title": "Map", "a": {"b": ["é"]}}
    assert "é" in document.text


def test_a_bad_record_in_a_json_list_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.json", '[{"id": "a", "text": "x"}, {"id": "a", "text": "y"}, {"text": 3}]')
    documents, failures = read(path)
    assert len(documents) == 1
    assert ["record 2" in str(failures[0].error), "record 3" in str(failures[1].error)] == [True, True]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}\n{"a": 2}', "rename it to .jsonl"),
        ('{"a": 1,}', "not valid JSON"),
        ('{\n"a": tru}', "at line 2"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "nothing in it"),
        ('{"a": Infinity}', "Infinity is not a JSON value"),
        ('{"a": 1' + "0" * 5000 + "}", "not valid JSON"),
    ],
)
def test_json_that_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(_write(tmp_path, "a.json", text))


def test_csv_with_a_text_column(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "a.csv",
        'id;text;labels;year\r\n1;"A ""quoted"" text;\r\nwith two lines";m-1; 2020\r\n2;Second, with commas;;2021\r\n',
    )
    first, second = read(path)[0]
    assert (first.id, first.text) == ("1", 'A "quoted" text;\r\nwith two lines')
    assert first.labels == {"m-1"}
    assert second.labels == frozenset()
    assert second.metadata == {"year": "2021"}


def test_csv_without_a_text_column_is_one_document(tmp_path: Path) -> None:
    document = only(_write(tmp_path, "drugs.tsv", "drug\tdose\nAspirin\t5 mg\n\nIbuprofen\t\n"))
    assert document.text == "drug: Aspirin\ndose: 5 mg\n\ndrug: Ibuprofen"
    assert document.title == "drugs"


@pytest.mark.parametrize("header", ["id,text", "drug,dose"])
def test_ragged_and_ill_quoted_rows_are_named(tmp_path: Path, header: str) -> None:
    path = _write(tmp_path, "a.csv", f'{header}\n1,"two\nlines"\n2,b,c\n3\n4,"x"y\n5,good\n')
    documents, failures = read(path)
    assert [failure.path for failure in failures] == [f"{path}:{line}" for line in (4, 5, 6)]
    assert "good" in documents[-1].text


@pytest.mark.parametrize(
    ("text", "told"),
    [("\n\n", "no text|names no column"), ("a,a\n1,2\n", "same name"), ("a,b\n", "no rows")],
)
def test_csv_that_is_refused(tmp_path: Path, text: str, told: str) -> None:
    message = refused(_write(tmp_path, "a.csv", text))
    assert any(part in message for part in told.split("|"))


def test_an_unclosed_quotation_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.csv", 'id,text\n1,good\n2,"never closed\n3,swallowed\n')
    documents, failures = read(path)
    assert [document.text for document in documents] == ["good"]
    assert failures[0].path == f"{path}:3"


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    assert len(only(_write(tmp_path, "a.csv", "id,text\n1," + "word " * 100_000)).text) > 400_000
