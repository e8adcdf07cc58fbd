"""PDF and DOCX: pages, structure, current text; scans, passwords, damage and bombs are refused with the remedy."""

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fmapps.ingestion import split
from tests.ingestion.making import edit_zip, only, pdf, read, refused, save_docx

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def _write(tmp_path: Path, data: bytes, name: str = "a.pdf") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_pdf_pages_title_and_outline(tmp_path: Path) -> None:
    pages = [
        ["Lease of land", "1 Rent", "The rent is due monthly. It is 100 (one", "hundred) pounds."],
        ["2 Notice", "Notice is given in writing."],
    ]
    path = _write(tmp_path, pdf(pages, title="The lease", outline=[("Rent", 0), ("Notice", 1), ("Elsewhere", 1)]))
    document = only(path)
    assert document.title == "The lease"
    assert document.text == "\n".join("\n".join(page) for page in pages)
    assert document.pages == (0, document.text.index("2 Notice"))
    assert [document.text[h.start : h.end] for h in document.headings] == ["Rent", "Notice"]
    assert document.page_of(document.text.index("in writing")) == 2
    assert split(document)[0].page == 1


def test_pdf_headers_footers_and_hyphens(tmp_path: Path) -> None:
    pages = [
        [
            f"Lease {number}",
            "Acme Ltd. Confidential",
            f"Body {word} one.",
            "The termi-",
            f"nation of {word}.",
            str(number),
        ]
        for number, word in enumerate(["alpha", "beta", "gamma", "delta"], start=1)
    ]
    pages[0].insert(3, "A termination is a well-")
    pages[0].insert(4, "known thing; it is well-known, not agree-")
    pages[0].insert(5, "ment nor Anglo-")
    pages[0].insert(6, "American in May.")
    text = only(_write(tmp_path, pdf(pages))).text
    assert "Confidential" not in text
    assert "Lease 3" not in text
    assert text.splitlines()[0] == "Body alpha one."
    assert "The termination of gamma." in text
    assert "well-known thing" in text
    assert "not agreement nor Anglo-American in May." in text


def test_a_page_that_is_a_scan_is_reported_beside_the_document(tmp_path: Path) -> None:
    path = _write(tmp_path, pdf([["Some text."], [], []], images={2}))
    [document], [failure] = read(path)
    assert document.text.strip() == "Some text."
    assert len(document.pages) == 3
    assert "were not read: 3;" in str(failure.error)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (pdf([[], []], images={0, 1}), "scan"),
        (pdf([["Secret."]], password="open sesame"), "encrypted with a password"),
        (pdf([["Some text."]] * 20)[:2000], "truncated"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 8 + b"%%EOF", "truncated or damaged"),
    ],
)
def test_pdf_that_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    assert told in refused(_write(tmp_path, data))


def test_several_threads_may_read_pdf_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, pdf([[f"Page {number}."] for number in range(20)]))
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: only(path).text, range(24)))
    assert texts == {"\n".join(f"Page {number}." for number in range(20))}


def test_pdf_with_too_much_text_is_refused(tmp_path: Path) -> None:
    assert "more than the 50 characters" in refused(_write(tmp_path, pdf([["word " * 10] * 5])), max_text_characters=50)


