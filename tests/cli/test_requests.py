"""Requests written on the command line or in a file."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from fmapps.cli.options import pairs, scalar, search_filter
from fmapps.cli.requests import fitted, request_values
from fmapps.errors import InputError
from fmapps.task import QuestionRequest


class Order(QuestionRequest):
    """A question with fields of several kinds."""

    level: int = 1
    since: date | None = None
    sizes: list[int] = []


def test_values_take_the_types_of_the_model() -> None:
    values = request_values(
        Order, None, ["question=why?", "level=3", "since=2026-01-31", "sizes=[1, 2]", 'metadata={"kind": "msa"}']
    )
    order = fitted(Order, values, what="the order")
    assert (order.question, order.level, order.since, order.sizes) == ("why?", 3, date(2026, 1, 31), [1, 2])
    assert order.metadata == {"kind": "msa"}


def test_a_repeated_key_is_a_list_and_so_is_one_value_of_a_list() -> None:
    assert request_values(Order, None, ["documents=a", "documents=b"])["documents"] == ["a", "b"]
    assert request_values(Order, None, ["documents=a"])["documents"] == ["a"]


def test_a_text_that_looks_like_json_stays_a_text() -> None:
    assert request_values(Order, None, ["question=[sic] what?"])["question"] == "[sic] what?"
    assert request_values(Order, None, ['question={"a": 1}'])["question"] == '{"a": 1}'


def test_what_is_set_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"question": "one", "level": 2}))
    assert request_values(Order, str(file), ["level=5"]) == {"question": "one", "level": "5"}


def test_a_dash_is_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"question": "one"}'))
    assert request_values(Order, "-", None) == {"question": "one"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"question": ', "no JSON"),
        (b"[1, 2]", "a request is a JSON object"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (None, "no such file"),
    ],
)
def test_a_file_that_is_no_request_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "request.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        request_values(Order, str(file), None)
    assert raised.value.where.startswith(str(file))
    assert raised.value.remedy


def test_every_misfit_is_named_at_once_with_the_fields_there_are() -> None:
    with pytest.raises(InputError) as raised:
        fitted(Order, {"level": "high", "colour": "red"}, what="the order")
    for part in ("question: field required", "level: ", "colour: "):
        assert part in raised.value.message
    assert "question (required)" in raised.value.remedy
    assert "sizes" in raised.value.remedy


@pytest.mark.parametrize("text", ["", "key", "=value", "  =value"])
def test_what_is_no_pair_is_a_usage_error(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        pairs([text], "--set")


@given(st.text(alphabet=st.characters(exclude_characters="="), min_size=1).filter(str.strip), st.text())
def test_a_value_may_hold_anything(key: str, value: str) -> None:
    assert pairs([f"{key}={value}"], "--set") == [(key.strip(), value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("7", 7), ("1.5", 1.5), ("msa", "msa"), ('"7"', "7"), ("[1]", "[1]"), ("NaN", "NaN"), ("", "")],
)
def test_scalars_read_as_json_does(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_a_filter_looks_for_a_number_and_for_its_text() -> None:
    found = search_filter(["year=2026", "kind=msa", "kind=nda"], ["a"], None)
    assert dict(found.metadata) == {"year": (2026, "2026"), "kind": ("msa", "nda")}
    assert found.documents == frozenset({"a"})
    assert search_filter(None, None, None).is_empty
