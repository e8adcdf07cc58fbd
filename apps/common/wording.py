"""What the pages say in words: confidence, support, decisions; and text made safe to show."""

from __future__ import annotations

import re
from datetime import date
from html import escape

from fmapps.errors import FmappsError
from fmapps.records import Action, Answer, Claim, Support

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=])")


def plain(text: str) -> str:
    """Text for a label that renders Markdown, so that it stands there as written, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters on one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    return f"{line[: limit - 1].rsplit(' ', 1)[0]} …"


def confidence(value: float) -> str:
    """A confidence from 0 to 1 in words, with its figure."""
    word = "high" if value >= 0.75 else "moderate" if value >= 0.5 else "low"
    return f"Confidence: {word} ({value:.2f} of 1)"


def support(claim: Claim) -> str:
    """What the check of a claim against its source came to; empty where it is supported."""
    if claim.support is Support.SUPPORTED:
        return ""
    said = "Not supported by its source" if claim.support is Support.UNSUPPORTED else "Could not be checked"
    return f"{said}: {claim.reason}" if claim.reason else f"{said}."


def outcome(answer: Answer) -> str:
    """The heading over an answer: what kind of answer it is."""
    action = answer.decision.action
    if action is Action.ESCALATE:
        return "Please get help now"
    if action is Action.REFUSE:
        return "This cannot be answered here"
    if action is Action.ROUTE:
        return "Another way to get there"
    if action is Action.ASK:
        return "One thing is needed first"
    if answer.abstained:
        return "No answer from these documents"
    return "Answer"


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def day(value: date) -> str:
    """A date as people write it."""
    return f"{value.day} {value:%B %Y}"


def sentence(text: str) -> str:
    """A phrase as a sentence, with its capital and its full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""


def failure(error: FmappsError) -> str:
    """An error as HTML: what was wrong, where, and what to do."""
    where = f' <span class="fm-where">({escape(error.where)})</span>' if error.where else ""
    remedy = f"<p><strong>What to do:</strong> {escape(sentence(error.remedy))}</p>" if error.remedy else ""
    return f'<div class="fm-note fm-problem" role="alert"><p>{escape(sentence(error.message))}{where}</p>{remedy}</div>'
