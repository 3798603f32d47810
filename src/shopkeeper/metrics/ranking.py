"""The ranking metrics by name: pure functions of the ranks of targets, one value a shopper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shopkeeper.metrics.average_precision import average_precision
from shopkeeper.metrics.hit_rate import hit_rate
from shopkeeper.metrics.mrr import mrr
from shopkeeper.metrics.ndcg import ndcg
from shopkeeper.metrics.precision import precision
from shopkeeper.metrics.recall import recall
from shopkeeper.types import Float64Array, Int64Array

RankingMetric = Callable[[Float64Array, Int64Array, Int64Array, int], Float64Array]
"""From ranks [t], rows [t], number of targets [n] and k to one value a shopper, float64 [n]."""

RANKING_METRICS: Final[dict[str, RankingMetric]] = {
    "recall": recall,
    "precision": precision,
    "hit_rate": hit_rate,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
}
"""In the order of tables."""
