"""How the page of behavior is made: what a wrong decision costs, and how much is shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopkeeper.config import Settings


class BehaviorReportSettings(Settings):
    """Settings of one page of behavior."""

    title: str = "What will they do?"
    """Headline of the page."""
    shop: str = ""
    """Name of the shop or data set, shown over the headline."""
    cost_of_false_alarm: Annotated[float, Field(gt=0)] = 1.0
    """What it costs to act on a pair that the target does not come of: a coupon, a mail, a place on the page."""
    cost_of_miss: Annotated[float, Field(gt=0)] = 20.0
    """What it costs not to act where the target comes. Both costs together give the chance from which on to act."""
    sample: Annotated[int, Field(ge=10)] = 1000
    """Examples that reasons are averaged over, drawn at random."""
    features: Annotated[int, Field(ge=1)] = 15
    """Features in the plot of importance."""
    dependence: Annotated[int, Field(ge=0)] = 6
    """Features whose effect is drawn along their values."""
    examples: Annotated[int, Field(ge=0)] = 3
    """Predictions that are explained one by one."""
    reasons: Annotated[int, Field(ge=1)] = 7
    """Reasons shown of each."""
    categories: Annotated[int, Field(ge=1)] = 6
    """Categories with a funnel of their own, the most viewed ones."""
    seed: int = 0
    """Seed of what is drawn at random."""

    @property
    def threshold(self) -> float:
        """The chance from which on it is cheaper to act than not to."""
        return self.cost_of_false_alarm / (self.cost_of_false_alarm + self.cost_of_miss)
