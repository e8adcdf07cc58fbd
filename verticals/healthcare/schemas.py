"""What goes into the tasks of the healthcare vertical."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fmapps.task import QuestionRequest


class HealthQuestion(QuestionRequest):
    """A question about health."""

    audience: Literal["patient", "clinician"] = Field(
        default="patient", description="for whom; only a principal without a role of their own may choose clinician"
    )
