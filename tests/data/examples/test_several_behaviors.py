"""Examples with labels of several behaviors say of each what examples of that behavior alone say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from small_logs import seeds, small_log

BEHAVIORS = (EventType.VIEW, EventType.CART)
few = settings(max_examples=25)


def triples(examples: Examples, label: np.ndarray) -> set[tuple[int, int, int]]:
    came = label > 0
    columns = (examples.user_index[came], examples.item_index[came], examples.timestamp[came])
    return {(int(u), int(i), int(t)) for u, i, t in zip(*columns, strict=True)}


@few
@given(seeds, st.sampled_from(["days", "session", "next_event"]), st.sampled_from([None, EventType.VIEW]))
def test_each_label_is_that_of_the_behavior_alone(seed, horizon, at):
    log = small_log(seed)
    base = {"target": "purchase", "given": at, "horizon": horizon, "days": 4, "negatives": 0.5, "seed": seed % 7}
    if at is None:
        base["candidates"] = "catalog"
    try:
        several = make_examples(log, ExampleSettings.model_validate({**base, "behaviors": BEHAVIORS}))
    except DataError:
        return
    assert several.behaviors == ("purchase", "view", "cart")
    np.testing.assert_array_equal(several.labels[:, 0], several.label)
    for place, name in enumerate(several.behaviors):
        if not (log.histories.event_type == EventType(name).code).any():
            assert not several.labels[:, place].any()
            continue
        alone = make_examples(log, ExampleSettings.model_validate({**base, "target": name}))
        assert triples(several, several.labels[:, place]) == triples(alone, alone.label)


def sample(n: int = 40_000, rate: float = 0.25) -> Examples:
    """All pairs with a view or a purchase, and a share of the others."""
    rng = np.random.default_rng(0)
    view, purchase = rng.random(n) < 0.3, rng.random(n) < 0.1
    kept = view | purchase | (rng.random(n) < rate)
    labels = np.stack([purchase, view], axis=1).astype(np.float32)[kept]
    user = np.arange(n, dtype=np.int32)[kept]
    return Examples(
        user, np.ones_like(user), user.astype(np.int64), labels[:, 0], rate,
        behaviors=("purchase", "view"), labels=labels,
    )  # fmt: skip


def test_weights_give_back_the_shares_of_all_pairs():
    examples = sample()
    assert examples.weight.sum() == pytest.approx(40_000, rel=0.02)
    shares = np.average(examples.labels, axis=0, weights=examples.weight)
    np.testing.assert_allclose(shares, [0.1, 0.3], rtol=0.03)


def test_for_one_target_others_are_drawn_at_one_rate():
    examples = sample()
    alone = examples.for_target(seed=3)
    assert alone.labels is None
    assert alone.label.sum() == examples.label.sum()
    viewed = np.isin(alone.user_index, examples.user_index[examples.labels[:, 1] > 0]) & (alone.label == 0)
    both = ((examples.labels[:, 1] > 0) & (examples.label == 0)).sum()
    assert viewed.sum() == pytest.approx(0.25 * both, rel=0.1)
    assert np.average(alone.label, weights=alone.weight) == pytest.approx(0.1, rel=0.03)
    assert alone.for_target() is alone


def test_shoppers_without_an_item_have_one_label():
    with pytest.raises(ValidationError, match="no other behaviors"):
        ExampleSettings(target="churn", behaviors=BEHAVIORS)
