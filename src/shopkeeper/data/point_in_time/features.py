"""Features of examples as of their moments: only events strictly earlier count, by the clock and not by the row.

Brand, category and price of the catalog are taken to have held always; a price that events say counts before that.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.of_items import item_features
from shopkeeper.data.point_in_time.of_pairs import context_features, pair_features, similarity_to_history
from shopkeeper.data.point_in_time.of_users import user_features
from shopkeeper.data.point_in_time.sequences import past_events
from shopkeeper.data.point_in_time.table import FeatureTable, narrow
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
    log = dataset if isinstance(dataset, Log) else Log(dataset)
    return _table(Asked(log, examples), item_vectors)


def with_features(dataset: Dataset | Log, examples: Examples, item_vectors: Float32Array | None = None) -> Examples:
    """The examples with their features, attributes of items and past events; arguments as of the features."""
    log = dataset if isinstance(dataset, Log) else Log(dataset)
    asked = Asked(log, examples)
    return replace(examples, features=_table(asked, item_vectors), attributes=log.attributes, past=past_events(asked))


def _table(asked: Asked, item_vectors: Float32Array | None) -> FeatureTable:
    columns = narrow(user_features(asked))
    if (asked.item > 0).any():
        columns |= narrow(item_features(asked))
        columns |= narrow(pair_features(asked))
        with np.errstate(divide="ignore", invalid="ignore"):
            columns["pair_price_to_usual"] = np.log(columns["item_price"] / columns["user_mean_price"])
        if item_vectors is not None:
            if len(item_vectors) != asked.log.dataset.n_items + 1:
                raise DataError(
                    "vectors and items differ in number",
                    expected=f"{asked.log.dataset.n_items + 1} rows, row 0 for none",
                    got=str(len(item_vectors)),
                )  # fmt: skip
            columns |= narrow({"pair_similarity": similarity_to_history(asked, item_vectors)})
    return FeatureTable.of(columns | narrow(context_features(asked)), len(asked))
