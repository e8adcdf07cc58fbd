"""The object an app holds: a vertical, a corpus and a model, ready to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias

from pydantic import ValidationError

from fmapps.audit import Audit
from fmapps.conversation import Conversation, Exchange, Resolution, resolve
from fmapps.corpus import Corpus
from fmapps.errors import ConfigurationError, DocumentNotFoundError, InputError
from fmapps.generation.composition import AnswerModel
from fmapps.generation.extractive import ExtractiveModel
from fmapps.grounding.verification import ground
from fmapps.pipeline import Step, chain, named, observed, when
from fmapps.records import (
    ANONYMOUS,
    Action,
    Answer,
    Claim,
    Decision,
    Filter,
    Principal,
    Scalar,
    Stage,
    Support,
    Turn,
    page_at,
)
from fmapps.safety.policy import Policy, Rule, decide
from fmapps.task import Boundary, Task, parameters_of
from fmapps.vertical import Vertical, load

Wrap: TypeAlias = Callable[[Step[Turn]], Step[Turn]]
"""Given a step, returns the step to use in its place."""


class Assistant:
    """Answers questions and runs the tasks of one vertical over one corpus.

    Args:
        vertical: its name, or the vertical itself.
        corpus: what may be cited.
        model: "extractive", or an object with the `answer` of `fmapps.generation.composition.AnswerModel`.
        principal: who asks, unless a call names another.
        rules: added after the vertical's own; a deployment can tighten.
        steps: wraps or replaces a step of the turn by its name.
    """

    def __init__(
        self,
        vertical: str | Vertical,
        *,
        corpus: Corpus,
        model: str | AnswerModel = "extractive",
        principal: Principal = ANONYMOUS,
        rules: Sequence[Rule] = (),
        steps: Mapping[str, Wrap] | None = None,
    ) -> None:
        self.vertical = load(vertical) if isinstance(vertical, str) else vertical
        self.corpus = corpus
        self.principal = principal
        self.policy: Policy = self.vertical.policy + rules
        self.model = self._model(model)
        self._audit = Audit.of(corpus)
        self._turn = self._assemble({**self.vertical.steps, **(steps or {})})

    def _model(self, model: str | AnswerModel) -> AnswerModel:
        if model == "extractive":
            return ExtractiveModel(self.corpus.embed)
        if isinstance(model, str):
            raise ConfigurationError(
                f"there is no model {model!r}",
                remedy='use "extractive", or pass an object with a name and an answer(query, hits) method',
            )
        return model

    def _assemble(self, wraps: Mapping[str, Wrap]) -> Step[Turn]:
        default: dict[str, Step[Turn]] = {
            "screen_input": self._screen(Stage.INPUT),
            "retrieve": self._retrieve,
            "screen_context": self._screen(Stage.CONTEXT),
            "compose": self._compose,
            "ground": self._ground,
            "decide": _decide,
            "screen_output": self._screen(Stage.OUTPUT),
        }
        unknown = sorted(set(wraps) - set(default))
        if unknown:
            raise ConfigurationError(f"no step is called {unknown[0]!r}", remedy=f"choose one of: {', '.join(default)}")
        chosen = {name: wraps[name](step) if name in wraps else step for name, step in default.items()}
        going_on = [when(_goes_on, named(name, step)) for name, step in chosen.items()]
        return chain(*going_on)

    def ask(
        self,
        question: str,
        *,
        principal: Principal | None = None,
        conversation: Conversation | None = None,
        documents: Collection[str] | None = None,
        metadata: Mapping[str, Scalar] | None = None,
        as_of: date | str | None = None,
        filter: Filter | None = None,
        limit: int = 10,
        **parameters: Scalar | None,
    ) -> Answer:
        """Answer a question from the corpus, or say plainly why not.

        Args:
            question: in the asker's own words.
            principal: who asks; the assistant's own by default.
            conversation: what was asked before; the question is completed from it and added to it.
            documents: search only these.
            metadata: search only documents with these values.
            as_of: search only what is in force on this day (ISO 8601 where it is text).
            filter: in place of the three before.
            limit: passages to retrieve, 1 to 100.
            parameters: the vertical's own, such as jurisdiction: the fields that its question adds.

        Raises:
            InputError: an empty question, a parameter that the vertical does not have, a date that is none, or
                somebody else's conversation.
        """
        return self._ask(
            question,
            who=principal or self.principal,
            conversation=conversation,
            filter=filter or _filter(documents, metadata, as_of),
            limit=limit,
            parameters=self._parameters(question, {n: v for n, v in parameters.items() if v is not None}),
        )

    def _parameters(self, question: str, given: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
        """The vertical's own parameters, as its question's request model takes them."""
        if not given:
            return given
        task = self.vertical.tasks[0]
        fitted = _fitted(self.vertical.name, task, {"question": question, **given})
        return parameters_of(fitted)

    def _ask(
        self,
        question: str,
        *,
        who: Principal,
        conversation: Conversation | None,
        filter: Filter,
        limit: int,
        parameters: Mapping[str, Scalar],
    ) -> Answer:
        if not question.strip():
            raise InputError("the question is empty", remedy="ask something")
        if not 1 <= limit <= 100:
            raise InputError(f"limit is {limit}", remedy="choose 1 to 100")
        resolution = Resolution(question)
        if conversation is not None:
            conversation.require(who)
            resolution = resolve(question, conversation.exchanges, encode=self.corpus.embed)
        turn = Turn(
            question=question,
            query=resolution.question,
            principal=who,
            filter=filter,
            parameters=parameters,
            limit=limit,
            model=self.model.name,
        )
        spent: dict[str, float] = {}
        tell = observed(lambda name, seconds: spent.__setitem__(name, 1000 * seconds))
        # No step that a vertical can wrap: every turn leaves a record, also where a rule stops it or it fails.
        with tell, self._audit.turn(turn, vertical=self.vertical.name) as record:
            turn = self._turn(turn)
            answer = _answer(turn, resolution, spent)
            named("record", record)((turn, answer))
        if conversation is not None and turn.decision.action is not Action.ESCALATE:
            cited = dict.fromkeys(citation.document_id for claim in turn.claims for citation in claim.citations)
            conversation.append(Exchange(question, resolution.question, tuple(cited)))
        return answer

    async def aask(self, question: str, **options: Any) -> Answer:
        """`ask`, without holding up the event loop."""
        return await asyncio.to_thread(self.ask, question, **options)

    def run(self, task: str, *, principal: Principal | None = None, **request: Any) -> Boundary:
        """Run a task of the vertical.

        Args:
            task: its name, such as "question".
            principal: who asks; the assistant's own by default.
            request: the fields of the task's request model.

        Raises:
            UnknownTaskError: the vertical has no such task.
            InputError: the request does not fit the task's model.
        """
        chosen = self.vertical.task(task)
        fitted = _fitted(self.vertical.name, chosen, request)
        result: Boundary = chosen.run(_TaskContext(self, principal or self.principal), fitted)
        return result

    async def arun(self, task: str, **options: Any) -> Boundary:
        """`run`, without holding up the event loop."""
        return await asyncio.to_thread(self.run, task, **options)

    def _screen(self, stage: Stage) -> Step[Turn]:
        def screen(turn: Turn, /) -> Turn:
            found = self.policy.findings(turn, stage)
            if not found:
                return turn
            findings = turn.findings + found
            return replace(turn, findings=findings, decision=decide(findings))

        return screen

    def _retrieve(self, turn: Turn, /) -> Turn:
        hits = self.corpus.search(turn.query, limit=turn.limit, principal=turn.principal, filter=turn.filter)
        return replace(turn, hits=tuple(hits))

    def _compose(self, turn: Turn, /) -> Turn:
        composed = self.model.answer(turn.query, turn.hits)
        return replace(
            turn,
            claims=composed.claims,
            confidence=composed.confidence,
            abstained=composed.abstained,
            reason=composed.reason,
        )

    def _ground(self, turn: Turn, /) -> Turn:
        pages: dict[tuple[str, str], tuple[int, ...]] = {}

        def read(document_id: str, version: str) -> str | None:
            try:
                document = self.corpus.get(document_id, principal=turn.principal, version=version)
            except DocumentNotFoundError:
                return None
            pages[document_id, version] = document.pages
            return document.text

        grounded = ground(turn.claims, read)
        return replace(turn, claims=tuple(_paged(claim, pages) for claim in grounded))


class _TaskContext:
    """The assistant as a task sees it, on behalf of one principal."""

    def __init__(self, assistant: Assistant, principal: Principal) -> None:
        self._assistant = assistant
        self._principal = principal

    @property
    def principal(self) -> Principal:
        return self._principal

    def ask(self, question: str, *, filter: Filter, limit: int, parameters: Mapping[str, Scalar]) -> Answer:
        return self._assistant._ask(
            question, who=self._principal, conversation=None, filter=filter, limit=limit, parameters=parameters
        )


def _fitted(vertical: str, task: Task[Any, Any], request: Mapping[str, Any]) -> Any:
    """The request as the task's model takes it."""
    try:
        return task.request.model_validate(dict(request))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        )
        raise InputError(
            f"the request does not fit: {wrong}",
            where=f"{vertical} {task.name}",
            remedy=f"its fields are: {', '.join(task.request.model_fields)}",
        ) from None


