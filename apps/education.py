"""The page of the education vertical."""

from __future__ import annotations

import streamlit as st

from apps.common.page import Scope, show
from fmapps.records import Principal
from verticals.education.safety import DEFAULT_LEVEL

LEVELS = {1: "no AI", 2: "planning", 3: "collaboration", 4: "full AI", 5: "exploration"}
"""The AI Assessment Scale (Perkins, Furze, Roe and MacVaugh 2024)."""


def ai_level(principal: Principal) -> Scope:
    """How much use of AI the activity allows; whoever has a role does not choose it themselves."""
    if principal.role:
        return Scope(words=f"For your role: {principal.role}")
    chosen: int = st.segmented_control(
        "AI use that the teacher allows in this activity",
        list(LEVELS),
        default=DEFAULT_LEVEL,
        required=True,
        format_func=lambda level: f"{level} · {LEVELS[level]}",
        key="ai_level",
    )
    return Scope({"ai_level": chosen}, f"AI use: level {chosen}, {LEVELS[chosen]}")


if __name__ == "__main__":
    show("education", scope=ai_level)
