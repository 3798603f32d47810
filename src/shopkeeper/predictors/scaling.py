"""Features as linear models need them: long tails drawn in, in units of their spread, gaps told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.types import BoolArray, Float32Array, Float64Array

FARTHEST = 10.0
"""No scaled value is farther from the mean than so many standard deviations."""


@dataclass(frozen=True)
class Scaling:
    """Fitted on training. Values pass the inverse hyperbolic sine, which is linear at 0 and a logarithm far out.

    Attributes:
        mean: float64 [d].
        spread: float64 [d]; infinite for a column that is constant or never known in training, which is always 0.
        gaps: bool [d]; columns with gaps in training, each of which gets a further column that says where they are.
        share: float64 [gaps]; share of gaps in each of these.
    """

    mean: Float64Array
    spread: Float64Array
    gaps: BoolArray
    share: Float64Array

    @staticmethod
    def fitted(values: Float32Array) -> Scaling:
        """On features, float32 [n, d]."""
        drawn = np.arcsinh(values.astype(np.float64))
        known = np.isfinite(drawn)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, drawn, 0).sum(axis=0) / n
        spread = np.sqrt(np.where(known, (drawn - mean) ** 2, 0).sum(axis=0) / n)
        gaps = np.asarray(~known.all(axis=0) & known.any(axis=0))
        share = 1 - known[:, gaps].mean(axis=0) if len(values) else np.zeros(int(gaps.sum()))
        return Scaling(mean, np.where(spread > 1e-9, spread, np.inf), gaps, share)

    def __call__(self, values: Float32Array) -> Float64Array:
        """Scaled columns, then one for the gaps of each that had some, float64 [n, d + gaps]; means are 0 in training.

        So zeros are the usual example, and a column that is never known says nothing.
        """
        drawn = np.arcsinh(values.astype(np.float64))
        known = np.isfinite(drawn)
        scaled = (np.where(known, drawn, 0.0) - self.mean) / self.spread
        scaled = np.where(known, np.clip(scaled, -FARTHEST, FARTHEST), 0.0)
        return np.concatenate([scaled, ~known[:, self.gaps] - self.share], axis=1)

    def folded(self, effects: Float64Array) -> Float64Array:
        """Effects of scaled columns, those of gaps added to the column that they are of, float64 [n, d]."""
        result: Float64Array = effects[:, : len(self.mean)].copy()
        result[:, self.gaps] += effects[:, len(self.mean) :]
        return result

    def state(self) -> dict[str, NDArray[Any]]:
        """As named arrays."""
        return {
            "scaling.mean": self.mean,
            "scaling.spread": self.spread,
            "scaling.gaps": self.gaps,
            "scaling.share": self.share,
        }

    @staticmethod
    def restored(state: dict[str, NDArray[Any]]) -> Scaling:
        """From what `state` gave."""
        return Scaling(state["scaling.mean"], state["scaling.spread"], state["scaling.gaps"], state["scaling.share"])
