"""The healthcare vertical: questions over patient information and guidelines."""

from __future__ import annotations

from pathlib import Path

from fmapps.vertical import Vertical, sample_folder
from verticals.healthcare.safety import POLICY
from verticals.healthcare.tasks.question import QUESTION

VERTICAL = Vertical(
    name="healthcare",
    title="Healthcare",
    description="For patients and those who care for them: what the health pages at hand say, sentence by sentence.",
    notice="This is general information, not a diagnosis or treatment; in an emergency, call emergency services.",
    tasks=(QUESTION,),
    policy=POLICY,
    samples=sample_folder(__file__, "healthcare"),
    examples=(
        "What is the maximum amount of paracetamol an adult may take in 24 hours?",
        "What can trigger a migraine?",
        "How should blood pressure be measured at home?",
        "What is the difference between a reliever and a preventer inhaler?",
        "How should a small cut be cleaned?",
    ),
    page=Path(__file__).resolve().parents[2] / "apps" / "healthcare.py",
)
