"""Fusion adds up evidence: whatever the candidates, it is finite, fair to order and able to say why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.errors import InputError
from fmapps.retrieval.fusion import (
    CHANNELS,
    DENSITY,
    DOCUMENT,
    CandidatePool,
    FusionWeights,
    document_support,
    fuse,
    local_density,
)


@st.composite
def candidate_sets(draw, minimum=1, maximum=14):
    count = draw(st.integers(minimum, maximum))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = {}
    for name in draw(st.sets(st.sampled_from(CHANNELS))):
        values = generator.normal(size=count) * (0.3 if name.endswith("dense") else 15.0)
        shape = draw(st.sampled_from(["spread", "constant", "tied", "holes", "empty"]))
        if shape == "constant":
            values[:] = values[0]
        elif shape == "tied":
            values = np.round(values, 0)
        elif shape == "holes":
            values[generator.random(count) < 0.5] = np.nan
        elif shape == "empty":
            values[:] = np.nan
        scores[name] = values
    vectors = None
    if draw(st.booleans()):
        vectors = generator.normal(size=(count, 8)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return CandidatePool(
        keys=generator.permutation(1000)[:count].astype(np.int64),
        documents=generator.integers(0, max(1, count // 2), size=count).astype(np.int64),
        scores=scores,
        vectors=vectors,
        title_share=draw(st.sampled_from([0.0, 0.1, 0.4, 1.0])),
    )


def one_document_each(scores, **options):
    count = len(next(iter(scores.values())))
    return CandidatePool(
        keys=np.arange(count),
        documents=np.arange(count),
        scores={name: np.asarray(values, dtype=float) for name, values in scores.items()},
        **options,
    )


@given(candidate_sets())
def test_every_candidate_gets_a_finite_score_and_one_place_in_the_order(candidates):
    fused = fuse(candidates)
    assert np.isfinite(fused.score).all()
    assert sorted(fused.order) == list(range(len(candidates.keys)))
    assert (np.diff(fused.score[fused.order]) <= 0).all()


@given(candidate_sets())
def test_the_contributions_add_up_to_the_score_and_are_weight_times_raw(candidates):
    fused = fuse(candidates)
    np.testing.assert_allclose(sum(fused.contributions.values()), fused.score, atol=1e-9)
    for name, part in fused.contributions.items():
        np.testing.assert_allclose(part, fused.weights[name] * fused.raw[name], atol=1e-12)


@given(candidate_sets(), st.randoms(use_true_random=False))
def test_the_order_in_which_candidates_come_does_not_matter(candidates, random):
    shuffled = list(range(len(candidates.keys)))
    random.shuffle(shuffled)
    other = replace(
        candidates,
        keys=candidates.keys[shuffled],
        documents=candidates.documents[shuffled],
        scores={name: values[shuffled] for name, values in candidates.scores.items()},
        vectors=None if candidates.vectors is None else candidates.vectors[shuffled],
    )
    before, after = fuse(candidates), fuse(other)
    np.testing.assert_allclose(after.score, before.score[shuffled], atol=1e-4)
    if candidates.vectors is None:
        assert other.keys[after.order].tolist() == candidates.keys[before.order].tolist()


@given(candidate_sets(), st.sampled_from(CHANNELS))
def test_a_channel_that_knows_nothing_changes_nothing(candidates, channel):
    without = {name: values for name, values in candidates.scores.items() if name != channel}
    silent = {**without, channel: np.full(len(candidates.keys), np.nan)}
    absent, unknown = fuse(replace(candidates, scores=without)), fuse(replace(candidates, scores=silent))
    np.testing.assert_array_equal(absent.score, unknown.score)
    np.testing.assert_array_equal(absent.order, unknown.order)
    assert channel not in unknown.contributions


@given(candidate_sets(minimum=2), st.sampled_from(["dense", "lexical"]))
def test_a_better_score_in_a_channel_never_lowers_a_candidate(candidates, channel):
    known = {**candidates.scores, channel: np.linspace(0.0, 1.0, len(candidates.keys))}
    candidates = replace(candidates, scores=known)
    raised = known[channel].copy()
    raised[0] += 1.0
    before, after = fuse(candidates), fuse(replace(candidates, scores={**known, channel: raised}))
    assert list(after.order).index(0) <= list(before.order).index(0)


@given(candidate_sets(minimum=2))
def test_a_constant_channel_does_not_change_the_order(candidates):
    kept = {name: values for name, values in candidates.scores.items() if name in ("dense", "focus_dense")}
    flat = {**kept, "lexical": np.full(len(candidates.keys), 7.0)}
    candidates = replace(candidates, title_share=0.0, vectors=None)
    before, after = fuse(replace(candidates, scores=kept)), fuse(replace(candidates, scores=flat))
    np.testing.assert_allclose(after.score - before.score, (after.score - before.score)[0], atol=1e-9)


def test_equal_scores_are_ordered_by_key():
    candidates = CandidatePool(
        keys=np.array([30, 10, 20]), documents=np.array([1, 2, 3]), scores={"dense": np.array([0.5, 0.5, 0.5])}
    )
    assert candidates.keys[fuse(candidates).order].tolist() == [10, 20, 30]


def test_no_candidates_give_an_empty_result():
    fused = fuse(CandidatePool(keys=np.zeros(0, int), documents=np.zeros(0, int), scores={}))
    assert len(fused.score) == len(fused.order) == 0


def test_words_lead_where_they_spread_widely_and_meaning_leads_where_they_do_not():
    dense = [0.60, 0.40]
    long_query = fuse(one_document_each({"dense": dense, "lexical": [10.0, 60.0]}))
    short_query = fuse(one_document_each({"dense": dense, "lexical": [4.0, 6.0]}))
    assert long_query.order[0] == 1
    assert short_query.order[0] == 0


def test_a_named_title_turns_the_query_into_a_title_and_a_question():
    scores = {
        "dense": [0.7, 0.6],
        "lexical": [30.0, 28.0],
        "title_lexical": [20.0, 20.0],
        "focus_dense": [0.1, 0.5],
        "focus_lexical": [0.0, 9.0],
    }
    unnamed, named = (fuse(one_document_each(scores, title_share=share)) for share in (0.0, 0.5))
    assert unnamed.order[0] == 0
    assert named.order[0] == 1
    assert not {"title_lexical", "focus_dense", "focus_lexical"} & unnamed.contributions.keys()
    assert "lexical" not in named.contributions


def test_the_title_counts_only_together_with_the_words_of_the_remainder():
    scores = {"dense": [0.7, 0.6], "lexical": [30.0, 28.0], "title_lexical": [0.0, 20.0]}
    fused = fuse(one_document_each(scores, title_share=1.0))
    assert fused.weights["lexical"] == FusionWeights().lexical
    assert "title_lexical" not in fused.contributions


def test_an_untitled_document_is_neither_helped_nor_hurt_by_the_titles_of_others():
    fused = fuse(one_document_each({"dense": [0.5, 0.5, 0.5], "title_dense": [0.8, 0.2, np.nan]}))
    assert fused.order.tolist() == [0, 2, 1]


def test_a_passage_near_everything_loses_to_one_that_is_near_the_query_only():
    generator = np.random.default_rng(0)
    hub = np.ones(16) / 4
    others = hub + generator.normal(scale=0.05, size=(12, 16))
    lone = np.zeros(16)
    lone[0] = 1.0
    vectors = np.vstack([hub, lone, others])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    candidates = one_document_each({"dense": [0.5, 0.5] + [0.1] * 12}, vectors=vectors)
    assert fuse(candidates).order[0] == 1
    assert fuse(replace(candidates, vectors=None)).order[0] == 0


@given(candidate_sets(minimum=2))
def test_local_density_looks_at_other_documents_only(candidates):
    if candidates.vectors is None:
        return
    density = local_density(candidates.vectors, candidates.documents)
    assert ((density >= -1.0001) & (density <= 1.0001)).all()
    assert not local_density(candidates.vectors, np.zeros(len(candidates.keys), dtype=np.int64)).any()


@given(candidate_sets())
def test_document_support_is_shared_by_its_passages_and_nothing_for_a_lone_one(candidates):
    score = np.random.default_rng(len(candidates.keys)).normal(scale=5.0, size=len(candidates.keys))
    support = document_support(score, candidates.documents)
    assert (support >= 0).all()
    for document in np.unique(candidates.documents):
        members = candidates.documents == document
        assert len(set(support[members].tolist())) == 1
        assert support[members][0] <= np.log(members.sum()) + 1e-9
        if members.sum() == 1:
            assert support[members][0] == 0.0


def test_the_explanation_names_each_part_with_its_weight_and_ends_in_the_score():
    vectors = np.eye(3, dtype=np.float32)
    fused = fuse(one_document_each({"dense": [0.5, 0.4, 0.3], "lexical": [10.0, 5.0, 0.0]}, vectors=vectors))
    line = fused.explain(0)
    assert line.startswith(f"score {fused.score[0]:.2f}: dense 0.5 x 20 = +10.00; lexical 10 x 0.2 = +2.00")
    assert DENSITY in line
    assert DOCUMENT in line


@pytest.mark.parametrize(
    "change",
    [
        {"documents": np.zeros(3, dtype=np.int64)},
        {"scores": {"dense": np.zeros(3)}},
        {"scores": {"nearness": np.zeros(2)}},
        {"vectors": np.zeros((3, 4), dtype=np.float32)},
        {"title_share": 1.5},
    ],
)
def test_candidates_that_do_not_fit_together_are_refused(change):
    with pytest.raises(InputError):
        replace(one_document_each({"dense": [0.1, 0.2]}), **change)
