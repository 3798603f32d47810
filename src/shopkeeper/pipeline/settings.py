"""Settings of the pipeline: how many candidates, how they are joined, how lists are varied and explained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.hiding import HidingPolicy
from shopkeeper.data.schema import EventType
from shopkeeper.recommenders.base import RecommenderConfig


class RankingSettings(Settings):
    """What decides the order of the candidates."""

    by: Literal["score", "probability", "expected_value"] = "score"
    """The `score` of the recommenders; the `probability` that the shopper buys the item soon; or the
    `expected_value`, that probability times what a purchase is worth."""
    predictor: str = "GradientBoosting"
    """Name of the predictor of the probability; it is fitted with the pipeline."""
    days: Annotated[float, Field(gt=0)] = 7.0
    """How soon."""
    worth: str = "price"
    """What a purchase is worth: the `price` of one; the `amount` that is paid for the item at a time, price times
    quantity, on average; or a column of numbers of the catalog, the margin say."""
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0
    """1 orders by the probability or value alone; below it is mixed with the score, as a weighted geometric mean."""


class PipelineSettings(RecommenderConfig):
    """Settings of `Pipeline`."""

    also: tuple[str, ...] = ("Transitions",)
    """Recommenders fitted beside the model; each takes part with the weight that is best on the validation part, or
    only where the others have too few items."""
    candidates: Annotated[int, Field(ge=1)] = 200
    """Items taken from each recommender."""
    category_factor: Annotated[float, Field(gt=0, le=1)] = 0.99
    """An item counts this factor less for each item of its category that stands before it; 1 leaves lists alone."""
    brand_factor: Annotated[float, Field(gt=0, le=1)] = 0.99
    """The same for its brand."""
    ranking: RankingSettings = RankingSettings()
    """What decides the order of the candidates."""
    cart_days: Annotated[float, Field(ge=0)] | None = 30.0
    """Days that an item stays hidden after it was put in the cart and neither bought nor taken out; then the cart
    counts as left behind. None hides it until it is bought or taken out."""
    evidence_items: Annotated[int, Field(ge=1)] | None = None
    """Items of the history, the last ones, that are tried as the reason for a recommendation; None tries all that the
    model read."""


class PipelineFacts(Settings):
    """What is kept of a pipeline beside its recommenders."""

    config: PipelineSettings
    """Its settings."""
    weights: list[float]
    """Weight of each recommender."""
    likeness: list[int]
    """Places of the recommenders that know what items are like."""
    hide_seen: bool
    """Whether all seen items are hidden; what older versions read."""
    hiding: HidingPolicy | None = None
    """What is hidden of a shopper's own items; None where an older version wrote the pipeline."""
    usual_event: EventType
    """What given histories are taken for."""
    recommenders: int
    """Their number."""
    fallbacks: int
    """Their number."""
    similar: tuple[str, ...] = ()
    """Which models answer about items alone; none in bundles of before."""
    event_shares: tuple[float, float] | None = None
    """Shares of views and purchases among the events of training; None in bundles of before, then of those it holds."""
