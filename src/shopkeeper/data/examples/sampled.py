"""Examples of shoppers with items of the whole catalog, of which most pairs come to nothing.

The pairs are all of a shopper at a moment with an item that was known by then. The moments are visits, or landmarks,
as the settings say. Of the pairs with the target all are kept, of the others each with the same chance, independent of
everything: then the probabilities of a model have one exact correction (`corrected`).
"""

from __future__ import annotations

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.pairs import Pairs, Rows, draw, rows_at_landmarks, rows_at_visits
from shopkeeper.data.examples.window import Window
from shopkeeper.errors import DataError


def sampled(window: Window) -> Examples:
    """Examples with every item that the target or another behavior came of, and some others.

    Raises:
        DataError: No moment has its horizon within the window, or there is no event of the target.
    """
    generator = np.random.default_rng(window.settings.seed)
    at_visits = window.settings.moment == "visit"
    rows = rows_at_visits(window, generator) if at_visits else rows_at_landmarks(window)
    pairs = Pairs(window, rows)
    if not len(pairs):
        raise DataError("at no moment was an item known before", remedy="give a longer log, or a later start")
    came = [pairs.came(wanted) for wanted in window.settings.labeled]
    positive = np.unique(np.concatenate(came))
    negatives = window.settings.negatives * _counted(window, rows)
    rate = min(1.0, negatives / max(1, len(pairs) - len(positive)))
    drawn = np.setdiff1d(draw(len(pairs), rate, generator), positive, assume_unique=True)
    return pairs.examples(np.sort(np.concatenate([positive, drawn])), came, rate)


def _counted(window: Window, rows: Rows) -> int:
    """So many rows count for the number of negatives: at landmarks not more than `moments_a_user` allows."""
    most = window.settings.moments_a_user
    if window.settings.moment == "visit" or most is None:
        return len(rows)
    return min(len(rows), most * len(np.unique(rows.user)))
