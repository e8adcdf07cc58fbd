"""The audit commands: what they show, find, erase and end with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fmapps.settings import settings
from fmapps.store.audit import AUDIT
from tests.cli.conftest import Command

QUESTION = "How may the customer terminate the agreement?"


@pytest.fixture
def asked(filled: Command) -> Command:
    """The command, with two turns on record."""
    assert filled("ask", "law", QUESTION, "--role", "lawyer").code == 0
    assert filled("ask", "law", "What is the boiling point of tungsten?").code == 0
    return filled


def change(statement: str) -> None:
    with closing(sqlite3.connect(Path("corpus.fmapps") / AUDIT, isolation_level=None)) as connection:
        connection.execute(statement)


def test_every_command_explains_itself(fmapps: Command) -> None:
    overview = fmapps("audit", "--help").out
    for name in ("verify", "list", "erase", "flows"):
        assert f" {name} " in overview
        assert "--json" in fmapps("audit", name, "--help").out
    assert " audit " in fmapps("--help").out


def test_verify_says_that_the_log_is_whole_and_what_it_cannot_prove(asked: Command) -> None:
    ended = asked("audit", "verify")
    assert ended.code == 0
    assert ended.out.startswith("2 records, 0 of them without the person, who was erased: nothing wrong\n")
    assert "Cannot be proved:" in ended.out
    assert "FMAPPS_AUDIT_KEY_FILE" in ended.out
    told = asked("audit", "verify", "--json").json
    assert (told["sound"], told["records"], told["problems"]) == (True, 2, [])


def test_verify_says_where_the_log_was_changed_and_fails(asked: Command) -> None:
    change("UPDATE records SET body = replace(body, 'answered', 'stopped') WHERE sequence = 1")
    ended = asked("audit", "verify")
    assert ended.code == 1
    assert "- record 1: not as it was recorded" in ended.out
    told = asked("audit", "verify", "--json")
    assert (told.code, told.json["sound"], told.json["problems"][0]["first"]) == (1, False, 1)
    change("DELETE FROM records WHERE sequence = 1")
    assert "- record 1: missing" in asked("audit", "verify").out


def test_a_cut_tail_is_found_with_a_key_and_accepted_only_when_that_is_said(
    filled: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("0123456789abcdef" * 4)
    monkeypatch.setenv("FMAPPS_AUDIT_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("FMAPPS_AUDIT_HEAD", str(tmp_path / "heads"))
    settings.cache_clear()
    try:
        for _ in range(3):
            assert filled("ask", "law", QUESTION).code == 0
        assert filled("audit", "verify").code == 0
        change("DELETE FROM records WHERE sequence = 3")
        change("DELETE FROM personal WHERE sequence = 3")
        ended = filled("audit", "verify")
        assert ended.code == 1
        assert "- record 3: missing: the tail was cut" in ended.out
        assert filled("audit", "verify", "--accept").code == 0
        assert filled("audit", "verify").code == 0
        assert "the head began anew here" in filled("audit", "list").out
    finally:
        settings.cache_clear()


def test_accepting_needs_a_head_and_a_log_that_is_whole(asked: Command) -> None:
    ended = asked("audit", "verify", "--accept")
    assert ended.code == 1
    assert "FMAPPS_AUDIT_HEAD" in ended.err


def test_list_shows_who_and_what_came_of_it_without_words(asked: Command) -> None:
    ended = asked("audit", "list")
    assert "local lawyer  law: answered" in ended.out
    assert "law: abstained" in ended.out
    assert "left the machine: nothing" in ended.out
    assert "customer" not in ended.out
    told = asked("audit", "list", "--limit", "1", "--json").json["records"]
    assert [record["sequence"] for record in told] == [2]
    assert told[0]["body"]["model"] == "extractive"


def test_list_finds_a_question_to_the_letter(asked: Command) -> None:
    told = asked("audit", "list", "--question", QUESTION, "--json").json["records"]
    assert [record["sequence"] for record in told] == [1]
    ended = asked("audit", "list", "--question", "How?")
    assert (ended.code, ended.out) == (0, "")
    assert "No such record" in ended.err
    assert asked("audit", "list", "--principal", "local", "--json").json["records"]


def test_erase_takes_the_person_out_and_leaves_the_chain(asked: Command) -> None:
    assert asked("audit", "erase", "local", "--json").json["erased"] == 2
    assert "local" not in asked("audit", "list").out
    assert "erased  law: answered" in asked("audit", "list").out
    ended = asked("audit", "verify")
    assert ended.code == 0
    assert "2 of them without the person" in ended.out
    assert asked("audit", "erase", "local").code == 1


def test_flows_say_that_nothing_leaves_and_what_is_kept_where(asked: Command) -> None:
    ended = asked("audit", "flows")
    assert ended.code == 0
    assert ended.out.startswith("Nothing leaves this machine.\n")
    assert f"corpus.fmapps/{AUDIT}" in ended.out
    assert "What this cannot know:" in ended.out
    told = asked("audit", "flows", "--json").json
    assert (told["leaves"], told["turns"], told["models"]) == ([], 2, {"extractive": 2})


def test_where_nothing_was_asked_there_is_nothing_to_verify(filled: Command) -> None:
    assert filled("audit", "verify").out.startswith("0 records")
    assert "No such record" in filled("audit", "list").err
    assert "no record tells" in filled("audit", "flows").out
    assert filled("audit", "verify", "--corpus", "absent").code == 1
