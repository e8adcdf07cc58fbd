"""What one session has in front of it: its questions and answers over one collection, and the source it reads."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from fmapps import Conversation
from fmapps.records import Answer, Citation, Passage, Principal

_LONGEST = 50
"""Answers that stay on a page; older ones leave it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer on the page.

    Attributes:
        number: counts the questions of the session, from 1.
        answer: what came.
        scope: what it was asked under, in words.
    """

    number: int
    answer: Answer
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The range of a document that is being read.

    Attributes:
        document_id: the document.
        version: which text of it.
        start: first character.
        end: one past the last.
        words: what should stand there.
        chip: key of the citation that opened it; empty if a found passage did.
        whole: whether the whole document is to be shown, however long.
    """

    document_id: str
    version: str
    start: int
    end: int
    words: str
    chip: str = ""
    whole: bool = False

    @classmethod
    def of(cls, source: Citation | Passage, chip: str = "") -> Opened:
        """To read what a citation or a passage points at."""
        words = source.quote if isinstance(source, Citation) else source.text
        return cls(source.document_id, source.version, source.start, source.end, words, chip)


@dataclass(slots=True)
class Desk:
    """A conversation over one collection, as the page shows it."""

    conversation: Conversation
    shown: list[Shown] = field(default_factory=list)
    opened: Opened | None = None
    openings: int = 0
    asked: int = 0

    def add(self, answer: Answer, scope: str) -> None:
        """Put an answer on the page."""
        self.asked += 1
        self.shown = [*self.shown, Shown(self.asked, answer, scope)][-_LONGEST:]
        self.opened = None

    def open(self, opened: Opened | None) -> None:
        """Read a source; None: close it."""
        self.opened = opened
        self.openings += 1

    def erase(self) -> None:
        """Forget every question and answer."""
        self.conversation.erase()
        self.shown = []
        self.opened = None


def hand_over(principal: Principal) -> None:
    """Empty the session if it belonged to somebody else; call it before anything else is drawn."""
    state = st.session_state
    if state.get("principal") != principal:
        for key in list(state.keys()):
            del state[key]
        state["principal"] = principal
        state["desks"] = {}


def desk_of(principal: Principal, collection: str) -> Desk:
    """The session's desk over a collection, by the collection's folder."""
    desks: dict[str, Desk] = st.session_state["desks"]
    return desks.setdefault(collection, Desk(Conversation(principal)))
