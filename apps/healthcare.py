"""The page of the healthcare vertical."""

from __future__ import annotations

import streamlit as st

from apps.common.page import Scope, show
from fmapps.records import Principal

AUDIENCES = {"patient": "A patient or carer", "clinician": "A clinician"}


def audience(principal: Principal) -> Scope:
    """For whom the answer is; whoever has a role is answered as who they are."""
    if principal.role:
        return Scope(words=f"For your role: {principal.role}")
    chosen: str = st.segmented_control(
        "The answer is for",
        list(AUDIENCES),
        default="patient",
        required=True,
        format_func=AUDIENCES.__getitem__,
        key="audience",
    )
    return Scope({"audience": chosen}, f"For {AUDIENCES[chosen].lower()}")


if __name__ == "__main__":
    show("healthcare", scope=audience)
