"""What shoppers take again: a bonus for the items of their own history, by how often and how long ago.

Inner products of embeddings learn slowly to give back what they read. Where shoppers buy again and again, that is most
of what there is to know, and a few numbers hold it: item i gets ``scale * log(1 + strength * sum of weight[distance])``
over its earlier events, so that its probability grows with their number as counts do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RepeatBonus(nn.Module):
    """The bonus of each item of a history, after each of its events.

    Args:
        max_length: Longest history.
    """

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self.log_weight = nn.Parameter(torch.zeros(max_length))
        self.log_strength = nn.Parameter(torch.tensor([3.0]))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, items: Tensor) -> Tensor:
        """The bonus of every item read so far, after every event.

        Args:
            items: int64 [b, length], padded with 0 on the right.

        Returns:
            Float [b, length, length]; entry (t, j) is the bonus after event t of the item at place j, where that is the
            first event of the item and not later than t; elsewhere 0.
        """
        steps = torch.arange(items.shape[1], device=items.device)
        return self._bonus(items, (steps[:, None] - steps).expand(len(items), -1, -1))

    def last(self, items: Tensor, lengths: Tensor) -> Tensor:
        """The bonus of every item after the last event of each row.

        Args:
            items: int64 [b, length], padded with 0 on the right.
            lengths: int64 [b], at least 1.

        Returns:
            Float [b, length]; 0 where an item occurs again and at padded places.
        """
        steps = torch.arange(items.shape[1], device=items.device)
        return self._bonus(items, (lengths[:, None, None] - 1 - steps))[:, 0]

    @staticmethod
    def counted(items: Tensor) -> Tensor:
        """Where `forward` gives a bonus: bool [b, length, length] for items int64 [b, length]."""
        earlier = torch.ones(items.shape[1], items.shape[1], dtype=torch.bool, device=items.device).tril()
        return earlier & _first_events(items)[:, None, :]

    def _bonus(self, items: Tensor, distance: Tensor) -> Tensor:
        """For events at `distance` (int64 [b, asked, length], negative for later ones): float [b, asked, length]."""
        past = distance >= 0
        weight = torch.where(past, self.log_weight.exp()[distance.clamp(min=0)], 0.0)
        same = items[:, :, None] == items[:, None, :]
        amount = weight @ same.to(weight.dtype)
        bonus = self.scale * torch.log1p(self.log_strength.exp() * amount)
        return torch.where(past & _first_events(items)[:, None, :], bonus, 0.0)


def _first_events(items: Tensor) -> Tensor:
    """Which events are the first of their item, bool [b, length]."""
    same = items[:, :, None] == items[:, None, :]
    return ~same.tril(-1).any(dim=2)
