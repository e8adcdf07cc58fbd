"""Healthcare: the contract, emergencies first, no change of dose; clinicians are not patients."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import verticals.healthcare.safety as safety
from fmapps.records import Action
from fmapps.safety.phrases import phrases
from fmapps.testing import VerticalContract
from fmapps.vertical import Vertical
from tests.verticals.cases import action, findings, read, turn
from verticals.healthcare import VERTICAL

POLICY = VERTICAL.policy
TABLES = Path(safety.__file__).parent / "tables"


class TestContract(VerticalContract):
    @pytest.fixture
    def vertical(self) -> Vertical:
        return VERTICAL


@pytest.mark.parametrize("question", read("emergency_fires"))
def test_an_emergency_comes_first(question: str) -> None:
    assert findings(POLICY, "healthcare.emergency", turn(question))
    assert action(POLICY, turn(question)) is Action.ESCALATE


@pytest.mark.parametrize("question", read("emergency_silent"))
def test_an_ordinary_health_question_is_answered(question: str) -> None:
    assert not findings(POLICY, "healthcare.emergency", turn(question))
    assert not action(POLICY, turn(question)).stops


@pytest.mark.parametrize("question", read("dose_fires"))
def test_a_change_of_medicine_is_for_the_prescriber(question: str) -> None:
    assert findings(POLICY, "healthcare.dose", turn(question))
    assert action(POLICY, turn(question)) is Action.REFUSE


@pytest.mark.parametrize("question", read("dose_silent"))
def test_a_question_about_medicines_or_habits_is_answered(question: str) -> None:
    assert not findings(POLICY, "healthcare.dose", turn(question))
    assert not action(POLICY, turn(question)).stops


def test_a_role_decides_who_is_a_clinician_and_the_audience_only_without_one() -> None:
    question = "62-year-old man, he has chest pain: should I start aspirin?"
    assert action(POLICY, turn(question)) is Action.ESCALATE
    assert action(POLICY, turn(question, role="patient", audience="clinician")) is Action.ESCALATE
    assert action(POLICY, turn(question, role="nurse")) is Action.ALLOW
    assert action(POLICY, turn(question, audience="clinician")) is Action.ALLOW


def test_an_overdose_shows_the_poison_line() -> None:
    (finding, *_) = findings(POLICY, "healthcare.emergency", turn("She has overdosed on ibuprofen"))
    assert "911" in finding.message
    assert "1-800-222-1222" in finding.message


def test_every_red_flag_has_first_steps_with_a_source() -> None:
    with (TABLES / "first_steps.csv").open(encoding="utf-8", newline="") as file:
        steps = {row["id"]: row for row in csv.DictReader(file)}
    table = phrases(TABLES / "emergency.csv")
    assert table.ids == set(steps)
    assert all(row["steps"] and row["source"] for row in steps.values())
