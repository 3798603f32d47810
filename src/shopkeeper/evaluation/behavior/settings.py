"""What is measured of predictors."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopkeeper.config import Settings


class BehaviorEvaluationSettings(Settings):
    """One evaluation of a predictor."""

    n_bootstrap: Annotated[int, Field(ge=0)] = 300
    """Resamples of the shoppers for the 95 % intervals; 0 leaves the intervals out."""
    seed: int = 0
    """Seed of the resamples; models that are compared must have the same."""
    segments: bool = True
    """Also tell shoppers by their number of events before, and pairs by what had happened between the two."""
