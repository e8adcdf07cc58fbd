"""Where a quotation stands in a text: exactly, or but for spacing, quotation marks, dashes and case."""

from __future__ import annotations

import unicodedata
from array import array
from dataclasses import dataclass

_SAME = {
    **dict.fromkeys("‘’‚‛′`´＇", "'"),
    **dict.fromkeys("“”„‟″«»＂", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
}
"""Characters that printers and word processors exchange for one another; the invisible ones count for nothing."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A range of a text that bears a quotation.

    Attributes:
        start: first character.
        end: one past the last.
        exact: whether the range equals the quotation character by character.
    """

    start: int
    end: int
    exact: bool


def align(quotation: str, text: str, *, whole_words: bool = False) -> Alignment | None:
    """The first range of `text` that bears `quotation`.

    An exact occurrence is preferred. Failing that, white space, quotation marks, dashes, case and compatibility forms
    (such as ligatures) are taken for the same. Time and memory grow linearly with the two lengths.

    Args:
        quotation: what to find; white space around it does not count.
        text: where.
        whole_words: refuse a range that begins or ends inside a word.

    Returns:
        The range in `text`, or None where it does not stand there or is blank.
    """
    wanted = quotation.strip()
    if not wanted:
        return None
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if not whole_words or _on_word_boundaries(text, start, end):
            return Alignment(start, end, exact=True)
        start = text.find(wanted, end)
    needle = normalise(wanted)
    if not needle:
        return None
    haystack, origins = _normalised_with_origins(text)
    found = haystack.find(needle)
    while found >= 0:
        last = found + len(needle) - 1
        start, end = origins[found], origins[last] + 1
        starts_whole = found == 0 or origins[found - 1] != start
        ends_whole = last + 1 == len(origins) or origins[last + 1] >= end
        if starts_whole and ends_whole and (not whole_words or _on_word_boundaries(text, start, end)):
            return Alignment(start, end, exact=False)
        found = haystack.find(needle, last + 1)
    return None


def normalise(text: str) -> str:
    """The text with spacing, quotation marks, dashes, case and compatibility forms made uniform."""
    return _normalised_with_origins(text)[0].strip()


def _normalised_with_origins(text: str) -> tuple[str, array[int]]:
    """The uniform text, and for each of its characters the offset of the one it came from."""
    pieces: list[str] = []
    origins = array("q")
    forms: dict[str, str] = {}
    after_space = False
    for offset, character in enumerate(text):
        form = forms.get(character)
        if form is None:
            form = forms[character] = _form(character)
        if form == " ":
            if after_space:
                continue
            after_space = True
        elif form:
            after_space = False
        pieces.append(form)
        if len(form) == 1:
            origins.append(offset)
        else:
            origins.extend([offset] * len(form))
    return "".join(pieces), origins


def _form(character: str) -> str:
    if character.isspace():
        return " "
    if character in _SAME:
        return _SAME[character]
    decomposed = unicodedata.normalize("NFKD", character).casefold()
    return "".join(_SAME.get(part, part) for part in decomposed if not part.isspace()) or " "


def _on_word_boundaries(text: str, start: int, end: int) -> bool:
    begins_inside = start > 0 and _in_word(text[start - 1]) and _in_word(text[start])
    ends_inside = end < len(text) and _in_word(text[end - 1]) and _in_word(text[end])
    return not begins_inside and not ends_inside


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.combining(character) > 0
