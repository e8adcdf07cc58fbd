"""PDF with a text layer: page by page, without repeated headers and footers, with the outline as headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from threading import Lock
from typing import Any

from fmapps.ingestion.builder import squeeze
from fmapps.ingestion.headings import opening_heading
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document, Heading

_PDFIUM = Lock()
"""PDFium may be used by one thread of a process at a time."""

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_EDGE_LINES = 2
"""A repeated header or footer is looked for in so many lines at either end of a page."""

_REPEATED = 0.6
"""A line that, digits aside, is on at least this share of the pages, and on three, is a header or footer."""

_BREAK = "(?:[\x02\ufffe]\n?|[-\u2010\u00ad]\n)"
"""What stands where a line's end cut a word; PDFium writes U+0002 for the hyphen and the line's end after it."""

_HYPHEN_BREAK = re.compile(rf"(?<=\w){_BREAK}(?=\w)")
_CUT_WORD = re.compile(rf"(?<!\w)\w{{1,40}}+{_BREAK}\w{{1,40}}+")
_BEFORE, _AFTER = re.compile(r"\w+\Z"), re.compile(r"\w+")
_HYPHEN = re.compile("[\x02\ufffe]")
_WORD = re.compile(r"\w+(?:-\w+)*")
_CONTROLS = {code: None for code in range(32) if chr(code) not in "\t\n"} | {0xFEFF: None, 0xFFFF: None, 0xAD: None}
_ENDING = b"%%EOF"


def read_pdf(file: SourceFile) -> Iterator[Document | Failure]:
    """Read a PDF; its scripts, forms' actions, links and attachments are left alone.

    The text is that of the pages in order, a page to begin on a line of its own (its offset is in `pages`). Words cut
    by a hyphen at a line's end are put together again; other line ends stay. Pages that show images but no text are
    reported beside the document, so that nobody takes it for the whole.
    """
    data = file.read()
    with _PDFIUM:
        pages, scanned, outline, title = _extract(data, file)
    lines = _without_edges([page.split("\n") for page in pages])
    texts = ["\n".join(page) for page in lines]
    words = Counter(word.lower() for text in texts for word in _WORD.findall(_CUT_WORD.sub(" ", text)))
    texts = [_mended(text, words) for text in texts]
    if not any(text.strip() for text in texts):
        raise file.error(
            "it has no text layer: it is a scan, or empty", "run optical character recognition on it (OCR) first"
        )
    starts, length = [], 0
    for text in texts:
        starts.append(length)
        length += len(text) + 1
    headings = _headings(texts, starts, outline)
    text = "\n".join(texts)
    yield file.document(text, title=title or opening_heading(text), headings=headings, pages=tuple(starts))
    if scanned:
        numbers = ", ".join(str(page) for page in scanned[:20]) + (" and more" if len(scanned) > 20 else "")
        yield file.failure(
            file.error(
                f"pages without a text layer were not read: {numbers}; the other pages were",
                "run optical character recognition on it (OCR), and ingest it again",
            )
        )


def _extract(data: bytes, file: SourceFile) -> tuple[list[str], list[int], list[tuple[str, int, int]], str]:
    """The text of each page, the pages with images only, the outline (wording, level, page index), the title."""
    import pypdfium2

    try:
        pdf: Any = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise file.error(
                "it is encrypted with a password", "open it with the password and save it without one"
            ) from None
        raise _damaged(file) from None
    with closing(pdf):
        # PDFium rebuilds what it can of a truncated file, and would pass over the pages that are gone.
        if _ENDING not in data[-4096:] or not len(pdf):
            raise _damaged(file)
        pages: list[str] = []
        scanned = []
        room = file.limits.text_characters
        for index in range(len(pdf)):
            try:
                with closing(pdf[index]) as page, closing(page.get_textpage()) as layer:
                    text = layer.get_text_bounded().replace("\r\n", "\n").replace("\r", "\n")
                    if not text.strip() and _has_image(page):
                        scanned.append(index + 1)
            except pypdfium2.PdfiumError:
                raise file.error(
                    f"page {index + 1} cannot be read: the file is damaged", "restore it from a sound copy"
                ) from None
            pages.append(text)
            room -= len(text)
            if room < 0:
                raise file.error(
                    f"its text has more than the {file.limits.text_characters:,} characters allowed",
                    "split it, or raise max_text_characters (FMAPPS_MAX_TEXT_CHARACTERS)",
                )
        outline = []
        for bookmark in pdf.get_toc():
            target = bookmark.get_dest()
            place = target.get_index() if target is not None else None
            if place is not None:
                outline.append((squeeze(bookmark.get_title()), bookmark.level + 1, place))
        title = pdf.get_metadata_value("Title").translate(_CONTROLS)
    return pages, scanned, outline, re.sub(r"^Microsoft Word\s*-\s*|\.docx?$|^untitled$", "", title, flags=re.I)


def _damaged(file: SourceFile) -> Exception:
    return file.error("it is truncated or damaged", "restore it from a sound copy")


def _has_image(page: Any) -> bool:
    import pypdfium2.raw

    return next(iter(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)), None) is not None


def _without_edges(pages: list[list[str]]) -> list[list[str]]:
    """The pages' lines without headers, footers and page numbers that come again on most pages."""
    if len(pages) < 3:
        return pages
    edges = [{_pattern(line) for line in page[:_EDGE_LINES] + page[-_EDGE_LINES:]} - {""} for page in pages]
    counts = Counter(pattern for edge in edges for pattern in edge)
    repeated = {pattern for pattern, count in counts.items() if count >= max(3, _REPEATED * len(pages))}
    return [_body(page, repeated) for page in pages]


