"""Examples: a shopper, an item and a moment, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array

if TYPE_CHECKING:
    from shopkeeper.data.point_in_time.table import FeatureTable


@dataclass(frozen=True)
class Examples:
    """Pairs at moments, in the indices of the dataset that they were made of.

    Attributes:
        user_index: int32 [n].
        item_index: int32 [n]; 0 where the example is of a shopper without an item.
        timestamp: int64 [n]; Unix microseconds, UTC. What came before is known, what came then or later is not.
        label: float32 [n]; 1 where the target came and 0 where not, or an amount.
        negative_rate: Share of the pairs without the target that are here; below 1 they are a random sample.
        placement: uint8 [n] or None; where the item is shown, as the dataset codes it.
        features: Point-in-time features of the examples, or None where they were not computed yet.
    """

    user_index: Int32Array
    item_index: Int32Array
    timestamp: Int64Array
    label: Float32Array
    negative_rate: float = 1.0
    placement: UInt8Array | None = None
    features: FeatureTable | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.user_index), len(self.item_index), len(self.timestamp), len(self.label)}
        if len(lengths) > 1:
            raise DataError("the columns of examples differ in length", got=str(sorted(lengths)))

    def __len__(self) -> int:
        return len(self.user_index)

    @property
    def weight(self) -> Float64Array:
        """How many pairs each example stands for, float64 [n]: a sampled negative for as many as were passed over."""
        return np.where(self.label > 0, 1.0, 1.0 / self.negative_rate)

    def take(self, which: Int64Array | BoolArray | slice) -> Examples:
        """The examples at these places."""
        columns: dict[str, Any] = {
            name: getattr(self, name)[which] for name in ("user_index", "item_index", "timestamp", "label")
        }
        placement = None if self.placement is None else self.placement[which]
        features = None if self.features is None else self.features.take(which)
        return replace(self, **columns, placement=placement, features=features)


def corrected(probability: Float64Array, negative_rate: float) -> Float64Array:
    """Probabilities among all pairs, from those among examples of which only a share of the negatives was kept.

    He et al. (2014), Practical lessons from predicting clicks on ads at Facebook, section 6.3.

    Args:
        probability: float64 [n]; in 0 to 1.
        negative_rate: Share of the negatives that were kept, above 0.
    """
    result: Float64Array = probability / (probability + (1.0 - probability) / negative_rate)
    return result
