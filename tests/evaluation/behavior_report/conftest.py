"""Fitted models of a small shop, once for all tests."""

from __future__ import annotations

import pytest
from viewed_and_bought import inputs_of, shop_log

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs


@pytest.fixture(scope="session")
def log() -> Dataset:
    return shop_log()


@pytest.fixture(scope="session")
def inputs(log: Dataset) -> BehaviorReportInputs:
    pytest.importorskip("lightgbm")
    pytest.importorskip("sklearn")
    return inputs_of(log, ExampleSettings(days=5, negatives=4), ["LogisticRegression", "GradientBoosting"])