def _body(page: list[str], repeated: set[str]) -> list[str]:
    kept = [
        line
        for index, line in enumerate(page)
        if _EDGE_LINES <= index < len(page) - _EDGE_LINES or _pattern(line) not in repeated
    ]
    # A page of nothing else, such as a slide, keeps what it has.
    return kept if any(line.strip() for line in kept) else page


def _pattern(line: str) -> str:
    return re.sub(r"\d+", "#", squeeze(line))


def _mended(text: str, words: Counter[str]) -> str:
    """Put words together that a line's end cut, with the hyphen or without it as the rest of the document writes them.

    Where the document does not say, the hyphen is taken for the word's own if both halves are words of the document.
    """

    def mend(match: re.Match[str]) -> str:
        before = _BEFORE.search(match.string[max(match.start() - 40, 0) : match.start()])
        after = _AFTER.match(match.string, match.end(), match.end() + 40)
        first, second = before[0] if before else "", after[0] if after else ""
        whole, hyphenated = words[(first + second).lower()], words[f"{first}-{second}".lower()]
        if whole != hyphenated:
            return "" if whole > hyphenated else "-"
        both = words[first.lower()] and words[second.lower()]
        return "-" if both or not second[:1].islower() or not first[-1:].isalpha() else ""

    text = _HYPHEN.sub("-", _HYPHEN_BREAK.sub(mend, text)).translate(_CONTROLS)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _headings(texts: list[str], starts: list[int], outline: list[tuple[str, int, int]]) -> tuple[Heading, ...]:
    """The outline's entries that stand on the pages to which they lead."""
    found: list[Heading] = []
    for wording, level, place in outline:
        if not wording or not 0 <= place < len(texts):
            continue
        pattern = r"\s+".join(re.escape(word) for word in wording.split())
        match = re.search(rf"^[^\S\n]*(?:[\d.]+\s+)?({pattern})[^\S\n]*$", texts[place], re.M | re.I)
        if match:
            heading = Heading(starts[place] + match.start(1), starts[place] + match.end(1), level)
            if not found or heading.start >= found[-1].end:
                found.append(heading)
    return tuple(found)
