"""Tables with separators: each row a document where there is a text column, else the table one document."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from fmapps.errors import FmappsError
from fmapps.ingestion.readers.rows import row_document
from fmapps.ingestion.readers.text import decode
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_DELIMITERS = ",;\t|"


def read_csv(file: SourceFile) -> Iterator[Document | Failure]:
    """Read a table whose first row names its columns.

    With a column "text" each row is a document (id, title, labels separated by ";", effective_from, effective_to and
    any other column as metadata). Without one the table is one document, "column: value" a line, rows apart by a blank
    line. A row with another number of cells than the header is a failure that names its line; the others go in.
    """
    text = decode(file.read(), file)
    csv.field_size_limit(file.limits.text_characters)
    rows = _rows(text, file)
    header = next(rows, None)
    if isinstance(header, Failure):
        raise header.error
    if header is None or not any(header[1]):
        raise file.error("its first row names no column", "begin it with a row of column names")
    names = [name.strip() or f"column {index}" for index, name in enumerate(header[1], start=1)]
    if len(set(names)) < len(names):
        raise file.error("two of its columns have the same name", "give each column a name of its own", line=1)
    if "text" in names:
        yield from _documents(names, rows, file)
    else:
        yield from _table(names, rows, file)


def _rows(text: str, file: SourceFile) -> Iterator[tuple[int, list[str]] | Failure]:
    """Each row that is not blank, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), _dialect(text, file), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            wrong = file.error(f"it is not a well-formed row: {error}", "mend its quotation marks", line=line)
            yield Failure(wrong.where, wrong)
            continue
        if any(cell.strip() for cell in row):
            yield line, row


def _dialect(text: str, file: SourceFile) -> type[csv.Dialect]:
    class Dialect(csv.excel):
        delimiter = "\t" if file.path.suffix.lower() == ".tsv" else ","

    # The header decides: its names rarely hold a delimiter, while running text in the cells holds every one of them.
    first = text[:100_000].split("\n", 1)[0]
    counts = {mark: first.count(mark) for mark in _DELIMITERS}
    best = max(counts, key=lambda mark: (counts[mark], mark == Dialect.delimiter))
    if counts[best]:
        Dialect.delimiter = best
    return Dialect


def _ragged(names: list[str], row: list[str], file: SourceFile, line: int) -> FmappsError:
    return file.error(
        f"the row has {len(row)} cells, the header {len(names)}",
        "give it a cell for each column; put a cell that holds the delimiter in quotation marks",
        line=line,
    )


def _documents(
    names: list[str], rows: Iterator[tuple[int, list[str]] | Failure], file: SourceFile
) -> Iterator[Document | Failure]:
    lines_of: dict[str, int] = {}
    for position, item in enumerate(rows, start=1):
        if isinstance(item, Failure):
            yield item
            continue
        line, row = item
        try:
            if len(row) != len(names):
                raise _ragged(names, row, file, line)
            document = row_document(_fields(names, row), file, position=position, line=line)
            first = lines_of.setdefault(document.id, line)
            if first != line:
                raise file.error(
                    f"its id {document.id!r} is already that of line {first}",
                    "give each row an id of its own",
                    line=line,
                )
        except FmappsError as error:
            yield Failure(error.where, error)
        else:
            yield document


def _fields(names: list[str], row: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: cell for name, cell in zip(names, row, strict=True) if cell or name == "text"}
    if "labels" in fields:
        fields["labels"] = [label.strip() for label in fields["labels"].split(";") if label.strip()]
    for name in ("metadata", "meta"):
        if name in fields:
            fields[name] = {name: fields[name]}
    return fields


def _table(
    names: list[str], rows: Iterator[tuple[int, list[str]] | Failure], file: SourceFile
) -> Iterator[Document | Failure]:
    blocks = []
    for item in rows:
        if isinstance(item, Failure):
            yield item
            continue
        line, row = item
        if len(row) != len(names):
            error = _ragged(names, row, file, line)
            yield Failure(error.where, error)
            continue
        blocks.append(
            "\n".join(f"{name}: {cell.strip()}" for name, cell in zip(names, row, strict=True) if cell.strip())
        )
    if not blocks:
        raise file.error("it has column names but no rows", "put rows in, or leave the file out")
    yield file.document("\n\n".join(blocks))
