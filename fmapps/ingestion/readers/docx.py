"""Word documents (DOCX) as their current text: headings, numbered paragraphs, tables in order, footnotes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from fmapps.ingestion.builder import TextBuilder, squeeze
from fmapps.ingestion.readers.numbering import Numbering
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_FOOTNOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
_LEFT_OUT = frozenset(
    {_FALLBACK, *(_W + name for name in ("del", "moveFrom", "instrText", "delText", "pPr", "rPr", "txbxContent"))}
)
_MOST_RATIO = 200
"""A part that is compressed more than so many times, and is not small, is taken for a zip bomb."""

_SMALL = 2**22
_REMEDY = "open it in a word processor and save it again as .docx"


def read_docx(file: SourceFile) -> Iterator[Document | Failure]:
    """Read a Word document as it stands now: tracked insertions are in it, tracked deletions are not.

    Headers, footers, comments and field codes are left out; footnotes follow at the end, marked [n] where they belong.
    """
    data = file.read()
    _guard(data, file)
    import docx

    try:
        package: Any = docx.Document(io.BytesIO(data))
    except Exception:
        # python-docx meets a part that is missing or broken with whatever its code stumbles over.
        raise file.error("it is damaged, or not a Word document", _REMEDY) from None
    builder = TextBuilder()
    _Body(package, builder).read()
    title = str(package.core_properties.title or "").strip()
    if not title and builder.headings:
        title = builder.text[builder.headings[0].start : builder.headings[0].end]
    yield file.document(builder.text, title=title, headings=tuple(builder.headings))


def _guard(data: bytes, file: SourceFile) -> None:
    """Refuse what is no sound Word package, or would grow out of bounds, before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError):
        raise file.error("it is truncated or damaged", "restore it from a sound copy") from None
    names = {part.filename for part in parts}
    for name, kind in (("xl/workbook.xml", "a spreadsheet"), ("ppt/presentation.xml", "a presentation")):
        if name in names:
            raise file.error(f"its suffix is .docx, but it is {kind}", "give it its right suffix, or export it as text")
    if "[Content_Types].xml" not in names:
        raise file.error(
            "its suffix is .docx, but it is a ZIP archive of another kind", "give it the suffix of what it is"
        )
    if any(part.flag_bits & 1 for part in parts):
        raise file.error("it is encrypted", "remove the password and save it again")
    total = sum(part.file_size for part in parts)
    swollen = any(
        part.file_size > _SMALL and part.file_size > _MOST_RATIO * max(part.compress_size, 1) for part in parts
    )
    if total > file.limits.file_bytes or swollen:
        raise file.error(
            f"it unpacks to {total:,} bytes from {len(data):,}: too large, or made to exhaust memory (a zip bomb)",
            "if you trust it, " + _REMEDY + ", or raise max_file_bytes (FMAPPS_MAX_FILE_BYTES)",
        )


