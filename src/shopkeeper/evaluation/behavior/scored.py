"""Examples with what a model said of them: the one input of all figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int64Array


@dataclass(frozen=True)
class Scored:
    """What came of examples, and what was said of them before.

    Attributes:
        label: float32 [n]; 1 or 0, or an amount.
        said: float64 [n]; probabilities among all pairs, or amounts.
        weight: float64 [n]; how many pairs each example stands for.
        shopper: int64 [n]; number of the shopper from 0.
        n_shoppers: Number of shoppers; those without an example here count in resamples all the same.
        negative_rate: Share of the pairs without the target that are here.
    """

    label: Float32Array
    said: Float64Array
    weight: Float64Array
    shopper: Int64Array
    n_shoppers: int
    negative_rate: float = 1.0

    @staticmethod
    def of(examples: Examples, said: Float64Array, label: Float32Array | None = None) -> Scored:
        """What a model said of examples.

        Args:
            examples: The examples.
            said: float64 [n].
            label: float32 [n]; None takes those of the target.

        Raises:
            DataError: There is no example, or something that was said is not a number.
        """
        if len(examples) == 0:
            raise DataError("there is no example to measure by", remedy="give a longer log or a shorter horizon")
        if len(said) != len(examples) or not np.isfinite(said).all():
            raise DataError(
                "a model did not give a number for each example", expected=f"{len(examples)} finite numbers",
                got=f"{int(np.isfinite(said).sum())} finite ones of {len(said)}",
            )  # fmt: skip
        shoppers, shopper = np.unique(examples.user_index, return_inverse=True)
        came = examples.label if label is None else label
        return Scored(
            came, said.astype(np.float64), examples.weight, shopper.astype(np.int64), len(shoppers),
            examples.negative_rate,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.label)

    def take(self, which: BoolArray) -> Scored:
        """Some of the examples; shoppers keep their numbers, so that resamples are the same."""
        return Scored(
            self.label[which], self.said[which], self.weight[which], self.shopper[which], self.n_shoppers,
            self.negative_rate,
        )  # fmt: skip

    @property
    def as_sampled(self) -> tuple[Float64Array, Float64Array]:
        """Probabilities among the examples as they were drawn, and weights that go with them, float64 [n] each."""
        rate = self.negative_rate
        return self.said / (self.said + (1 - self.said) * rate), np.where(self.label > 0, 1.0, self.weight * rate)

    def by_shopper(self, columns: list[Float64Array]) -> Float64Array:
        """Sums of columns (float64 [n] each) over the examples of each shopper, float64 [n_shoppers, columns]."""
        sums = [np.bincount(self.shopper, column, self.n_shoppers) for column in columns]
        return np.stack(sums, axis=1).astype(np.float64)
