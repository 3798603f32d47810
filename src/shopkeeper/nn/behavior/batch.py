"""A batch of examples as tensors, before and after its codes became vectors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from shopkeeper.nn.sequences import Sequences


@dataclass(frozen=True)
class ExampleBatch:
    """b examples, and the distinct histories that they stand behind.

    Examples of one shopper at one moment share a history, which is read once. Each history begins with an event of
    code 0 everywhere, so that none is empty.

    Attributes:
        values: Float [b, d]; scaled features.
        item: int64 [b, a]; codes of the attributes of the item, 0 where not known.
        context: int64 [b, c]; codes of where and when.
        events: int64 [n, a]; codes of the attributes of the items of all events, history by history, oldest first.
        kinds: int64 [n]; codes of their types; 0 begins a history.
        ages: int64 [n]; codes of how long ago they were.
        lengths: int64 [h]; events of each history, at least 1.
        whose: int64 [b]; the history of each example.
    """

    values: Tensor
    item: Tensor
    context: Tensor
    events: Tensor
    kinds: Tensor
    ages: Tensor
    lengths: Tensor
    whose: Tensor


@dataclass(frozen=True)
class Embedded:
    """The same as vectors of one width.

    Attributes:
        values: Float [b, d].
        fields: Float [b, f, size]; attributes of the item, then context.
        item: Float [b, size]; what the item is, in the space of events.
        events: Float [n, size].
        sequences: Which events make which of the h histories.
        whose: int64 [b].
    """

    values: Tensor
    fields: Tensor
    item: Tensor
    events: Tensor
    sequences: Sequences
    whose: Tensor
