"""What shoppers take again: a bonus for the items of their own history, by how often and how long ago.

Inner products of embeddings learn slowly to give back what they read. Where shoppers buy again and again, that is most
of what there is to know, and few numbers hold it: after events of an item its logit is raised by

    scale * log(1 + strength * habit[item] * sum over its events of weight[distance])

so that a probability p becomes p + constant * events: a mixture of what everybody takes and of what this shopper takes.
`habit` starts at one over the item's popularity, and learns what is taken again (milk) and what is not (a kettle).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class RepeatBonus(nn.Module):
    """The bonus of each item of a history, after each of its events.

    Args:
        n_items: Items are numbered from 1 to this; 0 is padding.
        max_length: Longest history.
        sparse: Give the gradient of the habits as a sparse tensor.
    """

    def __init__(self, n_items: int, max_length: int, sparse: bool = False) -> None:
        super().__init__()
        self.log_habit = nn.Embedding(n_items + 1, 1, sparse=sparse)
        self.log_weight = nn.Parameter(torch.zeros(max_length))
        self.log_strength = nn.Parameter(torch.empty(1))
        self.scale = nn.Parameter(torch.ones(1))
        self.start_from(torch.zeros(n_items + 1))

    def start_from(self, bias: Tensor) -> None:
        """Starts where a history of full length weighs as much as all that everybody takes.

        Args:
            bias: Float [n_items + 1]; logits that items have without any history.
        """
        with torch.no_grad():
            self.log_habit.weight[:, 0] = -bias
            self.log_strength[:] = bias[1:].logsumexp(0) - math.log(len(self.log_weight))

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
        habit = (self.log_strength + self.log_habit(items)[:, None, :, 0]).exp()
        bonus = self.scale * torch.log1p(habit * amount)
        return torch.where(past & _first_events(items)[:, None, :], bonus, 0.0)


def _first_events(items: Tensor) -> Tensor:
    """Which events are the first of their item, bool [b, length]; those of item 0 (padded, masked) never are."""
    same = items[:, :, None] == items[:, None, :]
    return ~same.tril(-1).any(dim=2) & (items > 0)
