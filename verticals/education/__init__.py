"""The education vertical: questions over a course's own material."""

from __future__ import annotations

from pathlib import Path

from fmapps.vertical import Vertical, sample_folder
from verticals.education.safety import POLICY
from verticals.education.tasks.question import QUESTION

VERTICAL = Vertical(
    name="education",
    title="Education",
    description="For learners and teachers: what the course material says about it, and where.",
    notice="Use it to learn; your teacher decides how much help an activity allows.",
    tasks=(QUESTION,),
    policy=POLICY,
    samples=sample_folder(__file__, "education"),
    examples=(
        "What is the difference between speed and velocity?",
        "State Newton's second law.",
        "What is opportunity cost?",
        "Where in the cell does photosynthesis take place?",
        "What makes demand elastic?",
    ),
    page=Path(__file__).resolve().parents[2] / "apps" / "education.py",
)
