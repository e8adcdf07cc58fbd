"""What a question asks: its content words, what it says beyond a document's name, and what an answer must hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from fmapps.sentences import sentences

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

_COMMON = frozenset(
    "a about above after again against all also am an and any are as at be because been before being below between "
    "both but by can could did do does doing down during each either etc few for from further had has have having "
    "he her here hers him his how i if in incl include includes including into is it its itself just let like me "
    "might more most my neither no nor not of off on once one only onto or other others our ours out over own per "
    "please same she should shall so some such than that the their theirs them then there thereby therefore these "
    "they this those through thus to too under until unless up upon us was we were what whatever when where whether "
    "which while who whom whose why clause clauses section passage paragraph document contain contains certain "
    "particular kind kinds type types thing things will with within without would yes you your yours may must vs "
    "via ie eg s t tell know say says said explain describe discuss give given find want need needs question answer "
    "information consider regarding concerning following true false correct statement best use used using according "
    "provide provides provided".split()
)
"""Words that say how something is asked, not what."""

_SUFFIXES = tuple(
    "ization isation ations ation ating ators ator ities ments ment ings ing ions ion ives ive able ible ally edly "
    "ates ated ate ity ies ers ors als ed es er or al ly ic y s e".split()
)
"""Endings that hide that two words are one, longest first."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Something that an answer to a kind of question holds.

    Attributes:
        name: of the kind.
        asked: matches a question of this kind.
        borne: matches a sentence that holds what such a question asks for.
        figure: whether that is a date or a number, without which there is no answer, and not a form of words.
    """

    name: str
    asked: re.Pattern[str]
    borne: re.Pattern[str]
    figure: bool = False


def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


_UNITS = r"(?:second|minute|hour|day|week|month|quarter|year|decade|centur)(?:s|y|ies)?"
_NUMBERS = (
    r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|eighteen|twenty|thirty|forty"
    r"|forty-five|fifty|sixty|ninety|hundred|several|few)"
)
_MONTHS = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"

SOUGHT = (
    Sought(
        "date",
        _pattern(r"\b(?:when|(?:what|which) (?:date|day|year|month|time)|dates?|dated|deadline)\b"),
        _pattern(
            rf"\b{_MONTHS}\.? (?:of )?\d|\b\d{{1,2}}(?:st|nd|rd|th)? (?:day of )?{_MONTHS}\b"
            r"|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b\d{4}-\d\d-\d\d\b|\b(?:1[5-9]|20)\d\d\b|\b\w+teenth century\b"
        ),
        figure=True,
    ),
    Sought(
        "duration",
        _pattern(r"\b(?:how (?:long|often|soon|old)|duration|period|terms?|expir\w+|renew\w*|age)\b"),
        _pattern(
            rf"\b{_NUMBERS}\)?(?: (?:calendar|business|full|consecutive|additional|successive))?[ -]{_UNITS}\b"
            r"|\b(?:perpetual(?:ly)?|anniversary|annually|monthly|weekly|daily|indefinite(?:ly)?)\b"
        ),
        figure=True,
    ),
    Sought(
        "amount",
        _pattern(
            r"\b(?:how (?:much|many)|what (?:percentage|proportion|amount|number)|amounts?|price|fees?|cost|rate)\b"
        ),
        _pattern(r"[$€£¥]\s?\d|\b\d"),
        figure=True,
    ),
    Sought(
        "person",
        _pattern(r"\b(?:who|whom|whose|which (?:party|person|company|organi[sz]ation|people))\b"),
        re.compile(r"(?<=[a-z,;] )[A-Z][\w.'’-]+"),
    ),
    Sought(
        "place",
        _pattern(r"\b(?:where|(?:which|what) (?:state|country|city|town|place|region|jurisdiction))\b"),
        re.compile(r"\b(?:in|at|of|from|to|near) (?:the )?[A-Z][a-z]+"),
    ),
    Sought(
        "duty",
        _pattern(
            r"^(?:may|can|must|shall|should)\b|^(?:is|are|does|do|did|will|am)\b.*\b(?:rights?|require\w*|restrict\w*|"
            r"permit\w*|allow\w*|oblig\w*|prohibit\w*|limit\w*|consent|entitled|must|may|owe)\b"
        ),
        _pattern(
            r"\b(?:shall|may|must|will|agrees?|required?|entitled|prohibited|permitted|rights?|oblig\w+|consent|unless|"
            r"should|can(?:not)?|recommend\w*)\b"
        ),
    ),
    Sought(
        "definition",
        _pattern(r"^(?:what|who) (?:is|are|was|were) (?!the\b)|\b(?:means?|meaning|meant|defin\w+)\b"),
        _pattern(
            r"\b(?:is|are|was|were) (?:an?|the|any|one|when)\b"
            r"|\b(?:means?|refers? to|defined as|(?:is|are) called|known as)\b"
        ),
    ),
    Sought(
        "reason",
        _pattern(r"\b(?:why|causes?|reasons?|what (?:led|made|explains))\b"),
        _pattern(
            r"\b(?:because|since|due to|caused? by|causes?|results? (?:from|in)|therefore|led to|leads? to|owing to|"
            r"in order to|as a result|so that|thus|reasons?)\b"
        ),
    ),
)
"""The kinds of question, and what each asks for."""

_POLAR = _pattern(
    r"^(?:is|are|am|was|were|does|do|did|has|have|had|can|could|may|might|must|shall|should|will|would)\b"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the sentences of an answer are compared with it.

    Attributes:
        text: as it was asked.
        focus: without the sentences that only name the document it is about.
        words: the stems of its content words, in order, without repeats.
        wording: those words as they were asked.
        sought: the kinds it is of; often none.
        polar: whether it asks if something is so, and so leaves open that the source has nothing of the kind.
    """

    text: str
    focus: str
    words: tuple[str, ...]
    wording: tuple[str, ...]
    sought: tuple[Sought, ...]
    polar: bool


def analyse(text: str, *, title: str = "") -> Question:
    """Take a question apart.

    Args:
        text: the question.
        title: of the document, where only one is searched; a sentence that merely repeats it is not part of the focus.
    """
    focus = without_title(text, title)
    pieces = [focus[start:end] for start, end in sentences(focus)]
    asked = [piece for piece in pieces if piece.endswith("?")] or pieces
    words: dict[str, str] = {}
    for word in _content(focus):
        words.setdefault(stem(word), word)
    return Question(
        text=text,
        focus=focus,
        words=tuple(words),
        wording=tuple(words.values()),
        sought=tuple(kind for kind in SOUGHT if any(kind.asked.search(piece) for piece in asked)),
        polar=bool(asked) and all(_POLAR.match(piece) for piece in asked),
    )


def without_title(text: str, title: str) -> str:
    """The question without the sentences that say little but the title; the whole where nothing else would be left."""
    named = set(content_words(title))
    kept = []
    for start, end in sentences(text):
        words = content_words(text[start:end])
        if not words or sum(word not in named for word in words) > len(words) / 4:
            kept.append(text[start:end])
    return " ".join(kept) or text.strip()


def content_words(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    return [stem(word) for word in _content(text)]


def _content(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = match.group().lower().replace("’", "'").removesuffix("'s")
        if word not in _COMMON and (len(word) > 1 or word.isdigit()):
            yield word


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The word without an inflectional or derivational ending; crude, and the same for forms of one word."""
    for _ in range(3):
        ending = next((end for end in _SUFFIXES if word.endswith(end) and len(word) - len(end) >= 4), "")
        if not ending:
            break
        word = word.removesuffix(ending)
    return word
