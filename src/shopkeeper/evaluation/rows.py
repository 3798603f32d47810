"""The tidy row that every figure of an evaluation is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class MetricRow:
    """One figure of one model.

    Attributes:
        model: Name of the model.
        part: ``"validation"`` or ``"test"``.
        metric: Name of the metric.
        k: Length of the list.
        value: The mean over shoppers, or the one figure of the whole (coverage, gini).
        low: Lower end of the 95 % interval over shoppers; None where there is none.
        high: Upper end.
        n_users: Number of shoppers behind it.
        group: ``"all"``, ``"shoppers"`` (by how much a shopper did in training), ``"known events"`` (by how much of it
            was known), ``"items"`` (by popularity of the target), ``"sight"`` (by whether training has seen it),
            ``"among new"`` (unseen targets ranked among unseen items only) or ``"last events"`` (the same shoppers
            knowing so many events).
        segment: Name within the group; empty for ``"all"``.
    """

    model: str
    part: str
    metric: str
    k: int
    value: float
    low: float | None
    high: float | None
    n_users: int
    group: str = "all"
    segment: str = ""

    @property
    def key(self) -> str:
        """Metric and length of the list, for example ``"ndcg@10"``."""
        return f"{self.metric}@{self.k}"

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)
