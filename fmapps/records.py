"""What flows through fmapps: the frozen records that every room shares."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from fmapps.errors import InvalidDocumentError

Scalar: TypeAlias = str | int | float | bool
"""A metadata value: what a filter can compare."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a document: `document.text[start:end]` is its wording.

    Attributes:
        start: first character, counted in Unicode code points.
        end: one past the last character.
        level: 1 for the outermost.
    """

    start: int
    end: int
    level: int


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its name, its access labels and the period in which it is in force.

    Attributes:
        id: unique in its corpus.
        text: the whole text; every offset in fmapps counts its code points.
        title: what a person would call it.
        metadata: values that a search can filter on.
        labels: a principal must hold every one of them to read the document; none means everyone may.
        effective_from: first day in force; None: always was.
        effective_to: last day in force; None: still is.
        source: where it came from (a path, a URL), shown to the reader.
        media_type: of the file it was read from.
        headings: in order of `start`.
        pages: the offset at which each page starts, for paged media; empty otherwise.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Scalar] = field(default_factory=dict, hash=False)
    labels: frozenset[str] = frozenset()
    effective_from: date | None = None
    effective_to: date | None = None
    source: str = ""
    media_type: str = "text/plain"
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.id or not self.id.strip():
            raise InvalidDocumentError(
                "a document has no id", where=self.source, remedy="give it an id that is unique in its corpus"
            )
        for name in ("id", "title", "text"):
            value: str = getattr(self, name)
            if _has_surrogates(value):
                raise InvalidDocumentError(
                    f"the {name} of document {self.id!a} holds a lone surrogate, which is not a character",
                    where=self.source,
                    remedy="decode the source with its right encoding, or with errors='replace'",
                )
        if self.effective_from and self.effective_to and self.effective_from > self.effective_to:
            raise InvalidDocumentError(
                f"document {self.id!r} ends ({self.effective_to}) before it begins ({self.effective_from})",
                where=self.source,
                remedy="swap or correct effective_from and effective_to",
            )

    @property
    def version(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def page_of(self, offset: int) -> int | None:
        """The page (from 1) that holds the character at `offset`; None where there are no pages."""
        return page_at(self.pages, offset)


def page_at(pages: tuple[int, ...], offset: int) -> int | None:
    """The page (from 1) that holds the character at `offset`, given where each page starts."""
    return bisect_right(pages, offset) or 1 if pages else None


def _has_surrogates(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Passage:
    """A range of one version of a document: `document.text[start:end] == text`, always.

    Attributes:
        document_id: the document.
        version: SHA-256 of the document's text.
        start: first character.
        end: one past the last.
        text: the words.
        title: the document's title.
        heading: the headings above it, outermost first, joined by " > ".
        page: the page (from 1) on which it starts; None where there are no pages.
    """

    document_id: str
    version: str
    start: int
    end: int
    text: str
    title: str = ""
    heading: str = ""
    page: int | None = None

    @property
    def id(self) -> str:
        """Names the passage for people and logs."""
        return f"{self.document_id}#{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Signal:
    """What one retriever said of a passage, and what it brought to the score.

    Attributes:
        retriever: its name, such as "lexical" or "dense".
        score: in its own unit (BM25, cosine).
        rank: its rank there, from 1; None if it did not bring the passage, or does not rank.
        contribution: what it added to the fused score.
    """

    retriever: str
    score: float
    rank: int | None
    contribution: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its score and the reasons for it.

    Attributes:
        passage: what was found.
        score: fused; comparable within one search only.
        signals: one for each retriever that scored it, largest contribution first.
        note: what else moved the score, in words.
    """

    passage: Passage
    score: float
    signals: tuple[Signal, ...] = ()
    note: str = ""

    @property
    def scores(self) -> dict[str, float]:
        """The score of each retriever, by name."""
        return {signal.retriever: signal.score for signal in self.signals}

    def explain(self) -> str:
        """One sentence a person can follow: who found it, at which rank, and what that counted for."""
        parts = [
            f"{signal.retriever.replace('_', ' ')} {signal.score:.3g}"
            + (f" (rank {signal.rank})" if signal.rank else "")
            + f" adds {signal.contribution:+.2f}"
            for signal in self.signals
        ]
        sentence = f"score {self.score:.2f}: " + "; ".join(parts) if parts else f"score {self.score:.2f}"
        return f"{sentence}; {self.note}" if self.note else sentence


@dataclass(frozen=True, slots=True)
class Citation:
    """A range of one version of a stored document, with the words that stand there."""

    document_id: str
    version: str
    start: int
    end: int
    quote: str
    title: str = ""
    page: int | None = None

    def where(self) -> str:
        """How a reader finds it: title, page if there is one, and character range."""
        page = f", page {self.page}" if self.page else ""
        return f"{self.title or self.document_id}{page}, characters {self.start}-{self.end}"


