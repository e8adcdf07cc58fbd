"""The demo answers from the samples of every vertical, and checks what it cites."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmapps.cli import demo, verticals
from fmapps.vertical import installed
from tests.cli.conftest import Command

pytestmark = pytest.mark.weights


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command in an empty folder, with the real weights."""
    monkeypatch.chdir(tmp_path)
    return Command()


def test_it_answers_in_every_vertical_and_abstains_once(command: Command) -> None:
    ended = command("demo", "--no-serve", "--folder", "shown")
    assert ended.code == 0, ended.err
    assert ended.out.count("Question: ") == len(installed()) + 1
    assert ended.out.count("[1] ") >= len(installed())
    assert ended.out.count("citations stand as quoted") == len(installed())
    assert f"Question: {demo.UNANSWERABLE}\n\nNo answer.\n" in ended.out
    assert {folder.name for folder in Path("shown").iterdir()} == {f"{name}.fmapps" for name in installed()}


def test_a_second_time_reads_nothing_anew_and_opens_the_app(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(verticals.os, "execv", lambda path, arguments: became.append(arguments))
    first = command("demo", "--vertical", "law", "--no-serve", "--json").json
    second = command("demo", "--vertical", "law", "--json", "--no-browser")
    assert second.json["answers"] == first["answers"]
    assert [*became[0][4:7], became[0][-1]] == ["law", "--corpus", ".demo/law.fmapps", "--no-browser"]


def test_a_citation_that_does_not_read_back_is_a_failure(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from fmapps.corpus import CitationCheck, Corpus

    altered = CitationCheck("altered", "other words stand there")
    monkeypatch.setattr(Corpus, "verify", lambda self, citation: altered)
    ended = command("demo", "--no-serve")
    assert ended.code == 1
    assert "0 of " in ended.out
    assert "did not read back" in ended.err
