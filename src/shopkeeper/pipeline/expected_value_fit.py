"""Fits the predictor that ranks: how likely a shopper who is there buys an item soon.

It learns from visits of the training part alone: whoever asks for recommendations is in the shop.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.errors import DataError
from shopkeeper.pipeline.settings import RankingSettings
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.registry import predictor_class
from shopkeeper.progress import Progress

SHARE: Final = 0.85
"""Of the time of the log that the predictor learns from; it is calibrated on what is behind."""
MOST: Final = 300_000
"""About so many examples at most; of larger logs some shoppers, drawn at random, give them."""
FEWEST: Final = 20
"""With fewer purchases behind, nothing is calibrated."""


def fit_purchases(
    train: Dataset, settings: RankingSettings, seed: int = 0, progress: Progress | None = None
) -> Predictor:
    """A predictor of purchases of items of the catalog.

    Args:
        train: The training part.
        settings: Which predictor, and how soon.
        seed: Of what is drawn.
        progress: Told how far a network is.

    Raises:
        ConfigError: There is no such predictor.
        DataError: There are no purchases, or the log is shorter than the time asked about.
        MissingDependencyError: The predictor needs a library that is not installed.
    """
    wanted = ExampleSettings(target="purchase", candidates="catalog", moment="visit", days=settings.days, seed=seed)
    time = np.asarray(train.histories.timestamp)
    if len(time) == 0:
        raise DataError("there is no event to learn from")
    first, last = int(time.min()), int(time.max())
    cut, log = int(first + SHARE * (last - first)), Log(train)
    some = _some_shoppers(train, wanted, seed)
    learned = with_features(log, _fewer(make_examples(some, wanted, until=cut), seed))
    held_out = _held_out(some, log, wanted, cut, seed)
    cls = predictor_class(settings.predictor)
    config = build(cls.Config, {"calibration": "none" if held_out is None else "platt", "seed": seed})
    return cls(config).fit(learned, held_out, progress=progress)


def _held_out(some: Dataset, log: Log, wanted: ExampleSettings, cut: int, seed: int) -> Examples | None:
    """Examples of the last part, or None where too little was bought there."""
    try:
        later = _fewer(make_examples(some, wanted, start=cut), seed)
    except DataError:
        return None
    return with_features(log, later) if FEWEST <= int(later.label.sum()) < len(later) else None


def _some_shoppers(train: Dataset, wanted: ExampleSettings, seed: int) -> Dataset:
    """The log, or the events of so many shoppers that there are not too many examples without a purchase."""
    lengths = np.asarray(train.histories.lengths)
    moments = np.minimum(lengths, wanted.moments_a_user or lengths.max(initial=0)).sum()
    share = MOST / max(1.0, float(moments) * (1 + wanted.negatives))
    if share >= 1:
        return train
    chosen = np.random.default_rng(seed).random(train.n_users) < share
    return train.select(chosen[train.histories.rows])


def _fewer(examples: Examples, seed: int) -> Examples:
    """The examples, or those of so many shoppers, drawn at random, that there are not too many."""
    return examples if len(examples) <= MOST else examples.of_some_shoppers(MOST, np.random.default_rng(seed))
