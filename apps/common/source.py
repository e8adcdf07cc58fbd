"""A document as HTML that shows its words and nothing else, with one range highlighted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from fmapps.records import Document

MARGIN = 4_000
"""Characters shown before and after a range, where the whole document would be too long for a page."""

WHOLE = 60_000
"""Documents up to this many characters are shown whole."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a document that is shown.

    Attributes:
        start: first character shown.
        end: one past the last.
        before: characters left out before it.
        after: characters left out after it.
    """

    start: int
    end: int
    before: int
    after: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.before and not self.after


def window(document: Document, start: int, end: int, *, margin: int = MARGIN) -> Window:
    """What to show around a range: the whole of a short document, else the lines around the range.

    Args:
        document: the document.
        start: first character of the range.
        end: one past its last.
        margin: characters on either side, before they are widened to whole lines.
    """
    length = len(document.text)
    if length <= max(WHOLE, 2 * margin):
        return Window(0, length, 0, 0)
    first, last = max(0, start - margin), min(length, end + margin)
    first = document.text.rfind("\n", max(0, first - 400), first) + 1 or first
    found = document.text.find("\n", last, last + 400)
    last = found if found >= 0 else last
    return Window(first, last, first, length - last)


def highlighted(document: Document, start: int, end: int, *, shown: Window | None = None) -> str:
    """The document's text as HTML with one range in a `mark`, whose text content is exactly that range.

    Every character of the document is escaped: what looks like HTML or Markdown there is shown as it stands. Page
    breaks are empty elements, so that they add no words.

    Args:
        document: the document.
        start: first character of the range.
        end: one past its last; equal to `start`: nothing is highlighted.
        shown: what to show; None: everything.
    """
    text = document.text
    part = shown or Window(0, len(text), 0, 0)
    start, end = max(start, part.start), min(end, part.end)
    levels = [(heading.start, heading.end) for heading in document.headings]
    begins = [begin for begin, _ in levels]
    cuts = {part.start, part.end, start, end, *document.pages}
    cuts.update(edge for heading in levels for edge in heading)
    edges = sorted(edge for edge in cuts if part.start <= edge <= part.end)
    html: list[str] = []
    for left, right in pairwise(edges):
        if left == start < end:
            html.append('<mark class="fm-cited">')
        html.extend(_page(document, left))
        words = _escaped(text[left:right])
        position = bisect_right(begins, left) - 1
        is_heading = position >= 0 and right <= levels[position][1]
        html.append(f'<strong class="fm-heading">{words}</strong>' if is_heading else words)
        if right == end and start < end:
            html.append("</mark>")
    return f'<div class="fm-document" dir="auto">{"".join(html)}</div>'


def headings_above(document: Document, offset: int) -> str:
    """The headings over a character, outermost first, joined by " > "."""
    above: list[tuple[int, str]] = []
    for heading in document.headings:
        if heading.start > offset:
            break
        above = [one for one in above if one[0] < heading.level]
        above.append((heading.level, " ".join(document.text[heading.start : heading.end].split())))
    return " > ".join(words for _, words in above)


def _page(document: Document, offset: int) -> list[str]:
    number = bisect_left(document.pages, offset)
    if number < len(document.pages) and document.pages[number] == offset:
        return [f'<span class="fm-page" data-page="Page {document.page_of(offset)}"></span>']
    return []


def _escaped(text: str) -> str:
    # A parser turns a bare carriage return into a line feed and drops NUL, and the highlighted words would no longer
    # be the cited ones; U+2400 is the visible picture of NUL.
    return escape(text).replace("\r", "&#13;").replace("\x00", "\u2400")
