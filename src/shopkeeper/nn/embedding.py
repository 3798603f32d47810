"""The table of items: what a network reads of an item, and what its hidden state is compared with.

Input and output share the embeddings. The output may have a bias for each item, which takes over its popularity: it is
held as one more column, against which the hidden state has a constant 1, so that losses and top-k see inner products.
"""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.repeats import RepeatBonus
from shopkeeper.types import Int64Array

STD = 0.02
"""Standard deviation of fresh embeddings."""
EVERY: Final = slice(None)
WIDENED: Final = 1 << 18
"""So many numbers are widened to float64 at a time (2 MB); they stay in the processor's cache."""


class ItemTable(nn.Module):
    """Embeddings of items, and perhaps their biases.

    Args:
        n_items: Items are numbered from 1 to this; 0 is padding.
        size: Width of the embeddings.
        bias: Give each item a bias.
        sparse: Give gradients as sparse tensors.
        temperature: Compare by cosine, divided by this; None compares by inner product.
    """

    def __init__(
        self, n_items: int, size: int, bias: bool = False, sparse: bool = False, temperature: float | None = None
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.embedding = nn.Embedding(n_items + 1, size, sparse=sparse)
        nn.init.normal_(self.embedding.weight, std=STD)
        self.bias = nn.Embedding(n_items + 1, 1, sparse=sparse) if bias else None
        if self.bias is not None:
            nn.init.zeros_(self.bias.weight)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.weight.device

    def forward(self, items: Tensor) -> Tensor:
        """Embeddings of items (int64 of any shape), float of that shape and one more axis of `size`."""
        return self.embed(items)

    def embed(self, items: Tensor) -> Tensor:
        """What stands for items, float [..., size] for items int64 [...]; a table that knows more adds to it."""
        return cast(Tensor, self.embedding(items))

    def table(self, part: slice = EVERY) -> Tensor:
        """The same for all items, float [n_items + 1, size], or for some that are neighbors."""
        return self.embedding.weight if part == EVERY else self.embedding.weight[part]

    def rows(self, items: Tensor | None = None, dtype: torch.dtype | None = None) -> Tensor:
        """What hidden states are compared with.

        Args:
            items: int64 of any shape; None takes all, padding included.
            dtype: Of hidden states that are wider than the embeddings, for some items.

        Returns:
            Float [..., width], or [n_items + 1, width] for all; width is `size`, and one more with a bias.
        """
        if items is None:
            table = self._scaled(self.table())
            return table if self.bias is None else torch.cat([table, self.bias.weight], dim=1)
        rows = self._scaled(self.embed(items).to(dtype))
        return rows if self.bias is None else torch.cat([rows, self.bias(items)], dim=-1)

    def logits(self, hidden: Tensor) -> Tensor:
        """Inner products with all rows, without making them: float [b, n_items + 1] for hidden float [b, width].

        For states in float64 they are summed so, and rounded to float32 once.
        """
        if hidden.dtype == torch.float64:
            return self._exact_logits(hidden)
        table = self._scaled(self.table())
        if self.bias is None:
            return hidden @ table.T
        return torch.addmm(self.bias.weight.T, hidden[:, :-1], table.T)

    def _exact_logits(self, hidden: Tensor) -> Tensor:
        n_rows, size = self.embedding.weight.shape
        logits = hidden.new_empty(len(hidden), n_rows, dtype=torch.float32)
        block = max(1, WIDENED // size)
        wide = hidden.new_empty(min(block, n_rows), size)
        for start in range(0, n_rows, block):
            part = slice(start, start + block)
            rows = self._scaled(wide[: n_rows - start].copy_(self.table(part)))
            found = hidden[:, :size] @ rows.T
            logits[:, part] = found if self.bias is None else found + self.bias.weight[part, 0]
        return logits

    def beside(self, hidden: Tensor) -> Tensor:
        """Hidden states, float [..., size], as wide as `rows`: with a 1 against the bias; of length 1 for cosines."""
        if self.temperature is not None:
            hidden = functional.normalize(hidden, dim=-1)
        return hidden if self.bias is None else functional.pad(hidden, (0, 1), value=1.0)

    def _scaled(self, rows: Tensor) -> Tensor:
        if self.temperature is None:
            return rows
        return functional.normalize(rows, dim=-1) / self.temperature

    def repeat_bonus(self, max_length: int) -> RepeatBonus:
        """A fresh bonus for repeated items that goes with this table's biases."""
        n_items = len(self.embedding.weight) - 1
        bonus = RepeatBonus(n_items, max_length, self.embedding.sparse)
        if self.bias is not None:
            bonus.start_from(self.bias.weight[:, 0].detach())
        return bonus

    def set_popularity(self, counts: Int64Array) -> None:
        """Starts the biases at the logarithm of each item's share of events, centered.

        Args:
            counts: int64 [n_items + 1].
        """
        if self.bias is not None:
            logs = torch.as_tensor(counts, dtype=torch.float32).clamp(min=1).log()
            logs[0] = logs[1:].mean()
            self.bias.weight.data[:, 0] = logs - logs[1:].mean()
