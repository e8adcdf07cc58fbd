"""What commands write, and how their failures end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import typer

from fmapps.cli import output
from fmapps.errors import InputError
from fmapps.records import Action, Citation, Filter

CITATION = Citation("a", "f" * 64, 0, 3, "one")


@pytest.fixture(autouse=True)
def _traces_off() -> None:
    output.show_traces(False)


def failing(error: BaseException) -> Callable[[], None]:
    def command(*, as_json: bool = False) -> None:
        raise error

    return output.reporting(command)


def test_records_become_json_and_come_back_whole(capsys: pytest.CaptureFixture[str]) -> None:
    value = {
        "citation": CITATION,
        "filter": Filter(documents=frozenset({"b", "a"}), as_of=date(2026, 11, 1)),
        "path": Path("some/where"),
        "action": Action.REFUSE,
        "text": "naïve — “text”",
    }
    output.emit(value)
    back = json.loads(capsys.readouterr().out)
    assert Citation(**back["citation"]) == CITATION
    assert back["filter"] == {"metadata": [], "documents": ["a", "b"], "as_of": "2026-11-01"}
    assert (back["path"], back["action"], back["text"]) == ("some/where", "refuse", "naïve — “text”")


def test_a_document_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("before \x1b[2J\x9b31m after\rover [bold]not markup[/bold]")
    output.note("\x1b]0;title\x07 [red]plain[/red]")
    written = capsys.readouterr()
    assert written.out == "before \ufffd[2J\ufffd31m after\ufffdover [bold]not markup[/bold]\n"
    assert "\x1b" not in written.err
    assert "[red]plain[/red]" in written.err


def test_text_for_a_pipe_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    line = "word " * 100
    output.say(line.strip())
    assert capsys.readouterr().out == line.strip() + "\n"


def test_a_known_error_is_one_message_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    error = InputError("the page is torn", where="book.pdf, page 3", remedy="scan it again")
    with pytest.raises(typer.Exit) as ended:
        failing(error)()
    assert ended.value.exit_code == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == "Error: the page is torn\n  where:  book.pdf, page 3\n  remedy: scan it again\n"


def test_with_json_the_error_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        failing(InputError("the page is torn", remedy="scan it again"))(as_json=True)  # type: ignore[call-arg]
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "error": {"code": "bad_input", "message": "the page is torn", "where": "", "remedy": "scan it again"}
    }


def test_a_fault_of_ours_shows_no_trace_and_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        failing(RuntimeError("the patient's name"))()
    written = capsys.readouterr().err
    assert ended.value.exit_code == 70
    assert "Traceback" not in written
    assert "the patient's name" not in written
    assert "fmapps --debug" in written


def test_debug_shows_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_traces(True)
    with pytest.raises(typer.Exit):
        failing(RuntimeError("out of cheese"))()
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert "RuntimeError: out of cheese" in written


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        failing(KeyboardInterrupt())()
    assert ended.value.exit_code == 130
    assert "Interrupted" in capsys.readouterr().err


def test_what_the_system_refuses_is_said_with_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        failing(PermissionError(13, "Permission denied", "/locked"))()
    assert ended.value.exit_code == 1
    written = capsys.readouterr().err
    assert "Permission denied" in written
    assert "/locked" in written


def test_progress_where_nobody_watches_is_a_line_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as tell:
        for done in range(1001):
            tell("documents", done, 1000)
        tell("passages", 5, None)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0].strip() for line in lines] == [
        "documents: 0 of 1,000",
        "documents: 1,000 of 1,000",
        "passages: 5",
    ]


@dataclass(frozen=True)
class Figures:
    passages: int
    sound: bool
    faults: tuple[str, ...]
    embedder: str | None


def test_a_record_reads_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_fields(Figures(12345, True, ("one", "two"), None))
    assert capsys.readouterr().out == "passages: 12,345\nsound: yes\nfaults: 2\n  - one\n  - two\nembedder: none\n"
