"""From how a model answered to the values of every metric, by shopper where a metric has a value for each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import CATEGORY, ITEM_ID
from shopkeeper.evaluation.outcome import Outcome
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.metrics.coverage import coverage
from shopkeeper.metrics.diversity import category_diversity, vector_diversity
from shopkeeper.metrics.novelty import novelty
from shopkeeper.metrics.popularity_bias import average_popularity, gini
from shopkeeper.metrics.ranking import RANKING_METRICS
from shopkeeper.metrics.revenue import revenue
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

LIST_METRICS = frozenset({"coverage", "novelty", "diversity", "vector_diversity", "popularity", "gini"})
"""Metrics that look at the lists and not at the targets."""

Key = tuple[str, int]
"""Metric and length of the list."""


@dataclass
class Values:
    """Values of metrics.

    Attributes:
        per_shopper: float32 [n] for each metric that has a value a shopper; NaN where a shopper has none.
        whole: The one value of each metric of all lists together.
    """

    per_shopper: dict[Key, Float32Array] = field(default_factory=dict)
    whole: dict[Key, float] = field(default_factory=dict)


def needs_lists(settings: EvaluationSettings) -> bool:
    """Whether some metric looks at lists."""
    return settings.from_lists or not LIST_METRICS.isdisjoint(settings.metrics)


def values_of(
    outcome: Outcome, train: Dataset, settings: EvaluationSettings, item_vectors: Float32Array | None = None
) -> Values:
    """All metrics of the settings that the data can give.

    Args:
        outcome: How the model answered.
        train: What it was trained on: counts and categories of items.
        settings: Which metrics, at which lengths.
        item_vectors: float32 [n_items + 1, d] for `vector_diversity`, or None.
    """
    values = Values()
    for k in settings.ks:
        for metric, of_shopper in ranking_values(outcome, settings, k).items():
            values.per_shopper[metric, k] = of_shopper.astype(np.float32)
    if needs_lists(settings):
        _add_list_values(values, outcome.lists, train, settings, item_vectors)
    return values


def ranking_values(outcome: Outcome, settings: EvaluationSettings, k: int) -> dict[str, Float64Array]:
    """The metrics of the targets at one length, float64 [n] each."""
    found: dict[str, Float64Array] = {
        name: metric(outcome.ranks, outcome.rows, outcome.n_relevant, k)
        for name, metric in RANKING_METRICS.items()
        if name in settings.metrics
    }
    if "revenue" in settings.metrics and outcome.values is not None:
        found["revenue"] = revenue(outcome.ranks, outcome.rows, outcome.values, len(outcome.n_relevant), k)
    return found


def _add_list_values(
    values: Values, lists: Int32Array, train: Dataset, settings: EvaluationSettings, item_vectors: Float32Array | None
) -> None:
    counts = train.item_counts()
    category = categories(train) if "diversity" in settings.metrics else None
    for k in settings.ks:
        best = lists[:, :k]
        of_shopper: dict[str, Float64Array] = {
            "novelty": novelty(best, counts),
            "popularity": average_popularity(best, counts),
        }
        if category is not None:
            of_shopper["diversity"] = category_diversity(best, category)
        if item_vectors is not None:
            of_shopper["vector_diversity"] = vector_diversity(best, item_vectors)
        for name, value in of_shopper.items():
            if name in settings.metrics:
                values.per_shopper[name, k] = value.astype(np.float32)
        for name, whole in (("coverage", coverage), ("gini", gini)):
            if name in settings.metrics:
                values.whole[name, k] = whole(best, train.n_items)


def categories(train: Dataset) -> Int32Array | None:
    """A number for the category path of each item.

    Returns:
        int32 [n_items + 1], 0 where unknown; None where the catalog knows no categories.
    """
    import pyarrow.compute as pc

    if train.catalog is None or CATEGORY not in train.catalog.table.column_names:
        return None
    table = train.catalog.table
    index: Int64Array = train.items.indices(table.column(ITEM_ID)).astype(np.int64)
    encoded = table.column(CATEGORY).combine_chunks().dictionary_encode()
    code = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False) + 1
    numbers = np.zeros(train.n_items + 1, dtype=np.int32)
    numbers[index] = code
    numbers[0] = 0
    return numbers if numbers.any() else None
