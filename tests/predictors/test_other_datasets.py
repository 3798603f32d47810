"""Predictors mean the same where the codes of a dataset mean something else, and know what they have never seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.schema import EventType
from shopkeeper.errors import ConfigError, DataError
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.calibration import Calibration
from shopkeeper.predictors.registry import predictor_class
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings
from small_logs import small_log

SHORT = TrainingSettings(epochs=8, batch_targets=64, optimizer=OptimizerSettings(learning_rate=5e-3))
NAMES = ("home", "mail", "search")
MODELS = ("GradientBoosting", "LogisticRegression", "MLP")


def shown(names: tuple[str, ...], seed: int = 0, n: int = 1200) -> Examples:
    """Mails work and other placements do not; the codes are those of the names given."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(NAMES), n)
    label = (rng.random(n) < np.where(which == NAMES.index("mail"), 0.9, 0.1)).astype(np.float32)
    codes = np.array([names.index(name) + 1 if name in names else 0 for name in NAMES], dtype=np.uint8)[which]
    columns = {"constant": np.full(n, 3.0), "never": np.full(n, np.nan), "placement": codes.astype(np.float64)}
    user = np.arange(1, n + 1, dtype=np.int32)
    return Examples(
        user, np.ones_like(user), user.astype(np.int64), label, placement=codes, placement_names=names,
        features=FeatureTable.of(columns, n),
    )  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_placements_are_known_by_name(name, tmp_path):
    model = predictor_class(name)().fit(shown(NAMES), None, SHORT)
    model.save(tmp_path / "model")
    loaded = Predictor.load(tmp_path / "model")
    expected = model.predict_proba(shown(NAMES))
    np.testing.assert_allclose(loaded.predict_proba(shown(("banner", *NAMES))), expected, rtol=1e-6)
    np.testing.assert_allclose(loaded.predict_proba(shown(NAMES[::-1])), expected, rtol=1e-6)
    assert np.isfinite(loaded.predict_proba(shown(("banner",)))).all()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("column", ["constant", "never"])
def test_what_never_varied_in_training_says_nothing(name, column):
    model = predictor_class(name)().fit(shown(NAMES), None, SHORT)
    asked = shown(NAMES, seed=1, n=50)
    values = np.array(asked.features.values)
    values[:, asked.features.names.index(column)] = 50.0
    other = replace(asked, features=FeatureTable(asked.features.names, values))
    np.testing.assert_array_equal(model.predict_proba(other), model.predict_proba(asked))


def test_a_network_trained_without_placements_does_not_look_at_one():
    train = replace(shown(NAMES), placement=None, placement_names=())
    values = train.features.values[:, :2]
    train = replace(train, features=FeatureTable(("constant", "never"), values))
    model = predictor_class("MLP")().fit(train, None, SHORT)
    shown_somewhere = replace(train, placement=np.ones(len(train), dtype=np.uint8), placement_names=NAMES)
    np.testing.assert_array_equal(model.predict_proba(shown_somewhere), model.predict_proba(train))


def test_a_behavior_that_a_part_lacks_has_no_labels_there():
    log = small_log(3)
    keep = np.asarray(log.histories.event_type) != EventType.LIKE.code
    settings = ExampleSettings(
        target="purchase", behaviors=(EventType.LIKE, EventType.VIEW), candidates="catalog", days=4
    )
    made = make_examples(log.select(keep), settings)
    assert made.labels[:, made.behaviors.index("like")].sum() == 0
    with pytest.raises(DataError, match="no event of type like"):
        make_examples(log.select(keep), settings.replace(target="like"))


def test_no_temperature_says_that_something_never_comes():
    odds = np.linspace(-9, -4, 50)
    never = Calibration.fitted("temperature", odds, np.zeros(50, dtype=np.float32), np.ones(50))
    assert never(odds).max() < 0.05


@pytest.mark.parametrize(("name", "settings", "said"), [
    ("SelfAttention", {"embedding_size": 9}, "no multiple"),
    ("BehaviorTransformer", {"embedding_size": 9}, "no multiple"),
    ("MMoE", {"loss": "categorical", "positive_weight": 2.0}, "goes with"),
    ("MLP", {"hidden_size": 1}, "hidden_size"),
])  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(name, settings, said):
    with pytest.raises(ConfigError, match=said):
        build(predictor_class(name).Config, settings)


def test_labels_of_validation_are_looked_at():
    wrong = replace(shown(NAMES, 1, 50), label=np.full(50, np.nan, dtype=np.float32))
    with pytest.raises(DataError, match="labels 0 and 1"):
        predictor_class("MLP")().fit(shown(NAMES), wrong, SHORT)
