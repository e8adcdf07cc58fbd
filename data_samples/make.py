"""Makes the sample files that are not plain text (DOCX, PDF, JSONL) from their sources: `python data_samples/make.py`."""

from __future__ import annotations

import json
import re
import textwrap
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
LINES_PER_PAGE = 46


def make_docx(source: Path, target: Path) -> None:
    """Write Markdown with headings and paragraphs as a Word document."""
    from docx import Document

    document = Document()
    document.core_properties.created = document.core_properties.modified = datetime(2025, 1, 1, tzinfo=UTC)
    document.core_properties.author = "fmapps"
    for block in source.read_text(encoding="utf-8").strip().split("\n\n"):
        marks, _, title = block.partition(" ")
        if set(marks) == {"#"}:
            document.add_heading(title, level=len(marks))
        else:
            document.add_paragraph(block)
    document.core_properties.title = document.paragraphs[0].text
    document.save(str(target))


def make_pdf(source: Path, target: Path) -> None:
    """Write Markdown with headings and paragraphs as a PDF of A4 pages in Helvetica."""
    lines: list[tuple[str, str]] = []
    for block in source.read_text(encoding="utf-8").strip().split("\n\n"):
        marks, _, title = block.partition(" ")
        if set(marks) == {"#"}:
            lines += [("F2", title), ("F1", "")]
        else:
            lines += [("F1", line) for line in textwrap.wrap(block, 88)] + [("F1", "")]
    pages = [lines[at : at + LINES_PER_PAGE] for at in range(0, len(lines), LINES_PER_PAGE)]
    first_page = 5
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = b"BT 15 TL 62 770 Td\n"
        for font, line in page:
            escaped = re.sub(r"([\\()])", r"\\\1", line).encode("cp1252")
            content += f"/{font} 11 Tf ".encode() + b"(" + escaped + b") Tj T*\n"
        content += b"ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {first_page + 2 * number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream")
    title = lines[0][1].encode("cp1252")
    objects.append(b"<< /Title (" + title + b") >>")
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>"
    out += f"trailer\n{trailer}\nstartxref\n{table}\n%%EOF\n".encode()
    target.write_bytes(out)


def make_jsonl(source: Path, target: Path) -> None:
    """Write each section of each page of a Markdown file as a record: a page begins with #, a section with ##."""
    records = []
    for page in re.split(r"^# ", source.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, identity, body = page.split("\n", 2)
        name = identity.removeprefix("id: ")
        introduction, *sections = re.split(r"^## ", body, flags=re.MULTILINE)
        records.append({"id": name, "title": title, "text": introduction.strip(), "page": name})
        for number, section in enumerate(sections, start=1):
            heading, text = section.split("\n", 1)
            records.append({"id": f"{name}/{number}", "title": f"{title}: {heading}", "text": text.strip(), "page": name})
    target.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


if __name__ == "__main__":
    make_docx(SOURCES / "services-agreement.md", HERE / "law" / "services-agreement.docx")
    make_docx(SOURCES / "data-processing-addendum.md", HERE / "law" / "data-processing-addendum.docx")
    make_pdf(SOURCES / "commercial-lease.md", HERE / "law" / "commercial-lease.pdf")
    make_jsonl(SOURCES / "healthcare.md", HERE / "healthcare" / "patient-pages.jsonl")
