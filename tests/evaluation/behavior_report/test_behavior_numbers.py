"""The numbers of the page beside slow readings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.evaluation.behavior_report.funnel_counts import funnels_of, stages_of
from shopkeeper.evaluation.behavior_report.sections.decision import costs_of
from shopkeeper.evaluation.behavior_report.sections.dependence import partial_dependence, values_of
from shopkeeper.evaluation.behavior_report.sections.examples import chosen
from shopkeeper.evaluation.behavior_report.sections.importance import AGAINST, BOTH, FOR, importance_of
from shopkeeper.evaluation.behavior_report.sections.truth import bins_of
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.metrics.curves import Thresholds
from small_logs import seeds, small_log


@settings(max_examples=20)
@given(seeds)
def test_funnels_are_those_of_a_slow_reading(seed):
    log = small_log(seed, n_events=60)
    stages = stages_of(log)
    done: dict[tuple[int, int], set[str]] = {}
    events = log.histories
    for user, item, kind in zip(events.rows, events.item_index, events.event_type, strict=True):
        done.setdefault((int(user), int(item)), set()).add(EVENT_TYPES[kind - 1].value)
    found = funnels_of(log)
    names = [stage.value for stage in stages]
    expected = [sum(set(names[: at + 1]) <= kinds for kinds in done.values()) for at in range(len(names))]
    assert list(found[0].counts) == expected
    for group in ("shopper", "price", "category"):
        parts = [one.counts for one in found if one.group == group]
        assert all((np.diff(counts) <= 0).all() for counts in parts)
        if group == "shopper":
            assert np.sum(parts, axis=0).tolist() == expected
    tea = [one for one in found if one.group == "category"]
    assert {one.name for one in tea} <= {"x", "w"}


def test_costs_are_those_of_counting_and_true_chances_make_the_threshold_best():
    rng = np.random.default_rng(0)
    said = rng.beta(1, 12, 30_000)
    label = (rng.random(len(said)) < said).astype(np.float32)
    chosen_costs = BehaviorReportSettings(cost_of_false_alarm=2, cost_of_miss=8)
    found = Thresholds.of(label, said)
    costs = costs_of(found, chosen_costs)
    at = int((found.threshold >= chosen_costs.threshold).sum()) - 1
    acted = said >= chosen_costs.threshold
    assert chosen_costs.threshold == 0.2
    assert costs[at] == 2 * (acted & (label == 0)).sum() + 8 * (~acted & (label > 0)).sum()
    assert costs[at] < 1.03 * costs.min()


@pytest.mark.parametrize("rate", [1.0, 0.05])
def test_bins_of_true_chances_hold_what_was_said(rate):
    rng = np.random.default_rng(1)
    said = rng.beta(1, 30, 60_000)
    label = (rng.random(len(said)) < said).astype(np.float32)
    kept = (label > 0) | (rng.random(len(said)) < rate)
    weight = np.where(label > 0, 1.0, 1 / rate)[kept]
    bins = bins_of(label[kept], said[kept], weight)
    assert len(bins) == 10
    assert sum(one.pairs for one in bins) == pytest.approx(weight.sum())
    assert max(one.n_positives for one in bins) - min(one.n_positives for one in bins) <= 1
    assert np.mean([one.low <= one.said <= one.high for one in bins]) >= 0.8
    assert all(one.low <= one.came <= one.high for one in bins)


def test_where_no_sampled_negative_is_the_interval_stays_open():
    label = np.array([1.0] * 12 + [0.0] * 5, dtype=np.float32)
    said = np.array([0.5] * 12 + [0.01] * 5)
    one = bins_of(label, said, np.where(label > 0, 1.0, 100.0), bins=1)[0]
    top = bins_of(label[:12], said[:12], np.ones(12) * 1.0)[0]
    assert one.came == pytest.approx(12 / 512)
    assert top.high == 1.0
    assert one.low < one.came < one.high


def test_what_was_done_before_counts_most(inputs):
    page = BehaviorReportSettings(sample=300)
    found = importance_of(inputs, page)
    assert all(one.size >= other.size for one, other in pairwise(found))
    assert {one.way for one in found} <= {FOR, AGAINST, BOTH}
    by_name = {one.feature[0]: one for one in found}
    assert by_name["pair_carts"].way == FOR


def test_partial_dependence_of_a_line_goes_one_way(inputs):
    asked = inputs.test.take(slice(0, 50))
    values = values_of(inputs.test.features, "pair_views")
    means = partial_dependence(inputs.model, asked, "pair_views", values)
    steps = np.diff(means)
    assert (steps > 0).all() or (steps < 0).all()


def test_the_examples_shown_are_the_telling_ones(inputs):
    said, came = inputs.of_chosen, inputs.test.label > 0
    one, two, three = chosen(inputs, 3)
    assert came[one.place]
    assert said[one.place] == said[came].max()
    assert not came[two.place]
    assert said[two.place] == said[~came].max()
    assert came[three.place]
    assert said[three.place] == said[came].min()
    assert len(chosen(inputs, 5)) == 5
    assert EventType.VIEW in stages_of(inputs.dataset)


@pytest.mark.parametrize("rate", [1.0, 0.02])
def test_intervals_hold_the_true_share_as_often_as_they_say(rate):
    rng, held = np.random.default_rng(2), []
    for _ in range(400):
        label = (rng.random(6000) < 0.01).astype(np.float32)
        kept = (label > 0) | (rng.random(6000) < rate)
        weight = np.where(label > 0, 1.0, 1 / rate)[kept]
        one = bins_of(label[kept], np.full(kept.sum(), 0.01), weight, bins=1)[0]
        held.append(one.low <= 0.01 <= one.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_negatives_that_are_all_there_are_certain():
    label = np.array([1.0] * 100 + [0.0] * 60, dtype=np.float32)
    weight = np.array([1.0] * 150 + [100.0] * 10)
    said = np.array([0.5] * 150 + [0.001] * 10)
    top = bins_of(label, said, weight, bins=2)[1]
    assert top.low <= top.came <= top.high
