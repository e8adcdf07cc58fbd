"""The small documents on which the contracts of retrievers and corpora are tried."""

from __future__ import annotations

from datetime import date

from fmapps.records import Document

HARBOUR = Document(
    id="harbour",
    title="Harbour rules",
    text="Boats moor at the eastern quay.\n\nThe harbour master may move a boat that blocks the slipway.",
    metadata={"shelf": "rules", "year": 2020},
)
ORCHARD = Document(
    id="orchard",
    title="Orchard calendar",
    text="Prune the apple trees in February.\n\nPick the early apples in August and the late ones in October.",
    metadata={"shelf": "calendars", "year": 2021},
)
LEDGER = Document(
    id="ledger",
    title="Ledger of the ferry company",
    text="The ferry earned nine thousand crowns in June.\n\nThe captain owes the company forty crowns.",
    metadata={"shelf": "accounts", "year": 2021},
    labels=frozenset({"accounts", "directors"}),
)
TARIFF = Document(
    id="tariff",
    title="Ferry tariff of 2019",
    text="A bicycle crosses for two crowns.\n\nA horse crosses for nine crowns.",
    metadata={"shelf": "rules", "year": 2019},
    effective_from=date(2019, 1, 1),
    effective_to=date(2019, 12, 31),
)
AWKWARD = Document(
    id="awkward",
    title="Odd characters",
    text="Cafe\u0301 na\u00efve \U0001f1e6\U0001f1f9 zebra\r\nsecond line\tzebra\u200b crossing. "
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d zebra.\n\n" + "Zebra stripes repeat. " * 200,
)

ALL = (HARBOUR, ORCHARD, LEDGER, TARIFF, AWKWARD)
"""Every one of them."""
