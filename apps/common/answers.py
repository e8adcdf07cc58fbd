"""An answer on the page: claims with their citations, an abstention, what a rule decided, and why it was found."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from apps.common import wording
from apps.common.desk import Desk, Opened, Shown
from fmapps.records import Action, Answer, Citation, Claim, Finding, Hit

Readable = Callable[[str], bool]
"""Whether this person may still read a document, by its id."""


def show_urgent(answer: Answer) -> None:
    """The banner of an answer that needs help now."""
    st.html(
        f'<div class="fm-urgent" role="alert"><h2>{wording.outcome(answer)}</h2>'
        f"<p>{escape(answer.decision.message or answer.text)}</p></div>"
    )


def show_answer(shown: Shown, desk: Desk, *, searched: str, readable: Readable, urgent_above: bool = False) -> None:
    """One question with what came of it.

    Args:
        shown: the question and its answer.
        desk: where a source is opened.
        searched: what was searched, in words, for an abstention.
        readable: tells which documents are still there; what rests on any other is withheld.
        urgent_above: whether its urgent message stands at the head of the page already.
    """
    answer = shown.answer
    st.html(f'<h2 class="fm-question" id="question-{shown.number}">{escape(answer.question)}</h2>{_asked(shown)}')
    if answer.decision.action.stops:
        _stopped(answer, urgent_above)
    elif answer.abstained:
        _abstained(answer, searched)
    else:
        _claims(shown, desk, readable)
    _notes(answer)
    if answer.hits:
        _why(shown, desk, readable)


def _asked(shown: Shown) -> str:
    lines = [shown.scope] if shown.scope else []
    if shown.answer.resolved_question:
        lines.append(f"Understood as: {shown.answer.resolved_question}")
    return "".join(f'<p class="fm-small">{escape(line)}</p>' for line in lines)


def _stopped(answer: Answer, urgent_above: bool) -> None:
    urgent = answer.decision.action is Action.ESCALATE
    alarm = " fm-problem" if urgent else ""
    # Whoever needs help now needs no rule's name.
    deciding = [] if urgent else [one for one in answer.findings if one.action is answer.decision.action]
    said = (
        "Please read what stands at the top of this page." if urgent_above else answer.decision.message or answer.text
    )
    st.html(
        f'<p class="fm-outcome" role="status">{wording.outcome(answer)}</p>'
        f'<div class="fm-note{alarm}"><p>{escape(said)}</p>'
        f"{_authority(deciding)}</div>"
    )


def _abstained(answer: Answer, searched: str) -> None:
    looked = f"{searched}. " + (
        f"What came closest is listed below ({wording.counted(len(answer.hits), 'passage')})."
        if answer.hits
        else "No passage came close."
    )
    st.html(
        f'<p class="fm-outcome" role="status">{wording.outcome(answer)}</p>'
        f'<div class="fm-note"><p>{escape(answer.reason or answer.text)}</p>'
        f"<p><strong>What was searched:</strong> {escape(looked)}</p>"
        "<p><strong>What to try:</strong></p><ul><li>Ask in the words the documents would use.</li>"
        "<li>Ask for one thing at a time.</li><li>Add a document that covers it, or choose another collection.</li>"
        "</ul></div>"
    )


def _claims(shown: Shown, desk: Desk, readable: Readable) -> None:
    answer = shown.answer
    numbers = {citation: number for number, citation in enumerate(answer.citations, 1)}
    documents = {citation.document_id for citation in answer.citations}
    st.html(
        f'<p class="fm-outcome" role="status">{wording.outcome(answer)} from '
        f"{wording.counted(len(documents), 'document')}</p>"
        f'<p class="fm-small">{wording.confidence(answer.confidence)}</p>'
    )
    for position, claim in enumerate(answer.claims, 1):
        with st.container(horizontal=True, gap="small", wrap=False, key=f"fm-claim-{shown.number}-{position}"):
            if not all(readable(citation.document_id) for citation in claim.citations):
                st.html(
                    f'<p class="fm-claim"><span class="fm-number">{position}.</span><span class="fm-words">'
                    "Withheld: the document it rests on is no longer here, or you may no longer read it.</span></p>"
                )
                continue
            st.html(_claim(position, claim), width="stretch")
            for citation in claim.citations:
                _chip(f"{shown.number}-{position}-{numbers[citation]}", numbers[citation], citation, desk)
    if numbers:
        _sources([citation for citation in numbers if readable(citation.document_id)], numbers)


def _claim(position: int, claim: Claim) -> str:
    doubt = wording.support(claim)
    said = f'<span class="fm-doubt">{escape(doubt)}</span>' if doubt else ""
    return (
        f'<p class="fm-claim"><span class="fm-number">{position}.</span>'
        f'<span class="fm-words">{escape(claim.text)}{said}</span></p>'
    )


def _chip(key: str, number: int, citation: Citation, desk: Desk) -> None:
    is_open = desk.opened is not None and desk.opened.chip == key
    with st.container(key=f"fm-chips{'-open' if is_open else ''}-{key}", width="content"):
        st.button(
            rf"\[{number}\]",
            key=f"cite-{key}",
            on_click=desk.open,
            args=(Opened.of(citation, key),),
            help=f"Read it in {wording.plain(citation.title or citation.document_id)}",
            type="tertiary",
        )


def _sources(citations: list[Citation], numbers: dict[Citation, int]) -> None:
    rows = "".join(
        f"<li><span>[{numbers[citation]}]</span><span>{escape(citation.title or citation.document_id)}"
        + (f", page {citation.page}" if citation.page else "")
        + "</span></li>"
        for citation in citations
    )
    st.html(f'<p class="fm-subhead">Sources</p><ol class="fm-sources">{rows}</ol>')


def _notes(answer: Answer) -> None:
    if answer.decision.action is Action.ESCALATE:
        return
    milder = [
        finding
        for finding in dict.fromkeys(answer.findings)
        if finding.action in {Action.ANNOTATE, Action.REDACT}
        or (finding.action is not answer.decision.action and finding.action is not Action.ALLOW)
    ]
    if milder:
        lines = "".join(f"<p>{escape(finding.message)}</p>" for finding in milder if finding.message)
        st.html(f'<p class="fm-subhead">Please note</p><div class="fm-note">{lines}{_authority(milder)}</div>')


def _authority(findings: list[Finding]) -> str:
    named = dict.fromkeys((finding.rule_id, finding.source) for finding in findings)
    rules = "; ".join(f"{rule} ({source})" if source else rule for rule, source in named)
    return f'<p class="fm-small">Rule: {escape(rules)}</p>' if rules else ""


def _why(shown: Shown, desk: Desk, readable: Readable) -> None:
    hits = [hit for hit in shown.answer.hits if readable(hit.passage.document_id)]
    label = "Why this passage was found" if len(hits) == 1 else f"Why these {len(hits)} passages were found"
    with st.expander(label, key=f"fm-why-{shown.number}"):
        st.html(
            '<p class="fm-small">The longer the bar, the more that way of searching added to the score; a hatched bar '
            "took away from it.</p>"
        )
        longest = max((abs(signal.contribution) for hit in hits for signal in hit.signals), default=0.0)
        for position, hit in enumerate(hits, 1):
            st.html(_hit(position, hit, longest))
            st.button(
                "Read this passage in its source",
                key=f"hit-{shown.number}-{position}",
                on_click=desk.open,
                args=(Opened.of(hit.passage),),
                type="tertiary",
            )


def _hit(position: int, hit: Hit, longest: float) -> str:
    passage = hit.passage
    place = ", ".join(
        part for part in (passage.title or passage.document_id, f"page {passage.page}" if passage.page else "") if part
    )
    bars = "".join(
        f'<div class="fm-signal"><span>{escape(signal.retriever)}</span><span class="fm-track" aria-hidden="true">'
        f'<span class="fm-bar{" fm-against" if signal.contribution < 0 else ""}" style="display:block;width:'
        f'{100 * abs(signal.contribution) / longest if longest else 0:.0f}%"></span></span>'
        f"<span>{signal.contribution:+.3f}</span></div>"
        for signal in hit.signals
    )
    heading = f'<p class="fm-small">{escape(passage.heading)}</p>' if passage.heading else ""
    return (
        f'<p class="fm-subhead">{position}. {escape(place)}</p>{heading}'
        f'<p class="fm-excerpt">{escape(wording.shortened(passage.text, 280))}</p>{bars}'
        f'<p class="fm-small">{escape(hit.explain())}</p>'
    )
