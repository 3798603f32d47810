"""What holds for every predictor. Nothing is listed here: a new model is found by its class and tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.errors import ArtifactError, ConfigError, DataError, NotFittedError
from shopkeeper.metrics.classification import auc, calibration_error, log_loss
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.registry import predictor_class, predictor_classes
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")
CLASSES = predictor_classes()
every = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
_fitted: dict[str, Predictor] = {}
SHORT = TrainingSettings(epochs=8, batch_targets=64, optimizer=OptimizerSettings(learning_rate=3e-3))
"""Enough for what these examples hold."""


def examples(seed: int, n: int = 1500, rate: float = 1.0) -> Examples:
    """A chance that rises with `wish` and falls with `price`; gaps, a constant column and one of noise beside."""
    rng = np.random.default_rng(seed)
    wish, price, noise = rng.normal(size=n), rng.lognormal(size=n), rng.normal(size=n)
    chance = 1 / (1 + np.exp(-(1.5 * wish - np.log(price) - 1)))
    label = (rng.random(n) < chance).astype(np.float32)
    kept = (label > 0) | (rng.random(n) < rate)
    columns = {
        "wish": wish, "price": price, "noise": noise, "constant": np.full(n, 7.0),
        "sometimes": np.where(rng.random(n) < 0.3, np.nan, noise), "never": np.full(n, np.nan),
    }  # fmt: skip
    zeros = np.zeros(n, dtype=np.int32)
    whole = Examples(zeros, zeros, zeros.astype(np.int64), label, rate, features=FeatureTable.of(columns, n))
    return whole.take(kept)


def with_column(one: Examples, name: str, value: float) -> Examples:
    assert one.features is not None
    values = np.array(one.features.values)
    values[:, one.features.names.index(name)] = value
    return replace(one, features=FeatureTable(one.features.names, values))


@pytest.fixture
def fitted(cls: type[Predictor]) -> Predictor:
    """The model with default settings; shared, so tests must not change it."""
    return shared(cls)


def shared(cls: type[Predictor]) -> Predictor:
    if cls.__name__ not in _fitted:
        _fitted[cls.__name__] = cls().fit(examples(0), examples(1, 500))
    return _fitted[cls.__name__]


@every
def test_it_learns_what_can_be_learned(fitted: Predictor):
    held_out = examples(2)
    probability = fitted.predict_proba(held_out)
    assert probability.shape == (len(held_out),)
    assert ((probability >= 0) & (probability <= 1)).all()
    assert auc(held_out.label, probability) > 0.8


@every
def test_reasons_name_what_matters(fitted: Predictor):
    eager = with_column(with_column(examples(3, 30), "wish", 2.5), "price", 1.0)
    for reasons in fitted.explain(eager, k=3):
        assert len(reasons) == 3
        assert reasons[0].feature == "wish"
        assert reasons[0].effect > 0
        assert reasons[0].value == 2.5
        assert abs(reasons[0].effect) >= abs(reasons[1].effect) >= abs(reasons[2].effect)


@every
def test_effects_differ_between_two_examples_as_their_log_odds(fitted: Predictor):
    asked = examples(4, 50)
    sums = np.array([sum(reason.effect for reason in reasons) for reasons in fitted.explain(asked, k=100)])
    probability = fitted.predict_proba(asked)
    offset = np.log(probability / (1 - probability)) - sums
    np.testing.assert_allclose(offset, offset[0], atol=1e-4)


@every
def test_saved_and_loaded_answers_the_same(fitted: Predictor, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = Predictor.load(tmp_path / "model")
    assert type(loaded) is type(fitted)
    assert loaded.config == fitted.config
    np.testing.assert_array_equal(loaded.predict_proba(examples(2)), fitted.predict_proba(examples(2)))
    assert repr(loaded.explain(examples(2, 5))) == repr(fitted.explain(examples(2, 5)))
    other = next(each for each in CLASSES.values() if each is not type(fitted))
    with pytest.raises(ArtifactError, match="another model"):
        other.load(tmp_path / "model")


@every
def test_the_same_seed_gives_the_same_model(cls: type[Predictor]):
    one, again = (cls().fit(examples(0, 300), examples(1, 100), SHORT).state() for _ in range(2))
    for name, values in one.items():
        assert values.dtype.kind in "fiub", name
        np.testing.assert_array_equal(values, again[name], err_msg=name)


@every
def test_order_and_number_of_examples_do_not_matter(fitted: Predictor):
    asked = examples(2, 40)
    together = fitted.predict_proba(asked)
    order = np.random.default_rng(0).permutation(len(asked))
    np.testing.assert_allclose(fitted.predict_proba(asked.take(order)), together[order], rtol=1e-5)
    np.testing.assert_allclose(fitted.predict_proba(asked.take(slice(3, 4))), together[3:4], rtol=1e-5)
    assert len(fitted.predict_proba(asked.take(slice(0, 0)))) == 0


@every
def test_columns_are_taken_by_name(fitted: Predictor):
    asked = examples(2, 20)
    assert asked.features is not None
    turned = FeatureTable(asked.features.names[::-1], asked.features.values[:, ::-1])
    again = fitted.predict_proba(replace(asked, features=turned))
    np.testing.assert_allclose(again, fitted.predict_proba(asked), rtol=1e-12)
    with pytest.raises(DataError, match="features are missing"):
        fitted.predict_proba(replace(asked, features=FeatureTable(("wish",), asked.features.values[:, :1])))


@every
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_wild_values_give_a_probability(fitted: Predictor, value: float):
    asked = examples(2, 20)
    for name in ("wish", "price", "constant", "never"):
        asked = with_column(asked, name, value)
        assert np.isfinite(fitted.predict_proba(asked)).all()


@every
def test_probabilities_are_of_all_pairs_where_negatives_were_sampled(cls: type[Predictor]):
    config = build(cls.Config, {"calibration": "platt"})
    model = cls(config).fit(examples(0, 6000, rate=0.2), examples(1, 6000, rate=0.5), SHORT)
    everything = examples(5, 6000)
    assert model.predict_proba(everything).mean() == pytest.approx(everything.label.mean(), rel=0.1)


METHODS = ("temperature", "platt", "piecewise", "isotonic")
EVERY_METHOD = [(name, "piecewise") for name in CLASSES] + [
    (name, method)
    for name in ("LogisticRegression", "RandomForest", "MLP")
    for method in METHODS
    if method != "piecewise"
]
"""All with the one that `select` takes; all others with a linear one, one of trees and a network."""


@pytest.mark.parametrize(("name", "method"), EVERY_METHOD)
def test_calibration_on_validation_makes_probabilities_true(name: str, method: str):
    cls = CLASSES[name]
    config = build(cls.Config, {"calibration": method})
    model = cls(config).fit(examples(0), examples(1, 3000, rate=0.5), SHORT)
    held_out = examples(2, 6000)
    probability = model.predict_proba(held_out)
    assert log_loss(held_out.label, probability) < log_loss(held_out.label, shared(cls).predict_proba(held_out)) + 0.005
    if method != "temperature":  # which cannot shift what is too high or too low on the whole
        assert calibration_error(held_out.label, probability) < 0.04
    with pytest.raises(DataError, match="nothing to calibrate on"):
        cls(config).fit(examples(0, 200))


@every
def test_what_cannot_be_learned_from_says_so(cls: type[Predictor]):
    some = examples(0, 50)
    with pytest.raises(DataError, match="same label"):
        cls().fit(replace(some, label=np.ones(len(some), dtype=np.float32)))
    with pytest.raises(DataError, match="labels 0 and 1"):
        cls().fit(replace(some, label=np.arange(len(some), dtype=np.float32)))
    with pytest.raises(DataError, match="no example"):
        cls().fit(some.take(slice(0, 0)))
    with pytest.raises(DataError, match="no features"):
        cls().fit(replace(some, features=None))
    with pytest.raises(NotFittedError):
        cls().predict_proba(some)


@every
def test_settings_are_closed_and_documented(cls: type[Predictor]):
    assert cls.Config is not Predictor.Config
    with pytest.raises(ConfigError, match="unknown setting"):
        build(cls.Config, {"no_such_setting": 1})
    assert all(field.description for field in cls.Config.model_fields.values())
    assert build(cls.Config, cls().config.model_dump(mode="json")) == cls().config
    assert set(cls.Config.search) <= set(cls.Config.model_fields)
    assert predictor_class(cls.__name__.lower()) is cls
    assert (cls.__doc__ or "").strip()


def test_all_classical_predictors_are_found():
    assert {"GradientBoosting", "LinearSVM", "LogisticRegression", "NaiveBayes", "RandomForest"} <= set(CLASSES)
    with pytest.raises(ConfigError, match="did you mean 'NaiveBayes'"):
        predictor_class("naive-bays")
