"""From a path to documents: which reader reads which file, folders in order, and failures that stop nothing else."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from fmapps.errors import FmappsError, UnreadableFileError
from fmapps.ingestion.signature import HEAD, sniff
from fmapps.ingestion.source import (
    MAX_FILE_BYTES,
    MAX_TEXT_CHARACTERS,
    Failure,
    Limits,
    Reader,
    SourceFile,
    printable,
)
from fmapps.records import Document

__all__ = ["Failure", "Format", "count_files", "formats", "read_path", "register"]

_READERS = "fmapps.ingestion.readers"


@dataclass(frozen=True, slots=True)
class Format:
    """A file format that can be read.

    Attributes:
        media_type: its registered name.
        suffixes: in lower case, each with its dot.
        reader: "module:function", imported when the first such file is read, or the function itself.
        signatures: the media types that `sniff` may find in such a file; empty: none, it is text.
        required: whether `sniff` must find one of them.
    """

    media_type: str
    suffixes: tuple[str, ...]
    reader: str | Reader
    signatures: frozenset[str] = frozenset()
    required: bool = False

    def load(self) -> Reader:
        """The function that reads it."""
        if not isinstance(self.reader, str):
            return self.reader
        module, _, name = self.reader.partition(":")
        reader: Reader = getattr(import_module(module), name)
        return reader


_MARKUP = frozenset({"text/html", "application/xml"})
_FORMATS = [
    Format("text/plain", (".txt", ".text"), f"{_READERS}.text:read_text"),
    Format("text/markdown", (".md", ".markdown"), f"{_READERS}.markdown:read_markdown"),
    Format("text/html", (".html", ".htm", ".xhtml"), f"{_READERS}.html:read_html", _MARKUP),
    Format("application/pdf", (".pdf",), f"{_READERS}.pdf:read_pdf", frozenset({"application/pdf"}), True),
    Format(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        (".docx",),
        f"{_READERS}.docx:read_docx",
        frozenset({"application/zip"}),
        True,
    ),
    Format("application/xml", (".xml",), f"{_READERS}.xml:read_xml", frozenset({"application/xml"})),
    Format("application/json", (".json",), f"{_READERS}.json:read_json"),
    Format("application/jsonl", (".jsonl", ".ndjson"), f"{_READERS}.jsonl:read_jsonl"),
    Format(
        "application/jsonl",
        (".jsonl.gz", ".ndjson.gz"),
        f"{_READERS}.jsonl:read_jsonl",
        frozenset({"application/gzip"}),
        True,
    ),
    Format("text/csv", (".csv", ".tsv"), f"{_READERS}.csv:read_csv"),
]

_EXPORTS = {
    ".doc": "save it as .docx",
    ".docm": "save it as .docx",
    ".odt": "save it as .docx",
    ".rtf": "save it as .docx",
    ".xls": "save each sheet as .csv",
    ".xlsx": "save each sheet as .csv",
    ".ppt": "export it as PDF",
    ".pptx": "export it as PDF",
    ".zip": "unpack it, and read the folder",
}


def formats() -> tuple[Format, ...]:
    """Every format that can be read, the last registered first."""
    return tuple(reversed(_FORMATS))


def register(format: Format) -> None:
    """Add a format; for a suffix that is already read, the new one takes over."""
    _FORMATS.append(format)


def read_path(
    path: str | Path,
    *,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_text_characters: int = MAX_TEXT_CHARACTERS,
) -> Iterator[Document | Failure]:
    """Read a file, or every file of a folder and its folders in sorted order.

    Hidden files and folders are passed over, and so are corpus folders (*.fmapps), word processors' lock files (~$*),
    links to folders and links out of the folder. A document's id is its file's path within the folder (for a single
    file, its name), so that reading again finds it again; a row of a table or of JSON Lines has the id that it states.
    A file whose bytes contradict its suffix is refused, with the name of what it is.

    Args:
        path: a file or a folder.
        max_file_bytes: larger files are refused.
        max_text_characters: longer texts are refused.

    Returns:
        Documents as they are read, and a failure for each file or row that could not be.

    Raises:
        UnreadableFileError: nothing is at `path`.
    """
    root = _existing(path)
    limits = Limits(max_file_bytes, max_text_characters)
    return (item for file in _files(root) for item in _read_file(root, file, limits))


def count_files(path: str | Path) -> int:
    """How many files `read_path` would read, for a progress bar.

    Raises:
        UnreadableFileError: nothing is at `path`.
    """
    return sum(1 for _ in _files(_existing(path)))


def _existing(path: str | Path) -> Path:
    root = Path(path)
    if not root.exists():
        raise UnreadableFileError(
            "there is no such file or folder", where=printable(str(path)), remedy="check the path and its spelling"
        )
    return root


def _files(root: Path) -> Iterator[Path]:
    """The files below a folder, depth first, names in order; what cannot be listed stands for itself."""
    inside = root.resolve()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        try:
            below = sorted(path.iterdir(), reverse=True) if path.is_dir() else None
        except OSError:
            below = None
        if below is None:
            yield path
            continue
        waiting.extend(child for child in below if not _is_hidden(child) and not _is_outside(child, inside))


def _is_hidden(path: Path) -> bool:
    """Whether a path is hidden, a word processor's lock file, or the folder of a corpus."""
    return path.name.startswith((".", "~$")) or path.name.endswith(".fmapps")


