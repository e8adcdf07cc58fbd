"""A person in danger is seen, however it is said; ordinary talk is left alone; the lines are those of the country."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fmapps.records import Action, Principal, Stage, Turn
from fmapps.safety import crisis, lines
from fmapps.safety.crisis import CRISIS
from fmapps.safety.phrases import phrases
from fmapps.safety.policy import Policy
from fmapps.settings import settings

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[str]:
    return (CASES / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("question", cases("crisis_fires"))
def test_fires(question: str) -> None:
    findings = Policy((CRISIS,)).findings(Turn(question=question, query=question), Stage.INPUT)
    assert findings
    for finding in findings:
        assert finding.action is Action.ESCALATE
        assert finding.source
        assert question[finding.start : finding.end].strip()


@pytest.mark.parametrize("question", cases("crisis_silent"))
def test_stays_silent(question: str) -> None:
    assert CRISIS.check(Turn(question=question, query=question)) == []


def test_no_role_and_no_parameter_switches_it_off() -> None:
    question = "I want to kill myself"
    for role in ("clinician", "teacher", "lawyer"):
        turn = Turn(question=question, query=question, principal=Principal("x", role), parameters={"crisis": False})
        assert CRISIS.check(turn)


@pytest.mark.parametrize(
    ("country", "expected"),
    [("US", ("911", "988")), ("GB", ("999", "116 123")), ("au", ("000", "13 11 14")), ("ZZ", ("112", "findahelpline"))],
)
def test_shows_the_lines_of_the_country(
    monkeypatch: pytest.MonkeyPatch, country: str, expected: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FMAPPS_COUNTRY", country)
    settings.cache_clear()
    try:
        question = "I want to kill myself"
        message = CRISIS.check(Turn(question=question, query=question))[0].message
    finally:
        settings.cache_clear()
    assert all(number in message for number in expected)


def test_abuse_shows_the_line_for_abuse() -> None:
    question = "my husband hits me"
    message = CRISIS.check(Turn(question=question, query=question))[0].message
    assert "1-800-799-7233" in message


def test_every_kind_of_danger_has_its_message() -> None:
    table = phrases(Path(lines.__file__).parent / "tables" / "crisis.csv")
    assert table.ids == set(crisis._NEEDS)


def test_every_line_has_a_source_and_every_country_an_emergency_number() -> None:
    with (Path(lines.__file__).parent / "tables" / "crisis_lines.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["source"].startswith("https://") and row["call"] and row["name"] for row in rows)
    countries = {row["country"] for row in rows}
    assert countries == {row["country"] for row in rows if row["need"] == "emergency"}
    assert len({(row["country"], row["need"]) for row in rows}) == len(rows)
