"""Networks read what features do not say: which item it is, and what the shopper did before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.attributes import Attribute
from shopkeeper.data.point_in_time.sequences import PastEvents
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.errors import ArtifactError, DataError
from shopkeeper.metrics.classification import auc
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.gradient_boosting import GradientBoosting
from shopkeeper.predictors.logistic_regression import LogisticRegression
from shopkeeper.predictors.multi_task import MultiTaskPredictor
from shopkeeper.predictors.network import NetworkPredictor
from shopkeeper.predictors.network_inputs import moments_of
from shopkeeper.predictors.registry import predictor_class, predictor_classes
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

NETWORKS = {name: cls for name, cls in predictor_classes().items() if issubclass(cls, NetworkPredictor)}
TASKS = {name: cls for name, cls in NETWORKS.items() if issubclass(cls, MultiTaskPredictor)}
SHORT = TrainingSettings(epochs=6, batch_targets=64, optimizer=OptimizerSettings(learning_rate=5e-3))
HOUR = 3_600_000_000
N_ITEMS = 12


def examples(seed: int, n_moments: int = 150, each: int = 6) -> Examples:
    """An item is taken where it is of the color (item number modulo 3) of the last event, or is number 1."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 6, n_moments)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    events = rng.integers(1, N_ITEMS + 1, offsets[-1]).astype(np.int32)
    moment = np.repeat(np.arange(n_moments), each)
    item = rng.integers(1, N_ITEMS + 1, len(moment)).astype(np.int32)
    last = np.where(lengths > 0, events[np.maximum(offsets[1:] - 1, 0)] if len(events) else 0, 0)[moment]
    wanted = (last > 0) & (last % 3 == item % 3) | (item == 1)
    label = (rng.random(len(item)) < np.where(wanted, 0.9, 0.05)).astype(np.float32)
    past = PastEvents(
        events, np.full(len(events), 2, dtype=np.uint8), np.repeat(np.arange(n_moments), lengths) * HOUR,
        offsets[:-1][moment], offsets[1:][moment],
    )  # fmt: skip
    noise = FeatureTable(("noise",), rng.normal(size=(len(item), 1)).astype(np.float32))
    ids = Attribute("item", np.arange(N_ITEMS + 1), pa.array([f"p{i:02}" for i in range(1, N_ITEMS + 1)]))
    color = Attribute("brand", np.append(0, np.arange(1, N_ITEMS + 1) % 3 + 1), pa.array(["red", "green", "blue"]))
    return Examples(
        (moment + 1).astype(np.int32), item, moment * HOUR + HOUR, label, features=noise, attributes=(ids, color),
        past=past,
    )  # fmt: skip


def with_views(one: Examples) -> Examples:
    """Beside the target a view, which comes with each of them and as often again without."""
    rng = np.random.default_rng(5)
    view = np.maximum(one.label, rng.random(len(one)) < one.label.mean())
    return replace(one, behaviors=("purchase", "view"), labels=np.stack([one.label, view], axis=1).astype(np.float32))


LEARNERS = ("EmbeddingLSTM", "SelfAttention", "DIN", "DIEN", "BehaviorTransformer", "PLE")
_fitted: dict[str, NetworkPredictor] = {}


def fitted(name: str) -> NetworkPredictor:
    if name not in _fitted:
        cls = NETWORKS[name]
        sizes = {"embedding_size": 16, "hidden_size": 32}
        config = build(cls.Config, {"least_count": 1, "unknown_share": 0.1, **sizes})
        model = cls(config).fit(examples(0, 400), None, SHORT.replace(epochs=12 if name in LEARNERS else 2))
        assert isinstance(model, NetworkPredictor)
        _fitted[name] = model
    return _fitted[name]


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_from_ids_and_the_past(name):
    held_out = examples(1)
    assert auc(held_out.label, fitted(name).predict_proba(held_out)) > 0.8
    names, _, effects = fitted(name).effects(held_out)
    size = dict(zip(names, np.abs(effects).mean(axis=0), strict=True))
    assert size["item"] + size["brand"] + size["history"] > 3 * size["noise"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_dataset_with_other_codes_gives_the_same_answers(name, tmp_path):
    asked = examples(2, 20)
    model = fitted(name)
    model.save(tmp_path / "model")
    loaded = Predictor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(asked), model.predict_proba(asked))
    item, brand = asked.attributes
    turned = np.append(0, np.arange(N_ITEMS, 0, -1)).astype(np.int32)  # the other dataset counts from the other end
    other = replace(
        asked,
        item_index=turned[asked.item_index],
        attributes=(
            Attribute("item", item.codes, item.words[::-1]),
            Attribute("brand", np.append(0, 4 - brand.codes[1:][::-1]), brand.words[::-1]),
        ),
        past=replace(asked.past, item=turned[asked.past.item]),
    )
    np.testing.assert_allclose(loaded.predict_proba(other), model.predict_proba(asked), rtol=1e-5)


def test_unknown_items_and_an_empty_past_have_an_answer():
    model, asked = fitted("DIN"), examples(3, 10)
    new = Attribute("item", np.arange(N_ITEMS + 1), pa.array([f"new{i:02}" for i in range(N_ITEMS)]))
    strange = replace(asked, attributes=(new,), past=asked.past.take(slice(None)))
    assert np.isfinite(model.predict_proba(strange)).all()
    empty = replace(asked, past=replace(asked.past, stop=asked.past.start))
    without = replace(asked, past=None)
    np.testing.assert_allclose(model.predict_proba(empty), model.predict_proba(without), rtol=1e-6)
    numbers = Attribute("item", np.arange(N_ITEMS + 1), pa.array(range(N_ITEMS)))
    assert np.isfinite(model.predict_proba(replace(asked, attributes=(numbers,)))).all()


