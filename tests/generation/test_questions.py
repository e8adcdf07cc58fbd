"""What a question asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.generation.questions import SOUGHT, analyse, content_words, stem, without_title


def test_a_sentence_that_only_names_the_document_is_not_part_of_the_focus():
    title = "Supply Agreement between Acme, Inc. and Beta Ltd"
    assert without_title(f"Consider the {title}. When does it end?", title) == "When does it end?"


def test_the_name_stays_where_nothing_else_is_asked():
    assert without_title("The lease of a flat.", "Lease of a flat") == "The lease of a flat."


def test_a_question_that_shares_words_with_the_title_is_kept():
    question = "Does the supply agreement cover repairs of broken pumps?"
    assert without_title(question, "Supply agreement") == question


@pytest.mark.parametrize(
    "words",
    [
        ("terminate", "terminates", "terminated", "terminating", "termination"),
        ("require", "required", "requires", "requirement", "requirements"),
        ("license", "licenses", "licensing", "licensed"),
        ("infection", "infections", "infected"),
    ],
)
def test_forms_of_a_word_share_a_stem(words):
    assert len({stem(word) for word in words}) == 1


@given(st.text())
def test_analysis_takes_any_text(text):
    question = analyse(text, title=text[:20])
    assert len(question.words) == len(question.wording) == len(set(question.words))
    assert set(question.words) <= set(content_words(question.focus))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("On what date does it begin?", "date"),
        ("How long does it last?", "duration"),
        ("How much is the rent?", "amount"),
        ("Who pays for repairs?", "person"),
        ("Which country does it come from?", "place"),
        ("May the tenant keep a dog?", "duty"),
        ("What is inertia?", "definition"),
        ("Why does ice float?", "reason"),
    ],
)
def test_the_kind_of_a_question_is_seen(question, kind):
    assert kind in {sought.name for sought in analyse(question).sought}


@pytest.mark.parametrize(
    ("kind", "bearing", "other"),
    [
        ("date", "It begins on 1 March 2024.", "It begins when both have signed."),
        ("date", "It ended on December 31, 2020.", "It ended soon."),
        ("duration", "It lasts for two years.", "It lasts."),
        ("amount", "The rent is 900 euros.", "The rent is due."),
        ("reason", "Ice floats because it is lighter.", "Ice floats."),
    ],
)
def test_a_sentence_that_holds_what_is_asked_is_told_from_one_that_does_not(kind, bearing, other):
    borne = next(sought.borne for sought in SOUGHT if sought.name == kind)
    assert borne.search(bearing)
    assert not borne.search(other)


def test_a_question_whether_something_is_so_is_polar():
    assert analyse("Is there a duty to insure?").polar
    assert not analyse("What must be insured?").polar
