"""What each command does, says and ends with."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fmapps.cli import verticals
from fmapps.corpus import Corpus
from fmapps.store.database import STORE
from tests.cli.conftest import Command

COMMANDS = ("ingest", "search", "ask", "run", "remove", "status", "verify", "verticals", "app", "doctor", "demo")


def test_every_command_is_there_and_explains_itself(fmapps: Command) -> None:
    overview = fmapps("--help")
    assert overview.code == 0
    for name in COMMANDS:
        assert f" {name} " in overview.out
        explained = fmapps(name, "--help")
        assert explained.code == 0
        assert "Usage: fmapps " + name in explained.out
        if name != "app":
            assert "--json" in explained.out


def test_ingest_counts_what_it_did(fmapps: Command, files: Path) -> None:
    told = fmapps("ingest", files, "--json").json
    assert (told["added"], told["updated"], told["unchanged"], told["failures"]) == (2, 0, 0, [])
    assert told["passages"] >= 2
    (files / "hosting.md").write_text("# Hosting agreement\n\nThere is a new text now.\n")
    told = fmapps("ingest", files, "--json").json
    assert (told["added"], told["updated"], told["unchanged"]) == (0, 1, 1)
    assert fmapps("ingest", files).out.startswith(
        "corpus.fmapps: 0 added, 0 updated, 2 unchanged, 0 failed; 0 passages"
    )


def test_what_cannot_be_read_is_named_with_its_remedy_and_the_rest_goes_in(fmapps: Command, files: Path) -> None:
    (files / "empty.md").write_text("")
    (files / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    ended = fmapps("ingest", files, files / "absent.txt", "--json")
    assert ended.code == 1
    assert ended.json["added"] == 2
    failed = {Path(failure["path"]).name: failure for failure in ended.json["failures"]}
    assert set(failed) == {"empty.md", "broken.pdf", "absent.txt"}
    assert all(failure["message"] and failure["remedy"] for failure in failed.values())
    for name in failed:
        assert name in ended.err
    assert "Not read" in ended.err
    assert fmapps("search", "written notice").code == 0


def test_ingest_needs_something_to_do(fmapps: Command) -> None:
    assert fmapps("ingest").code == 2
    assert fmapps("ingest", "somewhere", "--meta", "nonsense").code == 2
    assert not Path("corpus.fmapps").exists()


def test_reembed_takes_no_path(filled: Command) -> None:
    assert filled("ingest", "--reembed", "--json").json["added"] == 0


def test_a_hit_says_where_it_stands_and_why(filled: Command) -> None:
    told = filled("search", "notice to terminate the agreement", "--json").json
    best = told["hits"][0]
    assert best["document_id"] == "hosting.md"
    assert "thirty days" in best["text"]
    shown = filled("search", "notice to terminate the agreement", "--limit", "1").out
    assert f"hosting.md, characters {best['start']}-{best['end']}" in shown
    assert "score" in shown


def test_documents_are_one_hit_each(filled: Command) -> None:
    told = filled("search", "the agreement", "--level", "document", "--json").json
    found = [hit["document_id"] for hit in told["hits"]]
    assert len(found) == len(set(found))
    assert filled("search", "x", "--level", "page").code == 2


def test_a_label_must_be_held(filled: Command) -> None:
    def found(*options: str) -> set[str]:
        return {hit["document_id"] for hit in filled("search", "merger price", *options, "--json").json["hits"]}

    assert "merger.md" not in found()
    assert "merger.md" not in found("--label", "staff")
    assert "merger.md" in found("--label", "board", "--label", "staff")


def test_filters_narrow_the_search(filled: Command) -> None:
    def found(*options: str) -> set[str]:
        told = filled("search", "the merger agreement of the tenant", "--label", "board", *options, "--json")
        return {hit["document_id"] for hit in told.json["hits"]}

    assert found("--where", "client=Acme") == {"hosting.md", "leases/office.txt"}
    assert found("--where", "year=2026") == {"merger.md"}
    assert found("--where", "client=Acme", "--where", "year=2026") == set()
    assert found("--document", "merger.md", "--document", "hosting.md") == {"merger.md", "hosting.md"}
    assert filled("search", "x", "--as-of", "yesterday").code == 2


def test_an_answer_can_be_read_again_from_its_json(filled: Command) -> None:
    answer = filled("ask", "law", "How may the customer terminate the agreement?", "--json").json
    assert not answer["abstained"]
    with Corpus.open("corpus.fmapps", create=False) as corpus:
        for claim in answer["claims"]:
            assert claim["citations"]
            for citation in claim["citations"]:
                text = corpus.get(citation["document_id"]).text
                assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_an_answer_is_shown_with_numbered_sources_and_the_notice(filled: Command) -> None:
    shown = filled("ask", "law", "How may the customer terminate the agreement?").out
    assert shown.startswith("1. ")
    assert "[1] Hosting agreement, characters " in shown
    assert "thirty days" in shown
    assert "not legal advice" in shown


def test_an_abstention_is_an_answer(filled: Command) -> None:
    ended = filled("ask", "law", "What is the boiling point of tungsten?")
    assert ended.code == 0
    assert ended.out.startswith("No answer.\n  ")
    assert filled("ask", "law", "What is the boiling point of tungsten?", "--json").json["abstained"]


def test_parameters_of_a_vertical_are_checked(filled: Command) -> None:
    question = ("ask", "law", "How may the customer terminate the agreement?")
    reminded = {one["rule_id"] for one in filled(*question, "--json").json["findings"]}
    told = filled(*question, "--set", "jurisdiction=US-NY", "--as-of", "2026-01-01", "--json").json
    assert reminded - {one["rule_id"] for one in told["findings"]}
    unknown = filled(*question, "--set", "colour=red")
    assert unknown.code == 1
    assert "colour" in unknown.err
    assert "jurisdiction" in unknown.err
    misfit = filled(*question, "--set", "jurisdiction=the moon")
    assert misfit.code == 1
    assert "jurisdiction:" in misfit.err


def test_a_task_runs_from_a_file_from_stdin_and_from_values(filled: Command, tmp_path: Path) -> None:
    request = json.dumps({"question": "How may the customer terminate the agreement?", "documents": ["hosting.md"]})
    file = tmp_path / "request.json"
    file.write_text(request)
    from_file = filled("run", "law", "question", "--request", file).json
    from_stdin = filled("run", "law", "question", "--request", "-", stdin=request).json
    from_values = filled(
        "run", "law", "question", "--set", f"question={from_file['question']}", "--set", "documents=hosting.md"
    ).json
    assert from_file == from_stdin == from_values
    assert from_file["claims"]


def test_a_request_that_does_not_fit_is_explained(filled: Command) -> None:
    ended = filled("run", "law", "question", "--set", "limit=many", "--json")
    assert ended.code == 1
    assert "question: field required" in ended.json["error"]["message"]
    assert "limit: " in ended.json["error"]["message"]
    assert "Traceback" not in ended.err
    assert filled("run", "law", "nosuchtask").code == 1
    assert "choose one of: question" in filled("run", "law", "nosuchtask").err


def test_what_is_removed_is_found_no_more(filled: Command) -> None:
    assert filled("remove", "hosting.md", "--purge", "--json").json["removed"] == 1
    hits = filled("search", "written notice to terminate", "--json").json["hits"]
    assert "hosting.md" not in {hit["document_id"] for hit in hits}
    again = filled("remove", "hosting.md", "leases/office.txt", "--json")
    assert again.code == 1
    assert (again.json["asked"], again.json["removed"]) == (2, 1)
    assert "1 of 2 are not in the corpus" in again.err


def test_status_lists_only_what_one_may_read(filled: Command) -> None:
    told = filled("status", "--documents", "--json").json
    assert told["documents"] == 3
    assert {one["id"] for one in told["readable"]} == {"hosting.md", "leases/office.txt"}
    shown = filled("status", "--documents", "--label", "board").out
    assert "documents: 3\n" in shown
    assert "merger.md  " in shown


def test_verify_says_what_it_checked_and_finds_what_is_wrong(filled: Command) -> None:
    told = filled("verify", "--json").json
    assert told["ok"]
    assert sum(check["examined"] for check in told["checks"]) > 3
    assert filled("verify").out.count("\nok ") == len(told["checks"])
    with closing(sqlite3.connect(Path("corpus.fmapps") / STORE)) as connection, connection:
        connection.execute("update passages set start = start + 1")
    ended = filled("verify")
    assert ended.code == 1
    assert "WRONG" in ended.out


@pytest.mark.parametrize("command", [("search", "x"), ("ask", "law", "x"), ("status",), ("verify",), ("remove", "x")])
def test_a_missing_corpus_is_said_with_what_to_do(fmapps: Command, command: tuple[str, ...]) -> None:
    ended = fmapps(*command, "--corpus", "nowhere.fmapps")
    assert ended.code == 1
    assert ended.out == ""
    assert "nowhere.fmapps" in ended.err
    assert "remedy:" in ended.err
    assert not Path("nowhere.fmapps").exists()
    assert fmapps(*command, "--corpus", "nowhere.fmapps", "--json").json["error"]["remedy"]


def test_verticals_are_listed_with_their_tasks_and_parameters(fmapps: Command) -> None:
    told = {one["name"]: one for one in fmapps("verticals", "--json").json["verticals"]}
    assert {"law", "healthcare", "education"} <= set(told)
    assert "jurisdiction" in told["law"]["parameters"]
    assert told["law"]["tasks"][0]["request"]["properties"]["question"]
    assert "task question:" in fmapps("verticals").out


def test_an_unknown_vertical_names_the_known_ones(filled: Command) -> None:
    ended = filled("ask", "astrology", "Will I win?")
    assert ended.code == 1
    assert "law" in ended.err


def test_the_app_becomes_its_server(fmapps: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(verticals.os, "execv", lambda path, command: became.append([path, *command]))
    assert fmapps("app", "law", "--corpus", "some.fmapps", "--port", "0", "--no-browser").code == 0
    (command,) = became
    assert command[0] == command[1]
    assert command[2:] == [
        *("-P", "-m", "apps.common.launch", "law", "--corpus", "some.fmapps"),
        *("--port", "0", "--address", "127.0.0.1", "--no-browser"),
    ]
    assert fmapps("app", "astrology").code == 1
    assert len(became) == 1


def test_without_the_apps_that_is_said(fmapps: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verticals, "LAUNCHER", "no_such_apps.launch")
    ended = fmapps("app", "law")
    assert ended.code == 1
    assert "pip install" in ended.err
