"""Checks claims by re-reading the ranges they cite."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from fmapps.grounding.alignment import align
from fmapps.records import Citation, Claim, Support

ELLIPSIS = " … "
"""What stands in a claim's text between words that do not follow one another in the source."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Reader(Protocol):
    """Reads a stored text again."""

    def __call__(self, document_id: str, version: str, /) -> str | None:
        """The text of that version of the document; None where it cannot be read."""
        ...


def ground(claims: Iterable[Claim], read: Reader) -> tuple[Claim, ...]:
    """Each claim with its support found out by re-reading, in the order given.

    Args:
        claims: what to check; the support they come with does not count.
        read: reads a version of a document; called once for each version.

    Returns:
        The same claims: `supported` where every citation was re-read and holds its quote, and the claim is in the
        words of the quotes; `unsupported` where something contradicts that; `unchecked` where it could not be found
        out. The last two carry a reason.
    """
    texts: dict[tuple[str, str], str | None] = {}

    def read_once(document_id: str, version: str, /) -> str | None:
        key = (document_id, version)
        if key not in texts:
            texts[key] = read(document_id, version)
        return texts[key]

    return tuple(verify(claim, read_once) for claim in claims)


def verify(claim: Claim, read: Reader) -> Claim:
    """The claim with its support found out by re-reading what it cites; see `ground`."""
    if not claim.citations:
        return _judged(claim, Support.UNSUPPORTED, "it cites nothing")
    unreadable = ""
    for citation in claim.citations:
        text = read(citation.document_id, citation.version)
        if text is None:
            unreadable = f"{citation.where()}: the cited version of the document cannot be read"
        elif fault := _fault(citation, text):
            return _judged(claim, Support.UNSUPPORTED, f"{citation.where()}: {fault}")
    if unreadable:
        return _judged(claim, Support.UNCHECKED, unreadable)
    quotes = [citation.quote for citation in claim.citations]
    pieces = [piece for piece in claim.text.split(ELLIPSIS.strip()) if piece.strip()]
    if not pieces:
        return _judged(claim, Support.UNSUPPORTED, "it says nothing")
    if all(any(align(piece, quote, whole_words=True) for quote in quotes) for piece in pieces):
        return _judged(claim, Support.SUPPORTED, "")
    known = {number for quote in quotes for number in _NUMBER.findall(quote)}
    strange = [number for number in _NUMBER.findall(claim.text) if number not in known]
    if strange:
        return _judged(claim, Support.UNSUPPORTED, f"{', '.join(strange)} does not stand in what it cites")
    return _judged(
        claim, Support.UNCHECKED, "it is worded otherwise than what it cites, and wording is all that was compared"
    )


def _fault(citation: Citation, text: str) -> str:
    """What is wrong with the citation, given the text it cites; empty where nothing is."""
    if not 0 <= citation.start < citation.end <= len(text):
        return f"the range lies outside the document's {len(text)} characters"
    if text[citation.start : citation.end] == citation.quote:
        return ""
    elsewhere = align(citation.quote, text)
    if elsewhere:
        return f"the quote does not stand there, but at characters {elsewhere.start}-{elsewhere.end}"
    return "the quote does not stand there, nor anywhere in the document"


def _judged(claim: Claim, support: Support, reason: str) -> Claim:
    return replace(claim, support=support, reason=reason)
