"""The tasks of the library vertical: the question, and the shelf of a call number."""

from __future__ import annotations

from pydantic import Field

from fmapps.errors import InputError
from fmapps.task import AnswerModel, Boundary, Context, QuestionRequest, Task, ask_question

FLOORS = {"0": 1, "1": 1, "2": 1, "3": 2, "4": 2, "5": 3, "6": 3, "7": 4, "8": 4, "9": 4}


class LibraryQuestion(QuestionRequest):
    """A question about the house rules."""

    branch: str | None = None


class ShelfRequest(Boundary):
    """Which book."""

    call_number: str = Field(pattern=r"^\d{3}(\.\d+)?$", description="Dewey decimal classification")


class ShelfResult(Boundary):
    """Where it stands."""

    floor: int


def find_shelf(context: Context, request: ShelfRequest) -> ShelfResult:
    """The floor on which the class of a call number stands."""
    if context.principal.id == "banned":
        raise InputError("this reader may not enter", remedy="ask at the desk")
    return ShelfResult(floor=FLOORS[request.call_number[0]])


QUESTION = Task("question", "Answer a question about the house rules.", LibraryQuestion, AnswerModel, ask_question)
SHELF = Task("shelf", "Say where a book stands.", ShelfRequest, ShelfResult, find_shelf)
