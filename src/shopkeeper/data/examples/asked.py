"""The whole question, as it is asked of a fitted predictor: no sample that a correction stands behind.

All shoppers that are asked about with all items that were known by then. Where these are too many, all pairs that the
target came of stay; of those that met before and of those that never did each is there with one known chance, and
counts for as many as were passed over. Those that met are few and likely, so that more of them stay: what was said and
what came is hardly moved by the draw. Shoppers are drawn only where their events alone are too many to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.landmarks import landmarks
from shopkeeper.data.examples.make import make_examples, stands_at_events
from shopkeeper.data.examples.pairs import Pairs, Rows, draw, rows_at_landmarks, rows_at_visits
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.examples.window import Window
from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array

MOST_EVENTS: Final = 1 << 23
"""So many earlier events of all shoppers at all moments are looked at at most."""


@dataclass(frozen=True)
class WholeQuestion:
    """Pairs, or shoppers, with what came.

    Attributes:
        examples: Without features.
        weight: float32 [n]; how many pairs each stands for.
        users_rate: Share of the shoppers that were asked about.
        met_rate: Share of the pairs that met before and nothing came of that are here.
        pairs_rate: Share of the pairs that never met and nothing came of that are here.
    """

    examples: Examples
    weight: Float32Array
    users_rate: float = 1.0
    met_rate: float = 1.0
    pairs_rate: float = 1.0


def whole_question(
    dataset: Dataset, settings: ExampleSettings, start: int, until: int, most: int, n_moments: int
) -> WholeQuestion:
    """What is asked in a part of a log.

    Args:
        dataset: The log.
        settings: What is predicted, and at which moments.
        start: First moment, Unix microseconds.
        until: Where the last horizon ends.
        most: About so many pairs at most.
        n_moments: At `any` moment so many, spread over the part.

    Raises:
        DataError: Nobody is asked about.
    """
    window = Window.of(dataset, settings, start, until)
    if settings.about_shoppers or stands_at_events(window):
        examples = make_examples(dataset, settings, start, until)
        n = len(np.unique(examples.user_index))
        if len(examples) > most:
            examples = examples.of_some_shoppers(most, np.random.default_rng(settings.seed))
        rate = len(np.unique(examples.user_index)) / n
        return WholeQuestion(examples, np.ones(len(examples), dtype=np.float32), rate)
    rng = np.random.default_rng(settings.seed)
    rows = rows_at_visits(window, rng) if settings.moment == "visit" else _spread(window, n_moments)
    rows, users_rate = _of_some_users(window, rows, MOST_EVENTS, rng)
    pairs = Pairs(window, rows)
    if not len(pairs):
        raise DataError("at no moment was an item known before", remedy="give a longer log, or a later start")
    came = [pairs.came(wanted) for wanted in settings.labeled]
    positive = np.unique(np.concatenate(came))
    offsets = np.asarray(window.log.histories.offsets)
    met = pairs.with_events(np.arange(len(window.time)), offsets[rows.user.astype(np.int64) - 1], rows.first)
    met = np.setdiff1d(met, positive, assume_unique=True)
    met_rate = min(1.0, most / 2 / max(1, len(met)))
    some = met[draw(len(met), met_rate, rng)]
    never = len(pairs) - len(met) - len(positive)
    rate = min(1.0, max(most / 4, most - len(positive) - len(some)) / max(1, never))
    others = np.setdiff1d(draw(len(pairs), rate, rng), np.concatenate([positive, met]))
    chosen = np.concatenate([positive, some, others])
    weight = np.repeat([1, 1 / met_rate, 1 / rate], [len(positive), len(some), len(others)]).astype(np.float32)
    order = np.argsort(chosen)
    examples = pairs.examples(chosen[order], came, 1.0)
    return WholeQuestion(examples, weight[order], users_rate, met_rate, rate)


def _spread(window: Window, n_moments: int) -> Rows:
    """Active shoppers at so many moments from the first to the last whose horizon lies in the window."""
    moments = landmarks(window)
    some = np.unique(np.linspace(0, len(moments) - 1, n_moments).round().astype(np.int64))
    return rows_at_landmarks(window, moments[some])


def _of_some_users(window: Window, rows: Rows, most: int, rng: np.random.Generator) -> tuple[Rows, float]:
    """Rows of so many shoppers, drawn at random, that their events before are about that many at most."""
    before = rows.first - np.asarray(window.log.histories.offsets)[rows.user.astype(np.int64) - 1]
    share = min(1.0, most / max(1, int(before.sum())))
    users = np.unique(rows.user)
    if share == 1:
        return rows, 1.0
    chosen = users[np.sort(rng.permutation(len(users))[: max(1, round(share * len(users)))])]
    return rows.take(np.isin(rows.user, chosen)), len(chosen) / len(users)
