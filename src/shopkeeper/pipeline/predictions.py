"""What a shopper will do with some items, as of now: the predictors of a bundle, asked with live features.

Of the shopper all events until now count, of the items what the log of the bundle says of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.given import GivenEvents
from shopkeeper.data.examples.settings import ExampleSettings, Moment
from shopkeeper.data.histories import Histories
from shopkeeper.data.point_in_time.live import LiveFeatures
from shopkeeper.data.schema import EventType
from shopkeeper.errors import ArtifactError, DataError, choices
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.multi_task import MultiTaskPredictor
from shopkeeper.predictors.wording import together as spoken
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

REASONS: Final = 8
"""So many features are looked at for reasons; some say the same."""
MOST_REASONS: Final = 5


@dataclass(frozen=True)
class OwnEvents:
    """What one shopper did, oldest first.

    Attributes:
        events: One row.
        price: float64 [events]; of one unit, NaN where it is not known.
        quantity: float32 [events]; NaN where it is not known.
    """

    events: Histories
    price: Float64Array
    quantity: Float32Array


@dataclass(frozen=True)
class PredictionAsk:
    """One question.

    Attributes:
        own: What the shopper did.
        item_index: int32 [n]; items known to the pipeline.
        moment: As of when, Unix microseconds; only earlier events count.
        visit: The shopper is in the shop then; if not, it is any moment.
        targets: Names of what is asked for; empty takes all.
        placement: Code of where the items are shown.
        explain: Give reasons.
    """

    own: OwnEvents
    item_index: Int32Array
    moment: int
    targets: tuple[str, ...] = ()
    placement: int = 0
    explain: bool = False
    visit: bool = False


@dataclass(frozen=True)
class Predicted:
    """What one predictor says.

    Attributes:
        value: float64 [n]; of each item, or of the shopper where the target is without an item. NaN where the predictor
            is given an event that the pair has not.
        reasons: What each value says and its effects, strongest first; empty where none were asked for.
    """

    value: Float64Array
    reasons: list[list[tuple[str, float]]] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """Something that is predicted.

    Attributes:
        predictor: By what.
        behavior: Which of several behaviors it is, by place; None for the predictor's own target.
    """

    predictor: Predictor
    behavior: int | None = None

    @property
    def of_items(self) -> bool:
        """Whether it is asked about items, and not about the shopper alone."""
        return not settings_of(self.predictor).about_shoppers

    @property
    def moment(self) -> Moment:
        """At which moments it is asked."""
        return settings_of(self.predictor).moment


class Predictions:
    """Predictors over the log of a bundle.

    Args:
        predictors: By name of what they predict (see `name_of`).
        memory: The log, in the items of the pipeline.

    Raises:
        DataError: The log has no event.
        ArtifactError: A predictor reads features that this log does not give.
    """

    def __init__(self, predictors: Mapping[str, Predictor], memory: Dataset) -> None:
        self._features = LiveFeatures(memory)
        self.targets = {name: Target(predictor) for name, predictor in predictors.items()}
        """What can be asked for, by name; a predictor of several behaviors answers for each that no other is for."""
        for predictor in predictors.values():
            for place, behavior in enumerate(behaviors_of(predictor)):
                self.targets.setdefault(_named(behavior, settings_of(predictor)), Target(predictor, place))
        for name, predictor in predictors.items():
            self._check(name, predictor)

    def with_items(self, memory: Dataset) -> Predictions:
        """The same with other facts of items, and perhaps more items behind them."""
        changed = copy(self)
        changed._features = self._features.with_items(memory)
        return changed

    def answer(self, ask: PredictionAsk) -> dict[str, Predicted]:
        """What is predicted of each target that is asked for, by name.

        Raises:
            DataError: Nothing predicts a target, or what does learned from moments of the other kind.
        """
        names = ask.targets or tuple(self.targets)
        for name in names:
            if name not in self.targets:
                raise DataError(f"nothing predicts {name!r} here", expected=choices(name, self.targets))
            self.targets[name].predictor.refuse_other_moment("visit" if ask.visit else "any")
        of_items = [self.targets[name].of_items for name in names]
        pairs = self._examples(ask, ask.item_index) if any(of_items) and len(ask.item_index) else None
        alone = self._examples(ask, np.zeros(1, dtype=np.int32)) if not all(of_items) else None
        together: dict[int, Float64Array] = {}
        found = {}
        for name, about_items in zip(names, of_items, strict=True):
            settings = settings_of(self.targets[name].predictor)
            if about_items and settings.given is not None and pairs is not None:
                found[name] = self._given(ask, self.targets[name], settings.given, pairs)
                continue
            examples = pairs if about_items else alone
            if examples is not None:
                found[name] = _predicted(self.targets[name], examples, ask.explain, together)
        return found

    def _given(self, ask: PredictionAsk, target: Target, given: EventType, pairs: Examples) -> Predicted:
        """What a predictor says that is given an event; nothing of items that had none in reach."""
        settings, events = settings_of(target.predictor), ask.own.events
        latest = GivenEvents.of(events, given).latest(pairs.user_index, ask.item_index, pairs.timestamp)
        there = np.flatnonzero(latest >= ask.moment - round(settings.given_days * MICROSECONDS_A_DAY))
        value = np.full(len(ask.item_index), np.nan)
        if not len(there):
            return Predicted(value, [[] for _ in value] if ask.explain else [])
        examples = pairs.take(there)
        if settings.moment == "visit":  # it learned from the moments of these events
            examples = self._examples(ask, ask.item_index[there], latest[there])
        found = _predicted(target, examples, ask.explain, {})
        value[there] = found.value
        reasons = dict(zip(there.tolist(), found.reasons, strict=True)) if found.reasons else {}
        return Predicted(value, [reasons.get(place, []) for place in range(len(value))] if ask.explain else [])

    def _examples(self, ask: PredictionAsk, item_index: Int32Array, moments: Int64Array | None = None) -> Examples:
        own, moment = ask.own, ask.moment if moments is None else moments
        return self._features.of(own.events, own.price, own.quantity, item_index, moment, ask.placement)

    def _check(self, name: str, predictor: Predictor) -> None:
        nothing = OwnEvents(Histories.of_items([[]]), np.zeros(0, np.float64), np.zeros(0, np.float32))
        target = Target(predictor)
        item = np.full(1, target.of_items, dtype=np.int32)
        try:
            _predicted(target, self._examples(PredictionAsk(nothing, item, 0), item), True, {})
        except DataError as error:
            raise ArtifactError(
                f"the predictor of {name} does not fit the log of the bundle: {error}",
                remedy="fit it on the log that the bundle is trained on",
            ) from error


def _predicted(target: Target, examples: Examples, explain: bool, together: dict[int, Float64Array]) -> Predicted:
    """What a predictor says of examples; one of several behaviors says all at once, which is kept in `together`."""
    predictor = target.predictor
    if target.behavior is not None and isinstance(predictor, MultiTaskPredictor):
        if id(predictor) not in together:
            together[id(predictor)] = predictor.predict_behaviors(examples)
        return Predicted(together[id(predictor)][:, target.behavior])
    value = predictor.predict(examples)
    if not explain:
        return Predicted(value)
    return Predicted(value, [spoken(reasons)[:MOST_REASONS] for reasons in predictor.explain(examples, REASONS)])


def behaviors_of(predictor: Predictor) -> tuple[str, ...]:
    """The behaviors that a predictor gives a chance of, its target among them; empty where that is all."""
    return predictor.behaviors if isinstance(predictor, MultiTaskPredictor) else ()


def settings_of(predictor: Predictor) -> ExampleSettings:
    """What a predictor predicts."""
    return predictor.settings if predictor.settings is not None else ExampleSettings()


def name_of(predictor: Predictor) -> str:
    """What a predictor is called in a bundle: ``purchase``, or ``purchase_given_cart``."""
    settings = settings_of(predictor)
    return _named(settings.target, settings)


def _named(target: str, settings: ExampleSettings) -> str:
    return target if settings.given is None else f"{target}_given_{settings.given.value}"


def by_name(predictors: Sequence[Predictor]) -> dict[str, Predictor]:
    """Predictors by what they predict.

    Raises:
        DataError: Two predict the same.
    """
    found: dict[str, Predictor] = {}
    for predictor in predictors:
        if name_of(predictor) in found:
            raise DataError(f"two predictors predict {name_of(predictor)}", remedy="give one of them")
        found[name_of(predictor)] = predictor
    return found


def horizon_of(predictor: Predictor) -> str:
    """How far ahead it looks, in words: ``within 7 days``."""
    settings = settings_of(predictor)
    if settings.horizon == "days":
        return f"within {settings.days:g} day" + ("s" if settings.days != 1 else "")
    return "until the end of the session" if settings.horizon == "session" else "as the next event"
