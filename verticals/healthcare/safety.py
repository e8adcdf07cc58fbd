"""The rules of the healthcare vertical: emergencies come before everything; nobody's dose is changed here."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from fmapps.records import Action, Turn
from fmapps.safety.crisis import CRISIS
from fmapps.safety.lines import emergency_number, line
from fmapps.safety.phrases import Match, phrase_rule
from fmapps.safety.policy import Policy

CLINICIANS = frozenset({"clinician", "doctor", "physician", "nurse", "midwife", "paramedic", "pharmacist"})
"""Roles that treat; everyone else is a patient."""

_TABLES = Path(__file__).with_name("tables")


def for_patient(turn: Turn) -> bool:
    """Whether to answer as to a patient: the role decides; the audience asked for, only where there is no role."""
    role = turn.principal.role.casefold()
    return role not in CLINICIANS and (bool(role) or turn.parameters.get("audience") != "clinician")


@cache
def _first_steps() -> dict[str, str]:
    with (_TABLES / "first_steps.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["steps"] for row in csv.DictReader(file)}


def _emergency(turn: Turn, match: Match) -> str:
    poison = line("poison") if match.id == "poisoning" else None
    parts = (
        f"This may be an emergency. Call {emergency_number()} now and say what has happened.",
        _first_steps()[match.id],
        f"Advice on poisoning: {poison.name}, {poison.call}." if poison else "",
        "I have not looked anything up: a person must see to this first.",
    )
    return " ".join(part for part in parts if part)


EMERGENCY = phrase_rule(
    "healthcare.emergency",
    table=_TABLES / "emergency.csv",
    source="NHS, When to call 999; American Red Cross first aid; each row names its own",
    action=Action.ESCALATE,
    message=_emergency,
    applies=for_patient,
)


def _ask_the_prescriber(turn: Turn, match: Match) -> str:
    return (
        "I cannot say whether to start, stop or change a medicine or its dose: that depends on what only the person "
        "who prescribed it, or a pharmacist, can check. Ask them before changing anything; some medicines are "
        "dangerous to stop at once. The leaflet in the pack says what to do about a missed dose. If too much was "
        f"taken or you feel very unwell, call {emergency_number()}."
    )


DOSE = phrase_rule(
    "healthcare.dose",
    table=_TABLES / "dose.csv",
    source="NICE NG5, Medicines optimisation: decisions about a medicine belong to patient and prescriber together",
    action=Action.REFUSE,
    message=_ask_the_prescriber,
    applies=for_patient,
)

POLICY = Policy((CRISIS, EMERGENCY, DOSE))
"""In order: a person in danger, a medical emergency, a change of medicine."""
