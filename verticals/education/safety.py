"""The rules of the education vertical: the teacher's level of AI use, and work that must be the learner's own."""

from __future__ import annotations

from pathlib import Path

from fmapps.errors import InputError
from fmapps.records import Action, Finding, Stage, Turn
from fmapps.safety.crisis import CRISIS
from fmapps.safety.phrases import Match, phrase_rule
from fmapps.safety.policy import Policy, Rule

TEACHERS = frozenset({"teacher", "instructor", "lecturer", "professor"})
"""Roles whose own work the levels do not concern."""
DEFAULT_LEVEL = 2
"""Where no teacher has set a level: help to plan and to understand, no drafting."""

_TABLES = Path(__file__).with_name("tables")
_SCALE = "Perkins, Furze, Roe and MacVaugh 2024, The AI Assessment Scale"


def level(turn: Turn) -> int:
    """The level of AI use that the activity allows, from 1 to 5; 5 for a teacher.

    Raises:
        InputError: the level given is none of the scale.
    """
    if turn.principal.role.casefold() in TEACHERS:
        return 5
    given = turn.parameters.get("ai_level", DEFAULT_LEVEL)
    if str(given) not in {"1", "2", "3", "4", "5"}:
        raise InputError(f"{given!r} is no level of AI use", where="ai_level", remedy="choose 1, 2, 3, 4 or 5")
    return int(given)


def _no_ai(turn: Turn) -> list[Finding]:
    if level(turn) > 1:
        return []
    message = (
        "Your teacher has set this activity to be done without AI (level 1), so I keep out of it. Your notes, your "
        "textbook and your teacher are the help it allows; I am glad to help with anything else you are studying."
    )
    return [Finding(_NO_AI, Action.REFUSE, message, source=_SCALE)]


def _plan_instead(turn: Turn, match: Match) -> str:
    return (
        "This looks like work that should be your own, so I will not write or solve it for you. I can help you get "
        "there: ask me what a term means, where the course explains it, for an example, or how to plan the work."
    )


_NO_AI = "education.no_ai"

INTEGRITY = phrase_rule(
    "education.integrity",
    table=_TABLES / "integrity.csv",
    source=f"{_SCALE}; International Center for Academic Integrity 2021, Fundamental Values",
    action=Action.ROUTE,
    message=_plan_instead,
    applies=lambda turn: level(turn) <= DEFAULT_LEVEL,
)

POLICY = Policy((CRISIS, Rule(_NO_AI, Stage.INPUT, _SCALE, _no_ai), INTEGRITY))
"""In order: a person in danger, an activity without AI, work to be handed in."""
