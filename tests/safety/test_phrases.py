"""Phrases are found where a text says them and means them, in linear time, with exact ranges."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.errors import ConfigurationError
from fmapps.safety.phrases import Phrases, words_of

HEAD = "kind,id,phrase,guards,source\n"


@pytest.fixture
def table(tmp_path: Path):
    def make(*rows: str) -> Phrases:
        path = tmp_path / "table.csv"
        path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return Phrases(path)

    return make


FIRE = ("class,animal,wolf/bears,,a zoo", "phrase,danger,@animal .. loose/escap~ today?,negated past asked,a zoo")


@pytest.mark.parametrize(
    "text",
    [
        "A wolf is loose",
        "the WOLF got loose today",
        "bears are escaping!",
        "two bears have just now escaped",
        "the wo\u200blf is lo\u00adose",
        "the \uff57\uff4f\uff4c\uff46 is loose",
        "the w\u00f3lf is loose",
        "the wolf is losoe",
        "No news. The wolf is loose.",
        "The gate is not shut but the wolf is loose",
        "No fence, wolf loose",
        "I haven't slept, the wolf is loose",
        "I'm not sure whether a wolf is loose",
        "Is it true that my wolf is loose?",
    ],
)
def test_says_it(table, text: str) -> None:
    (match, *_) = table(*FIRE).find(text)
    assert match.id == "danger"
    assert match.source == "a zoo"
    assert text[match.start : match.end].strip() == text[match.start : match.end]


@pytest.mark.parametrize(
    "text",
    [
        "A wolf. It is loose.",
        "the wolf and the dog and the fox are loose",
        "the wolfhound is loose",
        "No wolf is loose",
        "There was never any wolf loose",
        "No fox, bears or wolf loose",
        "A wolf was loose in 1990",
        "three years ago a wolf was loose",
        "What if a wolf is loose?",
        "the wlof is loose",
        "",
    ],
)
def test_does_not_say_it_or_does_not_mean_it(table, text: str) -> None:
    assert table(*FIRE).find(text) == []


def test_an_exception_silences_what_it_overlaps_and_nothing_else(table) -> None:
    phrases = table("phrase,danger,wolf,,a zoo", "exception,idiom,cry/cried wolf,,Aesop")
    assert phrases.find("he cried wolf") == []
    text = "he cried wolf, then a wolf came"
    assert [match.start for match in phrases.find(text)] == [text.rindex("wolf")]


def test_numbers_are_compared(table) -> None:
    phrases = table("phrase,many,saw #10+ wolves,,a zoo")
    assert phrases.find("I saw 10 wolves")
    assert not phrases.find("I saw 9 wolves")
    assert not phrases.find("I saw ten wolves")


def test_ranges_are_of_the_text_as_it_was_given(table) -> None:
    text = "\U0001f43a\u200b Caf\u00e9 \ufb01rst: a w\u00f3lf\u2019s loose!"
    (match,) = table("phrase,danger,wolfs loose,,a zoo").find(text)
    assert text[match.start : match.end] == "w\u00f3lf\u2019s loose"


@given(st.text(max_size=300))
def test_words_are_in_order_and_where_they_say(text: str) -> None:
    start = 0
    for word in words_of(text):
        assert start <= word.start < word.end <= len(text)
        assert word.text in {again.text for again in words_of(text[word.start : word.end])}
        start = word.start


def test_a_longer_text_takes_longer_in_proportion_only(table) -> None:
    phrases = table(*FIRE, "phrase,deep,wolf .. wolf .. wolf .. wolf .. lair,,a zoo")
    calls: dict[int, int] = {}
    for times in (200, 400, 800):
        counted = _Counting(phrases)
        assert phrases.find("wolf " * times) == []
        calls[times] = counted.stop()
    assert calls[800] < 2.2 * calls[400] < 2.2 * 2.2 * calls[200]


class _Counting:
    """Counts the comparisons of a word with an element of a phrase."""

    def __init__(self, phrases: Phrases) -> None:
        from fmapps.safety import phrases as module

        self._kind = module._Element
        self._accepts = self._kind.accepts
        self.count = 0

        def accepts(element, readings) -> bool:
            self.count += 1
            return self._accepts(element, readings)

        self._kind.accepts = accepts

    def stop(self) -> int:
        self._kind.accepts = self._accepts
        return self.count


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("rule,danger,wolf,,a zoo", "known kind"),
        ("phrase,,wolf,,a zoo", "known kind"),
        ("phrase,danger,wolf,,", "no source"),
        ("phrase,danger,wolf,,a zoo, in Bern", "five"),
        ("phrase,danger,wolf,", "five"),
        ("phrase,danger,wolf,sometimes,a zoo", "sometimes"),
        ("phrase,danger,@dragon,,a zoo", "dragon"),
        ("phrase,danger,.. wolf,,a zoo", "begins with a word"),
        ("phrase,danger,wolf?,,a zoo", "begins with a word"),
    ],
)
def test_a_row_that_is_not_well_formed_is_named(table, row: str, what: str) -> None:
    with pytest.raises(ConfigurationError, match=what) as raised:
        table(row)
    assert "table.csv" in raised.value.where
