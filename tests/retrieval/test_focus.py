"""Focus finds the title a query names, leaves the question, and says nothing where no title is meant."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fmapps.retrieval.focus import QueryTerm, locate, residual

WORD = re.compile(r"[^\W_]+")


def terms(text):
    return [QueryTerm(match.start(), match.end(), match.group().lower()) for match in WORD.finditer(text)]


def title(text):
    return [each.term for each in terms(text)]


def common_words_count_little(term):
    return 0.1 if term in {"the", "what", "are", "of", "is", "and", "between", "a", "with"} else 4.0


def find(query, *titles):
    return locate(terms(query), [title(each) for each in titles], common_words_count_little)


def test_the_title_is_found_and_the_question_remains():
    query = "Consider the Supply Agreement between Acme Corp. and Bolt Ltd. Is notice of renewal required?"
    named = find(query, "Lease of Bolt Ltd", "SUPPLY AGREEMENT between Acme Corp and Bolt Ltd")
    assert named is not None
    assert named.position == 1
    assert query[named.start : named.end] == "Supply Agreement between Acme Corp. and Bolt Ltd"
    assert named.remainder(query) == "Consider the  . Is notice of renewal required?"
    assert 0.4 < named.share < 0.7


def test_the_longer_title_wins_over_one_it_contains():
    named = find("What are the symptoms of acute myeloid leukemia?", "Leukemia", "Acute Myeloid Leukemia")
    assert named is not None
    assert named.position == 1


def test_a_title_whose_words_are_scattered_over_the_query_is_not_named():
    assert find("the supply of water to a town by agreement of its council", "Supply agreement") is None


def test_a_title_of_which_the_query_holds_only_a_part_is_not_named():
    assert find("What causes asthma?", "Asthma in children under five") is None


def test_a_query_that_is_nothing_but_the_title_asks_nothing_beyond_it():
    assert find("Diabetes insipidus", "Diabetes insipidus") is None


def test_no_titles_and_no_words_name_nothing():
    assert find("What causes asthma?") is None
    assert find("", "Asthma") is None
    assert find("What causes asthma?", "") is None


WORDS = st.lists(st.sampled_from(["what", "is", "acme", "bolt", "supply", "lease", "notice"]), max_size=9)


@given(WORDS, st.lists(WORDS, max_size=4))
def test_what_is_found_lies_inside_the_query_and_explains_a_share_of_it(words, titles):
    query = " ".join(words)
    named = find(query, *(" ".join(each) for each in titles))
    if named is not None:
        assert 0 <= named.start < named.end <= len(query)
        assert 0.0 <= named.share <= 1.0
        assert set(title(query[named.start : named.end])) & set(titles[named.position])
        assert named.remainder(query)


@given(st.integers(0, 2**32 - 1))
def test_the_residual_is_a_unit_vector_at_right_angles_to_the_title(seed):
    query, name = np.random.default_rng(seed).normal(size=(2, 12)).astype(np.float32)
    query, name = query / np.linalg.norm(query), name / np.linalg.norm(name)
    rest = residual(query, name)
    assert abs(float(np.linalg.norm(rest)) - 1) < 1e-5
    assert abs(float(rest @ name)) < 1e-3


def test_a_query_that_means_just_the_title_keeps_its_own_vector():
    vector = np.array([0.6, 0.8], dtype=np.float32)
    np.testing.assert_array_equal(residual(vector, vector), vector)
