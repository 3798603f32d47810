"""Naive Bayes over bins of each feature: the evidence of every feature counted by itself and added up.

Bins hold equally many examples of training, gaps have a bin of their own, and counts are smoothed, so that neither the
scale of a feature nor its shape matters.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.predictors.base import PredictorConfig
from shopkeeper.predictors.of_features import FeaturePredictor, HeldOut
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.types import Float32Array, Float64Array, Int64Array


class NaiveBayesConfig(PredictorConfig):
    """Settings of `NaiveBayes`."""

    bins: Annotated[int, Field(ge=2, le=1000)] = 16
    """Bins of each feature, one for gaps beside."""
    smoothing: Annotated[float, Field(gt=0)] = 1.0
    """So many examples of either label are added to each bin."""
    trust: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the evidence that counts; below 1 where features tell the same thing several times."""

    search: ClassVar[SearchSpace] = {
        "bins": Integers(4, 64, log=True),
        "smoothing": Floats(0.1, 100, log=True),
        "trust": Floats(0.05, 1.0),
    }


class NaiveBayes(FeaturePredictor):
    """Naive Bayes with binned features."""

    Config = NaiveBayesConfig
    config: NaiveBayesConfig
    edges: Float64Array
    evidence: Float64Array
    prior: float

    def _fit(
        self,
        values: Float32Array,
        label: Float32Array,
        validation: HeldOut | None,
    ) -> None:
        shares = np.linspace(0, 1, self.config.bins + 1)[1:-1]
        self.edges = np.full((values.shape[1], len(shares)), np.inf)
        for column in range(values.shape[1]):
            known = values[:, column][np.isfinite(values[:, column])]
            if len(known):
                self.edges[column] = np.quantile(known.astype(np.float64), shares, method="higher")
        cells = self._cells(values)
        n_cells = values.shape[1] * (self.config.bins + 1)
        likelihoods = []
        for wanted in (1, 0):
            found = np.bincount(cells[label == wanted].ravel(), minlength=n_cells).reshape(values.shape[1], -1)
            counts = found + self.config.smoothing
            likelihoods.append(np.log(counts / counts.sum(axis=1, keepdims=True)))
        self.evidence = self.config.trust * (likelihoods[0] - likelihoods[1])
        positives = float(label.mean())
        self.prior = float(np.log(positives / (1 - positives)))

    def _cells(self, values: Float32Array) -> Int64Array:
        """The cell of each value in the table of all bins, int64 [n, d]."""
        cells = np.empty(values.shape, dtype=np.int64)
        for column in range(values.shape[1]):
            bins = np.searchsorted(self.edges[column], values[:, column].astype(np.float64), side="right")
            bins[~np.isfinite(values[:, column])] = self.config.bins
            cells[:, column] = column * (self.config.bins + 1) + bins
        return cells

    def _log_odds(self, values: Float32Array) -> Float64Array:
        odds: Float64Array = self.prior + self._effects(values).sum(axis=1)
        return odds

    def _effects(self, values: Float32Array) -> Float64Array:
        effects: Float64Array = self.evidence.ravel()[self._cells(values)]
        return effects

    def state(self) -> dict[str, NDArray[Any]]:
        """Edges of bins, evidence of each, and the prior log-odds."""
        return {"edges": self.edges, "evidence": self.evidence, "prior": np.array([self.prior])}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes them back."""
        self.edges, self.evidence, self.prior = state["edges"], state["evidence"], float(state["prior"][0])