def test_docx(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    save_docx(path)
    document = only(path)
    assert document.text == (
        "Service Agreement\n\nTermination\n\nEither party may terminate upon thirty days notice.\n\n"
        "Service | Fee\nHosting | 100\n\nAfter the table."
    )
    assert [(document.text[h.start : h.end], h.level) for h in document.headings] == [
        ("Service Agreement", 1),
        ("Termination", 1),
    ]
    assert document.title == "Service Agreement"
    save_docx(path, title="MSA 7")
    assert only(path).title == "MSA 7"


def test_docx_tracked_changes_give_the_current_text(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    save_docx(
        path,
        xml="<w:p><w:r><w:t xml:space='preserve'>Pay in </w:t></w:r>"
        "<w:del w:id='1' w:author='x'><w:r><w:delText>thirty</w:delText></w:r></w:del>"
        "<w:ins w:id='2' w:author='x'><w:r><w:t>sixty</w:t></w:r></w:ins>"
        "<w:hyperlink><w:r><w:tab/><w:t>days</w:t></w:r></w:hyperlink>"
        "<w:r><w:instrText>PAGEREF x</w:instrText></w:r></w:p>",
    )
    assert only(path).text.endswith("Pay in sixty\tdays")


def test_docx_shows_automatic_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"

    def paragraph(text: str, depth: int) -> str:
        marks = f"<w:pPr><w:numPr><w:ilvl w:val='{depth}'/><w:numId w:val='77'/></w:numPr></w:pPr>"
        return f"<w:p>{marks}<w:r><w:t>{text}</w:t></w:r></w:p>"

    items = [("Scope", 0), ("Fees", 0), ("Due", 1), ("Late", 1), ("a way", 2), ("End", 0), ("When", 1)]
    save_docx(path, xml="".join(paragraph(*item) for item in items))
    levels = "".join(
        f"<w:lvl w:ilvl='{depth}'><w:start w:val='1'/><w:numFmt w:val='{kind}'/><w:lvlText w:val='{pattern}'/></w:lvl>"
        for depth, kind, pattern in [(0, "decimal", "%1."), (1, "decimal", "%1.%2"), (2, "lowerRoman", "(%3)")]
    )
    added = f"<w:abstractNum w:abstractNumId='77'>{levels}</w:abstractNum>"
    added += "<w:num w:numId='77'><w:abstractNumId w:val='77'/></w:num>"
    edit_zip(path, "word/numbering.xml", b"</w:numbering>", added.encode() + b"</w:numbering>")
    assert only(path).text.endswith("1. Scope\n2. Fees\n2.1 Due\n2.2 Late\n(i) a way\n3. End\n3.1 When")


def test_docx_footnotes_follow_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    save_docx(path, xml="<w:p><w:r><w:t>Noted</w:t></w:r><w:r><w:footnoteReference w:id='5'/></w:r></w:p>")
    notes = (
        f"<w:footnotes {_W}><w:footnote w:id='5'><w:p><w:r><w:t>See above.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("word/footnotes.xml", notes)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    edit_zip(
        path,
        "word/_rels/document.xml.rels",
        b"</Relationships>",
        f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'.encode(),
    )
    media = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    edit_zip(
        path,
        "[Content_Types].xml",
        b"</Types>",
        f'<Override PartName="/word/footnotes.xml" ContentType="{media}"/></Types>'.encode(),
    )
    assert only(path).text.endswith("Noted[1]\n\n[1] See above.")


def test_docx_that_is_truncated_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    save_docx(path)
    path.write_bytes(path.read_bytes()[:-500])
    assert "truncated" in refused(path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["[Content_Types].xml", "xl/workbook.xml"], "a spreadsheet"),
        (["photo.jpg"], "a ZIP archive of another kind"),
        (["[Content_Types].xml"], "not a Word document"),
    ],
)
def test_a_zip_that_is_no_word_document_is_refused(tmp_path: Path, names: list[str], told: str) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    assert told in refused(path)


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    save_docx(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/bomb.bin", bytes(8_000_000))
    assert path.stat().st_size < 200_000
    assert "zip bomb" in refused(path)


def test_a_docx_that_unpacks_past_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.docx"
    save_docx(path)
    size = path.stat().st_size
    assert "unpacks to" in refused(path, max_file_bytes=size + 10)


def test_entities_inside_a_docx_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    save_docx(path, xml="<w:p><w:r><w:t>MARK</w:t></w:r></w:p>")
    edit_zip(path, "word/document.xml", b"<w:document", b'<!DOCTYPE x [<!ENTITY e "EXPANDED">]><w:document')
    edit_zip(path, "word/document.xml", b"MARK", b"MARK &e;")
    documents, failures = read(path)
    assert failures or "EXPANDED" not in documents[0].text
