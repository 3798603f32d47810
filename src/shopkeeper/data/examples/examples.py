"""Examples: a shopper, an item and a moment, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator

from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array

if TYPE_CHECKING:
    from shopkeeper.data.examples.settings import ExampleSettings
    from shopkeeper.data.point_in_time.attributes import Attribute
    from shopkeeper.data.point_in_time.sequences import PastEvents
    from shopkeeper.data.point_in_time.table import FeatureTable


@dataclass(frozen=True)
class Examples:
    """Pairs at moments, in the indices of the dataset that they were made of.

    Attributes:
        user_index: int32 [n].
        item_index: int32 [n]; 0 where the example is of a shopper without an item.
        timestamp: int64 [n]; Unix microseconds, UTC. What came before is known, what came then or later is not.
        label: float32 [n]; 1 where the target came and 0 where not, or an amount.
        negative_rate: Share of the pairs without any of the behaviors that are here; below 1 they are a random sample.
        placement: uint8 [n] or None; where the item is shown, as the dataset codes it.
        placement_names: Names of the codes of `placement` from 1; empty where there are none.
        settings: What they are examples of, or None where nobody says.
        behaviors: Names of the columns of `labels`, the target first; empty where only the target has a label.
        labels: float32 [n, behaviors] or None; 1 where each behavior came.
        features: Point-in-time features of the examples, or None where they were not computed yet.
        attributes: What the items are, by index of the dataset; empty where it was not looked up.
        past: The events of the shopper before each example, or None where they were not looked up.
    """

    user_index: Int32Array
    item_index: Int32Array
    timestamp: Int64Array
    label: Float32Array
    negative_rate: float = 1.0
    placement: UInt8Array | None = None
    placement_names: tuple[str, ...] = ()
    settings: ExampleSettings | None = None
    behaviors: tuple[str, ...] = ()
    labels: Float32Array | None = None
    features: FeatureTable | None = None
    attributes: tuple[Attribute, ...] = ()
    past: PastEvents | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.user_index), len(self.item_index), len(self.timestamp), len(self.label)}
        if len(lengths) > 1:
            raise DataError("the columns of examples differ in length", got=str(sorted(lengths)))

    def __len__(self) -> int:
        return len(self.user_index)

    @property
    def kept(self) -> BoolArray:
        """Whether the target or any other behavior came, bool [n]: such pairs are all here, others in part."""
        came: BoolArray = self.label > 0
        return came if self.labels is None else came | (self.labels > 0).any(axis=1)

    @property
    def weight(self) -> Float64Array:
        """How many pairs each example stands for, float64 [n]: a sampled negative for as many as were passed over."""
        return np.where(self.kept, 1.0, 1.0 / self.negative_rate)

    def take(self, which: Int64Array | BoolArray | slice) -> Examples:
        """The examples at these places."""
        columns: dict[str, Any] = {
            name: getattr(self, name)[which] for name in ("user_index", "item_index", "timestamp", "label")
        }
        for name in ("placement", "labels"):
            column = getattr(self, name)
            columns[name] = None if column is None else column[which]
        for name in ("features", "past"):
            part = getattr(self, name)
            columns[name] = None if part is None else part.take(which)
        return replace(self, **columns)

    def of_some_shoppers(self, most: int, generator: Generator) -> Examples:
        """Those of shoppers drawn at random, all of each, so that there are at most so many."""
        shoppers, number, counts = np.unique(self.user_index, return_inverse=True, return_counts=True)
        order = generator.permutation(len(shoppers))
        chosen = np.zeros(len(shoppers), dtype=bool)
        chosen[order[np.cumsum(counts[order]) <= most]] = True
        return self.take(np.flatnonzero(chosen[number]))

    def for_target(self, seed: int = 0) -> Examples:
        """The same sample of all pairs without the target, be there another behavior or not, and no other labels.

        Pairs with another behavior are all here; of those without the target the share `negative_rate` stays.

        Args:
            seed: Seed of the draw.
        """
        if self.labels is None:
            return self
        drawn = np.random.default_rng(seed).random(len(self)) < self.negative_rate
        kept = (self.label > 0) | ~self.kept | drawn
        return replace(self.take(np.flatnonzero(kept)), behaviors=(), labels=None)


def corrected(probability: Float64Array, negative_rate: float) -> Float64Array:
    """Probabilities among all pairs, from those among examples of which only a share of the negatives was kept.

    He et al. (2014), Practical lessons from predicting clicks on ads at Facebook, section 6.3.

    Args:
        probability: float64 [n]; in 0 to 1.
        negative_rate: Share of the negatives that were kept, above 0.
    """
    result: Float64Array = probability / (probability + (1.0 - probability) / negative_rate)
    return result
