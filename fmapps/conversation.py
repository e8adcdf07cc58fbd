"""A conversation of one principal, and follow-up questions completed from it without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from fmapps.errors import InputError
from fmapps.records import Principal

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""n texts to unit vectors of shape (n, dimension)."""

_MAX_EXCHANGES = 1_000

_LEAD = re.compile(
    r"^(?:(?:and|but|so|ok|okay|also|then)\b[\s,]*)*"
    r"(?P<about>(?:what|how)\s+about\b|what\s+of\b|same\s+for\b|and\b|also\b)?\s*",
    re.IGNORECASE,
)
_CONJUNCTION = re.compile(r"^(?:and|but|so|also|then)\b[\s,]*", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"^(?P<preposition>for|in|under|with|from|to|of|by|at|on|after|before|during|without)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(
    r"^(?:what|when|where|who|whom|whose|which|why|how|is|are|was|were|do|does|did|can|could|may|might|must|shall|should|"
    r"will|would|has|have|had|define|explain|describe|list|show|tell)\b",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|he|she|him|her|his|hers|the former|the latter|there)\b",
    re.IGNORECASE,
)
_SPOKEN_THAT = re.compile(r"\b(?:that|this|those|these)\s+(?=\w)", re.IGNORECASE)
_DETERMINER = re.compile(r"^(?:the|a|an|my|our|your|his|her|their|each|either|any)\s+", re.IGNORECASE)
_TOPIC = re.compile(r"\b(?:of|for|about|with)\s+([\w'’-]+(?:\s+[\w'’-]+){0,2})$", re.IGNORECASE)
"""What a question is about, where it ends with it; a bare noun ("and migraine?") takes its place."""

