"""What may be quoted."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.generation.candidates import LONGEST, candidates, clauses, is_fragment
from fmapps.records import Document, Hit
from tests.generation.conftest import passages_of


@given(st.text(max_size=600), st.integers(20, 200), st.integers(0, 15), st.randoms())
def test_every_candidate_is_an_exact_range_and_none_overlap(text, size, shared, random):
    document = Document("d", text)
    hits = [
        Hit(passage, random.random()) for passage in passages_of(document, size=size, shared=shared) if passage.text
    ]
    random.shuffle(hits)
    found = candidates(hits)
    for candidate in found:
        assert text[candidate.start : candidate.end] == candidate.text
        assert candidate.stretch.quote(candidate.start, candidate.end) == candidate.text
        assert candidate.text.strip() == candidate.text != ""
    ranges = sorted((candidate.start, candidate.end) for candidate in found)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))


@given(st.lists(st.sampled_from(["word", "and", "the;", "term,", "provided", "(a)", "of:"]), min_size=1, max_size=400))
def test_clauses_cover_a_sentence_and_none_is_very_long(words):
    text = " ".join(words)
    pieces = list(clauses(text, 0, len(text)))
    assert "".join(text[start:end] for start, end in pieces).replace(" ", "") == text.replace(" ", "")
    assert all(len(text[start:end].split()) <= LONGEST + 10 for start, end in pieces)


def test_what_overlapping_passages_share_appears_once(lease, hits_of):
    texts = [candidate.text for candidate in candidates(hits_of(lease, size=300, shared=150))]
    assert len(texts) == len(set(texts))
    assert "The tenant may keep a cat but no dog." in texts


def test_a_long_sentence_is_cut_where_it_stays_legible():
    text = "The supplier shall " + "deliver all of the goods that were ordered in the agreed condition; " * 12
    pieces = [text[start:end] for start, end in clauses(text.strip(), 0, len(text.strip()))]
    assert len(pieces) > 1
    assert all(piece.endswith(";") for piece in pieces)


@pytest.mark.parametrize(
    "text",
    ["Governing Law", "12.3", "* * *", "________", "EXHIBIT A", "Page 3 of 9", "TERM AND TERMINATION", "What is it?"],
)
def test_headings_and_numbers_are_fragments(text):
    assert is_fragment(text)


@pytest.mark.parametrize(
    "text",
    [
        "Effective Date: November 1, 2019",
        "It rains here.",
        "the tenant pays 900 euros a month",
        "Fever, cough and rash",
    ],
)
def test_what_says_something_is_no_fragment(text):
    assert not is_fragment(text)


def test_a_list_mark_is_left_out_of_the_range():
    document = Document("d", "- Fever and a sore throat.\n- A rash on both hands.")
    assert [c.text for c in candidates([Hit(p, 1.0) for p in passages_of(document)])] == [
        "Fever and a sore throat.",
        "A rash on both hands.",
    ]
