"""The page of the law vertical."""

from __future__ import annotations

from datetime import date

import streamlit as st

from apps.common.page import Scope, show
from apps.common.wording import day
from fmapps.records import Principal

JURISDICTIONS = {
    "US": "United States, federal",
    "US-CA": "California",
    "US-DE": "Delaware",
    "US-FL": "Florida",
    "US-IL": "Illinois",
    "US-MA": "Massachusetts",
    "US-NJ": "New Jersey",
    "US-NY": "New York",
    "US-TX": "Texas",
    "US-WA": "Washington",
    "GB-ENG": "England and Wales",
    "CA": "Canada",
    "EU": "European Union",
}
"""Those offered by name; any other can be typed as its ISO 3166 code."""


def jurisdiction_and_date(principal: Principal) -> Scope:
    """Which law applies, and as of which day."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        jurisdiction: str | None = st.selectbox(
            "Jurisdiction",
            list(JURISDICTIONS),
            index=None,
            format_func=lambda code: JURISDICTIONS.get(code, code),
            placeholder="Choose, or type a code such as US-OR",
            accept_new_options=True,
            width=320,
            key="jurisdiction",
        )
        as_of: date | None = st.date_input("As of", "today", key="as_of", width=180, format="YYYY-MM-DD")
    place = JURISDICTIONS.get(jurisdiction, jurisdiction) if jurisdiction else "Jurisdiction not given"
    words = f"{place} · as of {day(as_of)}" if as_of else place
    return Scope({"jurisdiction": jurisdiction, "as_of": as_of}, words)


if __name__ == "__main__":
    show("law", scope=jurisdiction_and_date)
