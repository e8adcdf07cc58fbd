"""A vertical in a package of its own: questions over the house rules of a public library, and where a book stands."""

from __future__ import annotations

from pathlib import Path

from fmapps.vertical import Vertical, sample_folder
from fmapps_vertical_library.safety import POLICY
from fmapps_vertical_library.tasks import QUESTION, SHELF

VERTICAL = Vertical(
    name="library",
    title="Library",
    description="For readers of a public library: what the house rules say, and where a book stands.",
    notice="The desk has the last word.",
    tasks=(QUESTION, SHELF),
    policy=POLICY,
    samples=sample_folder(__file__, "library"),
    examples=("How many books may I borrow at once?", "What does a late book cost?"),
    page=Path(__file__).with_name("page.py"),
)