_CANDIDATE_WORDS = 4
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"[\w'’-]+")
_FUNCTION_WORDS = frozenset(
    (
        "a about after all am an and any are as at be been before but by can could did do does during each "
        "either every for from had has have he her his how i if in into is it its long many may me might more "
        "most much must my no nor not of often on or our shall she should so some such than that the their "
        "them then there these they this those to under up upon was we were what when where which while who "
        "whom whose why will with without would you your"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question of a conversation. Answers are not kept, so that a removed document leaves nothing here.

    Attributes:
        question: as it was asked.
        resolved: as it was searched.
        documents: ids of the documents that the answer cited.
    """

    question: str
    resolved: str
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """A question made able to stand alone.

    Attributes:
        question: what to search.
        note: what was filled in, for the person who asked; empty when nothing was.
    """

    question: str
    note: str = ""


class Conversation:
    """Append-only exchanges of one principal; erasable as a whole."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal
        self._exchanges: tuple[Exchange, ...] = ()
        self._lock = Lock()

    @property
    def principal(self) -> Principal:
        """Whose it is."""
        return self._principal

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Oldest first."""
        return self._exchanges

    def append(self, exchange: Exchange) -> None:
        """Add an exchange at the end; past the newest 1,000, the oldest are let go."""
        with self._lock:
            self._exchanges = (*self._exchanges, exchange)[-_MAX_EXCHANGES:]

    def erase(self) -> int:
        """Forget everything.

        Returns:
            How many exchanges there were.
        """
        with self._lock:
            count = len(self._exchanges)
            self._exchanges = ()
        return count

    def require(self, principal: Principal) -> None:
        """Refuse a conversation of somebody else.

        Raises:
            InputError: another principal asks.
        """
        if principal.id != self._principal.id:
            raise InputError(
                "this conversation belongs to another principal",
                remedy="open one Conversation for each principal",
            )


def resolve(question: str, previous: Sequence[Exchange], *, encode: Encode | None = None) -> Resolution:
    """Complete a follow-up from the question before it.

    A fragment ("and for the supplier?") takes the place of the like phrase in the previous question, or is joined to
    it. A question that refers back ("how much notice must it give?") carries the previous one as its context. Any
    other question is left as it is. English only.

    Args:
        question: as it was asked.
        previous: the exchanges so far, oldest first.
        encode: tells which phrase of the previous question is most like the fragment; without it, no phrase is
            guessed at and the fragment is joined.

    Returns:
        The question to search, and what was filled in.
    """
    asked = question.strip()
    if not previous or not asked:
        return Resolution(question)
    before = previous[-1].resolved.rstrip(" ?.!")
    fragment = _fragment(asked)
    if fragment is not None:
        completed = _substituted(before, fragment, encode) or f"{before}, {fragment}"
        return Resolution(f"{completed}?", f"Understood as: {completed}?")
    if _refers_back(asked):
        own = _CONJUNCTION.sub("", asked).rstrip(" ?.!")
        completed = f"{own[0].upper()}{own[1:]}? (Asked after: {before}?)"
        return Resolution(completed, f"Understood together with the question before: {before}?")
    return Resolution(question)


def _fragment(asked: str) -> str | None:
    """The phrase of a question that has no verb of its own, without its lead-in; None for a whole question."""
    lead = _LEAD.match(asked)
    rest = asked[lead.end() :] if lead else asked
    rest = rest.rstrip(" ?.!").strip()
    if not rest or len(_WORD.findall(rest)) > 8:
        return None
    led_in = bool(lead and lead.group("about")) or bool(_CONJUNCTION.match(asked))
    if _QUESTION_WORD.match(rest):
        return None
    if led_in or _PREPOSITION.match(rest):
        return rest
    return None


def _refers_back(asked: str) -> bool:
    words = _WORD.findall(asked)
    if len(words) > 16:
        return False
    if _CONJUNCTION.match(asked):
        return True
    pronouns = _REFERENCE.sub("", _SPOKEN_THAT.sub("", asked))
    return len(_WORD.findall(pronouns)) < len(_WORD.findall(_SPOKEN_THAT.sub("", asked))) or len(words) <= 2


def _substituted(before: str, fragment: str, encode: Encode | None) -> str | None:
    """The previous question with its like phrase replaced by the fragment; None where that is a guess."""
    preposition = _PREPOSITION.match(fragment)
    rest = preposition.group("rest") if preposition else fragment
    if preposition:
        name = preposition.group("preposition")
        same = list(re.finditer(rf"\b{re.escape(name)}\s+(?:the\s+|a\s+|an\s+)?[\w'’-]+", before, re.IGNORECASE))
        if len(same) == 1:
            return before[: same[0].start()] + fragment + before[same[0].end() :]
    phrases = _phrases(before)
    if not phrases or encode is None:
        return None
    determined = _DETERMINER.match(rest)
    vectors = encode([_DETERMINER.sub("", rest), *(before[start:end] for start, end in phrases)])
    likeness = vectors[1:] @ vectors[0]
    best = int(np.argmax(likeness))
    start, end = phrases[best]
    rivals = [float(likeness[n]) for n, (from_, to) in enumerate(phrases) if to <= start or from_ >= end]
    if likeness[best] < _ALIKE or likeness[best] - max(rivals, default=0.0) < _CLEARLY_MORE_ALIKE:
        topic = _TOPIC.search(before)
        return before[: topic.start(1)] + rest if topic and not determined and not preposition else None
    if before[start:end].casefold() in rest.casefold():
        while (longer := re.search(r"[\w'’-]+\s+$", before[:start])) and end - start < len(rest):
            if longer.group().strip().casefold() in _FUNCTION_WORDS:
                break
            start = longer.start()
    if determined and (own := re.search(r"\b(?:the|a|an|my|our|your)\s+$", before[:start], re.IGNORECASE)):
        start = own.start()
    elif determined and re.search(r"['’]s?\s+$", before[:start]):
        rest = _DETERMINER.sub("", rest)
    return before[:start] + rest + before[end:]


def _phrases(question: str) -> list[tuple[int, int]]:
    """Ranges of one to four words of the question that neither begin nor end with a function word."""
    tokens = list(_TOKEN.finditer(question))
    content = [token.group().casefold() not in _FUNCTION_WORDS for token in tokens]
    return [
        (tokens[first].start(), tokens[last].end())
        for first in range(1, len(tokens))
        for last in range(first, min(first + _CANDIDATE_WORDS, len(tokens)))
        if content[first] and content[last]
    ]


_ALIKE = 0.35
"""Cosine of MiniLM under which two phrases are hardly of one kind ("the supplier" and "the notice period")."""

_CLEARLY_MORE_ALIKE = 0.05
"""Margin under which the choice between two phrases would be a guess."""
