"""The one accent colour of each vertical; white text on it, and it on white, have a contrast of at least 7 to 1."""

from __future__ import annotations

ACCENTS = {"law": "#1f3f6e", "healthcare": "#0b5351", "education": "#5a2d6b"}
