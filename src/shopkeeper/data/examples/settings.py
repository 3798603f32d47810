"""What is to be predicted, of which pairs, and how far ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from shopkeeper.config import Settings, build
from shopkeeper.data.schema import EventType

Target: TypeAlias = Literal["view", "like", "cart", "purchase", "return", "churn", "amount"]
Candidates: TypeAlias = Literal["auto", "impressions", "given", "catalog", "shoppers"]
Horizon: TypeAlias = Literal["days", "session", "next_event"]
Moment: TypeAlias = Literal["visit", "any"]


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
    moment: Moment = "any"
    """When it is asked: at a `visit`, while the shopper is there (what comes in that visit counts), or at `any` moment,
    of all shoppers of the last `active_days`, most of whom are not there. The one is many times as likely as the other.
    `any` needs a horizon of days and is the default there; other horizons and logged impressions are of visits."""
    given: EventType | None = None
    """The event that an example stands at: cart with the target purchase is purchase given cart, purchase with the
    target purchase is a repeat purchase. At `any` moment those pairs are asked about whose event lies at most
    `active_days` back."""
    horizon: Horizon = "days"
    """How far ahead the target counts: so many `days`, to the end of the `session`, or only the `next_event`."""
    days: Annotated[float, Field(gt=0)] = 7.0
    """Length of the horizon of days."""
    negatives: Annotated[float, Field(gt=0)] = 20.0
    """Of the catalog so many items without the target are drawn a moment, on average; probabilities are corrected."""
    moments_a_user: Annotated[int, Field(ge=1)] | None = 5
    """At most so many moments of a shopper, drawn at random, for pairs with the catalog; None takes all. At `any`
    moment all moments are taken, and it bounds the number of pairs without the target."""
    every_days: Annotated[float, Field(gt=0)] | None = None
    """At `any` moment: once in so many days. None takes 30 for shoppers without an item; for pairs as many as it needs
    that no day lies outside of all horizons, and at least some where the log is short."""
    active_days: Annotated[float, Field(gt=0)] = 90.0
    """At `any` moment: only shoppers with an event in so many days before are asked about."""
    seed: int = 0
    """Seed of what is drawn."""

    @property
    def about_shoppers(self) -> bool:
        """Whether it is about shoppers without an item."""
        return self.target in ("churn", "amount")

    @property
    def given_days(self) -> float:
        """The event that is given lies at most so many days back: at a visit it is what the horizon is counted from."""
        if self.moment == "any":
            return self.active_days
        return self.days if self.horizon == "days" else 1.0

    @property
    def moment_words(self) -> str:
        """When it is asked, in words."""
        return "asked at any moment" if self.moment == "any" else "asked at a visit"

    @property
    def given_words(self) -> str:
        """Which event is given, in words; only where one is."""
        event = "event" if self.given is None else self.given.value
        return f"with a {event} in the {self.given_days:g} days before"

    @staticmethod
    def saved(values: Mapping[str, Any]) -> ExampleSettings:
        """Of a file; where that says no moment, examples stood at visits.

        Raises:
            ConfigError: A value is not valid.
        """
        earlier = "any" if values.get("target") in ("churn", "amount") else "visit"
        return build(ExampleSettings, {"moment": earlier, **values})

    @property
    def labeled(self) -> tuple[EventType, ...]:
        """The target, where it is an event, and the further behaviors, each once."""
        target = () if self.about_shoppers else (EventType(self.target),)
        return tuple(dict.fromkeys((*target, *self.behaviors)))

    @model_validator(mode="before")
    @classmethod
    def _with_moment(cls, values: Any) -> Any:
        """Where the moment is not said: what cannot be asked at any moment is asked at a visit."""
        if not isinstance(values, Mapping) or values.get("moment") is not None:
            return values
        at_visits = values.get("horizon", "days") != "days" or values.get("candidates") == "impressions"
        return {**values, "moment": "visit" if at_visits else "any"}

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        about_shoppers = self.about_shoppers
        if about_shoppers and (self.candidates not in ("auto", "shoppers") or self.given or self.horizon != "days"):
            raise ValueError("churn and amount are of shoppers without an item, within days")
        if about_shoppers and self.moment == "visit":
            raise ValueError("churn and amount are asked at any moment")
        if self.moment == "any" and (self.horizon != "days" or self.candidates == "impressions"):
            raise ValueError("moment = 'any' needs a horizon of days, and pairs that need not be shown")
        if about_shoppers and self.behaviors:
            raise ValueError("churn and amount have no other behaviors beside them")
        if not about_shoppers and self.candidates == "shoppers":
            raise ValueError("shoppers without an item have the targets churn and amount")
        if self.candidates == "given" and self.given is None:
            raise ValueError("say the event that examples stand at: given = 'cart', for example")
        if self.given is not None and self.candidates not in ("auto", "given"):
            raise ValueError(f"an event that is given does not go with candidates = {self.candidates!r}")
        return self
