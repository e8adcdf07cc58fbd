"""Plain text in any encoding that can be told with confidence, kept exactly as it stands in the file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from fmapps.errors import UnreadableFileError
from fmapps.ingestion.headings import opening_heading
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1a\x1b")
_WESTERN = frozenset(
    "\u00a0‘’“”‚„–—…•·€£¥¢§¶©®™°±×÷½¼¾«»¿¡†‡‰µºàâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßðþšžÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝŸÐÞŠŽ"
)
_SAMPLE = 2**20
_MOST_CHAOS = 0.1
"""The most disorder, as charset-normalizer measures it, in a guess that is believed."""

_LEAST_COHERENCE = 0.3
"""The least likeness to a known language, as charset-normalizer measures it, in a guess that is believed."""

_REMEDY = "open it in the program that wrote it and save it as UTF-8"


def read_text(file: SourceFile) -> Iterator[Document | Failure]:
    """Read a plain text; line ends and characters stay as they are. A heading with which it begins is its title."""
    text = decode(file.read(), file)
    yield file.document(text, title=opening_heading(text))


def decode(data: bytes, file: SourceFile) -> str:
    """Decode bytes whose encoding is not known.

    In turn: the byte order mark, UTF-8, UTF-16 without its mark, Windows-1252 where all that is not ASCII is a letter
    or mark of Western European writing, and what charset-normalizer finds if it is sure enough.

    Args:
        data: the whole file.
        file: whose it is, for the message.

    Raises:
        UnreadableFileError: it is binary, damaged, or its encoding cannot be told.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding, file)
    if b"\0" in data:
        return _unmarked_utf16(data, file)
    if len(data.translate(None, _CONTROLS)) < 0.99 * len(data):
        raise _binary(file)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if _nearly_utf8(data):
            raise file.error(
                f"it is UTF-8 but damaged at byte {error.start:,}", "restore it from a sound copy, or " + _REMEDY
            ) from None
    return _guessed(data, file)


def _strictly(data: bytes, encoding: str, file: SourceFile) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise file.error(
            f"its first bytes say {encoding.upper()}, but byte {error.start:,} is not", "restore it, or " + _REMEDY
        ) from None


def _unmarked_utf16(data: bytes, file: SourceFile) -> str:
    sample = data[:_SAMPLE]
    for encoding, high in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if len(high) >= 2 and high.count(0) >= 0.4 * len(high) and sample.count(0) <= high.count(0) * 1.02:
            return _strictly(data, encoding, file)
    raise _binary(file)


def _binary(file: SourceFile) -> UnreadableFileError:
    return file.error("it is binary, not text", "give it the suffix of what it is, or export its text as UTF-8")


def _nearly_utf8(data: bytes) -> bool:
    """Whether most of what is not ASCII is well-formed UTF-8: then it is that, and damaged."""
    text = data.decode(errors="replace")
    bad = text.count("\ufffd")
    good = len(re.findall(r"[^\x00-\x7f\ufffd]", text))
    return good > 2 * bad


def _guessed(data: bytes, file: SourceFile) -> str:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        pass
    else:
        foreign = re.findall(r"[^\x00-\x7f]", text)
        if len(foreign) <= 0.25 * len(text) and _WESTERN.issuperset(foreign):
            return text
    import charset_normalizer

    best = charset_normalizer.from_bytes(data[:_SAMPLE]).best()
    if best is None or best.chaos > _MOST_CHAOS or best.coherence < _LEAST_COHERENCE:
        raise file.error("its encoding cannot be told with confidence", _REMEDY)
    return _strictly(data, best.encoding, file)
