"""The sidebar: choose or make a collection, add documents to it, and read what became of each file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Protocol

import streamlit as st

from apps.common import wording
from apps.common.library import Collection, collections, new_collection
from apps.common.resources import Progress
from apps.common.settings import AppSettings
from fmapps import Corpus
from fmapps.errors import FmappsError, InputError
from fmapps.ingestion.reader import Failure, count_files, formats, read_path
from fmapps.records import Document, Principal
from fmapps.settings import settings
from fmapps.vertical import Vertical

_NEW = "Make a new collection…"


def suffixes() -> list[str]:
    """Of the files that can be uploaded, in order."""
    return sorted({suffix for format in formats() for suffix in format.suffixes})


class Upload(Protocol):
    """An uploaded file."""

    @property
    def name(self) -> str:
        """As its owner calls it."""
        ...

    def getvalue(self) -> bytes:
        """Its bytes."""
        ...


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        name: of the file.
        outcome: "added", "updated", "unchanged" or "failed"; where one file holds several documents, how many of each.
        detail: for a failure, what was wrong and what to do.
    """

    name: str
    outcome: str
    detail: str = ""


def choose(vertical: Vertical, principal: Principal, settings: AppSettings, *, local: bool) -> Collection | None:
    """Let the person choose a collection, or make one; None while a new one has no name yet."""
    state = st.session_state
    offered = collections(vertical, principal, settings, local=local)
    made: Collection | None = state.get("made")
    if made is not None and made.path not in {collection.path for collection in offered}:
        offered.append(made)
    by_title = {collection.title: collection for collection in reversed(offered)}
    titles = list(dict.fromkeys(collection.title for collection in offered))
    if "choose" in state:
        state["collection"] = state.pop("choose")
    chosen = st.selectbox("Documents to search", [*titles, _NEW], key="collection")
    if chosen in by_title:
        return by_title[chosen]
    with st.form("new-collection", border=False):
        name = st.text_input("Name of the collection", max_chars=60)
        if st.form_submit_button("Make it"):
            try:
                collection = new_collection(name, vertical, principal, settings)
            except InputError as error:
                st.html(wording.failure(error))
            else:
                state["made"], state["choose"] = collection, collection.title
                st.rerun()
    return None


def add(collection: Collection, corpus: Corpus, *, local: bool) -> None:
    """Let the person add files, and on their own machine folders, to the collection."""
    if not collection.writable:
        if collection.samples is not None:
            st.html('<p class="fm-small">To search your own documents, make a new collection above.</p>')
        return
    with st.form("upload", clear_on_submit=True, border=False):
        uploads = st.file_uploader("Add files", type=suffixes(), accept_multiple_files=True)
        if st.form_submit_button("Add these files"):
            _do(collection, lambda tell: add_uploads(corpus, uploads or (), tell))
    if local:
        with st.form("folder", border=False):
            folder = st.text_input("Or add a folder on this computer", placeholder="/path/to/documents")
            if st.form_submit_button("Add this folder"):
                _do(collection, lambda tell: add_folder(corpus, folder, tell))
    outcomes: tuple[Path, list[FileOutcome]] | None = st.session_state.get("outcomes")
    if outcomes is not None and outcomes[0] == collection.path:
        show_outcomes(outcomes[1])


def _do(collection: Collection, work: Callable[[Progress], list[FileOutcome]]) -> None:
    bar = st.progress(0.0, text="Reading …")
    try:
        st.session_state["outcomes"] = (collection.path, work(telling(bar.progress)))
    except FmappsError as error:
        st.html(wording.failure(error))
    finally:
        bar.empty()


def telling(draw: Callable[..., object]) -> Progress:
    """Progress of a corpus as a bar: `draw` is the bar's `progress`."""

    def tell(stage: str, done: int, total: int | None) -> None:
        fraction = min(1.0, done / total) if total else 0.0
        words = f"{stage.capitalize()}: {done:,}" + (f" of {total:,}" if total else "")
        draw(fraction, text=words)

    return tell


def add_uploads(corpus: Corpus, uploads: Sequence[Upload], tell: Progress) -> list[FileOutcome]:
    """Add uploaded files one by one; what cannot be read fails alone.

    The files are read from a folder that is gone afterwards; what stays is what the corpus holds.
    """
    if not uploads:
        raise InputError("no file was chosen", remedy="choose one or more files first")
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for done, upload in enumerate(uploads):
            tell("files", done, len(uploads))
            path = Path(folder) / (Path(upload.name.replace("\\", "/")).name or "file")
            path.write_bytes(upload.getvalue())
            try:
                report = corpus.add(_read(path))
            except InputError as error:
                outcomes.append(_failed(path.name, error))
                continue
            finally:
                path.unlink()
            counts = {name: getattr(report, name) for name in ("added", "updated", "unchanged")}
            several = sum(counts.values()) > 1
            said = ", ".join(f"{count:,} {name}" if several else name for name, count in counts.items() if count)
            if said:
                outcomes.append(FileOutcome(path.name, said))
            outcomes += [_failed(path.name, failure.error) for failure in report.failures]
        tell("files", len(uploads), len(uploads))
    return outcomes


def _read(path: Path) -> Iterator[Document | Failure]:
    """The documents of an uploaded file, whose source is its name: where it lay for a moment says nothing."""
    limits = settings()
    for item in read_path(path, max_file_bytes=limits.max_file_bytes, max_text_characters=limits.max_text_characters):
        if isinstance(item, Document):
            yield replace(item, source=item.source.replace(str(path), path.name))
        else:
            yield item


def add_folder(corpus: Corpus, folder: str, tell: Progress) -> list[FileOutcome]:
    """Add every file of a folder and of the folders in it.

    Raises:
        InputError: there is no such folder.
    """
    path = Path(folder.strip()).expanduser()
    if not folder.strip() or not path.is_dir():
        raise InputError("there is no such folder", where=folder.strip(), remedy="give the full path of a folder")
    files = count_files(path)
    report = corpus.add_path(path, progress=lambda stage, done, total: tell(stage, done, total or max(done, files)))
    said = f"{report.added:,} added, {report.updated:,} updated, {report.unchanged:,} unchanged"
    return [
        FileOutcome(path.name, said),
        *(_failed(_below(Path(failure.path), path), failure.error) for failure in report.failures),
    ]


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


def _failed(name: str, error: FmappsError) -> FileOutcome:
    sentences = [wording.sentence(part) for part in (error.message, error.remedy) if part]
    return FileOutcome(name, "failed", " ".join(sentences))


def show_outcomes(outcomes: Sequence[FileOutcome]) -> None:
    """What became of each file, as a list."""
    rows = "".join(
        f"<li><strong>{escape(outcome.name)}</strong>: {escape(outcome.outcome)}"
        + (f'<br><span class="fm-where">{escape(outcome.detail)}</span>' if outcome.detail else "")
        + "</li>"
        for outcome in outcomes
    )
    st.html(
        f'<div role="status"><p class="fm-subhead">What became of the files</p><ul class="fm-files">{rows}</ul></div>'
    )
