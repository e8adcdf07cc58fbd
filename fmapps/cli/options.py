"""The options that commands share, and what they are read into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from fmapps.records import Filter, Principal, Scalar

if TYPE_CHECKING:
    from fmapps.corpus import Corpus

CorpusOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--corpus", metavar="FOLDER", help="The corpus; FMAPPS_CORPUS, or else corpus.fmapps, by default."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON, and nothing else, on stdout.")]
ReaderLabels: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="LABEL", help="An access label that you hold; repeat for more."),
]
RoleOption: TypeAlias = Annotated[str, typer.Option("--role", help="Your role, as the vertical names it.")]
WhereOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only documents with this metadata; repeat a key for any of its values, other keys to narrow further.",
    ),
]
DocumentOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--document", metavar="ID", help="Only this document; repeat for more.")
]
AsOfOption: TypeAlias = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Only what is in force on that day."),
]
LimitOption: TypeAlias = Annotated[int, typer.Option("--limit", min=1, max=100, help="How many passages to retrieve.")]


def folder(corpus: Path | None) -> Path:
    """The corpus that is meant."""
    if corpus is not None:
        return corpus
    from fmapps.settings import settings

    return settings().corpus


def open_corpus(corpus: Path | None, *, create: bool = False, read_only: bool = False) -> Corpus:
    """Open the corpus that is meant."""
    from fmapps.corpus import Corpus

    return Corpus.open(folder(corpus), create=create, read_only=read_only)


def principal(labels: Sequence[str] | None, role: str = "") -> Principal:
    """The local user, with the labels given."""
    return Principal("local", role=role, labels=frozenset(labels or ()))


def pairs(given: Sequence[str] | None, option: str) -> list[tuple[str, str]]:
    """Each `key=value` in two.

    Raises:
        typer.BadParameter: one of them has no key or no equals sign.
    """
    found = []
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
        found.append((key.strip(), value))
    return found


def scalar(text: str) -> Scalar:
    """What a value written on the command line means: true, false and numbers as JSON has them, else the text itself.

    Quote a number to keep it a text: '"2026"'.
    """
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float | bool) else text


def search_filter(where: Sequence[str] | None, documents: Sequence[str] | None, as_of: datetime | None) -> Filter:
    """What the options let a search look at."""
    wanted: dict[str, dict[Scalar, None]] = {}
    for key, text in pairs(where, "--where"):
        # A file may hold 2026 as a number or as a text, and who asks cannot know: both are meant.
        wanted.setdefault(key, {}).update({scalar(text): None, text: None})
    return Filter(
        metadata=tuple((key, tuple(values)) for key, values in wanted.items()),
        documents=frozenset(documents) if documents else None,
        as_of=as_of.date() if as_of else None,
    )
