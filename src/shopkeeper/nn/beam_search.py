"""Beam search over a trie: the most probable ids of those that exist, digit by digit."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from shopkeeper.nn.trie import Trie


class DigitDecoder(Protocol):
    """Tells the next digit of an id."""

    def start(self, hidden: Tensor) -> Tensor:
        """What is known before the first digit: states float [b, size] to float [b, 1, width]."""

    def logits(self, known: Tensor, level: int) -> Tensor:
        """Of each value of a digit: float [b, w, width] to float [b, w, sizes[level]]."""

    def follow(self, known: Tensor, digit: Tensor, level: int) -> Tensor:
        """What is known after a digit (int64 [b, w]), float [b, w, width]."""


def beam_search(decoder: DigitDecoder, hidden: Tensor, trie: Trie, width: int) -> tuple[Tensor, Tensor]:
    """The most probable ids.

    A beginning that no id of the trie has is never kept, so what comes out is in the trie. The answer to one row does
    not depend on the others.

    Args:
        decoder: Tells digits.
        hidden: Float [b, size].
        trie: What may come out.
        width: Beginnings that are kept at each digit, and ids that come out, at most.

    Returns:
        Items, int64 [b, width], most probable first, and the logarithms of their probabilities, float [b, width];
        item 0 at minus infinity where fewer were found.
    """
    known = decoder.start(hidden)
    keys = torch.zeros(len(hidden), 1, dtype=torch.int64, device=hidden.device)
    scores = torch.zeros(len(hidden), 1, dtype=hidden.dtype, device=hidden.device)
    for level, size in enumerate(trie.sizes):
        longer, exists = trie.followers(keys, level)
        gained = decoder.logits(known, level).log_softmax(dim=-1)
        reached = (scores[..., None] + gained).masked_fill(~exists, -torch.inf).flatten(1)
        scores, place = reached.topk(min(width, reached.shape[1]), dim=1)
        keys = longer.flatten(1).gather(1, place)
        before = (place // size)[..., None].expand(-1, -1, known.shape[-1])
        known = decoder.follow(known.gather(1, before), place % size, level)
    items = trie.items(keys).masked_fill(scores.isneginf(), 0)
    missing = width - items.shape[1]
    if missing > 0:
        items = torch.nn.functional.pad(items, (0, missing))
        scores = torch.nn.functional.pad(scores, (0, missing), value=-torch.inf)
    return items, scores
