"""JSON Lines, plain or gzipped: a record a line, each a document; a bad line does not stop the others."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from fmapps.errors import FmappsError
from fmapps.ingestion.readers.rows import row_document
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_BOM = b"\xef\xbb\xbf"


def read_jsonl(file: SourceFile) -> Iterator[Document | Failure]:
    """Read each line's record; lines that are blank are passed over.

    What the file holds, decompressed, may not exceed the limit on a file's bytes. Of two records with one id the first
    goes in, and the failure of the second names both lines.
    """
    compressed = file.path.suffix.lower() == ".gz"
    lines_of: dict[str, int] = {}
    found = number = 0
    with gzip.open(file.path) if compressed else file.path.open("rb") as stream:
        try:
            for number, line in _lines(cast(BinaryIO, stream), file):
                found += 1
                try:
                    document = row_document(loads(line, file, line=number), file, position=number, line=number)
                    first = lines_of.setdefault(document.id, number)
                    if first != number:
                        raise file.error(
                            f"its id {document.id!r} is already that of line {first}",
                            "give each record an id of its own",
                            line=number,
                        )
                except FmappsError as error:
                    yield Failure(error.where, error)
                else:
                    yield document
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise file.error(
                f"it is truncated or damaged after line {number:,}; the records before that were read",
                "restore it from a sound copy",
            ) from None
    if not found:
        raise file.error("the file holds no record", "put records in, one a line, or leave the file out")


def _lines(stream: BinaryIO, file: SourceFile) -> Iterator[tuple[int, bytes]]:
    room, number = file.limits.file_bytes, 0
    while line := stream.readline(room + 1):
        room -= len(line)
        if room < 0:
            raise file.too_large()
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            yield number, line


def loads(data: bytes | str, file: SourceFile, *, line: int | None = None) -> dict[str, Any]:
    """Parse one record.

    Raises:
        UnreadableFileError: it is not UTF-8, not JSON, or not an object.
    """
    row = parse(data, file, line=line)
    if not isinstance(row, dict):
        raise file.error("it is not an object", 'write each record as {"id": ..., "text": ...}', line=line)
    return row


def parse(data: bytes | str, file: SourceFile, *, line: int | None = None) -> Any:
    """Parse JSON as its standard has it: no NaN, no unbounded nesting.

    Raises:
        UnreadableFileError: it is not UTF-8 or not JSON.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data
        return json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise file.error("it is not UTF-8", "save the file as UTF-8", line=line) from None
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if line is not None or error.lineno == 1 else f"line {error.lineno}"
        raise file.error(f"it is not valid JSON: {error.msg} at {place}", "mend that place", line=line) from None
    except ValueError as error:
        raise file.error(f"it is not valid JSON: {error}", "write it as a string", line=line) from None
    except RecursionError:
        raise file.error("it is nested too deeply", "flatten it", line=line) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value")
