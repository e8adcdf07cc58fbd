"""An answer as a person reads it in a terminal: numbered claims, then their sources."""

from __future__ import annotations

from fmapps.cli.output import say
from fmapps.records import Action, Answer, Citation, Claim, Hit, Support

_QUOTE = 300
"""Characters of a quotation shown before it is cut."""


def show_answer(answer: Answer, *, notice: str = "") -> None:
    """Write the claims with the numbers of their citations, the sources, how sure it is and what the rules noted.

    Args:
        answer: what to show; an abstention is shown with its reason.
        notice: what every reader of the vertical's answers must know.
    """
    if answer.resolved_question:
        say(f"Understood as: {answer.resolved_question}")
    if answer.abstained:
        say("No answer.")
        say(answer.text or answer.reason, indent=2)
    numbers = {citation: number for number, citation in enumerate(answer.citations, start=1)}
    for place, claim in enumerate(answer.claims, start=1):
        say(f"{place}. {_claim(claim, numbers)}", hanging=3)
    if numbers:
        say("\nSources")
    for citation, number in numbers.items():
        say(f"[{number}] {citation.where()}", hanging=4)
        say(f"“{shortened(citation.quote)}”", indent=4)
    remarks = dict.fromkeys(
        finding.message
        for finding in answer.findings
        if finding.message and finding.action is not Action.ALLOW and finding.message not in answer.text
    )
    for remark in remarks:
        say(f"Note: {remark}", hanging=6)
    say()
    if not answer.abstained:
        say(f"Confidence {answer.confidence:.2f}, written by: {answer.model}.")
    if notice:
        say(notice)


def _claim(claim: Claim, numbers: dict[Citation, int]) -> str:
    marks = "".join(f" [{numbers[citation]}]" for citation in claim.citations)
    doubt = "" if claim.support is Support.SUPPORTED else f" ({claim.support}: {claim.reason})"
    return claim.text + marks + doubt


def show_hit(rank: int, hit: Hit) -> None:
    """Write one search result: where it stands, why it was found, and how it begins."""
    passage = hit.passage
    page = f", page {passage.page}" if passage.page else ""
    heading = f" | {passage.heading}" if passage.heading else ""
    say(f"{rank}. {passage.title or passage.document_id}{heading}", hanging=3)
    say(f"{passage.document_id}{page}, characters {passage.start}-{passage.end}", indent=3)
    say(hit.explain(), indent=3)
    say(shortened(passage.text), indent=3)


def shortened(text: str) -> str:
    """The text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTE else line[: _QUOTE - 1].rstrip() + "…"
