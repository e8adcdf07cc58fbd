"""Law: the contract, advice and prediction sent to a lawyer, place and date reminded of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from pydantic import ValidationError

from fmapps.records import Action, Filter
from fmapps.testing import VerticalContract
from fmapps.vertical import Vertical
from tests.verticals.cases import action, findings, read, turn
from verticals.law import VERTICAL
from verticals.law.schemas import LawQuestion

POLICY = VERTICAL.policy


class TestContract(VerticalContract):
    @pytest.fixture
    def vertical(self) -> Vertical:
        return VERTICAL


@pytest.mark.parametrize("question", read("advice_fires"))
def test_a_request_for_advice_is_referred(question: str) -> None:
    assert findings(POLICY, "law.advice", turn(question))
    assert action(POLICY, turn(question)) is Action.ROUTE


@pytest.mark.parametrize("question", read("advice_silent"))
def test_a_question_about_documents_is_answered(question: str) -> None:
    assert not findings(POLICY, "law.advice", turn(question))
    assert not action(POLICY, turn(question)).stops


def test_a_lawyer_may_ask_for_advice_and_anybody_else_may_not() -> None:
    question = "Should we terminate the supplier?"
    assert not findings(POLICY, "law.advice", turn(question, role="Lawyer"))
    assert findings(POLICY, "law.advice", turn(question, role="client"))


@pytest.mark.parametrize(
    "question",
    [
        "What is the notice period in New York?",
        "Is a penalty clause enforceable under English law?",
        "What does the GDPR require?",
        "How long is the limitation period in california",
    ],
)
def test_a_jurisdiction_in_the_question_is_seen(question: str) -> None:
    (reminder,) = findings(POLICY, "law.jurisdiction", turn(question))
    assert "jurisdiction" not in reminder.message
    assert "on which day" in reminder.message


def test_place_and_date_are_reminded_of_until_both_are_given() -> None:
    question = "What is the notice period?"
    (reminder,) = findings(POLICY, "law.jurisdiction", turn(question))
    assert reminder.action is Action.ANNOTATE
    assert "jurisdiction" in reminder.message
    assert "on which day" in reminder.message
    placed = turn(question, jurisdiction="GB")
    assert findings(POLICY, "law.jurisdiction", placed)
    dated = replace(placed, filter=Filter(as_of=date(2025, 5, 1)))
    assert not findings(POLICY, "law.jurisdiction", dated)
    assert not findings(POLICY, "law.jurisdiction", turn("What was the notice period in 2019?", jurisdiction="GB"))


@pytest.mark.parametrize(("code", "fits"), [("GB", True), ("US-NY", True), ("New York", False), ("us-ny", False)])
def test_a_jurisdiction_is_an_iso_code(code: str, fits: bool) -> None:
    if fits:
        assert LawQuestion(question="What?", jurisdiction=code).jurisdiction == code
    else:
        with pytest.raises(ValidationError):
            LawQuestion(question="What?", jurisdiction=code)
