"""Makes small real files in the formats that the readers read, sound and unsound."""

import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import docx

from fmapps.ingestion import read_path
from fmapps.ingestion.source import Failure
from fmapps.records import Document

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def read(path: Path, **limits: int) -> tuple[list[Document], list[Failure]]:
    items = list(read_path(path, **limits))
    return [i for i in items if isinstance(i, Document)], [i for i in items if isinstance(i, Failure)]


def only(path: Path, **limits: int) -> Document:
    documents, failures = read(path, **limits)
    assert not failures, failures[0].error
    assert len(documents) == 1
    return documents[0]


def refused(path: Path, **limits: int) -> str:
    """The message of the one failure that reading the file gives; it must name the file and a remedy."""
    documents, failures = read(path, **limits)
    assert not documents
    assert len(failures) == 1
    error = failures[0].error
    assert path.name in error.where
    assert error.remedy
    assert failures[0].path
    return str(error)


def pdf(
    pages: list[list[str]],
    *,
    title: str = "",
    outline: list[tuple[str, int]] = [],  # noqa: B006
    password: str = "",
    images: set[int] = frozenset(),  # type: ignore[assignment]
) -> bytes:
    """A PDF written by hand: lines of text a page, an outline, an image on some pages, RC4 encryption if asked for."""
    key, encryption = (_encryption(password)) if password else (b"", b"")

    def sealed(number: int, data: bytes) -> bytes:
        return _rc4(hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10], data) if key else data

    def string(number: int, text: str) -> bytes:
        return b"<" + sealed(number, text.encode("latin-1")).hex().encode() + b">"

    count = len(pages)
    first = 6
    objects: dict[int, bytes] = {
        1: b"<< /Type /Catalog /Pages 2 0 R" + (b" /Outlines 5 0 R" if outline else b"") + b" >>",
        2: b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (count, b" ".join(b"%d 0 R" % (first + 2 * i) for i in range(count))),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: b"<< /Title " + string(4, title) + b" >>",
    }
    for index, lines in enumerate(pages):
        shown = b"".join(
            b"1 0 0 1 72 %d Tm (%s) Tj\n"
            % (
                720 - 14 * row,
                line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)"),
            )
            for row, line in enumerate(lines)
        )
        stream = b"BT /F1 11 Tf\n" + shown + b"ET\n" if lines else b""
        if index in images:
            stream += b"q 200 0 0 200 72 300 cm\nBI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI\nQ\n"
        page, content = first + 2 * index, first + 2 * index + 1
        objects[page] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % content
        )
        data = sealed(content, stream)
        objects[content] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(data), data)
    if outline:
        start = first + 2 * count
        objects[5] = b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>" % (
            start,
            start + len(outline) - 1,
            len(outline),
        )
        for index, (wording, page) in enumerate(outline):
            number = start + index
            after = b" /Next %d 0 R" % (number + 1) if index + 1 < len(outline) else b""
            objects[number] = b"<< /Title %s /Parent 5 0 R /Dest [%d 0 R /Fit]%s >>" % (
                string(number, wording),
                first + 2 * page,
                after,
            )
    written = io.BytesIO()
    written.write(b"%PDF-1.4\n")
    places = {}
    for number, body in objects.items():
        places[number] = written.tell()
        written.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    size = max(objects) + 1
    table = written.tell()
    written.write(b"xref\n0 %d\n" % size)
    for number in range(size):
        used = number in places
        written.write(b"%010d %05d %s \n" % (places.get(number, 0), 0 if used else 65535, b"n" if used else b"f"))
    written.write(b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R%s >>\n" % (size, encryption))
    written.write(b"startxref\n%d\n%%%%EOF\n" % table)
    return written.getvalue()


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _encryption(password: str) -> tuple[bytes, bytes]:
    """The file key and the trailer's entries of the standard security handler, revision 2 (PDF 1.4, 3.5)."""
    padded = (password.encode() + _PADDING)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    identity = bytes(16)
    key = hashlib.md5(padded + owner + (-44).to_bytes(4, "little", signed=True) + identity).digest()[:5]
    user = _rc4(key, _PADDING)
    entries = b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <%s> /U <%s> >> /ID [<%s> <%s>]" % tuple(
        part.hex().encode() for part in (owner, user, identity, identity)
    )
    return key, entries


def save_docx(path: Path, **parts: str) -> None:
    """A Word document with a heading, a paragraph, a table between paragraphs, and any `xml` put into its body."""
    package = docx.Document()
    package.add_heading("Service Agreement", level=0)
    package.add_heading("Termination", level=1)
    package.add_paragraph("Either party may terminate upon thirty days notice.")
    table = package.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("Service", "Fee", "Hosting", "100"), strict=True
    ):
        cell.text = text
    package.add_paragraph("After the table.")
    if "title" in parts:
        package.core_properties.title = parts["title"]
    package.save(str(path))
    if "xml" in parts:
        edit_zip(path, "word/document.xml", b"<w:sectPr", parts["xml"].encode() + b"<w:sectPr")


def edit_zip(path: Path, name: str, old: bytes, new: bytes) -> None:
    """Replace bytes in one part of a ZIP archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    assert old in parts[name]
    parts[name] = parts[name].replace(old, new, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in parts.items():
            archive.writestr(part, data)


def png() -> bytes:
    """The start of a PNG image and some compressed bytes."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + zlib.compress(bytes(100))
