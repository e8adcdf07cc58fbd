"""Corpora and assistants, opened once in a process and shared by its sessions; nothing of a person is kept here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import streamlit as st

from apps.common.library import Collection
from fmapps import Assistant, Corpus
from fmapps.errors import UnreadableFileError
from fmapps.vertical import Vertical, load

Progress = Callable[[str, int, int | None], None]


def open_corpus(path: Path) -> Corpus:
    """Open the corpus in a folder, which is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return Corpus.open(path, create=True)


@st.cache_resource(show_spinner=False)
def vertical_of(name: str) -> Vertical:
    """The installed vertical of that name."""
    return load(name)


@st.cache_resource(show_spinner=False)
def corpus_in(path: str) -> Corpus:
    """The one open corpus of this process in a folder."""
    return open_corpus(Path(path))


@st.cache_resource(show_spinner=False)
def assistant_over(vertical: str, path: str) -> Assistant:
    """The assistant over a folder, for whoever each question names."""
    return Assistant(vertical_of(vertical), corpus=corpus_in(path))


def prepared(collection: Collection, tell: Progress) -> Corpus:
    """The corpus of a collection; sample documents are brought up to date once in a process.

    Args:
        collection: which one.
        tell: told the stage, and how many of how many are done.
    """
    corpus = corpus_in(str(collection.path))
    if collection.samples is not None:
        sampled = _sampled(str(collection.path))
        with sampled.lock:
            if not sampled.done:
                _read_samples(corpus, collection.samples, tell)
                sampled.done = True
    return corpus


@dataclass(slots=True)
class _Sampled:
    """Whether the samples are in a corpus; the lock lets one session of several read them."""

    lock: Lock = field(default_factory=Lock)
    done: bool = False


@st.cache_resource(show_spinner=False)
def _sampled(path: str) -> _Sampled:
    return _Sampled()


def _read_samples(corpus: Corpus, samples: Path, tell: Progress) -> None:
    report = corpus.add_path(samples, progress=tell)
    if report.failures:
        failure = report.failures[0]
        raise UnreadableFileError(
            f"a sample document was not read: {failure.error.message}",
            where=Path(failure.path).name,
            remedy="install fmapps again",
        )
