"""How the pages look: one stylesheet, one accent colour for each vertical."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from apps.common.accents import ACCENTS

_SHEET = Path(__file__).with_name("style.css")
_NEUTRAL = "#3a4652"


def apply(vertical: str) -> None:
    """Put the stylesheet on the page."""
    accent = ACCENTS.get(vertical, _NEUTRAL)
    st.html(f"<style>:root {{ --fm-accent: {accent}; }}\n{_SHEET.read_text(encoding='utf-8')}</style>")
