"""A conversation keeps to its principal, can be erased, and completes follow-up questions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.conversation import Conversation, Exchange, resolve
from fmapps.errors import InputError
from fmapps.records import Principal

NURSE = Principal("nurse-1")


def _before(question: str) -> list[Exchange]:
    return [Exchange(question, question)]


def test_exchanges_are_kept_in_order_and_erased_as_a_whole():
    conversation = Conversation(NURSE)
    conversation.append(Exchange("a?", "a?"))
    conversation.append(Exchange("b?", "b?"))
    assert [exchange.question for exchange in conversation.exchanges] == ["a?", "b?"]
    assert conversation.erase() == 2
    assert conversation.exchanges == ()


def test_a_conversation_refuses_another_principal():
    with pytest.raises(InputError, match="another principal"):
        Conversation(NURSE).require(Principal("nurse-2"))


def test_without_a_previous_question_nothing_is_filled_in():
    assert resolve("and for the supplier?", []).question == "and for the supplier?"


@pytest.mark.parametrize(
    "question",
    [
        "Who pays the court fees?",
        "What law governs this agreement?",
        "Does the agreement say that the tenant may sublet?",
        "Define promissory estoppel",
    ],
)
def test_a_whole_question_is_left_as_it_is(question):
    resolution = resolve(question, _before("What is the notice period in the lease?"))
    assert (resolution.question, resolution.note) == (question, "")


def test_the_same_preposition_is_replaced_without_a_model():
    resolution = resolve("in the employment agreement?", _before("What is the notice period in the lease?"))
    assert resolution.question == "What is the notice period in the employment agreement?"
    assert resolution.question in resolution.note


def test_a_fragment_that_fits_no_phrase_is_joined():
    resolution = resolve("under New York law?", _before("Who wrote the memo?"))
    assert resolution.question == "Who wrote the memo, under New York law?"


def test_a_question_that_refers_back_carries_the_previous_one():
    resolution = resolve("How much notice must it give?", _before("When may the customer terminate?"))
    assert resolution.question == "How much notice must it give? (Asked after: When may the customer terminate?)"


@pytest.mark.weights
@pytest.mark.parametrize(
    ("before", "asked", "resolved"),
    [
        (
            "When may the customer terminate the agreement?",
            "and for the supplier?",
            "When may the supplier terminate the agreement?",
        ),
        ("How is type 2 diabetes treated?", "and type 1?", "How is type 1 diabetes treated?"),
        ("What causes high blood pressure?", "What about low blood pressure?", "What causes low blood pressure?"),
        ("What are the symptoms of asthma?", "and migraine?", "What are the symptoms of migraine?"),
        ("What is the law of demand?", "and supply?", "What is the law of supply?"),
        ("What is Newton's first law?", "and the second?", "What is Newton's second law?"),
    ],
)
def test_a_fragment_takes_the_place_of_the_phrase_most_like_it(before, asked, resolved, minilm):
    assert resolve(asked, _before(before), encode=minilm.encode).question == resolved


@given(before=st.text(max_size=200), asked=st.text(max_size=200))
def test_any_text_resolves_to_something_that_still_holds_its_words(before, asked):
    def encode(texts):
        vectors = np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    resolution = resolve(asked, _before(before), encode=encode)
    if not resolution.note:
        assert resolution.question == asked
