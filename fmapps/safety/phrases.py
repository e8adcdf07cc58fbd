"""Tables of phrases that people use, and where a text says one of them and means it.

A table is a CSV file that an expert of the domain can read and correct: `kind,id,phrase,guards,source`.
`kind` is `phrase`, `exception` (silences a phrase it overlaps, such as "die of embarrassment") or `class`
(a named list of words). A phrase is a row of words, and each may be:

    pain/ache     either word             ..        up to four words of the same sentence
    bleed~        a word that so begins   #10+      a whole number, 10 or more; # is any
    my?           optional                #year     a year from 1900 to 2099
    @person       any word of the class `person`, which stands above

Upper case, accents, width, apostrophes, zero-width characters and one slip of the finger in a long word make no
difference. Matching takes time linear in the length of the text.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from fmapps.errors import ConfigurationError
from fmapps.records import Action, Finding, Stage, Turn
from fmapps.safety.policy import Rule

GAP = 4
"""Words that `..` may skip."""
GUARD_REACH = 8
"""Words between a guard's cue and the phrase it silences (NegEx uses 5; lists of symptoms run longer)."""
TYPO_LENGTH = 5
"""Shorter words must be spelt right: too many others are one slip away."""
SUBSTITUTION_LENGTH = 7
"""A wrong letter, rather than a missing, extra or swapped one, is forgiven from this length on."""

