"""Sentences are exact ranges, and their ends are those a reader sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.sentences import sentences
from tests.ingestion.test_splitter import _TEXTS


def _texts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@given(_TEXTS, st.integers(0, 1000))
def test_ranges_are_apart_in_order_and_cover_the_text(text: str, offset: int) -> None:
    covered = 0
    for start, end in sentences(text, offset):
        start, end = start - offset, end - offset
        assert covered <= start < end <= len(text)
        assert not text[covered:start].strip()
        assert text[start:end] == text[start:end].strip()
        covered = end
    assert not text[covered:].strip()


@pytest.mark.parametrize(
    "sentence",
    [
        "Smith v. Jones, 410 U.S. 113, was decided by the U.S. Supreme Court.",
        "Dr. J. R. Smith and Mrs. Lee take 2.5 mg, e.g. at night.",
        "See Fig. 3, No. 5 and Sec. IV of the report.",
        "It was signed on Jan. 5, 2020 by Acme Inc. and Beta Ltd. of London.",
        'He said "Is it?" and left.',
        "1.1 Scope of the work follows.",
        "1. Services are provided.",
        "The ratio is 3.14 or so.",
    ],
)
def test_a_full_stop_inside_does_not_end_it(sentence: str) -> None:
    assert _texts(f"{sentence} The next one follows.") == [sentence, "The next one follows."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was Acme Inc. The other left.", ["It was Acme Inc.", "The other left."]),
        ("We left. We said no. Then we slept.", ["We left.", "We said no.", "Then we slept."]),
        ('"Yes." She left! Why?', ['"Yes."', "She left!", "Why?"]),
        ("日本語です。次の文。", ["日本語です。", "次の文。"]),
        ("یہ کیا ہے؟ یہ کتاب ہے۔ ٹھیک", ["یہ کیا ہے؟", "یہ کتاب ہے۔", "ٹھیک"]),
        ("The fee is due on the\r\nfirst of May. Pay it.", ["The fee is due on the\r\nfirst of May.", "Pay it."]),
        ("Termination\nEither party may end it.", ["Termination", "Either party may end it."]),
        ("Bring:\n- bread\n- milk and\n  butter\n", ["Bring:", "- bread", "- milk and\n  butter"]),
        ("Drug | Dose\nAspirin | 5 mg\n", ["Drug | Dose", "Aspirin | 5 mg"]),
        ("Signs: • fever • cough", ["Signs:", "• fever", "• cough"]),
        ("It is here. (b) the other (c) is there.", ["It is here.", "(b) the other (c) is there."]),
        ("Scope . . . . . 1\nFees . . . . 2", ["Scope . . . . . 1", "Fees . . . . 2"]),
        ("It shall . . . remain. So it is.", ["It shall . . . remain.", "So it is."]),
        ("(a) first;\n(b) second.", ["(a) first;", "(b) second."]),
        ("One paragraph without end\n\nanother", ["One paragraph without end", "another"]),
    ],
)
def test_ends(text: str, expected: list[str]) -> None:
    assert _texts(text) == expected
