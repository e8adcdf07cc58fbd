"""Where a quotation stands."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.grounding.alignment import align, normalise

TEXT = "The Supplier’s fee — “net” of tax —\n  is due within\u00a0thirty (30) days. The fee is final."


@given(st.text(), st.data())
def test_every_piece_of_a_text_is_found_exactly(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    piece = text[start:end]
    found = align(piece, text)
    if not piece.strip():
        assert found is None
    else:
        assert found is not None
        assert found.exact
        assert text[found.start : found.end] == piece.strip()


@given(st.text(), st.text(min_size=1, max_size=5))
def test_a_found_range_bears_the_quotation(text, quotation):
    found = align(quotation, text)
    if found is None:
        assert quotation.strip() not in text or not quotation.strip()
    else:
        assert 0 <= found.start < found.end <= len(text)
        assert normalise(text[found.start : found.end]) == normalise(quotation)


@given(st.text(min_size=1))
def test_white_space_does_not_matter(text):
    words = text.split()
    if words and normalise(text):
        assert align(" \n ".join(words), "before " + " ".join(words) + " after") is not None


@pytest.mark.parametrize(
    ("quotation", "expected"),
    [
        ('The Supplier\'s fee - "net" of tax - is due', "The Supplier’s fee — “net” of tax —\n  is due"),
        ("WITHIN THIRTY (30) DAYS", "within\u00a0thirty (30) days"),
        ("is due   within thirty", "is due within\u00a0thirty"),
    ],
)
def test_marks_dashes_spacing_and_case_are_mapped_back_to_exact_offsets(quotation, expected):
    found = align(quotation, TEXT)
    assert found is not None
    assert not found.exact
    assert TEXT[found.start : found.end] == expected


def test_a_soft_hyphen_and_a_ligature_do_not_hide_a_word():
    text = "It is con\u00addential and of \ufb01nal effect."
    assert align("condential", text) is not None
    found = align("final effect", text)
    assert found is not None
    assert text[found.start : found.end] == "\ufb01nal effect"


def test_half_a_ligature_is_not_a_match():
    assert align("inal", "\ufb01nal") is None


def test_a_quotation_that_is_not_there_is_not_found():
    assert align("sixty (60) days", TEXT) is None
    assert align("   ", TEXT) is None


def test_whole_words_refuses_a_range_inside_a_word():
    assert align("able", "It is unable to pay.", whole_words=True) is None
    assert align("ABLE", "It is unable to pay.", whole_words=True) is None
    found = align("able", "It is unable, or able, to pay.", whole_words=True)
    assert found is not None
    assert found.start == 17


def test_time_grows_with_the_text_not_with_its_square():
    def seconds(length):
        text = "ab " * (length // 3)
        began = time.perf_counter()
        assert align("Ab  " * (length // 12) + "c", text) is None
        return time.perf_counter() - began

    seconds(1_000)
    assert seconds(400_000) < 60 * max(seconds(20_000), 0.005)
