"""The core rule for a person in danger: self-harm, violence, abuse. It stops the turn and shows who answers."""

from __future__ import annotations

from pathlib import Path

from fmapps.records import Action, Turn
from fmapps.safety.lines import emergency_number, line
from fmapps.safety.phrases import Match, phrase_rule

_NEEDS = {"suicide": ("suicide",), "violence": ("suicide",), "abuse": ("abuse", "child", "suicide")}


def _message(turn: Turn, match: Match) -> str:
    found = [line(need) for need in _NEEDS[match.id]]
    calls = "; ".join(dict.fromkeys(f"{known.name}: {known.call}" for known in found if known))
    return (
        "What you wrote sounds as if you, or someone you know, may be in danger, and that comes before the question. "
        f"If anyone may come to harm now, call {emergency_number()}. People who listen, at any hour: {calls}. "
        "Nobody has been told what you wrote, and it will not be used in later answers."
    )


CRISIS = phrase_rule(
    "core.crisis",
    table=Path(__file__).with_name("tables") / "crisis.csv",
    source="National Institute of Mental Health, Warning Signs of Suicide; Sherin et al. 1998, HITS",
    action=Action.ESCALATE,
    message=_message,
)
"""Belongs first in every policy."""
