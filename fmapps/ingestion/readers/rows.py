"""A record of named fields, from JSON, JSON Lines or CSV, to a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from fmapps.ingestion.source import SourceFile
from fmapps.records import Document, Heading, Scalar

FIELDS = frozenset({"id", "title", "text", "metadata", "meta", "labels", "effective_from", "effective_to"})
"""What the fields of a record are called; any other field with a plain value becomes metadata."""


def row_document(
    row: Mapping[str, Any],
    file: SourceFile,
    *,
    position: int,
    line: int | None = None,
    headings: tuple[Heading, ...] = (),
) -> Document:
    """Make a document of a record.

    Args:
        row: its fields: id, title, text, metadata (or meta), labels (a list), effective_from and effective_to
            (YYYY-MM-DD), all optional. Without a text, the other plain fields make one, "field: value" a line.
        file: whose it is.
        position: the record's place in the file, from 1: its id where it has none.
        line: on which it stands, for the message.
        headings: of its text.

    Raises:
        UnreadableFileError: a field is not what it should be, or nothing in it makes a text.
    """
    others = {str(name): value for name, value in row.items() if name not in FIELDS}
    metadata = _plain({**others, **_mapping(row, "metadata", file, line), **_mapping(row, "meta", file, line)})
    title = _string(row, "title", file, line)
    text = row.get("text")
    if text is None:
        lines = [f"{name}: {value}" for name, value in _plain(others).items() if str(value).strip()]
        text = "\n".join([f"title: {title}", *lines] if title and lines else lines or [title])
        metadata = {name: value for name, value in metadata.items() if name not in others or len(str(value)) <= 200}
    elif not isinstance(text, str):
        raise file.error(f"its text is not a string but {_kind(text)}", 'write "text" as a string', line=line)
    identity = row.get("id")
    if identity is not None and (isinstance(identity, bool) or not isinstance(identity, str | int)):
        raise file.error(f"its id is not a string but {_kind(identity)}", 'write "id" as a string', line=line)
    name = "" if identity is None else str(identity)
    if identity is not None and not name.strip():
        raise file.error("its id is empty", 'give it an "id" of its own, or none', line=line)
    return file.document(
        text,
        id=name or f"{file.id}#{position}",
        title=title or (name or f"{file.stem} {position}"),
        headings=headings,
        metadata=metadata,
        labels=_labels(row, file, line),
        effective_from=_date(row, "effective_from", file, line),
        effective_to=_date(row, "effective_to", file, line),
        line=line,
    )


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def _string(row: Mapping[str, Any], name: str, file: SourceFile, line: int | None) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise file.error(f"its {name} is not a string but {_kind(value)}", f'write "{name}" as a string', line=line)
    return value


def _mapping(row: Mapping[str, Any], name: str, file: SourceFile, line: int | None) -> Mapping[str, Any]:
    value = row.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise file.error(f"its {name} is not an object but {_kind(value)}", f'write "{name}" as an object', line=line)
    return value


def _plain(values: Mapping[str, Any]) -> dict[str, Scalar]:
    """Values that a filter can compare; what is nested is kept as JSON, nothing is left out."""
    return {
        name: value if isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
        if value is not None
    }


def _labels(row: Mapping[str, Any], file: SourceFile, line: int | None) -> frozenset[str]:
    value = row.get("labels")
    if value is None:
        return frozenset()
    # A label that is misread would open a wall, so anything but a list of names is refused.
    if not isinstance(value, list) or not all(isinstance(label, str) and label.strip() for label in value):
        raise file.error(
            "its labels are not a list of strings", 'write "labels" as a list, such as ["matter-7"]', line=line
        )
    return frozenset(value)


def _date(row: Mapping[str, Any], name: str, file: SourceFile, line: int | None) -> date | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise file.error(f"its {name} is not a date", f'write "{name}" as YYYY-MM-DD', line=line) from None
