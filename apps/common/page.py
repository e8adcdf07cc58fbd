"""The page that every vertical fills in: who asks, over which documents, the question, the answer, its sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import streamlit as st
from pydantic import ValidationError

from apps.common import answers, documents, panel, resources, session, style, wording
from apps.common.desk import Desk, Shown, desk_of, hand_over
from apps.common.library import Collection
from apps.common.settings import AppSettings, app_settings
from fmapps import Assistant, Corpus
from fmapps.errors import FmappsError, InputError
from fmapps.records import Action, Filter, Principal
from fmapps.store.reading import DocumentSummary
from fmapps.vertical import Vertical

_MOST_LISTED = 1_000
"""Documents that can be chosen from by name."""

# Runs once for each question: somebody who had scrolled away is brought to its answer.
_TO_THE_QUESTION = """<script>
(function bring(tries) {{
  const question = document.getElementById('question-{number}');
  if (question) {{ question.scrollIntoView({{ block: 'nearest' }}); }}
  else if (tries > 0) {{ setTimeout(bring, 50, tries - 1); }}
}})(100);
</script>"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Under what a question is asked, besides its words.

    Attributes:
        parameters: passed on to `Assistant.ask`, as the vertical names them.
        words: the same for the reader, shown with each answer.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""


def show(
    name: str,
    *,
    scope: Callable[[Principal], Scope] = lambda principal: Scope(),
    launches: session.LaunchVerifier | None = None,
) -> None:
    """Draw the page of a vertical.

    Args:
        name: the vertical.
        scope: draws the vertical's own inputs and returns what they say.
        launches: redeems the tickets of learning platforms; None: launches are not configured.
    """
    st.set_page_config(page_title=f"{name.capitalize()} · fmapps", layout="wide")
    style.apply(name)
    try:
        settings = app_settings()
        principal = _principal(settings, launches)
    except FmappsError as error:
        _refuse(error)
        return
    local = principal.id == session.LOCAL
    try:
        vertical = resources.vertical_of(name)
        with st.sidebar:
            collection = documents.choose(vertical, principal, settings, local=local)
            if collection is not None:
                corpus = _prepared(collection)
                documents.add(collection, corpus, local=local)
                listed = corpus.documents(principal=principal, limit=_MOST_LISTED + 1)
                only = _only(listed)
        if collection is None:
            _heading(vertical, "Give the new collection a name in the sidebar.")
            with st.bottom:
                _notice(vertical)
            return
        _desk(vertical, principal, collection, corpus, listed, only, scope)
    except FmappsError as error:
        st.html(wording.failure(error))


def _principal(settings: AppSettings, launches: session.LaunchVerifier | None) -> Principal:
    """Who the session belongs to. A launch is redeemed once, leaves the address bar, and holds for the session."""
    ticket = st.query_params.get(session.LAUNCH_PARAMETER, "")
    launched: Principal | None = st.session_state.get("launched")
    if launched is not None and not ticket:
        return launched
    principal = session.principal_of(
        session.current_connection(), settings, user=session.current_user(), ticket=ticket, launches=launches
    )
    hand_over(principal)
    if ticket:
        st.session_state["launched"] = principal
        del st.query_params[session.LAUNCH_PARAMETER]
    return principal


def _refuse(error: FmappsError) -> None:
    """The only thing a session without a principal sees."""
    st.html(f'<h1 class="fm-title">No access yet</h1>{wording.failure(error)}')
    if isinstance(error, session.SignInRequiredError):
        st.button("Sign in", type="primary", on_click=st.login)


def _prepared(collection: Collection) -> Corpus:
    place = st.empty()
    with st.spinner("Opening the documents …"):
        corpus = resources.prepared(collection, documents.telling(place.progress))
    place.empty()
    return corpus


def _only(listed: list[DocumentSummary]) -> list[str]:
    """Let the person search in some documents only; an empty choice means all."""
    names = {document.id: document.title or document.id for document in listed[:_MOST_LISTED]}
    count = f"more than {_MOST_LISTED:,} documents" if len(listed) > _MOST_LISTED else ""
    st.html(f'<p class="fm-small">{count or wording.counted(len(listed), "document")} in this collection</p>')
    if len(names) < 2:
        return []
    chosen: list[str] = st.multiselect(
        "Search only in", list(names), format_func=names.__getitem__, placeholder="All of them"
    )
    return chosen


