"""A document is shown as its words, whatever they look like, and the marked words are the cited ones."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from apps.common.source import WHOLE, Window, headings_above, highlighted, window
from fmapps.records import Document, Heading

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200)


class Shown(HTMLParser):
    """What a browser would show: all words, the marked words, the tags and the page breaks."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words = ""
        self.marked = ""
        self.tags: set[str] = set()
        self.pages: list[tuple[str | None, int]] = []
        self._depth = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._depth += tag == "mark"
        if tag == "span":
            self.pages.append((dict(attrs)["data-page"], len(self.words)))

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.words += data
        self.marked += data if self._depth else ""


@st.composite
def documents(draw: st.DrawFn) -> tuple[Document, int, int]:
    text = draw(TEXT)
    offset = st.integers(0, len(text))
    start, end = sorted((draw(offset), draw(offset)))
    edges = sorted(draw(st.sets(offset, max_size=6)))
    headings = tuple(Heading(a, b, 1) for a, b in zip(edges[::2], edges[1::2], strict=False))
    pages = tuple(sorted({0, *draw(st.sets(st.integers(0, len(text) - 1), max_size=3))}))
    return Document("d", text, headings=headings, pages=pages), start, end


@given(documents())
def test_the_words_shown_are_the_document_and_the_marked_words_are_the_range(case: tuple[Document, int, int]) -> None:
    document, start, end = case
    shown = Shown(highlighted(document, start, end))
    assert shown.words == document.text
    assert shown.marked == document.text[start:end]
    assert shown.tags <= {"div", "mark", "span", "strong"}
    assert [place for _, place in shown.pages] == list(document.pages)


@given(documents(), st.data())
def test_a_window_shows_its_part_and_marks_what_of_the_range_is_in_it(
    case: tuple[Document, int, int], data: st.DataObject
) -> None:
    document, start, end = case
    length = len(document.text)
    first = data.draw(st.integers(0, start))
    last = data.draw(st.integers(end, length))
    shown = Shown(highlighted(document, start, end, shown=Window(first, last, first, length - last)))
    assert shown.words == document.text[first:last]
    assert shown.marked == document.text[start:end]


def test_what_looks_like_html_or_markdown_is_shown_and_not_obeyed() -> None:
    text = "<script>alert(1)</script> <img src=x onerror=f()> **bold** [a](http://b) ![c](http://d) </mark></div> &amp;"
    html = highlighted(Document("d", text), 0, 25)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("</mark>") == 1
    shown = Shown(html)
    assert shown.words == text
    assert shown.marked == text[:25]


def test_line_ends_survive_so_that_the_marked_words_stay_the_cited_ones() -> None:
    html = highlighted(Document("d", "one\r\ntwo\rthree\x00"), 0, 9)
    assert "\r" not in html
    assert Shown(html).marked == "one\r\ntwo\r"


def test_a_short_document_is_shown_whole_and_a_long_one_around_the_range() -> None:
    assert window(Document("d", "a" * WHOLE), 5, 9).is_whole
    long = Document("d", "line of words\n" * 20_000)
    part = window(long, 140_000, 140_020, margin=500)
    assert part.start <= 139_500 < 140_520 <= part.end
    assert part.end - part.start < 2_000
    assert long.text[part.start - 1] == "\n"
    assert part.before == part.start
    assert part.after == len(long.text) - part.end


def test_the_headings_above_a_place_are_those_it_stands_under() -> None:
    text = "Part\nOne\nwords\nTwo\nmore"
    document = Document("d", text, headings=(Heading(0, 4, 1), Heading(5, 8, 2), Heading(15, 18, 2)))
    assert headings_above(document, text.index("words")) == "Part > One"
    assert headings_above(document, text.index("more")) == "Part > Two"
