"""Measures one fitted predictor on examples that it has not seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.evaluation.behavior.figures import Figures, figures_of
from shopkeeper.evaluation.behavior.rows import BehaviorRow
from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.evaluation.behavior.segments import segments_of
from shopkeeper.evaluation.behavior.settings import BehaviorEvaluationSettings
from shopkeeper.predictors.base import Predictor
from shopkeeper.types import Float64Array

LEAST_SECONDS = 0.2
"""Predictions are repeated for so long, so that few of them are measured too."""


@dataclass(frozen=True)
class BehaviorEvaluation:
    """What one predictor reached.

    Attributes:
        model: Name of the model.
        part: `"validation"` or `"test"`.
        rows: All figures, tidy.
        figures: Those over all examples, with resamples.
        asked: Hash of the examples; two evaluations can be compared where it is the same.
        base_rate: Share of all pairs that the target came of, or the mean amount.
        predictions_per_second: From features to probabilities, all examples at once.
        megabytes: Size of what the model learned, in units of 10^6 bytes.
        settings: How it was measured.
    """

    model: str
    part: str
    rows: tuple[BehaviorRow, ...]
    figures: Figures
    asked: str
    base_rate: float
    predictions_per_second: float
    megabytes: float
    settings: BehaviorEvaluationSettings

    def value(self, metric: str) -> float:
        """A figure over all examples."""
        return float(self.figures.values[self.figures.names.index(metric)])


def evaluate_predictor(
    predictor: Predictor,
    examples: Examples,
    settings: BehaviorEvaluationSettings | None = None,
    part: str = "test",
    name: str | None = None,
) -> BehaviorEvaluation:
    """Measures a predictor.

    Args:
        predictor: Fitted.
        examples: With features, from moments that training does not reach into.
        settings: What to measure; None takes the defaults.
        part: Which part the examples are of.
        name: Of the model; None takes its own.

    Raises:
        DataError: There is no example, or the model does not give a number for each.
        NotFittedError: The model was not fitted.
    """
    settings = settings if settings is not None else BehaviorEvaluationSettings()
    said, speed = _timed(predictor, examples)
    amounts = predictor.of_amounts
    scored = Scored.of(examples, said)
    measured = _Rows(name if name is not None else predictor.name, part, settings, amounts)
    figures = measured.add(scored)
    if settings.segments:
        for group, segment, inside in segments_of(examples):
            measured.add(scored.take(inside), group, segment)
        _add_behaviors(measured, predictor, examples)
    return BehaviorEvaluation(
        model=measured.model, part=part, rows=tuple(measured.rows), figures=figures, asked=_hash(examples),
        base_rate=float(np.average(scored.label, weights=scored.weight)), predictions_per_second=speed,
        megabytes=sum(values.nbytes for values in predictor.state().values()) / 1e6, settings=settings,
    )  # fmt: skip


class _Rows:
    """Collects the rows of one model."""

    def __init__(self, model: str, part: str, settings: BehaviorEvaluationSettings, amounts: bool) -> None:
        self.model, self.part, self.settings, self.amounts = model, part, settings, amounts
        self.rows: list[BehaviorRow] = []

    def add(self, scored: Scored, group: str = "all", segment: str = "") -> Figures:
        """Adds all figures of some examples that have a value."""
        figures = figures_of(scored, self.settings.n_bootstrap, self.settings.seed, self.amounts)
        sizes = (len(scored), int((scored.label > 0).sum()), len(np.unique(scored.shopper)))
        for metric, value in zip(figures.names, figures.values.tolist(), strict=True):
            if np.isfinite(value):
                low, high = figures.interval(metric) or (None, None)
                self.rows.append(
                    BehaviorRow(self.model, self.part, metric, value, low, high, *sizes, group, segment)
                )  # fmt: skip
        return figures


def _add_behaviors(measured: _Rows, predictor: Predictor, examples: Examples) -> None:
    """Figures of each behavior of a model of several."""
    answer: Any = getattr(predictor, "predict_behaviors", None)
    if not predictor.several or answer is None or examples.labels is None:
        return
    said = answer(examples)
    for place, behavior in enumerate(examples.behaviors):
        scored = Scored.of(examples, said[:, place], examples.labels[:, place])
        measured.add(scored, "behavior", behavior)


def _timed(predictor: Predictor, examples: Examples) -> tuple[Float64Array, float]:
    """What it says of examples, and predictions a second."""
    start = perf_counter()
    said = predictor.predict(examples)
    asked = len(said)
    while (seconds := perf_counter() - start) < LEAST_SECONDS and len(said):
        asked += len(predictor.predict(examples))
    return said, asked / max(seconds, 1e-9)


def _hash(examples: Examples) -> str:
    digest = hashlib.sha256()
    for column in (examples.user_index, examples.item_index, examples.timestamp, examples.label):
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()