_APOSTROPHES = frozenset("'’‘ʼ`´′＇")
_YEAR = re.compile(r"(19|20)\d\d")
_COLUMNS = frozenset({"kind", "id", "phrase", "guards", "source"})
_GUARDS = frozenset({"negated", "past", "asked", "studied"})
_CUES = Path(__file__).with_name("tables") / "cues.csv"


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text says a phrase: `text[start:end]`, and the row of the table that says so."""

    id: str
    start: int
    end: int
    source: str


@dataclass(frozen=True, slots=True)
class Word:
    """A normalised word, where it stands in the original text, in which sentence, and after how many commas."""

    text: str
    start: int
    end: int
    sentence: int
    commas: int


@dataclass(frozen=True, slots=True)
class _Element:
    words: frozenset[str]
    prefixes: tuple[str, ...] = ()
    optional: bool = False
    gap: int = 0
    number: str = ""

    def accepts(self, readings: Sequence[str]) -> bool:
        if self.number:
            return _is_number(readings[0], self.number)
        return any(r in self.words or (self.prefixes and r.startswith(self.prefixes)) for r in readings)


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    elements: tuple[_Element, ...]
    guards: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class _Span:
    """Words `first` to `last`, exclusive, that a row matched."""

    row: _Row
    first: int
    last: int


def words_of(text: str) -> list[Word]:
    """The words of a text, normalised, with their ranges in the text as it was given."""
    words: list[Word] = []
    letters: list[str] = []
    start = end = sentence = commas = 0
    for offset, character in enumerate(text):
        for folded in unicodedata.normalize("NFKD", character).casefold():
            if folded.isalnum():
                if not letters:
                    start = offset
                letters.append(folded)
                end = offset + 1
                continue
            joins = folded in _APOSTROPHES or unicodedata.category(folded) in {"Cf", "Mn", "Me"}
            if joins:
                continue
            if letters:
                words.append(Word("".join(letters), start, end, sentence, commas))
                letters = []
            if folded in "!?;\n" or (folded == "." and not text[offset + 1 : offset + 2].isalnum()):
                sentence += 1
            commas += folded == ","
    if letters:
        words.append(Word("".join(letters), start, end, sentence, commas))
    return words


class Phrases:
    """A table of phrases, ready to find them.

    Args:
        path: the CSV file.
        typos: whether one slip in a long word is forgiven.

    Raises:
        ConfigurationError: a row of the table is not well formed.
    """

    def __init__(self, path: Path, *, typos: bool = True) -> None:
        self._classes: dict[str, str] = {}
        self._rows: dict[str, list[_Row]] = {"phrase": [], "exception": []}
        with path.open(encoding="utf-8", newline="") as file:
            for entry in csv.DictReader(file):
                self._take(entry, where=f"{path}, row {entry.get('phrase')!r}")
        self._first: dict[str, dict[str, list[_Row]]] = {}
        self._first_prefixes: dict[str, dict[str, list[_Row]]] = {}
        vocabulary: set[str] = set()
        for kind, rows in self._rows.items():
            exact, prefixes = defaultdict(list), defaultdict(list)
            for row in rows:
                head = row.elements[0]
                for word in head.words:
                    exact[word].append(row)
                for prefix in head.prefixes:
                    prefixes[prefix].append(row)
                vocabulary.update(*(element.words for element in row.elements))
            self._first[kind], self._first_prefixes[kind] = dict(exact), dict(prefixes)
        self._vocabulary = frozenset(vocabulary)
        self._one_letter_less: dict[str, list[str]] = defaultdict(list)
        if typos:
            for word in sorted(vocabulary):
                if len(word) >= TYPO_LENGTH:
                    for shorter in _deletions(word):
                        self._one_letter_less[shorter].append(word)

    def _take(self, entry: dict[str, str], *, where: str) -> None:
        remedy = "see the head of fmapps/safety/phrases.py for what a row may hold"
        if set(entry) != _COLUMNS or None in entry.values():
            raise ConfigurationError("a row has more or fewer fields than five", where=where, remedy=remedy)
        kind, phrase, guards = entry["kind"], entry["phrase"].strip(), frozenset(entry["guards"].split())
        if kind not in {"phrase", "exception", "class"} or not phrase or not entry["id"]:
            raise ConfigurationError("a row needs a known kind, an id and a phrase", where=where, remedy=remedy)
        if not entry["source"].strip():
            raise ConfigurationError("a row has no source", where=where, remedy="say on whose authority it stands")
        if guards - _GUARDS:
            raise ConfigurationError(f"unknown guards {sorted(guards - _GUARDS)}", where=where, remedy=remedy)
        if kind == "class":
            self._classes[entry["id"]] = phrase
            return
        try:
            elements = tuple(self._element(part) for part in phrase.split())
        except KeyError as error:
            raise ConfigurationError(f"no class {error} above this row", where=where, remedy=remedy) from error
        rows = self._rows[kind]
        while elements and elements[0].optional:
            with_it = (replace(elements[0], optional=False), *elements[1:])
            rows.append(_Row(entry["id"], with_it, guards, entry["source"]))
            elements = elements[1:]
        if not elements or not (elements[0].words or elements[0].prefixes):
            raise ConfigurationError("a phrase begins with a word", where=where, remedy=remedy)
        rows.append(_Row(entry["id"], elements, guards, entry["source"]))

    def _element(self, part: str) -> _Element:
        if part == "..":
            return _Element(frozenset(), gap=GAP)
        if part.startswith("#"):
            return _Element(frozenset(), number=part[1:] or "0+")
        optional = part.endswith("?")
        choices = self._choices(part.removesuffix("?"))
        return _Element(
            frozenset(c for c in choices if not c.endswith("~")),
            tuple(c.removesuffix("~") for c in choices if c.endswith("~")),
            optional,
        )

    def _choices(self, part: str) -> list[str]:
        return [
            word
            for choice in part.split("/")
            for word in (self._choices(self._classes[choice[1:]]) if choice.startswith("@") else [choice])
        ]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its phrases."""
        return frozenset(row.id for row in self._rows["phrase"])

    def find(self, text: str) -> list[Match]:
        """Where the text says a phrase of the table and no guard of its row silences it, in reading order."""
        words = words_of(text)
        readings = [self._readings(word.text) for word in words]
        spans = list(self._spans("phrase", words, readings))
        if not spans:
            return []
        exceptions = list(self._spans("exception", words, readings))
        guard = _Guard(words)
        return [
            Match(span.row.id, words[span.first].start, words[span.last - 1].end, span.row.source)
            for span in spans
            if not any(e.first < span.last and span.first < e.last for e in exceptions) and not guard.silences(span)
        ]

    def _readings(self, word: str) -> tuple[str, ...]:
        if word in self._vocabulary or len(word) < TYPO_LENGTH - 1 or not self._one_letter_less:
            return (word,)
        near = set(self._one_letter_less.get(word, ()))
        for shorter in _deletions(word):
            if shorter in self._vocabulary and len(shorter) >= TYPO_LENGTH:
                near.add(shorter)
            near.update(w for w in self._one_letter_less.get(shorter, ()) if _one_slip(word, w))
        return (word, *sorted(w for w in near if w[0] == word[0]))

    def _spans(self, kind: str, words: list[Word], readings: Sequence[Sequence[str]]) -> Iterator[_Span]:
        exact, prefixes = self._first[kind], self._first_prefixes[kind]
        for at, options in enumerate(readings):
            rows: dict[int, _Row] = {}
            for reading in options:
                rows |= {id(row): row for row in exact.get(reading, ())}
                if prefixes:
                    for length in range(2, min(len(reading), 12) + 1):
                        rows |= {id(row): row for row in prefixes.get(reading[:length], ())}
            for row in rows.values():
                last = _match(row.elements, 0, words, readings, at)
                if last is not None:
                    yield _Span(row, at, last)


