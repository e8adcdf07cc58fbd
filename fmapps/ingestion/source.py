"""What a reader is given and what it gives back: a file with its limits, documents, failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

from fmapps.errors import FmappsError, UnreadableFileError
from fmapps.records import Document, Heading, Scalar

MAX_FILE_BYTES = 200 * 2**20
"""Larger files are refused unless the caller says otherwise."""

MAX_TEXT_CHARACTERS = 50_000_000
"""Longer texts are refused unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not go in, and why.

    Attributes:
        path: the file, with the line where it is a line that failed.
        error: what was wrong with it and what to do.
    """

    path: str
    error: FmappsError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a reader takes in.

    Attributes:
        file_bytes: of one file, also of what a compressed one holds.
        text_characters: of one document.
    """

    file_bytes: int = MAX_FILE_BYTES
    text_characters: int = MAX_TEXT_CHARACTERS


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file on its way to documents.

    Attributes:
        path: where it is, as the caller named it.
        id: of the document it makes.
        media_type: by its suffix.
        limits: what is too large.
    """

    path: Path
    id: str
    media_type: str = "text/plain"
    limits: Limits = Limits()

    @property
    def stem(self) -> str:
        """The file's name without its suffixes: the title of last resort."""
        name = self.path.name.removesuffix(".gz")
        return printable(Path(name).stem or name)

    def where(self, line: int | None = None) -> str:
        """The file for a message, with the line if there is one."""
        name = printable(str(self.path))
        return name if line is None else f"{name}:{line}"

    def error(self, message: str, remedy: str, *, line: int | None = None) -> UnreadableFileError:
        """What is wrong with this file."""
        return UnreadableFileError(message, where=self.where(line), remedy=remedy)

    def failure(self, error: FmappsError) -> Failure:
        """What is wrong with a part of this file, while the rest goes in."""
        return Failure(error.where or self.where(), error)

    def read(self) -> bytes:
        """The whole file.

        Raises:
            UnreadableFileError: it is empty, or larger than the limit.
        """
        with self.path.open("rb") as stream:
            data = stream.read(self.limits.file_bytes + 1)
        if len(data) > self.limits.file_bytes:
            raise self.too_large()
        if not data:
            raise self.error("the file is empty", "put the text in, or leave the file out")
        return data

    def too_large(self) -> UnreadableFileError:
        """That the file, or what it decompresses to, passes the limit."""
        return self.error(
            f"the file holds more than {self.limits.file_bytes:,} bytes",
            "split it, or raise max_file_bytes (FMAPPS_MAX_FILE_BYTES)",
        )

    def document(
        self,
        text: str,
        *,
        id: str = "",
        title: str = "",
        headings: tuple[Heading, ...] = (),
        pages: tuple[int, ...] = (),
        metadata: Mapping[str, Scalar] | None = None,
        labels: frozenset[str] = frozenset(),
        effective_from: date | None = None,
        effective_to: date | None = None,
        line: int | None = None,
    ) -> Document:
        """Make a document of this file, or of one row of it.

        Args:
            text: as citations will quote it.
            id: of the row; the file's otherwise.
            title: its own; the file's stem otherwise.
            headings: in order.
            pages: where each begins.
            metadata: values to filter on.
            labels: who may read it.
            effective_from: first day in force.
            effective_to: last day in force.
            line: of the row, from 1.

        Raises:
            UnreadableFileError: there is no text, too much of it, or a NUL character in it.
            InvalidDocumentError: the record cannot be, such as a lone surrogate in its text.
        """
        if not text or text.isspace():
            raise self.error("there is no text in it", "put the text in, or leave it out", line=line)
        if len(text) > self.limits.text_characters:
            raise self.error(
                f"the text has {len(text):,} characters, more than the {self.limits.text_characters:,} allowed",
                "split it, or raise max_text_characters (FMAPPS_MAX_TEXT_CHARACTERS)",
                line=line,
            )
        if "\0" in text or "\0" in id or "\0" in title:
            raise self.error("it holds a NUL character, which is not text", "remove U+0000 from it", line=line)
        try:
            return Document(
                id=id or self.id,
                text=text,
                title=" ".join(title.split()) or self.stem,
                metadata=metadata or {},
                labels=labels,
                effective_from=effective_from,
                effective_to=effective_to,
                source=self.where(),
                media_type=self.media_type,
                headings=headings,
                pages=pages,
            )
        except FmappsError as error:
            error.where = self.where(line)
            raise


Reader: TypeAlias = Callable[[SourceFile], Iterator[Document | Failure]]
"""Reads one file into its documents; what it raises, or any exception, becomes the file's failure."""


def printable(name: str) -> str:
    r"""A file's name as text: bytes that are no UTF-8 appear as \xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
