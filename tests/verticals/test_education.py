"""Education: the contract, the teacher's level of AI use, work that must be the learner's own."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fmapps.errors import InputError
from fmapps.records import Action
from fmapps.testing import VerticalContract
from fmapps.vertical import Vertical
from tests.verticals.cases import action, findings, read, turn
from verticals.education import VERTICAL
from verticals.education.schemas import StudyQuestion

POLICY = VERTICAL.policy


class TestContract(VerticalContract):
    @pytest.fixture
    def vertical(self) -> Vertical:
        return VERTICAL


@pytest.mark.parametrize("question", read("integrity_fires"))
def test_work_to_hand_in_is_not_done_for_the_learner(question: str) -> None:
    assert findings(POLICY, "education.integrity", turn(question, ai_level=2))
    assert action(POLICY, turn(question, ai_level=2)) is Action.ROUTE
    assert action(POLICY, turn(question)) is Action.ROUTE


@pytest.mark.parametrize("question", read("integrity_silent"))
def test_a_question_to_learn_from_is_answered(question: str) -> None:
    assert action(POLICY, turn(question, ai_level=2)) is Action.ALLOW
    assert action(POLICY, turn(question)) is Action.ALLOW


@pytest.mark.parametrize("level", [1, "1"])
def test_without_ai_means_without_ai(level: int | str) -> None:
    (finding,) = findings(POLICY, "education.no_ai", turn("What is inflation?", ai_level=level))
    assert finding.action is Action.REFUSE
    assert action(POLICY, turn("Write my essay", ai_level=level)) is Action.REFUSE


@pytest.mark.parametrize("level", [3, 4, 5])
def test_from_collaboration_on_the_teacher_lets_ai_write(level: int) -> None:
    assert action(POLICY, turn("Write my essay", ai_level=level)) is Action.ALLOW


def test_the_levels_do_not_bind_the_teacher() -> None:
    assert action(POLICY, turn("Write my essay question", role="teacher", ai_level=1)) is Action.ALLOW
    assert action(POLICY, turn("Write my essay question", role="student", ai_level=1)) is Action.REFUSE


@pytest.mark.parametrize("level", [0, 6, "none"])
def test_a_level_off_the_scale_is_an_error_and_not_permission(level: int | str) -> None:
    with pytest.raises(InputError, match="level"):
        action(POLICY, turn("What is inflation?", ai_level=level))
    with pytest.raises(ValidationError):
        StudyQuestion(question="What is inflation?", ai_level=level)
