"""The ids that may be generated: which digit may follow which, and which item an id names.

An id is read as one number, its digits as those of a number system of mixed base; so the beginnings of all ids are a
few sorted lists of numbers, and what may follow a beginning is found in them by binary search. A trie of other items
(those on sale now, say) is made in milliseconds, and no weights know of it.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

LARGEST: Final = 2**62
"""Ids are numbers below this."""


class Trie:
    """Some items' ids.

    Args:
        digits: int64 [n, levels]; each from 0 and below its size; no two rows alike.
        items: int64 [n]; the item of each id.
        sizes: Values of each digit.

    Raises:
        ValueError: Ids of these sizes do not fit into 62 bits.
    """

    def __init__(self, digits: Tensor, items: Tensor, sizes: tuple[int, ...]) -> None:
        n_ids = 1
        for size in sizes:
            n_ids *= size
        if n_ids > LARGEST:
            raise ValueError(f"ids of sizes {sizes} are more than 2^62")
        self.sizes = sizes
        key = digits.new_zeros(len(digits))
        self._beginnings: list[Tensor] = []
        for level, size in enumerate(sizes):
            key = key * size + digits[:, level]
            self._beginnings.append(torch.unique(key))
        order = key.argsort()
        self._items = items[order]

    def __len__(self) -> int:
        return len(self._items)

    def to(self, device: torch.device) -> Trie:
        """The same on another device."""
        moved = Trie.__new__(Trie)
        moved.sizes, moved._items = self.sizes, self._items.to(device)
        moved._beginnings = [one.to(device) for one in self._beginnings]
        return moved

    def followers(self, keys: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """What each digit makes of a beginning.

        Args:
            keys: int64 [...]; beginnings of `level` digits; 0 for the empty one.
            level: Which digit comes next.

        Returns:
            The longer beginnings, int64 [..., sizes[level]], and whether any id begins so, bool of that shape.
        """
        longer = keys[..., None] * self.sizes[level] + torch.arange(self.sizes[level], device=keys.device)
        known = self._beginnings[level]
        if len(known) == 0:
            return longer, torch.zeros_like(longer, dtype=torch.bool)
        place = torch.searchsorted(known, longer).clamp_(max=len(known) - 1)
        return longer, known[place] == longer

    def items(self, keys: Tensor) -> Tensor:
        """The items of whole ids, int64 of the shape of `keys`; 0 where no id of the trie is meant."""
        known = self._beginnings[-1]
        if len(known) == 0:
            return torch.zeros_like(keys)
        place = torch.searchsorted(known, keys).clamp_(max=len(known) - 1)
        return torch.where(known[place] == keys, self._items[place], 0)
