"""Settings of the pipeline: how many candidates, how they are joined, how lists are varied and explained."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopkeeper.recommenders.base import RecommenderConfig


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
    hide_seen: bool | None = None
    """Hide items of the history; None does what the training data suggest."""
    evidence_items: Annotated[int, Field(ge=1)] = 10
    """Items of the history, the last ones, that are tried as the reason for a recommendation."""