def _paged(claim: Claim, pages: Mapping[tuple[str, str], tuple[int, ...]]) -> Claim:
    """The claim with each citation on the page where its own words begin, not where its passage does."""
    return replace(
        claim,
        citations=tuple(
            replace(citation, page=page_at(starts, citation.start))
            if (starts := pages.get((citation.document_id, citation.version)))
            else citation
            for citation in claim.citations
        ),
    )


def _goes_on(turn: Turn) -> bool:
    return not turn.stopped


def _decide(turn: Turn, /) -> Turn:
    """Keep what is supported; with nothing left, abstain."""
    kept: tuple[Claim, ...] = tuple(claim for claim in turn.claims if claim.support is Support.SUPPORTED)
    if turn.abstained or kept:
        return replace(turn, claims=() if turn.abstained else kept)
    reasons = [claim.reason for claim in turn.claims if claim.reason]
    reason = (
        f"Nothing that could be said is borne out by the documents: {reasons[0]}" if reasons else "Nothing was found."
    )
    return replace(turn, claims=(), abstained=True, reason=reason, confidence=0.0)


def _filter(
    documents: Collection[str] | None, metadata: Mapping[str, Scalar] | None, as_of: date | str | None
) -> Filter:
    day = as_of
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            raise InputError(f"{as_of!r} is not a date", where="as_of", remedy="write it as YYYY-MM-DD") from None
    return Filter(
        metadata=tuple((key, (value,)) for key, value in (metadata or {}).items()),
        documents=None if documents is None else frozenset(documents),
        as_of=day,
    )


def _answer(turn: Turn, resolution: Resolution, spent: Mapping[str, float]) -> Answer:
    stopped = turn.stopped
    decision: Decision = turn.decision
    reason = decision.message if stopped else turn.reason
    claims = () if stopped or turn.abstained else turn.claims
    return Answer(
        question=turn.question,
        claims=claims,
        text=reason if stopped or turn.abstained else _text(claims),
        confidence=0.0 if stopped else turn.confidence,
        abstained=stopped or turn.abstained,
        reason=reason,
        findings=turn.findings,
        decision=decision,
        hits=() if stopped else turn.hits,
        resolved_question=resolution.question if resolution.note else "",
        model=turn.model,
        milliseconds=spent,
    )


def _text(claims: Sequence[Claim]) -> str:
    """The claims with the numbers of their citations, each citation numbered where it first appears."""
    numbers: dict[object, int] = {}
    parts = []
    for claim in claims:
        marks = "".join(f" [{numbers.setdefault(citation, len(numbers) + 1)}]" for citation in claim.citations)
        parts.append(claim.text + marks)
    return "\n".join(parts)
