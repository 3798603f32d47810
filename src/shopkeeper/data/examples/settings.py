"""What is to be predicted, of which pairs, and how far ahead."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from shopkeeper.config import Settings
from shopkeeper.data.schema import EventType

Target: TypeAlias = Literal["view", "like", "cart", "purchase", "return", "churn", "amount"]
Candidates: TypeAlias = Literal["auto", "impressions", "given", "catalog", "shoppers"]
Horizon: TypeAlias = Literal["days", "session", "next_event"]


class ExampleSettings(Settings):
    """What an example is and how its label is found."""

    target: Target = "purchase"
    """The event to predict; `churn` is no event of interest at all, `amount` what the shopper pays."""
    behaviors: tuple[EventType, ...] = ()
    """Further events that get labels beside the target, for models of several; of pairs with the catalog all with any
    of them are kept."""
    candidates: Candidates = "auto"
    """Which pairs: `impressions` that were logged, pairs `given` an event, shoppers with items of the whole `catalog`
    (a sample of them), or `shoppers` without an item, for churn and amount. `auto` takes the first that the log and
    the other settings allow."""
    given: EventType | None = None
    """The event that an example stands at: cart with the target purchase is purchase given cart, purchase with the
    target purchase is a repeat purchase."""
    horizon: Horizon = "days"
    """How far ahead the target counts: so many `days`, to the end of the `session`, or only the `next_event`."""
    days: Annotated[float, Field(gt=0)] = 7.0
    """Length of the horizon of days."""
    negatives: Annotated[float, Field(gt=0)] = 20.0
    """Of the catalog so many items without the target are drawn a moment, on average; probabilities are corrected."""
    moments_a_user: Annotated[int, Field(ge=1)] | None = 5
    """At most so many moments of a shopper, drawn at random, for pairs with the catalog; None takes all."""
    every_days: Annotated[float, Field(gt=0)] = 30.0
    """Shoppers without an item are asked about once in so many days."""
    active_days: Annotated[float, Field(gt=0)] = 90.0
    """Only shoppers with an event in so many days before are asked about without an item."""
    seed: int = 0
    """Seed of what is drawn."""

    @property
    def labeled(self) -> tuple[EventType, ...]:
        """The target, where it is an event, and the further behaviors, each once."""
        target = () if self.target in ("churn", "amount") else (EventType(self.target),)
        return tuple(dict.fromkeys((*target, *self.behaviors)))

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        about_shoppers = self.target in ("churn", "amount")
        if about_shoppers and (self.candidates not in ("auto", "shoppers") or self.given or self.horizon != "days"):
            raise ValueError("churn and amount are of shoppers without an item, within days")
        if about_shoppers and self.behaviors:
            raise ValueError("churn and amount have no other behaviors beside them")
        if not about_shoppers and self.candidates == "shoppers":
            raise ValueError("shoppers without an item have the targets churn and amount")
        if self.candidates == "given" and self.given is None:
            raise ValueError("say the event that examples stand at: given = 'cart', for example")
        if self.given is not None and self.candidates not in ("auto", "given"):
            raise ValueError(f"an event that is given does not go with candidates = {self.candidates!r}")
        return self
