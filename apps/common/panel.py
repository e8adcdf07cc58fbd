"""The source panel: the document behind a citation, with the cited range highlighted and in view."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from apps.common.desk import Desk, Opened
from apps.common.source import headings_above, highlighted, window
from apps.common.wording import counted, day, failure
from fmapps import Corpus
from fmapps.errors import FmappsError, NotFoundError
from fmapps.records import Document, Filter, Principal

_WITHOUT_END = 10**9

# Runs once for each opening. It waits for the text to be on the page, brings the range into view inside the reader
# without moving the page, and puts the keyboard there.
_BRING_INTO_VIEW = """<script>
(function bring(tries) {{
  const reader = document.querySelector('.fm-reader[data-opening="{opening}"]');
  if (!reader) {{ if (tries > 0) setTimeout(bring, 50, tries - 1); return; }}
  const mark = reader.querySelector('.fm-cited');
  if (mark) {{
    const offset = mark.getBoundingClientRect().top - reader.getBoundingClientRect().top;
    reader.scrollTop += offset - reader.clientHeight / 4;
  }}
  reader.focus({{ preventScroll: true }});
}})(100);
</script>"""


def show_source(desk: Desk, corpus: Corpus, principal: Principal) -> None:
    """Draw the panel; without an open source it says how to open one."""
    opened = desk.opened
    if opened is None:
        if desk.shown[-1].answer.citations:
            st.html('<p class="fm-small fm-hint">Choose a number in brackets to read those words where they stand.</p>')
        return
    with st.container(key="fm-source", gap="small"):
        try:
            document = corpus.get(opened.document_id, principal=principal, version=opened.version)
        except NotFoundError:
            st.html(
                '<div class="fm-note fm-problem" role="alert"><p>This document is no longer here, or you may no longer '
                "read it. What was quoted from it cannot be checked.</p></div>"
            )
            st.button("Close source", key="close-source", on_click=desk.open, args=(None,))
            return
        except FmappsError as error:
            st.html(failure(error))
            return
        _header(document, opened)
        with st.container(horizontal=True, gap="small"):
            st.button("Close source", key="close-source", on_click=desk.open, args=(None,))
            part = window(document, opened.start, opened.end, margin=_WITHOUT_END if opened.whole else 4_000)
            if not part.is_whole:
                st.button(
                    f"Show all {len(document.text):,} characters",
                    key="whole-source",
                    on_click=desk.open,
                    args=(replace(opened, whole=True),),
                )
        now = corpus.documents(principal=principal, filter=Filter(documents=frozenset({opened.document_id})))
        if [summary.version for summary in now] != [opened.version]:
            st.html(
                '<div class="fm-note"><p>The document has changed since. This is the version that was cited.</p></div>'
            )
        if document.text[opened.start : opened.end] != opened.words:
            st.html(
                '<div class="fm-note fm-problem" role="alert"><p>The stored words at this place are not the quoted '
                "ones. Do not rely on this quotation.</p></div>"
            )
        before = f'<p class="fm-cut">{counted(part.before, "character")} before this</p>' if part.before else ""
        after = f'<p class="fm-cut">{counted(part.after, "character")} after this</p>' if part.after else ""
        st.html(
            f'<div class="fm-reader" role="region" aria-label="Source text" tabindex="0" '
            f'data-opening="{desk.openings}">'
            f"{before}{highlighted(document, opened.start, opened.end, shown=part)}{after}</div>"
        )
        st.html(_BRING_INTO_VIEW.format(opening=desk.openings), unsafe_allow_javascript=True)


def _header(document: Document, opened: Opened) -> None:
    page = document.page_of(opened.start)
    heading = headings_above(document, opened.start)
    force = ""
    if document.effective_from or document.effective_to:
        first, last = document.effective_from, document.effective_to
        force = " · in force" + (f" from {day(first)}" if first else "") + (f" to {day(last)}" if last else "")
    place = " · ".join([*([f"page {page}"] if page else []), f"characters {opened.start:,} to {opened.end:,}"])
    st.html(
        f'<h2 class="fm-source-title">{escape(document.title or document.id)}</h2>'
        + (f'<p class="fm-small">{escape(heading)}</p>' if heading else "")
        + f'<p class="fm-small">{place}{force} · version {document.version[:8]}</p>'
    )
