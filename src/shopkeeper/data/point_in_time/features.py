"""Features of examples as of their moments: only events strictly earlier count, by the clock and not by the row.

Brand, category and price of the catalog are taken to have held always; a price that events say counts before that.
"""

from __future__ import annotations

from dataclasses import replace

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.blocks import Features
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array


def point_in_time_features(
    dataset: Dataset | Log, examples: Examples, item_vectors: Float32Array | None = None
) -> FeatureTable:
    """Features of each example, of the shopper, the item, the two together and the moment.

    Args:
        dataset: The log; a `Log` of it where features of several parts are made.
        examples: In the indices of the dataset. Where all are without an item, features of items are left out.
        item_vectors: float32 [n_items + 1, d]; for the similarity of the item to the history, or None.

    Returns:
        Columns of numbers. Which there are depends on the types of event and the facts that the log has.

    Raises:
        DataError: There is no event, or vectors are not of the items.
    """
    return _features(_log_of(dataset), examples, item_vectors).table(examples)


def with_features(dataset: Dataset | Log, examples: Examples, item_vectors: Float32Array | None = None) -> Examples:
    """The examples with their features, attributes of items and past events; arguments as of the features."""
    log = _log_of(dataset)
    return examples_with(log, _features(log, examples, item_vectors), examples)


def examples_with(log: Log, features: Features, examples: Examples) -> Examples:
    """The examples with what `features` makes of them; for many blocks of one log."""
    table, past = features.of(examples)
    return replace(examples, features=table, attributes=log.attributes, past=past, placement_names=log.placement_names)


def _log_of(dataset: Dataset | Log) -> Log:
    log = dataset if isinstance(dataset, Log) else Log(dataset)
    if log.n == 0:
        raise DataError("there is no event to make features of")
    return log


def _features(log: Log, examples: Examples, item_vectors: Float32Array | None) -> Features:
    return Features(log, items=bool((examples.item_index > 0).any()), item_vectors=item_vectors)
