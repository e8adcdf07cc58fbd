"""What goes into the tasks of the education vertical."""

from __future__ import annotations

from pydantic import Field

from fmapps.task import QuestionRequest


class StudyQuestion(QuestionRequest):
    """A question about what is being studied."""

    course: str | None = Field(default=None, max_length=200, description="the course the question belongs to")
    ai_level: int | None = Field(
        default=None,
        ge=1,
        le=5,
        description="AI Assessment Scale of the activity: 1 no AI, 2 planning, 3 collaboration, 4 full AI, "
        "5 exploration; none given: nothing is drafted, as at 2",
    )
