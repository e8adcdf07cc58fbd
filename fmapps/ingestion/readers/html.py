"""HTML as the text a reader sees: headings, paragraphs, lists and tables, without scripts, styles and navigation."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from lxml import etree

from fmapps.ingestion.builder import TextBuilder, squeeze
from fmapps.ingestion.readers.text import decode
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_DROPPED = frozenset(
    "script style nav template noscript svg math iframe object head select button textarea canvas audio video".split()
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form header hr html legend li main ol option p pre section summary table tbody td tfoot th thead "
    "tr ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.I)
_WHATWG = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}
"""What browsers read instead of what a page declares (WHATWG Encoding Standard)."""


def read_html(file: SourceFile) -> Iterator[Document | Failure]:
    """Read an HTML page; nothing it refers to is fetched, no entity of its own is expanded."""
    text = _decoded(file.read(), file)
    # Given as UTF-8 bytes, because lxml refuses a string that declares an encoding. `huge_tree`, because pages with
    # tags that are never closed nest deep, and HTML has no entities to explode.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        raise file.error("there is no text in it", "put the text in, or leave it out")
    for entry in parser.error_log:
        if entry.level >= etree.ErrorLevels.FATAL:
            raise file.error(
                f"it cannot be read to its end ({entry.type_name})",
                "open it in a browser and save it again, or export it as text",
                line=entry.line,
            )
    builder = TextBuilder()
    _Page(builder).walk(root)
    element = root.find(".//title")
    title = squeeze("".join(str(part) for part in element.itertext())) if element is not None else ""
    if not title and builder.headings:
        title = builder.text[builder.headings[0].start : builder.headings[0].end]
    yield file.document(builder.text, title=title, headings=tuple(builder.headings))


def _decoded(data: bytes, file: SourceFile) -> str:
    match = _CHARSET.search(data, 0, 4096)
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if match and not marked and b"\0" not in data[:4096]:
        name = match[1].decode("ascii").lower()
        try:
            return data.decode(_WHATWG.get(name, name))
        except LookupError:
            pass
        except UnicodeDecodeError as error:
            if not name.startswith("utf-16"):
                raise file.error(
                    f"it declares the encoding {name}, but byte {error.start:,} is not in it",
                    "open it in a browser and save it as UTF-8",
                ) from None
    return decode(data, file)


class _Page:
    """Walks a page once, without recursion: pages may nest as deep as the parser lets them."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self.inline: list[str] = []
        self.lists: list[int | None] = []
        self.marker = ""
        self.rows: list[list[str] | None] = []
        self.preformatted = 0

    def walk(self, root: etree._Element) -> None:
        dropped: etree._Element | None = None
        for event, element in etree.iterwalk(root, events=("start", "end")):
            tag = element.tag if isinstance(element.tag, str) else ""
            if dropped is not None:
                if event == "end" and element is dropped:
                    dropped = None
                    self._text(element.tail)
                continue
            if event == "start":
                if tag in _DROPPED or "hidden" in element.attrib or _HIDDEN.search(element.get("style") or ""):
                    dropped = element
                    continue
                self._open(tag, element)
                self._text(element.text)
            else:
                self._close(tag)
                self._text(element.tail)
        self._flush()

    def _text(self, text: str | None) -> None:
        if text:
            self.inline.append(text if self.preformatted else re.sub(r"\s+", " ", text))

    def _open(self, tag: str, element: etree._Element) -> None:
        if tag == "br":
            self.inline.append("\n")
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()
            if tag == "pre":
                self.preformatted += 1
            elif tag in ("ul", "ol"):
                start = element.get("start") or ""
                self.lists.append((int(start) if start.isdecimal() else 1) if tag == "ol" else None)
            elif tag == "li":
                number = self.lists[-1] if self.lists else None
                self.marker = "- " if number is None else f"{number}. "
                if self.lists and number is not None:
                    self.lists[-1] = number + 1
            elif tag == "table":
                # A table with tables in it only lays the page out: its cells are blocks like any other.
                self.rows.append(None)
            elif tag == "tr" and self.rows and next(element.iter("table"), None) is None:
                self.rows[-1] = []
            elif tag in ("td", "th") and self.rows and self.rows[-1] is not None:
                self.rows[-1].append("")

    def _close(self, tag: str) -> None:
        if tag in _HEADINGS and not self._in_cell():
            self.builder.heading("".join(self.inline), _HEADINGS[tag])
            self.inline.clear()
            self.marker = ""
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()
            if tag == "pre":
                self.preformatted -= 1
            elif tag in ("ul", "ol"):
                self.lists.pop()
            elif tag == "table":
                self.rows.pop()
            elif tag == "tr" and self._in_cell():
                self.builder.row(self.rows[-1] or [])
                self.rows[-1] = None

    def _in_cell(self) -> bool:
        return bool(self.rows) and self.rows[-1] is not None

    def _flush(self) -> None:
        """Put what was gathered since the last block into a block of its own, or into the table cell it is in."""
        text = "".join(self.inline)
        self.inline.clear()
        if not self.preformatted:
            text = "\n".join(filter(None, (squeeze(line) for line in text.split("\n"))))
        if not text.strip():
            return
        if self.rows and (row := self.rows[-1]) is not None and row:
            row[-1] = f"{row[-1]} {self.marker}{text}".strip()
        elif self.lists:
            indent = "  " * (len(self.lists) - 1)
            self.builder.add(indent + (self.marker or "  ") + text.replace("\n", "\n  " + indent), tight=True)
        else:
            self.builder.add(text.strip("\n"))
        self.marker = ""