class _Body:
    """Reads the body's blocks in document order."""

    def __init__(self, package: Any, builder: TextBuilder) -> None:
        self.root: etree._Element = package.element.body
        self.builder = builder
        styles = package.part._styles_part.element
        self.levels = _heading_levels(styles)
        numbering = next((rel.target_part for rel in _related(package, "numbering")), None)
        self.numbering = Numbering(getattr(numbering, "element", None), styles)
        notes = next((rel.target_part for rel in _related(package, _FOOTNOTES)), None)
        self.notes = _footnotes(notes.blob) if notes is not None else {}
        self.cited: list[str] = []

    def read(self) -> None:
        self._blocks(self.root)
        for number, identity in enumerate(self.cited, start=1):
            self.builder.add(f"[{number}] {self.notes.get(identity, '')}", tight=True)

    def _blocks(self, parent: etree._Element) -> None:
        for element in parent:
            if element.tag == _W + "p":
                self._paragraph(element)
            elif element.tag == _W + "tbl":
                for row in element.iter(_W + "tr"):
                    if _ancestor(row, _W + "tbl") is element and not _is_deleted(row):
                        self.builder.row(
                            [self._cell(cell) for cell in row.iter(_W + "tc") if _ancestor(cell, _W + "tr") is row]
                        )
            elif element.tag in (_W + "sdt", _W + "sdtContent", _W + "ins", _W + "moveTo", _W + "customXml"):
                self._blocks(element)

    def _paragraph(self, paragraph: etree._Element) -> None:
        label = self.numbering.label(paragraph)
        text = self._text(paragraph)
        if text.strip():
            style = paragraph.find(f"{_W}pPr/{_W}pStyle")
            level = self.levels.get(style.get(_W + "val") or "", 0) if style is not None else 0
            outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
            if outline is not None and (outline.get(_W + "val") or "9") in "012345678":
                level = int(outline.get(_W + "val") or 0) + 1
            if level:
                self.builder.heading(f"{label} {text}", level)
            else:
                self.builder.add(f"{label} {text.strip()}".strip(), tight=bool(label))
        for box in paragraph.iter(_W + "txbxContent"):
            if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
                self._blocks(box)

    def _cell(self, cell: etree._Element) -> str:
        return " ".join(self._text(paragraph) for paragraph in cell.iter(_W + "p"))

    def _text(self, paragraph: etree._Element) -> str:
        parts: list[str] = []
        waiting = list(reversed(paragraph))
        while waiting:
            element = waiting.pop()
            name = element.tag
            if name in _LEFT_OUT or not isinstance(name, str):
                continue
            if name == _W + "t":
                parts.append(element.text or "")
            elif name in (_W + "tab", _W + "ptab"):
                parts.append("\t")
            elif name in (_W + "br", _W + "cr"):
                parts.append("\n")
            elif name == _W + "noBreakHyphen":
                parts.append("-")
            elif name == _W + "footnoteReference":
                self.cited.append(element.get(_W + "id") or "")
                parts.append(f"[{len(self.cited)}]")
            else:
                waiting.extend(reversed(element))
        return "".join(parts)


def _related(package: Any, kind: str) -> Iterator[Any]:
    return (
        rel
        for rel in package.part.rels.values()
        if not rel.is_external and rel.reltype.rpartition("/")[2] == kind.rpartition("/")[2]
    )


def _ancestor(element: etree._Element, tag: str) -> etree._Element | None:
    return next(element.iterancestors(tag), None)


def _is_deleted(row: etree._Element) -> bool:
    return row.find(f"{_W}trPr/{_W}del") is not None


def _heading_levels(styles: etree._Element) -> dict[str, int]:
    """For each paragraph style that makes a heading, its level from 1, taken from its name or its outline level."""
    own: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in styles.iter(_W + "style"):
        identity = style.get(_W + "styleId") or ""
        name = style.find(_W + "name")
        wording = (name.get(_W + "val") or "").lower() if name is not None else ""
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        based = style.find(_W + "basedOn")
        if wording == "title":
            own[identity] = 1
        elif wording.startswith("heading ") and wording[8:].isdecimal():
            own[identity] = int(wording[8:])
        elif outline is not None and (outline.get(_W + "val") or "9") in "012345678":
            own[identity] = int(outline.get(_W + "val") or 0) + 1
        if based is not None:
            parents[identity] = based.get(_W + "val") or ""
    levels = dict(own)
    for identity in parents:
        seen, ancestor = {identity}, identity
        while ancestor not in own and parents.get(ancestor, "") not in seen | {""}:
            ancestor = parents[ancestor]
            seen.add(ancestor)
        if ancestor in own:
            levels[identity] = own[ancestor]
    return levels


def _footnotes(blob: bytes) -> dict[str, str]:
    root = etree.fromstring(blob, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    return {
        note.get(_W + "id") or "": squeeze(" ".join(text.text or "" for text in note.iter(_W + "t")))
        for note in root.iter(_W + "footnote")
    }
