"""Which events of a shopper's history speak for what a model says: each is left out, and the model asked again.

Occlusion (Zeiler and Fergus 2014) needs nothing of the model. An event is left out of the shopper's own history: of
what he did, what he did with the item, and the sequence of his events. What all shoppers did with the item stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.histories import Histories
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.calibration import log_odds
from shopkeeper.types import Float32Array, Float64Array, Int64Array

OWN = ("user_", "pair_")
"""Names of features that rest on the shopper's history begin like this."""


class EventEffect(NamedTuple):
    """One event of the history and what it does.

    Attributes:
        item_index: Item of the event.
        event_type: Its type.
        timestamp: Its moment, Unix microseconds.
        effect: What it adds to the log-odds, or to the amount of a model of amounts.
        without: The chance (or the amount) without it.
    """

    item_index: int
    event_type: EventType
    timestamp: int
    effect: float
    without: float


def occlusion(
    model: Predictor,
    dataset: Dataset,
    examples: Examples,
    latest: int = 20,
    item_vectors: Float32Array | None = None,
) -> list[list[EventEffect]]:
    """The events that move what a model says of each example, strongest first.

    Args:
        model: Fitted.
        dataset: The log that the examples were made of.
        examples: A few, with features and past events.
        latest: So many latest events before each are left out, one at a time.
        item_vectors: float32 [n_items + 1, d]; as they were given to the features.

    Raises:
        NotFittedError: The model was not fitted.
        DataError: The examples lack features or past events.
    """
    asked = shortened(dataset, examples, latest, item_vectors)
    answer = model.predict(asked.examples)
    score = answer if model.of_amounts else log_odds(answer)
    effects = score[asked.whole] - score
    return [_strongest(dataset, asked, place, answer, effects) for place in range(len(examples))]


class Shortened(NamedTuple):
    """Examples asked again, each first with its whole history and then without one event at a time, the latest first.

    Attributes:
        examples: The questions; each is of a shopper of its own.
        example: int64 [m]; the example of each.
        left_out: int64 [m]; place in the log of the event that is left out, or -1.
        whole: int64 [m]; place of the question with the whole history.
    """

    examples: Examples
    example: Int64Array
    left_out: Int64Array
    whole: Int64Array


def shortened(dataset: Dataset, examples: Examples, latest: int, item_vectors: Float32Array | None = None) -> Shortened:
    """The examples with histories that lack an event; arguments as of `occlusion`."""
    if examples.past is None or examples.features is None:
        raise DataError(
            "the examples have no past events to leave out", remedy="make them by with_features(dataset, examples)"
        )
    start, stop = examples.past.start, examples.past.stop
    copies = np.minimum(stop - start, latest) + 1
    example = np.repeat(np.arange(len(examples)), copies)
    number = _within(copies)
    left_out = np.where(number > 0, stop[example] - number, -1)
    log = _log_of_copies(dataset, start[example], stop[example], left_out)
    again = replace(
        examples.take(example), user_index=np.arange(1, len(example) + 1, dtype=np.int32), features=None, past=None
    )
    if log.n_events:
        made = with_features(log, again, item_vectors)
        again = replace(made, features=_mixed(examples.features.take(example), made.features))
    else:
        again = replace(again, features=examples.features.take(example), past=examples.past.take(example))
    return Shortened(again, example, left_out, np.flatnonzero(number == 0)[example])


def _log_of_copies(dataset: Dataset, start: Int64Array, stop: Int64Array, left_out: Int64Array) -> Dataset:
    """A log of one shopper for each span of events, without the event that is left out."""
    lengths = stop - start
    places = np.repeat(start, lengths) + _within(lengths)
    kept = places != np.repeat(left_out, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths - (left_out >= 0))]).astype(np.int64)
    places, events = places[kept], dataset.histories
    histories = Histories(
        offsets, events.item_index[places], events.event_type[places], events.timestamp[places],
        None if events.placement is None else events.placement[places],
    )  # fmt: skip
    return replace(
        dataset,
        users=Vocabulary(range(len(start))),
        histories=histories,
        quantity=None if dataset.quantity is None else dataset.quantity[places],
        price=None if dataset.price is None else dataset.price[places],
        session_index=None,
    )


def _mixed(before: FeatureTable, own: FeatureTable | None) -> FeatureTable:
    """The features of before, with those of the shopper's own history from another table of the same rows."""
    values = np.array(before.values)
    place = {name: column for column, name in enumerate(before.names)}
    for name in own.names if own is not None else ():
        if own is not None and name.startswith(OWN) and name in place:
            values[:, place[name]] = own.column(name)
    if {"pair_price_to_usual", "user_mean_price"} <= set(place):  # the price of the item stays
        usual = np.log(before.column("user_mean_price")) - np.log(values[:, place["user_mean_price"]])
        values[:, place["pair_price_to_usual"]] = before.column("pair_price_to_usual") + usual
    return FeatureTable(before.names, values)


def _strongest(
    dataset: Dataset, asked: Shortened, place: int, answer: Float64Array, effects: Float64Array
) -> list[EventEffect]:
    rows = np.flatnonzero((asked.example == place) & (asked.left_out >= 0))
    events = dataset.histories
    return [
        EventEffect(
            int(events.item_index[event]),
            EVENT_TYPES[int(events.event_type[event]) - 1],
            int(events.timestamp[event]),
            float(effects[row]),
            float(answer[row]),
        )
        for row in rows[np.argsort(-np.abs(effects[rows]), kind="stable")]
        for event in [int(asked.left_out[row])]
    ]


def _within(lengths: Int64Array) -> Int64Array:
    """0, 1, ... within each of several runs of these lengths."""
    counted: Int64Array = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return counted
