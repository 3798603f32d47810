"""How well a model does with so many events of a shopper: the same shoppers, knowing only their last few events.

Groups of shoppers by length of history are different people. Here the people stay and the history is cut, so that the
difference between two points is what the events between them bring. Shoppers are asked as strangers, by history alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.evaluation.settings import EvaluationSettings, MetricName
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender

CURVE: Final = "last events"
"""Group of the rows; the segment is the number of events, or `ALL`."""
ALL: Final = "all"
LEAST_SHOPPERS: Final = 50
"""A point beyond which fewer shoppers have as many events is left out."""
METRICS: Final[tuple[MetricName, ...]] = ("ndcg", "recall", "hit_rate")


def event_curve(
    recommender: Recommender,
    holdout: Holdout,
    settings: EvaluationSettings | None = None,
    *,
    part: str = "holdout",
    name: str | None = None,
    train: Dataset | None = None,
    progress: Progress | None = None,
) -> list[MetricRow]:
    """Asks the same shoppers knowing only so many of their last events, and all.

    Args:
        recommender: The fitted model.
        holdout: The questions.
        settings: `curve_events`, `curve_users`, and how else to measure; None takes the defaults.
        part: Name of the part, for the table.
        name: Name of the model in the table; None takes the recommender's.
        train: The training part, where a loaded model no longer holds its events.
        progress: Told how far it is.

    Returns:
        Rows of the group `CURVE`; none where too few shoppers have events to cut.
    """
    settings = settings if settings is not None else EvaluationSettings()
    lengths = holdout.histories.lengths
    points = [n for n in settings.curve_events if n > 0 and (lengths >= n).sum() >= LEAST_SHOPPERS]
    if not points:
        return []
    asked = _asked(holdout, max(points), settings)
    metrics = tuple(metric for metric in settings.metrics if metric in METRICS)
    once = settings.replace(metrics=metrics, segments=False, max_users=None)
    rows: list[MetricRow] = []
    for n in [*(n for n in settings.curve_events if n == 0 or n in points), None]:
        cut = asked if n is None else replace(asked, histories=asked.histories.last(n))
        found = evaluate(recommender, cut, once, part=part, name=name, train=train, progress=progress)
        rows += [replace(row, group=CURVE, segment=ALL if n is None else str(n)) for row in found.rows]
    return rows


def _asked(holdout: Holdout, least: int, settings: EvaluationSettings) -> Holdout:
    """A fixed sample of the shoppers with at least so many events, as strangers."""
    enough = np.flatnonzero(holdout.histories.lengths >= least)
    if len(enough) > settings.curve_users:
        enough = np.sort(np.random.default_rng(settings.seed).choice(enough, settings.curve_users, replace=False))
    chosen = holdout.take(enough)
    return replace(chosen, user_index=np.zeros_like(chosen.user_index))