class Support(StrEnum):
    """Whether the cited words bear a claim out."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, its citations, and whether they support it.

    Attributes:
        text: the sentence.
        citations: what it rests on.
        support: never `supported` without a citation that was re-read.
        reason: why it is not supported, or could not be checked.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    support: Support = Support.UNCHECKED
    reason: str = ""


class Stage(StrEnum):
    """Where in a turn a rule looks."""

    INPUT = "input"
    CONTEXT = "context"
    OUTPUT = "output"


class Action(StrEnum):
    """What a finding asks for, from the mildest to the strongest."""

    ALLOW = "allow"
    ANNOTATE = "annotate"
    REDACT = "redact"
    ASK = "ask"
    ROUTE = "route"
    REFUSE = "refuse"
    ESCALATE = "escalate"

    @property
    def strength(self) -> int:
        """0 for allow, rising."""
        return list(Action).index(self)

    @property
    def stops(self) -> bool:
        """Whether the turn ends here instead of going on to an answer."""
        return self.strength >= Action.ASK.strength


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule saw.

    Attributes:
        rule_id: the rule.
        action: what it asks for.
        message: one sentence to the person it concerns.
        start: first character of what it saw, in the text it looked at.
        end: one past the last.
        source: on whose authority the rule stands.
    """

    rule_id: str
    action: Action
    message: str
    start: int = 0
    end: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the findings add up to, and which of them made it."""

    action: Action = Action.ALLOW
    findings: tuple[Finding, ...] = ()

    @property
    def message(self) -> str:
        """What to tell the person: the messages of the findings that decided."""
        return "\n\n".join(dict.fromkeys(f.message for f in self.findings if f.action is self.action and f.message))

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that decided."""
        return tuple(dict.fromkeys(f.rule_id for f in self.findings if f.action is self.action))


@dataclass(frozen=True, slots=True)
class Answer:
    """Claims, the text they make, how sure it is, and what the rules found.

    Attributes:
        question: as it was asked.
        claims: in reading order.
        text: what to show; for an abstention, the plain reason.
        confidence: from 0 to 1.
        abstained: whether the assistant kept silent.
        reason: why it abstained, or was stopped; empty otherwise.
        findings: of every rule that fired.
        decision: what they added up to.
        hits: what was retrieved, best first.
        resolved_question: what was searched, when a follow-up was completed from the conversation.
        model: what wrote it.
        milliseconds: spent in each step, by name.
    """

    question: str
    claims: tuple[Claim, ...] = ()
    text: str = ""
    confidence: float = 0.0
    abstained: bool = False
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    decision: Decision = Decision()
    hits: tuple[Hit, ...] = ()
    resolved_question: str = ""
    model: str = ""
    milliseconds: Mapping[str, float] = field(default_factory=dict, hash=False, compare=False)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every citation, in reading order, without repeats."""
        return tuple(dict.fromkeys(citation for claim in self.claims for citation in claim.citations))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        id: of the person or system.
        role: as the vertical names it, such as "lawyer", "patient", "teacher".
        labels: the access labels they hold; a document is readable when all of its labels are among them.
    """

    id: str
    role: str = ""
    labels: frozenset[str] = frozenset()

    def may_read(self, labels: frozenset[str]) -> bool:
        """Whether a document with these labels is readable."""
        return labels <= self.labels


ANONYMOUS = Principal("anonymous")
"""Reads only what carries no label."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search may look at, besides what the principal's labels allow; decided before ranking.

    Attributes:
        metadata: each key must have the value, or one of the values.
        documents: only these documents; None: all.
        as_of: only what is in force on that day; None: any day.
    """

    metadata: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()
    documents: frozenset[str] | None = None
    as_of: date | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return not self.metadata and self.documents is None and self.as_of is None


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on its way to its answer; each step returns a new one.

    Attributes:
        question: as it was asked.
        query: what is searched: the question, or the follow-up completed from the conversation.
        principal: who asks.
        filter: what may be searched.
        parameters: the vertical's own, such as jurisdiction or reading level.
        limit: how many passages to retrieve.
        hits: retrieved, best first.
        claims: composed, then grounded.
        confidence: from 0 to 1.
        findings: of the rules so far.
        decision: what they add up to so far.
        abstained: whether to keep silent.
        reason: why.
        text: what to show.
        model: what wrote the claims.
    """

    question: str
    query: str
    principal: Principal = ANONYMOUS
    filter: Filter = Filter()
    parameters: Mapping[str, Scalar] = field(default_factory=dict, hash=False)
    limit: int = 10
    hits: tuple[Hit, ...] = ()
    claims: tuple[Claim, ...] = ()
    confidence: float = 0.0
    findings: tuple[Finding, ...] = ()
    decision: Decision = Decision()
    abstained: bool = False
    reason: str = ""
    text: str = ""
    model: str = ""

    @property
    def stopped(self) -> bool:
        """Whether a rule has ended the turn."""
        return self.decision.action.stops
