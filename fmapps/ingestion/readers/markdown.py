"""Markdown as the text a reader sees: headings, lists, tables and code, without the marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fmapps.ingestion.builder import TextBuilder
from fmapps.ingestion.readers.rows import row_document
from fmapps.ingestion.readers.text import decode
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_FRONT = re.compile(r"---[ \t]*\r?\n(.{0,20000}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S)
_FIELD = re.compile(r"([A-Za-z_][\w-]*):[ \t]*(.*)")
_TAG = re.compile(r"<[^<>]*>")


def read_markdown(file: SourceFile) -> Iterator[Document | Failure]:
    """Read a Markdown file.

    A front matter of plain `key: value` lines gives the title, labels (`[a, b]`), the effective period and metadata.
    """
    from markdown_it import MarkdownIt

    source = decode(file.read(), file)
    if "\0" in source:
        raise file.error("it holds a NUL character, which is not text", "remove U+0000 from it")
    fields: dict[str, Any] = {}
    if front := _FRONT.match(source):
        fields = _fields(front[1], file)
        source = source[front.end() :]
    builder = TextBuilder()
    # By default markdown-it passes over what nests deep; here it is read, or stops the reader, but is not lost.
    parser = MarkdownIt("commonmark", {"maxNesting": 10**6}).enable(["table", "strikethrough"])
    _render(parser.parse(source), builder)
    headings = tuple(builder.headings)
    title = builder.text[headings[0].start : headings[0].end] if headings else ""
    row = {**fields, "text": builder.text, "id": file.id, "title": fields.get("title") or title or file.stem}
    yield row_document(row, file, position=1, headings=headings)


def _fields(front: str, file: SourceFile) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for number, line in enumerate(front.splitlines(), start=2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _FIELD.fullmatch(line.rstrip())
        if not match or (match[2] in ("", "|", ">") and match[1] == "labels"):
            raise file.error(
                "its front matter is not made of key: value lines",
                'write one "key: value" a line, and lists as [a, b]',
                line=number,
            )
        value = match[2].strip()
        if value.startswith("[") and value.endswith("]"):
            items = [item.strip().strip("\"'") for item in value[1:-1].split(",") if item.strip()]
            fields[match[1]] = items if match[1] == "labels" else ", ".join(items)
        else:
            fields[match[1]] = value.strip("\"'")
    return fields


def _render(tokens: list[Any], builder: TextBuilder) -> None:
    lists: list[int | None] = []  # for each list around: the next number, or None for bullets
    marker = ""
    cells: list[str] = []
    for index, token in enumerate(tokens):
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            lists.append(int(token.attrGet("start") or 1) if kind == "ordered_list_open" else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif kind == "list_item_open":
            number = lists[-1]
            marker = "- " if number is None else f"{number}. "
            if number is not None:
                lists[-1] = number + 1
        elif kind == "tr_open":
            cells = []
        elif kind == "tr_close":
            builder.row(cells)
        elif kind == "inline":
            opening = tokens[index - 1]
            text = _inline(token.children or [])
            if opening.type in ("th_open", "td_open"):
                cells.append(text)
            elif opening.type == "heading_open" and not lists:
                builder.heading(text, int(opening.tag[1]))
            else:
                marker = _block(text, builder, len(lists), marker)
        elif kind in ("fence", "code_block"):
            marker = _block(token.content.rstrip("\n"), builder, len(lists), marker)
        elif kind == "html_block":
            marker = _block(_TAG.sub(" ", token.content).strip(), builder, len(lists), marker)


def _block(text: str, builder: TextBuilder, depth: int, marker: str) -> str:
    """Add a paragraph, in a list with its marker and indented; returns the marker that is left to place."""
    if not depth:
        builder.add(text)
        return marker
    indent = "  " * (depth - 1)
    hanging = indent + " " * (len(marker) or 2)
    builder.add(indent + (marker or "  ") + text.replace("\n", "\n" + hanging), tight=True)
    return ""


def _inline(children: list[Any]) -> str:
    parts = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "image":
            parts.append(_inline(child.children or []))
        elif child.type == "hardbreak" or (child.type == "html_inline" and child.content.lower().startswith("<br")):
            parts.append("\n")
        elif child.type == "softbreak":
            parts.append(" ")
    return "".join(parts).strip()
