"""A table of items that knows what they are: embeddings by id and vectors of text, pictures and the like, added up.

What a state is compared with is the same sum, so that an item with few events is ranked by what it is, and without
embeddings by id an item that training never saw is ranked by the same softmax as all others.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.embedding import EVERY, STD, ItemTable


class FeatureTable(ItemTable):
    """Embeddings of items by id and by what is known of them.

    Args:
        vectors: Float [n_items + 1, width]; of a mean length of about 1; row 0 is padding; rows of items of which
            nothing is known are zeros.
        size: Width of the embeddings.
        ids: Give each item an embedding of its own too.
        bias: Give each item a bias.
        temperature: Compare by cosine, divided by this; None compares by inner product.
    """

    vectors: Tensor

    def __init__(
        self, vectors: Tensor, size: int, ids: bool = True, bias: bool = False, temperature: float | None = None
    ) -> None:
        super().__init__(len(vectors) - 1, size, bias, temperature=temperature)
        self.register_buffer("vectors", vectors)
        self.project = nn.Linear(vectors.shape[1], size, bias=False)
        nn.init.normal_(self.project.weight, std=STD)
        self.ids = ids
        if not ids:
            self.embedding.weight.requires_grad_(False).zero_()

    def embed(self, items: Tensor) -> Tensor:
        """The sum of both, float [..., size] for items int64 [...]."""
        found = cast(Tensor, self.project(self._widened(functional.embedding(items, self.vectors))))
        return found + self.embedding(items) if self.ids else found

    def table(self, part: slice = EVERY) -> Tensor:
        """The sum of both for all items, float [n_items + 1, size], or for some that are neighbors."""
        found = cast(Tensor, self.project(self._widened(self.vectors[part])))
        return found + self.embedding.weight[part] if self.ids else found

    def _widened(self, vectors: Tensor) -> Tensor:
        return vectors.to(self.project.weight.dtype)
