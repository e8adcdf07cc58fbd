"""Ranking metrics agree with their definitions, and the bootstrap tells a real difference from none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.evaluation.metrics import ndcg_at, paired_bootstrap, recall_at

IDS = st.lists(st.sampled_from("abcdefgh"), unique=True)
JUDGED = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.0, 1.0, 2.0, 3.0]))


def test_ndcg_of_a_known_ranking():
    ideal = 7 + 3 / math.log2(3) + 1 / math.log2(4)
    got = 1 + 7 / math.log2(3)
    assert ndcg_at(["low", "high"], {"high": 3, "mid": 2, "low": 1}) == pytest.approx(got / ideal)


@given(ranked=IDS, judged=JUDGED)
def test_ndcg_is_a_share_and_the_ideal_order_has_all_of_it(ranked, judged):
    assert 0 <= ndcg_at(ranked, judged) <= 1 + 1e-12
    if any(judged.values()):
        assert ndcg_at(sorted(judged, key=lambda id_: -judged[id_]), judged) == pytest.approx(1)


def test_what_stands_past_k_does_not_count():
    ranked = [str(number) for number in range(11)]
    assert ndcg_at(ranked, {"10": 1.0}) == 0
    assert recall_at(ranked, {"10": 1.0, "0": 1.0}, k=10) == 0.5


def test_the_bootstrap_finds_a_real_difference_and_not_a_missing_one():
    generator = np.random.default_rng(7)
    base = generator.uniform(size=400)
    better = paired_bootstrap(base + 0.05 + generator.normal(0, 0.1, 400), base)
    assert better.low > 0
    assert better.mean == pytest.approx(0.05, abs=0.02)
    noise = paired_bootstrap(base + generator.normal(0, 0.1, 400), base)
    assert noise.low < 0 < noise.high


def test_the_bootstrap_needs_one_score_per_item():
    with pytest.raises(ValueError, match="at least"):
        paired_bootstrap([], [])
