"""Tells what a file really is from its first bytes."""

from __future__ import annotations

import re

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "application/pdf", "a PDF"),
    (b"PK\x03\x04", "application/zip", "a ZIP archive or an Office file"),
    (b"PK\x05\x06", "application/zip", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole", "an old Office file, or an encrypted new one"),
    (b"\x1f\x8b", "application/gzip", "a gzip file"),
    (b"BZh", "application/x-bzip2", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "application/x-xz", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "a 7z archive"),
    (b"Rar!\x1a\x07", "application/vnd.rar", "a RAR archive"),
    (b"{\\rtf", "application/rtf", "an RTF file"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "a PNG image"),
    (b"\xff\xd8\xff", "image/jpeg", "a JPEG image"),
    (b"GIF8", "image/gif", "a GIF image"),
    (b"II*\x00", "image/tiff", "a TIFF image"),
    (b"MM\x00*", "image/tiff", "a TIFF image"),
    (b"\x7fELF", "application/x-executable", "a program"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3", "an SQLite database"),
    (b"%!PS", "application/postscript", "a PostScript file"),
)
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<!--(?:(?!-->).){0,1000}+-->\s*+)*+<(?:!doctype\s+html|html[\s>])", re.I | re.S
)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\s")

HEAD = 4096
"""How many bytes `sniff` needs."""


def sniff(head: bytes) -> tuple[str, str] | None:
    """Tell the media type of a file from its first bytes.

    Args:
        head: the first `HEAD` bytes.

    Returns:
        The media type and its name with an article; None where the bytes say nothing, as with plain text.
    """
    for signature, media_type, name in _SIGNATURES:
        if head.startswith(signature):
            return media_type, name
    # A PDF may begin with up to 1,024 bytes of something else; a text may mention the mark, but not beside binary data.
    place = head.find(b"%PDF-1.", 0, 1024)
    if place >= 0 and b"\x00" in head[:place]:
        return "application/pdf", "a PDF"
    if _HTML.match(head):
        return "text/html", "an HTML page"
    if _XML.match(head):
        return "application/xml", "an XML file"
    return None
