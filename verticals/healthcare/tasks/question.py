"""The question task of the healthcare vertical."""

from __future__ import annotations

from fmapps.task import AnswerModel, Task, ask_question
from verticals.healthcare.schemas import HealthQuestion

QUESTION: Task[HealthQuestion, AnswerModel] = Task(
    name="question",
    description="Answer a question from the health pages, each sentence with the place it stands.",
    request=HealthQuestion,
    result=AnswerModel,
    run=ask_question,
)
