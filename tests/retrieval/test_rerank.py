"""Reranking changes the order of the first hits and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.errors import InputError, ModelError
from fmapps.records import Document, Hit, Passage, Signal
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.retrieval.rerank import RERANKED, CrossEncoderReranker, SentenceReranker, rerank


class Given:
    """Scores as the test says."""

    name = "given"

    def __init__(self, scores):
        self.scores = scores

    def score(self, query, texts):
        return np.array(self.scores[: len(texts)], dtype=np.float32)


def _hits(count: int) -> list[Hit]:
    return [
        Hit(
            Passage("d", "v", number, number + 1, f"text {number}"),
            float(count - number),
            (Signal("dense", 0.5, number + 1, 1.0),),
        )
        for number in range(count)
    ]


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=RERANKED + 20))
def test_the_same_hits_come_back_in_the_order_of_their_scores(scores):
    hits = _hits(len(scores))
    again = rerank("q", hits, Given(scores))
    assert sorted(hit.passage.start for hit in again) == list(range(len(hits)))
    assert [hit.score for hit in again] == sorted((hit.score for hit in again), reverse=True)
    assert [hit.passage.start for hit in again[RERANKED:]] == list(range(RERANKED, len(hits)))


def test_equal_scores_keep_the_order_they_had_and_each_hit_says_what_it_was():
    again = rerank("q", _hits(3), Given([1.0, 1.0, 2.0]))
    assert [hit.passage.start for hit in again] == [2, 0, 1]
    assert "given" in again[0].explain()
    assert "before: score 1.00: dense 0.5 (rank 3)" in again[0].explain()


@pytest.mark.parametrize("scores", [[float("nan"), 1.0], [1.0]])
def test_scores_that_do_not_fit_are_refused(scores):
    with pytest.raises(ModelError, match="2 passages"):
        rerank("q", _hits(2), Given(scores))


def test_a_passage_is_as_good_as_its_best_sentence():
    reranker = SentenceReranker(HashingEmbedder().encode)
    scores = reranker.score(
        "the notice period",
        ["Rent is due monthly. The notice period. Pets are welcome.", "The rent is due monthly and pets are welcome."],
    )
    assert scores[0] == pytest.approx(1.0, abs=1e-5)
    assert scores[0] > scores[1]


def test_a_corpus_reranks_what_it_found(corpus):
    corpus.add(
        [
            Document(id="long", text="The rent is due. " * 20 + "The tenant may keep two cats."),
            Document(id="short", text="The rent is due monthly. No notice of rent is needed."),
        ]
    )
    reranker = SentenceReranker(corpus.embed)
    hits = corpus.search("The tenant may keep two cats.", reranker=reranker, limit=1)
    assert [hit.passage.document_id for hit in hits] == ["long"]
    assert hits[0].score == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(InputError):
        corpus.search("cats", reranker=reranker, limit=0)


def test_a_folder_without_a_cross_encoder_is_named(tmp_path):
    with pytest.raises(ModelError, match="no cross-encoder") as caught:
        CrossEncoderReranker(tmp_path).score("q", ["text"])
    assert str(tmp_path) in str(caught.value)


@pytest.mark.slow
def test_a_cross_encoder_of_ones_own_scores_each_passage(tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "rent", "notice", "cats", "the"]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=32,
    ).save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    scores = CrossEncoderReranker(tmp_path).score("the rent", ["rent notice", "cats", "the the"])
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
