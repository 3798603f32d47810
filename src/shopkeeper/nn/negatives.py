"""Draws the items that a sampled loss compares with: uniformly, or by popularity."""

from __future__ import annotations

import torch
from torch import Tensor

from shopkeeper.types import Int64Array


class NegativeSampler:
    """Draws items with replacement, and knows how often each is expected.

    Args:
        counts: int64 [n_items + 1]; events of each item in training; place 0 is ignored.
        power: Items are drawn in proportion to their count to this power: 0 is uniform, 1 is popularity.
        device: Where the samples shall be.
    """

    def __init__(self, counts: Int64Array, power: float = 0.0, device: torch.device | str = "cpu") -> None:
        self.n_items = len(counts) - 1
        self.probability: Tensor | None = None
        if power > 0:
            weights = torch.as_tensor(counts[1:], dtype=torch.float64, device=device).clamp(min=1) ** power
            self.probability = weights / weights.sum()
            self.cumulative = self.probability.cumsum(0)
        self.device = torch.device(device)

    def draw(self, k: int) -> tuple[Tensor, Tensor]:
        """Draws k items from torch's global generator.

        Returns:
            Items int64 [k], from 1, and the logarithm of their expected number in such a sample, float32 [k].
        """
        if self.probability is None:
            items = torch.randint(1, self.n_items + 1, (k,), device=self.device)
        else:
            draws = torch.rand(k, dtype=torch.float64, device=self.device) * self.cumulative[-1]
            items = 1 + torch.searchsorted(self.cumulative, draws, right=True).clamp(max=self.n_items - 1)
        return items, self.log_expected(items, k)

    def log_expected(self, items: Tensor, k: int) -> Tensor:
        """Logarithm of the expected number of items (int64 [n]) in a sample of k, float32 [n]."""
        if self.probability is None:
            return torch.full((len(items),), k / self.n_items, device=self.device).log()
        return (self.probability[items - 1] * k).log().float()