class _Guard:
    """What stands around a phrase in its sentence and takes it back: negation, the past, a question about the world."""

    def __init__(self, words: list[Word]) -> None:
        self._words = words
        cues = _cues()
        readings = [(word.text,) for word in words]
        self._spans: dict[str, list[_Span]] = defaultdict(list)
        for span in cues._spans("phrase", words, readings):
            self._spans[span.row.id].append(span)
        # What only looks like a cue ("no idea", "since last year") is none.
        self._pseudo = {at for span in cues._spans("exception", words, readings) for at in range(span.first, span.last)}
        self._ends = {span.first for span in self._spans["scope_end"]}
        self._experiencers = {span.first for span in self._spans["experiencer"]}

    def silences(self, span: _Span) -> bool:
        """Whether a guard of the row holds where it matched."""
        return any(getattr(self, f"_{guard}")(span) for guard in span.row.guards)

    def _negated(self, span: _Span) -> bool:
        before = any(
            self._reaches(cue.last, span.first, cue) and self._carries(cue, span)
            for cue in self._spans["negation_before"]
        )
        after = any(
            0 <= cue.first - span.last <= 2 and self._reaches(span.last, cue.first, cue)
            for cue in self._spans["negation_after"]
        )
        return before or after

    def _carries(self, cue: _Span, span: _Span) -> bool:
        """Whether a negation holds over commas: in "no fever, cough or pain", yes; in "no fever, pain", no."""
        if self._words[cue.last - 1].commas == self._words[span.first].commas:
            return True
        listed = self._words[cue.last : span.last + GAP]
        return any(word.text in {"or", "nor"} and word.sentence == self._words[span.first].sentence for word in listed)

    def _past(self, span: _Span) -> bool:
        return any(
            self._reaches(cue.last, span.first, cue) or self._reaches(span.last, cue.first, cue)
            for cue in self._spans["past"]
        )

    def _asked(self, span: _Span) -> bool:
        if self._experiencers:
            return False
        sentence = self._words[span.first].sentence
        return any(
            self._words[cue.first].sentence == sentence
            and (cue.first == 0 or self._words[cue.first - 1].sentence != sentence)
            for cue in self._spans["question"]
        )

    def _studied(self, span: _Span) -> bool:
        sentence = self._words[span.first].sentence
        own = {"i", "im", "ive", "id", "ill", "me", "myself"}
        if any(word.text in own for word in self._words[max(0, span.first - 2) : span.last]):
            return False
        return any(self._words[cue.first].sentence == sentence for cue in self._spans["study"])

    def _reaches(self, left: int, right: int, cue: _Span) -> bool:
        """Whether nothing that ends a cue's scope stands between word `left` and word `right`."""
        return (
            0 <= right - left <= GUARD_REACH
            and cue.first not in self._pseudo
            and not any(at in self._ends for at in range(left, right))
            and self._words[cue.first].sentence == self._words[max(left, min(right, len(self._words) - 1))].sentence
        )


@cache
def phrases(path: Path) -> Phrases:
    """The table of that file, read once."""
    return Phrases(path)


@cache
def _cues() -> Phrases:
    # A negation misspelt is not trusted to silence anything.
    return Phrases(_CUES, typos=False)


def phrase_rule(
    id: str,
    *,
    table: Path,
    source: str,
    action: Action,
    message: Callable[[Turn, Match], str],
    applies: Callable[[Turn], bool] = lambda turn: True,
) -> Rule:
    """A rule that looks for a table's phrases in the question.

    Args:
        id: of the rule.
        table: the CSV file, read when the rule first looks.
        source: on whose authority the rule stands; each finding carries the source of its own row.
        action: what each finding asks for.
        message: what to tell the person.
        applies: whether the rule concerns this turn at all.
    """

    def check(turn: Turn) -> list[Finding]:
        if not applies(turn):
            return []
        return [
            Finding(id, action, message(turn, match), match.start, match.end, match.source)
            for match in phrases(table).find(turn.question)
        ]

    return Rule(id, Stage.INPUT, source, check)


def _match(
    elements: tuple[_Element, ...], at: int, words: list[Word], readings: Sequence[Sequence[str]], position: int
) -> int | None:
    """One past the last word of the shortest match of `elements[at:]` from `position`; None: no match."""
    if at == len(elements):
        return position
    element = elements[at]
    if element.gap:
        for next_ in range(position, min(position + element.gap + 1, len(words))):
            if words[next_].sentence != words[position - 1].sentence:
                break
            last = _match(elements, at + 1, words, readings, next_)
            if last is not None:
                return last
        return None
    same_sentence = at == 0 or (position < len(words) and words[position].sentence == words[position - 1].sentence)
    if position < len(words) and same_sentence and element.accepts(readings[position]):
        last = _match(elements, at + 1, words, readings, position + 1)
        if last is not None:
            return last
    return _match(elements, at + 1, words, readings, position) if element.optional else None


def _is_number(word: str, kind: str) -> bool:
    if kind == "year":
        return bool(_YEAR.fullmatch(word))
    return word.isdecimal() and len(word) < 10 and int(word) >= int(kind.removesuffix("+"))


def _deletions(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _one_slip(written: str, meant: str) -> bool:
    """Whether two words of the same length differ by one swap, or, in a long word, by one letter."""
    if len(written) != len(meant):
        return False
    differ = [at for at, (a, b) in enumerate(zip(written, meant, strict=True)) if a != b]
    if len(differ) == 1:
        return len(meant) >= SUBSTITUTION_LENGTH
    return (
        len(differ) == 2
        and differ[1] == differ[0] + 1
        and written[differ[0]] == meant[differ[1]]
        and written[differ[1]] == meant[differ[0]]
    )
