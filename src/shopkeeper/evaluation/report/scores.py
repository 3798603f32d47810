"""Questions to the tidy table of scores: which models, which metrics, who is best, by how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.rows import MetricRow

ALL = "all"
CATALOG_METRICS = ("coverage", "novelty", "diversity", "vector_diversity", "popularity", "gini")
"""Metrics about the lists themselves; all others say how well the lists hit."""
HIT_METRICS = ("ndcg", "recall", "hit_rate", "mrr", "precision", "map", "revenue")
"""Order of the columns; others follow."""


@dataclass(frozen=True)
class Scores:
    """The rows, with the order of the leaderboard.

    Attributes:
        rows: All rows.
        leading: Metric that orders the models.
        k: Length of list that the page speaks of.
    """

    rows: Sequence[MetricRow]
    leading: str
    k: int

    @staticmethod
    def of(inputs: ReportInputs, settings: ReportSettings) -> Scores:
        """The rows of the leaderboard; none where nothing was evaluated."""
        return Scores(inputs.board.rows if inputs.board else (), settings.metrics[0], settings.k)

    def find(
        self, model: str, metric: str, k: int | None = None, group: str = ALL, segment: str = ""
    ) -> MetricRow | None:
        """The row of a figure, or None; `k` None takes the length that the page speaks of."""
        wanted = self.k if k is None else k
        for row in self.rows:
            if (row.model, row.metric, row.group, row.segment) == (model, metric, group, segment) and row.k == wanted:
                return row
        return None

    def models(self) -> list[str]:
        """All models, best first by the leading metric; those without it last, in the order they came."""
        names = _distinct(row.model for row in self.rows)

        def place(name: str) -> float:
            found = self.find(name, self.leading)
            return -found.value if found else float("inf")

        return sorted(names, key=place)

    def hit_metrics(self) -> list[str]:
        """Metrics of hits that the whole table has at `k`, the leading one first."""
        found = [row.metric for row in self.rows if row.group == ALL and row.k == self.k]
        names = [name for name in _distinct(found) if name not in CATALOG_METRICS]
        return sorted(names, key=lambda name: (name != self.leading, _place(name)))

    def catalog_metrics(self) -> list[str]:
        """Metrics about the lists that the table has."""
        found = {row.metric for row in self.rows if row.group == ALL and row.k == self.k}
        return [name for name in CATALOG_METRICS if name in found]

    def lengths(self) -> list[int]:
        """All lengths of list in the table, ascending."""
        return sorted({row.k for row in self.rows if row.group == ALL})

    def segments(self, group: str) -> list[str]:
        """Names of the segments of a group, in the order they came."""
        return _distinct(row.segment for row in self.rows if row.group == group)


def ratio(better: MetricRow | None, worse: MetricRow | None) -> float | None:
    """How many times the one figure is the other; None where one is missing or the other is zero."""
    return better.value / worse.value if better is not None and worse is not None and worse.value > 0 else None


def overlap(one: MetricRow, other: MetricRow) -> bool | None:
    """Whether the intervals overlap; None where one has none."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    return one.low <= other.high and other.low <= one.high


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _place(metric: str) -> int:
    return HIT_METRICS.index(metric) if metric in HIT_METRICS else len(HIT_METRICS)
