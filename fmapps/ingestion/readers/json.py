"""JSON: an object or a list of objects as records, anything else as readable text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fmapps.errors import FmappsError
from fmapps.ingestion.readers.jsonl import parse
from fmapps.ingestion.readers.rows import row_document
from fmapps.ingestion.readers.text import decode
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document


def read_json(file: SourceFile) -> Iterator[Document | Failure]:
    """Read a JSON file.

    A list of objects makes a document of each, as JSON Lines does. An object with a string "text" is one such record.
    Anything else makes one document of its indented JSON, so that what is nested can be read and cited.
    """
    text = decode(file.read(), file)
    try:
        value = parse(text, file)
    except FmappsError as error:
        if "Extra data" in error.message:
            error.remedy = "if it holds one record a line, rename it to .jsonl"
        raise
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        yield from _records(value, file)
    elif isinstance(value, dict) and isinstance(value.get("text"), str):
        yield row_document({"id": file.id, "title": file.stem, **value}, file, position=1)
    elif value in ({}, [], None, ""):
        raise file.error("there is nothing in it", "put records in, or leave the file out")
    else:
        title = value.get("title") if isinstance(value, dict) else None
        yield file.document(
            json.dumps(value, indent=2, ensure_ascii=False), title=title if isinstance(title, str) else ""
        )


def _records(rows: list[dict[str, Any]], file: SourceFile) -> Iterator[Document | Failure]:
    places: dict[str, int] = {}
    for position, row in enumerate(rows, start=1):
        try:
            document = row_document(row, file, position=position)
            first = places.setdefault(document.id, position)
            if first != position:
                raise file.error(
                    f"the id {document.id!r} is already that of record {first}", "give each record an id of its own"
                )
        except FmappsError as error:
            error.message = f"record {position}: {error.message}"
            yield Failure(error.where, error)
        else:
            yield document
