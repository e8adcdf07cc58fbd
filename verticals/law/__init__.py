"""The law vertical: questions over contracts, policies, statutes and memoranda."""

from __future__ import annotations

from pathlib import Path

from fmapps.vertical import Vertical, sample_folder
from verticals.law.safety import POLICY
from verticals.law.tasks.question import QUESTION

VERTICAL = Vertical(
    name="law",
    title="Law",
    description="For those who read contracts and statutes: what a document says, in its own words, with the place.",
    notice="This is information about what the documents say, not legal advice.",
    tasks=(QUESTION,),
    policy=POLICY,
    samples=sample_folder(__file__, "law"),
    examples=(
        "How many days' notice must the customer give to terminate the services agreement for convenience?",
        "Within how many hours must the processor report a personal data breach?",
        "Can the tenant sublet the premises?",
        "What penalty may the tribunal order if a landlord fails to protect a deposit?",
        "What service credit is due if monthly availability falls below 99.0%?",
    ),
    page=Path(__file__).resolve().parents[2] / "apps" / "law.py",
)
