"""Reasons of a network: integrated gradients from the usual example to the one that is asked about.

The usual example has the mean of every feature, unknown ids, and a past of as many events of which nothing is known:
code 0 everywhere; how long the past is counts for nothing by itself. Gradients are summed along the straight
line from there (Sundararajan et al. 2017, Axiomatic attribution for deep networks); what the sum of a finite number of
steps misses is shared out by size, so that effects add up to the difference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.types import Float32Array, Float64Array, Int64Array

if TYPE_CHECKING:
    from torch import Tensor

    from shopkeeper.nn.behavior.batch import Embedded, ExampleBatch
    from shopkeeper.predictors.network import NetworkPredictor

STEPS: Final = 32
ROWS: Final = 512
CONTEXT: Final = ("hour", "weekday", "shown_at")
ASKED: Final = ("values", "item", "context", "events", "kinds", "ages")
HISTORY: Final = "history"


def network_effects(
    predictor: NetworkPredictor, examples: Examples
) -> tuple[tuple[str, ...], Float32Array, Float64Array]:
    """Names of evidence, values (NaN for what is no number), and effects on the score, float64 [n, d].

    Args:
        predictor: A fitted network.
        examples: What to explain.
    """
    ready, features = predictor.ready(examples), predictor.features or ()
    attributes = tuple(name for name, _ in predictor.inputs.words)
    names = (*features, *attributes, *CONTEXT, HISTORY)
    values = np.full((len(examples), len(names)), np.nan, dtype=np.float32)
    if examples.features is not None:
        values[:, : len(features)] = examples.features.aligned(features)
    effects = np.zeros((len(examples), len(names)))
    for start in range(0, len(examples), ROWS):
        rows = np.arange(start, min(start + ROWS, len(examples)))
        effects[rows] = _effects(predictor, ready.batch(rows, predictor.network.device), rows)
    return names, values, effects


def _effects(predictor: NetworkPredictor, batch: ExampleBatch, rows: Int64Array) -> Float64Array:
    import torch

    network = predictor.network
    with torch.no_grad():
        at = _Line(predictor, network.embedding(batch), network.embedding(_usual(batch)))
    sums = [torch.zeros_like(part) for part in at.ends]
    for step in range(STEPS):
        gradients = at.gradients((step + 0.5) / STEPS)
        sums = [one + gradient / STEPS for one, gradient in zip(sums, gradients, strict=True)]
    values, fields, item, events = (
        total * (end - begin) for total, begin, end in zip(sums, at.begins, at.ends, strict=True)
    )
    scaling = predictor.inputs.scaling
    of_features = scaling.folded(values.double().cpu().numpy())
    of_fields = fields.sum(dim=2).double().cpu().numpy()
    n_attributes = len(predictor.inputs.words)
    of_item = item.sum(dim=1).double().cpu().numpy()
    if n_attributes:  # the sum of the vectors of all attributes: each has its share of the whole
        of_fields[:, :n_attributes] += of_item[:, None] / n_attributes
    of_history = events.sum(dim=(1, 2)).double().cpu().numpy()[:, None]
    effects = np.concatenate([of_features, of_fields, of_history], axis=1)
    missing = at.score(1.0) - at.score(0.0) - effects.sum(axis=1)
    size = np.abs(effects)
    total = size.sum(axis=1, keepdims=True)
    share = np.divide(size, total, out=np.full_like(size, 1 / size.shape[1]), where=total > 0)
    result: Float64Array = effects + share * missing[:, None]
    return result


def _usual(batch: ExampleBatch) -> ExampleBatch:
    """The same examples with features at their mean and no code that is known."""
    import torch

    zeros = {name: torch.zeros_like(getattr(batch, name)) for name in ASKED}
    return replace(batch, **zeros)


class _Line:
    """The straight line from one batch to another; each example has a history of its own, so that no gradients mix."""

    def __init__(self, predictor: NetworkPredictor, whole: Embedded, usual: Embedded) -> None:
        import torch

        from shopkeeper.nn.sequences import Sequences

        sequences = whole.sequences
        real = sequences.is_real[whole.whose]
        lengths = sequences.lengths[whole.whose]
        own = Sequences(torch.zeros(int(lengths.sum()), dtype=torch.int64, device=lengths.device), lengths)
        self._predictor = predictor
        self._whole = replace(whole, sequences=own, whose=torch.arange(len(lengths), device=lengths.device))
        self._real = real
        self.begins, self.ends = (self._parts(one) for one in (usual, whole))

    def _parts(self, one: Embedded) -> tuple[Tensor, ...]:
        """Features, fields, item, and the events of each example, float [b, longest, size]."""
        padded = one.sequences.pad(one.events)[one.whose] * self._real[:, :, None]
        return one.values, one.fields, one.item, padded

    def _at(self, share: float) -> list[Tensor]:
        return [begin + (end - begin) * share for begin, end in zip(self.begins, self.ends, strict=True)]

    def gradients(self, share: float) -> tuple[Tensor, ...]:
        """Of the score at a place of the line, by each part."""
        import torch

        asked = [part.requires_grad_() for part in self._at(share)]
        with torch.backends.cudnn.flags(enabled=False):  # whose recurrent networks have gradients in training only
            found = torch.autograd.grad(self._ask(asked).sum(), asked, allow_unused=True)
        return tuple(
            torch.zeros_like(part) if gradient is None else gradient
            for part, gradient in zip(asked, found, strict=True)
        )

    def score(self, share: float) -> Float64Array:
        """The score at a place of the line, float64 [b]."""
        import torch

        with torch.no_grad():
            return np.asarray(self._ask(self._at(share)).cpu().numpy())

    def _ask(self, parts: list[Tensor]) -> Tensor:
        values, fields, item, padded = parts
        embedded = replace(self._whole, values=values, fields=fields, item=item, events=padded[self._real])
        return self._predictor.as_scores(self._predictor.network.body(embedded))
