"""The rules of the library vertical: what a reader borrows is nobody else's business."""

from __future__ import annotations

from pathlib import Path

from fmapps.records import Action
from fmapps.safety.crisis import CRISIS
from fmapps.safety.phrases import phrase_rule
from fmapps.safety.policy import Policy

PRIVACY = phrase_rule(
    "library.privacy",
    table=Path(__file__).with_name("privacy.csv"),
    source="American Library Association, Policy on Confidentiality of Library Records",
    action=Action.REFUSE,
    message=lambda turn, match: "What readers borrow is confidential.",
)

POLICY = Policy((CRISIS, PRIVACY))
