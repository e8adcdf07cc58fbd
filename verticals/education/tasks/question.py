"""The question task of the education vertical."""

from __future__ import annotations

from fmapps.task import AnswerModel, Task, ask_question
from verticals.education.schemas import StudyQuestion

QUESTION: Task[StudyQuestion, AnswerModel] = Task(
    name="question",
    description="Answer a question from the course material, each sentence with the place it stands.",
    request=StudyQuestion,
    result=AnswerModel,
    run=ask_question,
)
