"""What is measured, on whom, and how sure the figures are."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shopkeeper.data.hiding import HidingSettings

MetricName = Literal[
    "recall", "precision", "hit_rate", "ndcg", "mrr", "map", "revenue",
    "coverage", "novelty", "diversity", "vector_diversity", "popularity", "gini",
]  # fmt: skip
"""Names of metrics as settings and tables spell them."""


def _ascending(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ValueError("each number must be larger than the one before it")
    return numbers


class EvaluationSettings(HidingSettings):
    """One evaluation: the full catalog is ranked for every shopper asked."""

    ks: tuple[Annotated[int, Field(ge=1)], ...] = (5, 10, 20)
    """Lengths of the list."""
    metrics: tuple[MetricName, ...] = (
        "recall", "precision", "hit_rate", "ndcg", "mrr", "map", "revenue",
        "coverage", "novelty", "diversity", "popularity", "gini",
    )  # fmt: skip
    """Which metrics; those that the data cannot give (revenue without prices, diversity without categories) are left
    out of the table."""
    seed: int = 0
    """Seed of the sample of shoppers and of the bootstrap."""
    n_bootstrap: Annotated[int, Field(ge=0)] = 1000
    """Resamples for the 95 % intervals over shoppers; 0 leaves the intervals out."""
    max_users: Annotated[int, Field(ge=1)] | None = None
    """Ask at most so many shoppers, a fixed sample by seed; None asks all."""
    from_lists: bool = False
    """Rank by finished lists (`rank`) in place of scores, for a model that does not score all items."""
    segments: bool = True
    """Also tell new, light and heavy shoppers, shoppers by number of known events, head, middle and tail items, and
    unseen, few-shot and seen items apart."""
    few_events: Annotated[int, Field(ge=2)] = 5
    """Items with at least one training event and fewer than so many are few-shot ones."""
    known_events: Annotated[tuple[Annotated[int, Field(ge=1)], ...], AfterValidator(_ascending)] = (1, 2, 3, 5, 8)
    """Numbers of known events from which on a new group of shoppers begins, ascending."""
    curve_events: Annotated[tuple[Annotated[int, Field(ge=0)], ...], AfterValidator(_ascending)] = (0, 1, 2, 3, 5, 8)
    """The report asks the same shoppers knowing only so many of their last events; empty leaves that out."""
    curve_users: Annotated[int, Field(ge=1)] = 2000
    """How many shoppers it asks for that, a fixed sample by seed."""
