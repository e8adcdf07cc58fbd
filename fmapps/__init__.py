"""Assistants on foundation models for law, healthcare and education, whose every claim can be re-read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fmapps.errors import FmappsError
from fmapps.records import (
    Answer,
    Citation,
    Claim,
    Document,
    Filter,
    Finding,
    Hit,
    Passage,
    Principal,
)

if TYPE_CHECKING:
    from fmapps.assistant import Assistant
    from fmapps.conversation import Conversation
    from fmapps.corpus import Corpus
    from fmapps.vertical import Vertical

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Assistant",
    "Citation",
    "Claim",
    "Conversation",
    "Corpus",
    "Document",
    "Filter",
    "Finding",
    "FmappsError",
    "Hit",
    "Passage",
    "Principal",
    "Vertical",
]

_LATE = {
    "Assistant": "fmapps.assistant",
    "Conversation": "fmapps.conversation",
    "Corpus": "fmapps.corpus",
    "Vertical": "fmapps.vertical",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'fmapps' has no attribute {name!r}")
