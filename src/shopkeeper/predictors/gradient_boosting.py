"""Gradient-boosted trees (Friedman 2001) by LightGBM (Ke et al. 2017): each tree corrects the sum of those before."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from shopkeeper.predictors.base import PredictorConfig
from shopkeeper.predictors.trees import TreePredictor
from shopkeeper.search_space import Floats, Integers, SearchSpace


class GradientBoostingConfig(PredictorConfig):
    """Settings of `GradientBoosting`."""

    trees: Annotated[int, Field(ge=1)] = 300
    """At most so many trees."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Share of its correction that each tree adds."""
    leaves: Annotated[int, Field(ge=2)] = 31
    """Leaves of a tree."""
    examples_a_leaf: Annotated[int, Field(ge=1)] = 20
    """At least so many examples in a leaf."""
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of the features that a tree may use."""
    penalty: Annotated[float, Field(ge=0)] = 1.0
    """Quadratic penalty of what a leaf says."""
    patience: Annotated[int, Field(ge=1)] | None = 30
    """Stop when validation has not improved for so many trees; None, and without validation, trains all."""

    search: ClassVar[SearchSpace] = {
        "learning_rate": Floats(0.01, 0.3, log=True),
        "leaves": Integers(4, 255, log=True),
        "examples_a_leaf": Integers(5, 500, log=True),
        "feature_share": Floats(0.3, 1.0),
        "penalty": Floats(0.01, 100.0, log=True),
    }


class GradientBoosting(TreePredictor):
    """Gradient-boosted trees."""

    Config = GradientBoostingConfig
    config: GradientBoostingConfig
    amounts = True

    def _parameters(self) -> dict[str, Any]:
        config = self.config
        return {
            "num_iterations": config.trees,
            "learning_rate": config.learning_rate,
            "num_leaves": config.leaves,
            "min_data_in_leaf": config.examples_a_leaf,
            "feature_fraction": config.feature_share,
            "lambda_l2": config.penalty,
        }

    def _patience(self) -> int | None:
        return self.config.patience
