"""The rules of the law vertical: information and not advice; whose law, and of which day."""

from __future__ import annotations

import re
from pathlib import Path

from fmapps.records import Action, Finding, Stage, Turn
from fmapps.safety.crisis import CRISIS
from fmapps.safety.phrases import Match, phrase_rule, phrases
from fmapps.safety.policy import Policy, Rule

PROFESSIONALS = frozenset({"lawyer", "attorney", "solicitor", "barrister", "paralegal", "judge"})
"""Roles that give advice themselves; everyone else is the public."""

_TABLES = Path(__file__).with_name("tables")
_YEAR = re.compile(r"\b(1[6-9]|20)\d\d\b")


def _referral(turn: Turn, match: Match) -> str:
    return (
        "I can show what the documents say, but not advise what to do or predict how a case will end: that takes a "
        "lawyer who knows the facts. A bar association's referral service, a legal aid office or a law clinic can "
        "help to find one. Meanwhile, ask what a document says, for example about notice, payment or termination."
    )


ADVICE = phrase_rule(
    "law.advice",
    table=_TABLES / "advice.csv",
    source="ABA Model Rules of Professional Conduct, rule 5.5; Legal Services Act 2007 (UK), part 3",
    action=Action.ROUTE,
    message=_referral,
    applies=lambda turn: turn.principal.role.casefold() not in PROFESSIONALS,
)


def _remind(turn: Turn) -> list[Finding]:
    missing = []
    if not turn.parameters.get("jurisdiction") and not phrases(_TABLES / "jurisdictions.csv").find(turn.question):
        missing.append("whose law applies (jurisdiction)")
    if turn.filter.as_of is None and not _YEAR.search(turn.question):
        missing.append("on which day (as_of)")
    if not missing:
        return []
    message = (
        f"The question does not say {' or '.join(missing)}. The answer shows what the documents say as they stand; "
        "it may differ elsewhere or at another time."
    )
    return [Finding(REMINDER_ID, Action.ANNOTATE, message, source=_REMINDER_SOURCE)]


REMINDER_ID = "law.jurisdiction"
_REMINDER_SOURCE = "Legal research practice: jurisdiction and date are part of every question"

POLICY = Policy((CRISIS, ADVICE, Rule(REMINDER_ID, Stage.INPUT, _REMINDER_SOURCE, _remind)))
"""In order: a person in danger, a request for advice, a question without place or date."""
