"""What goes into the tasks of the law vertical."""

from __future__ import annotations

from pydantic import Field

from fmapps.task import QuestionRequest


class LawQuestion(QuestionRequest):
    """A question about what legal documents say."""

    jurisdiction: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        description="whose law: ISO 3166-1 or 3166-2, such as GB or US-NY",
    )
