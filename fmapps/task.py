"""A typed job: a request model in, a result model out; and the one job every vertical has, the question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from fmapps.records import Action, Answer, Filter, Finding, Hit, Principal, Scalar, Support


class Boundary(BaseModel):
    """What crosses a boundary: unknown fields are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CitationModel(Boundary):
    """A citation as files and HTTP carry it."""

    document_id: str
    version: str
    start: int
    end: int
    quote: str
    title: str = ""
    page: int | None = None


class ClaimModel(Boundary):
    """A claim as files and HTTP carry it."""

    text: str
    citations: list[CitationModel] = []
    support: Support
    reason: str = ""


class FindingModel(Boundary):
    """A finding as files and HTTP carry it."""

    rule_id: str
    action: Action
    message: str
    start: int = 0
    end: int = 0
    source: str = ""


class HitModel(Boundary):
    """A hit as files and HTTP carry it."""

    document_id: str
    version: str
    start: int
    end: int
    text: str
    title: str = ""
    heading: str = ""
    page: int | None = None
    score: float
    scores: dict[str, float] = {}
    explanation: str = ""

    @classmethod
    def of(cls, hit: Hit) -> HitModel:
        """From the record."""
        passage = hit.passage
        return cls(
            document_id=passage.document_id,
            version=passage.version,
            start=passage.start,
            end=passage.end,
            text=passage.text,
            title=passage.title,
            heading=passage.heading,
            page=passage.page,
            score=hit.score,
            scores=hit.scores,
            explanation=hit.explain(),
        )


class AnswerModel(Boundary):
    """An answer as files and HTTP carry it."""

    question: str
    resolved_question: str = ""
    text: str
    claims: list[ClaimModel] = []
    confidence: float = Field(ge=0, le=1)
    abstained: bool
    reason: str = ""
    action: Action
    findings: list[FindingModel] = []
    model: str = ""

    @classmethod
    def of(cls, answer: Answer) -> AnswerModel:
        """From the record."""
        return cls(
            question=answer.question,
            resolved_question=answer.resolved_question,
            text=answer.text,
            claims=[
                ClaimModel(
                    text=claim.text,
                    citations=[CitationModel(**_fields(citation)) for citation in claim.citations],
                    support=claim.support,
                    reason=claim.reason,
                )
                for claim in answer.claims
            ],
            confidence=answer.confidence,
            abstained=answer.abstained,
            reason=answer.reason,
            action=answer.decision.action,
            findings=[_finding(finding) for finding in answer.findings],
            model=answer.model,
        )


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _finding(finding: Finding) -> FindingModel:
    return FindingModel(**_fields(finding))


class QuestionRequest(Boundary):
    """A question over the corpus; a vertical adds its own fields, which become the turn's parameters."""

    question: str = Field(min_length=1, max_length=20_000)
    documents: list[str] | None = Field(default=None, description="search only these documents")
    metadata: dict[str, Scalar] = Field(default={}, description="search only documents with these values")
    as_of: date | None = Field(default=None, description="search only what is in force on this day")
    limit: int = Field(default=10, ge=1, le=100, description="passages to retrieve")


class Context(Protocol):
    """What a task may use: the assistant that runs it, on behalf of one principal."""

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    def ask(self, question: str, *, filter: Filter, limit: int, parameters: Mapping[str, Scalar]) -> Answer:
        """The whole turn: rules, retrieval, composition, grounding, decision."""
        ...


Request = TypeVar("Request", bound=Boundary)
Result = TypeVar("Result", bound=Boundary)


@dataclass(frozen=True, slots=True)
class Task(Generic[Request, Result]):
    """A typed job of a vertical.

    Attributes:
        name: as the command line and HTTP call it, such as "contract-review".
        description: one sentence.
        request: the model of what goes in.
        result: the model of what comes out.
        run: does it, on behalf of the context's principal.
    """

    name: str
    description: str
    request: type[Request]
    result: type[Result]
    run: Callable[[Context, Request], Result]


def parameters_of(request: QuestionRequest) -> dict[str, Scalar]:
    """What a vertical's question adds to the common fields, where it is given."""
    return {
        name: value if isinstance(value, str | int | float | bool) else str(value)
        for name, value in request
        if name not in QuestionRequest.model_fields and value is not None
    }


def ask_question(context: Context, request: QuestionRequest) -> AnswerModel:
    """The question task, the same in every vertical: what a vertical adds travels as parameters."""
    answer = context.ask(
        request.question,
        filter=Filter(
            metadata=tuple((key, (value,)) for key, value in request.metadata.items()),
            documents=None if request.documents is None else frozenset(request.documents),
            as_of=request.as_of,
        ),
        limit=request.limit,
        parameters=parameters_of(request),
    )
    return AnswerModel.of(answer)
