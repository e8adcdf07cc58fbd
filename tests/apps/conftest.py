"""What the tests of the pages share: a local session, a home in a temporary folder, an embedder without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from apps.common import resources, session
from apps.common.launch import APPS
from apps.common.session import Connection
from apps.common.settings import AppSettings, app_settings
from fmapps import Corpus
from fmapps.retrieval.embedding import HashingEmbedder

HERE = Connection("127.0.0.1", None, {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"})
"""A browser on this machine."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which the pages keep their collections; nothing is left open or cached afterwards."""
    opened: list[Corpus] = []

    def open_corpus(path: Path) -> Corpus:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened.append(Corpus.open(path, embedder=HashingEmbedder(256)))
        return opened[-1]

    for name in AppSettings.model_fields:
        monkeypatch.delenv(f"FMAPPS_{name.upper()}", raising=False)
    monkeypatch.setenv("FMAPPS_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(resources, "open_corpus", open_corpus)
    monkeypatch.setattr(session, "current_connection", lambda: HERE)
    app_settings.cache_clear()
    st.cache_resource.clear()
    yield tmp_path / "home"
    st.cache_resource.clear()
    app_settings.cache_clear()
    for corpus in opened:
        corpus.close()


@pytest.fixture
def page(home: Path) -> Callable[[str], AppTest]:
    """Opens the page of a vertical."""

    def opened(vertical: str) -> AppTest:
        return AppTest.from_file(str(APPS / f"{vertical}.py"), default_timeout=60).run()

    return opened
