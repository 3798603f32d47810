"""Codes of examples as vectors: one table an attribute, shared by the item asked about and the items of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.behavior.batch import Embedded, ExampleBatch
from shopkeeper.nn.sequences import Sequences

STD: Final = 0.05
"""Standard deviation of fresh embeddings."""


class ExampleEmbedding(nn.Module):
    """Looks up all codes of a batch.

    Args:
        attributes: Number of words of each attribute of items; code 0 is for what is not known.
        contexts: Number of words of each fact of the context.
        n_kinds: Codes of types of event.
        n_ages: Codes of how long ago.
        size: Width of all vectors.
        unknown_share: Share of the codes of items that are taken for unknown, in training: what is not known gets a
            vector, and no item is learned by heart.
    """

    def __init__(
        self,
        attributes: Sequence[int],
        contexts: Sequence[int],
        n_kinds: int,
        n_ages: int,
        size: int,
        unknown_share: float = 0.0,
    ) -> None:
        super().__init__()
        self.unknown_share = unknown_share
        self.size = size
        self.attributes = nn.ModuleList(_table(n + 1, size) for n in attributes)
        self.contexts = nn.ModuleList(_table(n + 1, size) for n in contexts)
        self.kinds, self.ages = _table(n_kinds, size), _table(n_ages, size)

    @property
    def n_fields(self) -> int:
        """Vectors of an example beside its events."""
        return len(self.attributes) + len(self.contexts)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.kinds.weight.device

    def forward(self, batch: ExampleBatch) -> Embedded:
        """The vectors of a batch; an event is the sum of those of its item, its type and its age."""
        item, past = self._partly_unknown(batch.item), self._partly_unknown(batch.events)
        of_item = [table(item[:, place]) for place, table in enumerate(self.attributes)]
        around = [table(batch.context[:, place]) for place, table in enumerate(self.contexts)]
        fields = of_item + around
        events = self.kinds(batch.kinds) + self.ages(batch.ages)
        for place, table in enumerate(self.attributes):
            events = events + table(past[:, place])
        none = batch.values.new_zeros(len(batch.values), self.size)
        return Embedded(
            values=batch.values,
            fields=torch.stack(fields, dim=1) if fields else none[:, None, :][:, :0],
            item=cast(Tensor, sum(of_item, start=none)),
            events=events,
            sequences=Sequences(batch.kinds, batch.lengths),
            whose=batch.whose,
        )

    def _partly_unknown(self, codes: Tensor) -> Tensor:
        if not self.training or self.unknown_share == 0:
            return codes
        return codes * (torch.rand(codes.shape, device=codes.device) >= self.unknown_share)


def _table(n: int, size: int) -> nn.Embedding:
    table = nn.Embedding(n, size)
    nn.init.normal_(table.weight, std=STD)
    return table
