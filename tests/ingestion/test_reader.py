"""Folders are read in order, ids hold, mislabelled and unsound files are named with a remedy, and the rest goes in."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmapps.errors import UnreadableFileError
from fmapps.ingestion import Format, count_files, formats, read_path, reader, register
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document
from tests.ingestion.making import only, pdf, png, read, refused, save_docx


def _write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_folder_is_read_in_order_with_paths_as_ids(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.md", "README"):
        _write(tmp_path / name, f"Text of {name}.")
    documents, failures = read(tmp_path)
    assert [document.id for document in documents] == ["README", "a/b/c.md", "a/z.txt", "b.txt"]
    assert not failures
    assert documents[2].source == str(tmp_path / "a/z.txt")
    assert documents[2].title == "z"
    assert count_files(tmp_path) == 4
    assert [document.version for document in read(tmp_path)[0]] == [document.version for document in documents]


def test_hidden_files_and_links_that_lead_out_or_in_circles_are_passed_over(tmp_path: Path) -> None:
    _write(tmp_path / "out/secret.txt", "Outside.")
    inside = tmp_path / "in"
    _write(inside / "a.txt", "Inside.")
    _write(inside / ".hidden.txt", "Hidden.")
    _write(inside / ".git/config", "Hidden.")
    _write(inside / "~$a.docx", "Lock.")
    _write(inside / "my.fmapps/store.txt", "The corpus itself.")
    (inside / "loop").symlink_to(inside)
    (inside / "self.txt").symlink_to(inside / "self.txt")
    (inside / "secret.txt").symlink_to(tmp_path / "out/secret.txt")
    (inside / "outside").symlink_to(tmp_path / "out")
    (inside / "b.txt").symlink_to(inside / "a.txt")
    documents, failures = read(inside)
    assert [document.id for document in documents] == ["a.txt", "b.txt"]
    assert not failures


def test_nothing_at_the_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no such file") as caught:
        read_path(tmp_path / "nowhere")
    assert "nowhere" in caught.value.where
    with pytest.raises(UnreadableFileError):
        count_files(tmp_path / "nowhere")


def test_one_bad_file_stops_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path / "1-good.txt", "Good.")
    _write(tmp_path / "2-empty.txt", "")
    _write(tmp_path / "3-blank.md", " \n\t\n")
    _write(tmp_path / "4-binary.txt", os.urandom(100) + bytes(50))
    _write(tmp_path / "5-broken.pdf", b"%PDF-1.4\nnothing")
    _write(tmp_path / "6-broken.docx", b"PK\x03\x04nothing")
    _write(tmp_path / "7-broken.json", '{"text": ')
    _write(tmp_path / "8-broken.xml", "<a><b></a>")
    _write(tmp_path / "9-photo.png", png())
    os.mkfifo(tmp_path / "a-pipe.txt")
    (tmp_path / "b-dangling.txt").symlink_to(tmp_path / "gone.txt")
    _write(tmp_path / "c-good.txt", "Good too.")
    documents, failures = read(tmp_path)
    assert [document.id for document in documents] == ["1-good.txt", "c-good.txt"]
    assert [Path(failure.path).name[0] for failure in failures] == list("23456789ab")
    for failure in failures:
        assert isinstance(failure.error, UnreadableFileError)
        assert failure.error.where == failure.path
        assert failure.error.remedy


@pytest.mark.parametrize(
    ("name", "data", "told", "remedy"),
    [
        ("a.txt", pdf([["Hello"]]), "it is a PDF", "rename it to .pdf"),
        ("a.pdf", b"PK\x03\x04" + bytes(50), "a ZIP archive", "suffix"),
        ("a.txt", "<!DOCTYPE html><html><p>Hi</p></html>", "it is an HTML page", "rename it to .html"),
        ("a.md", "<?xml version='1.0'?><a>text</a>", "it is an XML file", "rename it to .xml"),
        ("a.csv", gzip.compress(b"a,b\n1,2\n"), "it is a gzip file", "suffix"),
        ("a.pdf", "Only text.", "its first bytes are not", "suffix of what it is"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted", "remove the password"),
        ("a.jsonl.gz", '{"text": "x"}', "its first bytes are not", "suffix of what it is"),
        ("a.xlsx", b"PK\x03\x04" + bytes(50), "not one that is read", "save each sheet as .csv"),
        ("a.rtf", b"{\\rtf1 Hello}", "not one that is read", "save it as .docx"),
        ("a.xyz", "Text.", "not one that is read", "export it as one of"),
        ("program", b"\x7fELF" + bytes(60), "it is a program", "export it as one of"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, data: bytes | str, told: str, remedy: str
) -> None:
    message = refused(_write(tmp_path / name, data))
    assert told in message
    assert remedy in message


def test_a_text_that_speaks_of_pdf_is_text(tmp_path: Path) -> None:
    assert only(_write(tmp_path / "a.txt", "A PDF begins with %PDF-1.4 or so.")).text.endswith("or so.")


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "large.txt", "word " * 1000)
    assert "more than 4,999 bytes" in refused(path, max_file_bytes=4999)
    assert "more than the 4,999 allowed" in refused(path, max_text_characters=4999)
    assert only(path, max_file_bytes=5000, max_text_characters=5000).text == "word " * 1000


def test_a_name_that_is_not_utf8_still_gives_an_id(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        _write(tmp_path / name, "Text.")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes only UTF-8 names")
    [document], _ = read(tmp_path)
    assert document.id == "caf\\xe9.txt"


def test_a_reader_that_breaks_is_a_failure_of_its_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_FORMATS", [*formats()][::-1])

    def broken(file: SourceFile) -> Iterator[Document | Failure]:
        yield file.document("The first half.")
        raise ZeroDivisionError("secret words of the file")

    register(Format("text/odd", (".odd",), broken))
    _write(tmp_path / "a.odd", "x")
    _write(tmp_path / "b.txt", "Text.")
    documents, [failure] = read(tmp_path)
    assert [document.text for document in documents] == ["The first half.", "Text."]
    assert "ZeroDivisionError" in str(failure.error)
    assert "secret" not in str(failure.error)


def test_every_format_has_a_reader() -> None:
    for format in formats():
        assert callable(format.load())


def test_the_parsers_are_imported_only_where_they_are_used() -> None:
    check = (
        "import sys, fmapps.ingestion, fmapps.sentences;"
        "print([n for n in ('lxml', 'pypdfium2', 'docx', 'markdown_it', 'charset_normalizer') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_single_file_has_its_name_as_id(tmp_path: Path) -> None:
    save_docx(tmp_path / "deep.docx")
    assert only(tmp_path / "deep.docx").id == "deep.docx"
    assert count_files(tmp_path / "deep.docx") == 1
