"""Settings of the prediction of behavior: what is predicted, which predictors compete, and how they are measured."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.evaluation.behavior.settings import BehaviorEvaluationSettings
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.predictors.calibration import CalibrationMethod
from shopkeeper.training.settings import TrainingSettings


class BehaviorSettings(Settings):
    """How a predictor of behavior is chosen."""

    examples: ExampleSettings = ExampleSettings()
    """What is predicted, of which pairs, and how far ahead."""
    models: tuple[str, ...] = ()
    """Predictors that compete; empty takes those that suit the size of the log, `all` takes every one."""
    predictors: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of predictors, by name: `[behavior.predictors.din]`. What is given here is not searched."""
    calibration: CalibrationMethod = "piecewise"
    """How the probabilities of all of them are made true on validation: on pairs as they are asked about
    (`calibration_pairs`), not on a sample of them."""
    calibration_pairs: Annotated[int, Field(ge=1000)] = 200_000
    """About so many pairs of the validation part that probabilities are made true on."""
    training: TrainingSettings | None = None
    """How networks are trained; None takes each one's own way, and searches its learning rate and weight decay."""
    part_days: Annotated[float, Field(gt=0)] | None = None
    """Days of the validation part and of the test part; None takes the moments that the log was prepared for, and
    earlier ones where a part would be too short for the horizon."""
    max_examples: Annotated[int, Field(ge=100)] = 300_000
    """At most about so many examples of each part: negatives are left out at random first, which probabilities and
    figures are corrected for, then shoppers."""
    margin: Annotated[float, Field(ge=0)] = 0.05
    """Who is to count as good as the best is nowhere clearly worse, and lacks on validation at most this share of log
    loss, PR-AUC and AUC each, or of what these lack to 1, if that is less."""
    evaluation: BehaviorEvaluationSettings = BehaviorEvaluationSettings()
    """What is measured."""
    report: BehaviorReportSettings = BehaviorReportSettings()
    """What the page shows, and what wrong decisions cost."""
    seed: int = 0
    """Seed of the search, of each training, and of the examples that are left out."""