def test_examples_of_one_moment_share_a_number():
    asked = examples(4, 7, each=3)
    np.testing.assert_array_equal(np.bincount(moments_of(asked)), np.full(7, 3))
    mixed = np.random.default_rng(0).permutation(len(asked))
    assert len(np.unique(np.stack([moments_of(asked.take(mixed)), asked.user_index[mixed]]), axis=1).T) == 7


@pytest.mark.parametrize(("name", "loss"), [*((name, "binary") for name in TASKS), ("MMoE", "categorical")])
def test_several_behaviors_have_the_chances_of_all_pairs(name, loss, tmp_path):
    whole = with_views(examples(0, 600))
    kept = whole.kept | (np.random.default_rng(1).random(len(whole)) < 0.3)
    sample = replace(whole.take(np.flatnonzero(kept)), negative_rate=0.3)
    config = build(TASKS[name].Config, {"least_count": 1, "unknown_share": 0.1, "loss": loss})
    model = TASKS[name](config).fit(sample, None, SHORT)
    assert isinstance(model, MultiTaskPredictor)
    chances = model.predict_behaviors(whole)
    assert chances.shape == (len(whole), 2)
    np.testing.assert_array_equal(chances[:, 0], model.predict_proba(whole))
    np.testing.assert_allclose(chances.mean(axis=0), whole.labels.mean(axis=0), rtol=0.15)
    assert chances[:, 1].mean() > chances[:, 0].mean()
    model.save(tmp_path / "model")
    loaded = Predictor.load(tmp_path / "model")
    assert isinstance(loaded, MultiTaskPredictor)
    assert loaded.behaviors == ("purchase", "view")
    np.testing.assert_array_equal(loaded.predict_behaviors(whole), chances)


def test_each_behavior_is_calibrated():
    whole = with_views(examples(0, 300))
    model = TASKS["MMoE"](build(TASKS["MMoE"].Config, {"calibration": "platt", "positive_weight": 20.0}))
    model.fit(whole, with_views(examples(1, 300)), SHORT.replace(epochs=2))
    assert isinstance(model, MultiTaskPredictor)
    asked = with_views(examples(2, 300))
    np.testing.assert_allclose(model.predict_behaviors(asked).mean(axis=0), asked.labels.mean(axis=0), rtol=0.2)


@pytest.mark.parametrize("loss", [{"loss": "focal"}, {"positive_weight": 8.0}])
def test_other_losses_learn_too(loss):
    model = NETWORKS["DIN"](build(NETWORKS["DIN"].Config, {"least_count": 1, "unknown_share": 0.1, **loss}))
    model.fit(examples(0, 400), None, SHORT.replace(epochs=12))
    held_out = examples(1)
    probability = model.predict_proba(held_out)
    assert auc(held_out.label, probability) > 0.8
    if "positive_weight" in loss:  # whose weight is taken back
        assert probability.mean() == pytest.approx(held_out.label.mean(), rel=0.25)


@pytest.mark.parametrize("optimizer", ["gd", "sgd", "adam", "adamw"])
def test_all_optimizers_of_the_loop_train_it(optimizer):
    rate = 0.2 if optimizer.endswith("d") else 0.005
    training = SHORT.replace(epochs=5, optimizer=OptimizerSettings(name=optimizer, learning_rate=rate))
    model = NETWORKS["MLP"]().fit(examples(0), None, training)
    assert isinstance(model, NetworkPredictor)
    history = model.training_result.history
    assert history[-1].loss < history[0].loss


@pytest.mark.parametrize("cls", [GradientBoosting, NETWORKS["MLP"]])
def test_amounts_are_predicted_and_are_no_chances(cls, tmp_path):
    rng = np.random.default_rng(0)
    one = examples(0, 400)
    values = rng.normal(size=(len(one), 1)).astype(np.float32)
    amount = (50 + 20 * values[:, 0] + rng.normal(size=len(one))).astype(np.float32)
    settings = ExampleSettings(target="amount")
    made = replace(one, label=amount, settings=settings, features=FeatureTable(("wealth",), values))
    model = cls().fit(made.take(slice(0, 2000)), made.take(slice(2000, 2200)))
    said = model.predict(made.take(slice(2200, None)))
    assert np.corrcoef(said, amount[2200:])[0, 1] > 0.95
    assert said.mean() == pytest.approx(amount[2200:].mean(), rel=0.05)
    with pytest.raises(DataError, match="no chances"):
        model.predict_proba(made)
    model.save(tmp_path / "model")
    loaded = Predictor.load(tmp_path / "model")
    assert loaded.settings == settings
    np.testing.assert_array_equal(loaded.predict(made), model.predict(made))
    with pytest.raises(DataError, match="model of amounts"):
        LogisticRegression().fit(made)


def test_weights_of_another_network_are_refused():
    model = fitted("MLP")
    state = model.state()
    state.pop("network.embedding.kinds.weight")
    with pytest.raises(ArtifactError, match="do not fit"):
        model.__class__(model.config).__class__.restore(_bare(model), state)


def _bare(model: NetworkPredictor) -> NetworkPredictor:
    """The same, not fitted, with what is read before the weights."""
    bare = predictor_class(model.name)(model.config)
    assert isinstance(bare, NetworkPredictor)
    bare.features = model.features
    bare._words, bare._max_length, bare._contexts = model.inputs.words, model.inputs.max_length, model.inputs.contexts
    return bare
