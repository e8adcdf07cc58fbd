"""Plain text is kept as it stands, in whatever encoding can be told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.ingestion.readers.text import decode
from fmapps.ingestion.source import SourceFile
from tests.ingestion.making import only, refused

_FILE = SourceFile(Path("a.txt"), "a.txt")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    if not text.startswith("\ufeff"):
        assert decode(text.encode(), _FILE) == text
        assert decode(text.encode("utf-8-sig"), _FILE) == text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_encodings_that_can_be_told(tmp_path: Path, encoding: str) -> None:
    text = "The café’s notice – «sections» §5 – is naïve.\r\n" if "1" not in encoding[-1] else "Café naïve, § 5.\r\n"
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert only(path).text == text


def test_a_language_in_its_old_encoding(tmp_path: Path) -> None:
    text = "Настоящий договор вступает в силу с момента его подписания обеими сторонами. " * 5
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode("cp1251"))
    assert only(path).text == text


def test_line_ends_and_combining_marks_are_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("e\u0301\r\nline\rline\n\u200f\u05d0\u00a0x".encode())
    assert only(path).text == "e\u0301\r\nline\rline\n\u200f\u05d0\u00a0x"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"text\0with nul and more of it", "binary"),
        (bytes(range(1, 9)) * 20 + b"text", "binary"),
        ("Ein Satz über Änderungen, größer, schöner.".encode()[:-2] + b"\xff.", "damaged at byte"),
        ("Wörter und Größen".encode() * 3 + "ü".encode()[:1], "damaged at byte"),
        (bytes([0x81, 0x8D, 0xF0, 0xA5, 0xB2, 0xC3, 0x9D, 0xFE] * 4), "encoding cannot be told"),
        (b"\xef\xbb\xbfbad \xff byte", "first bytes say UTF-8"),
        (b"\xff\xfea\0b", "first bytes say UTF-16"),
    ],
)
def test_what_is_not_text_or_wrongly_encoded_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert told in refused(path)


def test_the_heading_at_the_top_is_the_title(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\r\nSOFTWARE LICENCE\r\n\r\nYou may use it.\r\n")
    assert only(path).title == "SOFTWARE LICENCE"
    path.write_bytes(b"You may use it.\n\nTERM\n\nOne year.\n")
    assert only(path).title == "a"