def _is_outside(path: Path, inside: Path) -> bool:
    """Whether a path is a link to a folder, in a circle, or out of the folder that is read."""
    if not path.is_symlink():
        return False
    try:
        return path.is_dir() or not path.resolve(strict=False).is_relative_to(inside)
    except (OSError, RuntimeError):
        return True


def _read_file(root: Path, path: Path, limits: Limits) -> Iterator[Document | Failure]:
    id = path.name if path == root else path.relative_to(root).as_posix()
    file = SourceFile(path, printable(id), limits=limits)
    try:
        format = _format_of(file)
        file = SourceFile(path, file.id, format.media_type, limits)
        yield from format.load()(file)
    except FmappsError as error:
        error.where = error.where or file.where()
        yield file.failure(error)
    except OSError as error:
        yield file.failure(
            file.error(f"it cannot be opened: {error.strerror or error}", "check that it is there and may be read")
        )
    except Exception as error:
        # A parser may stop on a damaged file in any way; its own words could repeat the file's: only the kind is told.
        failure = file.error(
            f"its reader stopped ({type(error).__name__}): it is damaged, or of a kind not foreseen",
            "open it in the program that wrote it and save it again, or export it as text",
        )
        failure.__cause__ = error
        yield file.failure(failure)


def _format_of(file: SourceFile) -> Format:
    """The format to read a file in; refuses what is no plain file, too large, unknown or mislabelled."""
    status = file.path.stat()
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise file.error("the folder may not be listed", "give yourself the right to read it")
        raise file.error("it is not a plain file", "leave it out")
    if status.st_size > file.limits.file_bytes:
        raise file.too_large()
    if not status.st_size:
        raise file.error("the file is empty", "put the text in, or leave the file out")
    name = file.path.name.lower()
    format = next((f for f in formats() if name.endswith(f.suffixes)), None)
    with file.path.open("rb") as stream:
        found = sniff(stream.read(HEAD))
    suffix = file.path.suffix.lower()
    if format is None:
        if suffix or found:
            kinds = ", ".join(sorted(suffix for f in formats() for suffix in f.suffixes))
            what = f"it is {found[1]}, and" if found else "no reader is there for it:"
            raise file.error(
                f"{what} the suffix {suffix or '(none)'} is not one that is read",
                _EXPORTS.get(suffix, f"export it as one of {kinds}"),
            )
        return _FORMATS[0]
    if (found and found[0] not in format.signatures) or (format.required and not found):
        raise _mislabelled(file, suffix, found)
    return format


def _mislabelled(file: SourceFile, suffix: str, found: tuple[str, str] | None) -> UnreadableFileError:
    if found is None:
        return file.error(
            f"its suffix is {suffix}, but its first bytes are not: it is damaged, or something else",
            "restore it from a sound copy, or give it the suffix of what it is",
        )
    media_type, name = found
    if media_type == "application/x-ole" and suffix == ".docx":
        return file.error(
            "it is encrypted with a password, or in the old .doc format",
            "open it in a word processor, remove the password, and save it as .docx",
        )
    right = next((f.suffixes[0] for f in formats() if media_type in f.signatures and f.media_type == media_type), None)
    remedy = f"rename it to {right}" if right else "give it its right suffix, or export it as text"
    return file.error(f"its suffix is {suffix}, but it is {name}", remedy)
