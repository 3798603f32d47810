"""Random forest (Breiman 2001): trees on samples of examples and features, which LightGBM averages (Ke et al. 2017)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from shopkeeper.predictors.base import PredictorConfig
from shopkeeper.predictors.calibration import EDGE, log_odds
from shopkeeper.predictors.trees import TreePredictor
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.types import Float32Array, Float64Array


class RandomForestConfig(PredictorConfig):
    """Settings of `RandomForest`."""

    trees: Annotated[int, Field(ge=1)] = 200
    """Number of trees."""
    leaves: Annotated[int, Field(ge=2)] = 255
    """Leaves of a tree."""
    examples_a_leaf: Annotated[int, Field(ge=1)] = 10
    """At least so many examples in a leaf."""
    example_share: Annotated[float, Field(gt=0, lt=1)] = 0.632
    """Share of the examples that a tree sees, drawn without repeats."""
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the features that a split may use."""

    search: ClassVar[SearchSpace] = {
        "leaves": Integers(15, 1023, log=True),
        "examples_a_leaf": Integers(2, 200, log=True),
        "feature_share": Floats(0.1, 1.0),
    }


class RandomForest(TreePredictor):
    """Random forest."""

    Config = RandomForestConfig
    config: RandomForestConfig

    def _parameters(self) -> dict[str, Any]:
        config = self.config
        return {
            "objective": "regression",  # of 0 and 1: a leaf says the share of positives in it
            "boosting": "rf",
            "num_iterations": config.trees,
            "num_leaves": config.leaves,
            "min_data_in_leaf": config.examples_a_leaf,
            "bagging_freq": 1,
            "bagging_fraction": config.example_share,
            "feature_fraction_bynode": config.feature_share,
        }

    def _log_odds(self, values: Float32Array) -> Float64Array:
        share = self.booster.predict(np.ascontiguousarray(values)) if len(values) else np.zeros(0)
        return log_odds(np.asarray(share, dtype=np.float64))

    def _effects(self, values: Float32Array) -> Float64Array:
        """Tree SHAP of the share, stretched to the log-odds: their sum is the way from the usual ones."""
        shares = self.booster.predict(np.ascontiguousarray(values), pred_contrib=True) / self.booster.num_trees()
        usual, effects = shares[:, -1], np.asarray(shares[:, :-1], dtype=np.float64)
        moved = effects.sum(axis=1)
        way = log_odds(usual + moved) - log_odds(usual)
        still = np.abs(moved) < EDGE
        stretch = np.where(still, 1 / np.clip(usual * (1 - usual), EDGE, 1), way / np.where(still, 1.0, moved))
        stretched: Float64Array = effects * stretch[:, None]
        return stretched
