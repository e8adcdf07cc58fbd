"""The question task of the law vertical."""

from __future__ import annotations

from fmapps.task import AnswerModel, Task, ask_question
from verticals.law.schemas import LawQuestion

QUESTION: Task[LawQuestion, AnswerModel] = Task(
    name="question",
    description="Answer a question from the documents, each sentence with the place it stands.",
    request=LawQuestion,
    result=AnswerModel,
    run=ask_question,
)