def _desk(
    vertical: Vertical,
    principal: Principal,
    collection: Collection,
    corpus: Corpus,
    listed: list[DocumentSummary],
    only: list[str],
    scope: Callable[[Principal], Scope],
) -> None:
    desk = desk_of(principal, str(collection.path))
    searched = _searched(collection, listed, only)
    urgent = st.container(key="fm-urgent")
    _heading(vertical, f"Searching {searched}; the sidebar changes that.")
    asked_under = scope(principal)
    question = _question(vertical)
    failed: FmappsError | None = None
    if question:
        try:
            with st.spinner("Searching …"):
                _ask(desk, vertical, principal, collection, question, asked_under, only)
        except FmappsError as error:
            failed = error
    latest = desk.shown[-1] if desk.shown else None
    if latest is not None and _is_urgent(latest):
        with urgent:
            answers.show_urgent(latest.answer)
    if failed is not None:
        st.html(wording.failure(failed))
    if latest is None:
        _examples(vertical, listed, collection)
        return
    left, right = st.columns([6, 5], gap="medium")
    with left:
        _conversation(desk, corpus, principal, searched)
    with right:
        panel.show_source(desk, corpus, principal)


def _heading(vertical: Vertical, doing: str) -> None:
    st.html(
        f'<h1 class="fm-title">{escape(vertical.title)}</h1><p class="fm-lead">{escape(vertical.description)}</p>'
        f'<p class="fm-small">{escape(doing)}</p>'
    )


def _notice(vertical: Vertical) -> None:
    st.html(f'<p class="fm-notice" role="note">{escape(vertical.notice)}</p>')


def _is_urgent(shown: Shown) -> bool:
    return shown.answer.decision.action is Action.ESCALATE


def _question(vertical: Vertical) -> str:
    with st.bottom:
        typed = st.chat_input("Ask a question about these documents", key="question", max_chars=20_000)
        _notice(vertical)
    example: str = st.session_state.pop("example", "")
    return (typed or example).strip()


def _ask(
    desk: Desk,
    vertical: Vertical,
    principal: Principal,
    collection: Collection,
    question: str,
    asked_under: Scope,
    only: list[str],
) -> None:
    request = {"question": question, "documents": only or None, **asked_under.parameters}
    try:
        vertical.tasks[0].request.model_validate(request)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(
            first["msg"], where=".".join(str(part) for part in first["loc"]), remedy="correct it and ask again"
        ) from None
    assistant: Assistant = resources.assistant_over(vertical.name, str(collection.path))
    answer = assistant.ask(
        question,
        principal=principal,
        conversation=desk.conversation,
        documents=only or None,
        **asked_under.parameters,
    )
    desk.add(answer, asked_under.words)


def _examples(vertical: Vertical, listed: list[DocumentSummary], collection: Collection) -> None:
    if not listed:
        st.html(
            '<div class="fm-note"><p>This collection is empty. Add documents in the sidebar, then ask about '
            "them.</p></div>"
        )
    elif collection.samples is not None or collection.path == app_settings().corpus:
        st.html('<p class="fm-subhead">Questions to begin with</p>')
        for position, example in enumerate(vertical.examples):
            st.button(wording.plain(example), key=f"example-{position}", on_click=_take_example, args=(example,))


def _take_example(example: str) -> None:
    st.session_state["example"] = example


def _conversation(desk: Desk, corpus: Corpus, principal: Principal, searched: str) -> None:
    mentioned = {hit.passage.document_id for shown in desk.shown for hit in shown.answer.hits}
    mentioned |= {citation.document_id for shown in desk.shown for citation in shown.answer.citations}
    held = {
        document.id for document in corpus.documents(principal=principal, filter=Filter(documents=frozenset(mentioned)))
    }
    answers.show_answer(
        desk.shown[-1], desk, searched=searched, readable=held.__contains__, urgent_above=_is_urgent(desk.shown[-1])
    )
    st.html(_TO_THE_QUESTION.format(number=desk.shown[-1].number), unsafe_allow_javascript=True)
    if len(desk.shown) > 1:
        st.html('<p class="fm-subhead">Earlier in this conversation</p>')
    for shown in reversed(desk.shown[:-1]):
        with st.expander(wording.plain(wording.shortened(shown.answer.question, 90)), key=f"earlier-{shown.number}"):
            answers.show_answer(shown, desk, searched=searched, readable=held.__contains__)
    st.button("Clear this conversation", key="erase", on_click=desk.erase, type="tertiary")


def _searched(collection: Collection, listed: list[DocumentSummary], only: list[str]) -> str:
    number = len(only) or len(listed)
    count = f"more than {_MOST_LISTED:,} documents" if number > _MOST_LISTED else wording.counted(number, "document")
    return f"{count} of “{collection.title}”"
