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
    asked_pairs: Annotated[int, Field(ge=0)] = 500_000
    """The whole question of the test part is asked of about so many pairs: all active shoppers with all known items.
    Beyond that shoppers are drawn, and pairs that never met before; 0 leaves the column out."""
    asked_moments: Annotated[int, Field(ge=1)] = 4
    """Moments of the test part at which it is asked, from the first to the last with a whole horizon."""
    segments: bool = True
    """Also tell shoppers by their number of events before, and pairs by what had happened between the two."""
