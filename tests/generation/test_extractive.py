"""Answers in the words of the documents."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fmapps.errors import ConfigurationError
from fmapps.generation import scoring
from fmapps.generation.extractive import ENCODED, ExtractiveModel
from fmapps.generation.scoring import ANSWER_FEATURES, SENTENCE_FEATURES, Logistic, Weights, weights
from fmapps.generation.selection import CLAIMS, document_support
from fmapps.grounding.verification import ground
from fmapps.records import Document, Hit, Support
from tests.generation.conftest import BagOfWords, passages_of

ALWAYS = Weights(weights().sentence, weights().answer, threshold=0.0)


def text_of(composition):
    return " ".join(claim.text for claim in composition.claims)


def test_it_quotes_the_sentence_that_answers(encode, hits_of, lease):
    composition = ExtractiveModel(encode).answer("How much rent shall the tenant pay?", hits_of(lease))
    assert not composition.abstained
    assert "900 euros" in text_of(composition)


def test_a_date_is_preferred_where_a_date_is_asked(encode, hits_of, lease):
    composition = ExtractiveModel(encode, weights=ALWAYS).answer("On what date does this lease end?", hits_of(lease))
    assert "28 February 2026" in text_of(composition)


def test_a_sentence_that_leans_on_another_brings_it(encode, hits_of, lease):
    composition = ExtractiveModel(encode).answer(
        "When is the deposit returned after the keys are handed over?", hits_of(lease)
    )
    claim = next(claim for claim in composition.claims if "Such deposit" in claim.text)
    assert claim.text.startswith("The tenant pays a deposit")


def test_an_opening_of_a_list_brings_its_items(encode, hits_of, lease):
    composition = ExtractiveModel(encode).answer("What count as the following faults?", hits_of(lease))
    assert "dripping tap" in text_of(composition)


def test_no_heading_is_quoted_by_itself(encode, hits_of, lease):
    composition = ExtractiveModel(encode).answer("What is the rent and the deposit and the term?", hits_of(lease))
    assert not {"Rent", "Deposit", "Term"} & {claim.text for claim in composition.claims}


def test_it_abstains_where_nothing_answers_and_names_what_was_not_there(encode, hits_of, lease):
    composition = ExtractiveModel(encode).answer("Is there an arbitration tribunal in Geneva?", hits_of(lease))
    assert composition.abstained
    assert composition.claims == ()
    assert "“arbitration”" in composition.reason
    assert "Lease of a flat" in composition.reason
    assert composition.confidence < weights().threshold


def test_without_hits_it_abstains(encode):
    composition = ExtractiveModel(encode).answer("What is the rent?", [])
    assert composition.abstained
    assert composition.reason


def test_without_a_sentence_it_abstains(encode, hits_of):
    composition = ExtractiveModel(encode).answer("What is the rent?", hits_of(Document("d", "RENT\n\n12.3\n\n* * *")))
    assert composition.abstained
    assert "no sentence" in composition.reason


def test_the_same_words_in_two_documents_are_quoted_once(encode, hits_of):
    texts = ["The tenant shall pay a rent of 900 euros.", "The tenant shall pay a rent of 900 euros!"]
    composition = ExtractiveModel(encode).answer(
        "How much rent shall the tenant pay?", hits_of(*(Document(f"d{n}", text) for n, text in enumerate(texts)))
    )
    assert len(composition.claims) == 1


def test_the_better_supported_document_comes_first(encode):
    good, other = Document("good", "Cats sleep for sixteen hours."), Document("other", "Cats sleep at night mostly.")
    hits = [Hit(passages_of(other)[0], 1.0), Hit(passages_of(good)[0], 9.0)]
    composition = ExtractiveModel(encode, weights=ALWAYS).answer("How long do cats sleep?", hits)
    assert composition.claims[0].citations[0].document_id == "good"


def test_support_of_a_document_grows_with_its_passages():
    document, other = Document("a", "x" * 900), Document("b", "y" * 300)
    hits = [Hit(passage, 5.0) for passage in (*passages_of(document), *passages_of(other))]
    support = document_support(hits)
    assert support["a"] == 0
    assert support["b"] < 0


def test_at_most_a_fixed_number_of_sentences_is_embedded(hits_of):
    encode = BagOfWords()
    document = Document("d", " ".join(f"The tenant of room {number} shall pay the rent." for number in range(300)))
    composition = ExtractiveModel(encode).answer("Which tenant shall pay the rent?", hits_of(document))
    assert encode.texts <= ENCODED + 1
    assert composition.claims


def test_a_run_on_sentence_is_trimmed_and_marked(encode, hits_of):
    filler = "the parties have considered a number of other matters of lesser weight and of no consequence here; "
    text = "Whereas " + filler * 8 + "the tenant shall pay a rent of 900 euros each month; " + filler * 8 + "they sign."
    composition = ExtractiveModel(encode).answer(
        "How much rent shall the tenant pay?", hits_of(Document("d", text), size=4000)
    )
    claim = next(claim for claim in composition.claims if "900 euros" in claim.text)
    assert len(claim.text.split()) < 120
    assert claim.text.startswith("… ")
    assert claim.text.endswith(" …")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=300), min_size=1, max_size=4),
    st.text(min_size=1, max_size=60),
    st.integers(30, 120),
)
def test_every_claim_on_any_text_can_be_re_read(texts, question, size):
    documents = {f"d{number}": Document(f"d{number}", text) for number, text in enumerate(texts)}
    hits = [
        Hit(passage, float(-rank))
        for document in documents.values()
        for rank, passage in enumerate(passages_of(document, size=size, shared=20))
        if passage.text
    ]
    composition = ExtractiveModel(BagOfWords(), weights=ALWAYS).answer(question, hits)
    assert 0 <= composition.confidence <= 1
    assert len(composition.claims) <= CLAIMS
    assert composition.abstained == (not composition.claims) == bool(composition.reason)
    ranges = [(c.document_id, c.start, c.end) for claim in composition.claims for c in claim.citations]
    for one, other in pairwise(sorted(ranges)):
        assert one[0] != other[0] or one[2] <= other[1]
    checked = ground(composition.claims, lambda document_id, version: documents[document_id].text)
    for claim in checked:
        if claim.text.replace("…", "").strip():
            assert claim.support is Support.SUPPORTED, claim.reason


def test_the_same_question_gets_the_same_answer(hits_of, lease):
    ask = [ExtractiveModel(BagOfWords()).answer("What is the rent?", hits_of(lease)) for _ in range(2)]
    assert ask[0] == ask[1]


def test_every_coefficient_that_ships_is_read():
    assert set(weights().sentence.weights) == set(SENTENCE_FEATURES)
    assert set(weights().answer.weights) == set(ANSWER_FEATURES)
    assert 0 < weights().threshold < 1


def test_coefficients_of_other_features_are_refused(tmp_path, monkeypatch):
    (tmp_path / "extractive.json").write_text(json.dumps({"sentence": {"weights": {"magic": 1}, "constant": 0}}))
    monkeypatch.setattr(scoring, "files", lambda package: tmp_path)
    weights.cache_clear()
    with pytest.raises(ConfigurationError, match="magic"):
        weights()
    monkeypatch.undo()
    weights.cache_clear()


def test_log_odds_are_the_weighted_sum():
    model = Logistic({"a": 2.0, "b": -1.0}, 0.5)
    np.testing.assert_allclose(model.log_odds(np.array([[1.0, 3.0], [0.0, 0.0]]), ("a", "b")), [-0.5, 0.5])
