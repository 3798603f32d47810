"""The base of models that are one sparse matrix from items to items: a history's rows of it are added up."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.sparse import Csr, sparse_candidates, sparse_item_scores, sparse_scores
from shopkeeper.types import Float32Array, Int32Array


class ItemLinks(Recommender):
    """Base of models whose scores are a sparse history times a sparse matrix of links between items."""

    links: Csr
    """float32 [n_items + 1, n_items + 1]; from an item of the history to the items that it speaks for."""

    @abstractmethod
    def rows(self, histories: Histories) -> Csr:
        """Weights of the items of each history, float32 [b, n_items + 1]."""

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Sum of the links from the items of the history; minus infinity where there is none."""
        return sparse_scores(self.rows(histories), self.links)

    def score_items(self, user_index: Int32Array, histories: Histories, item_index: Int32Array) -> Float32Array:
        """The same for a few items, from the rows of the history alone."""
        return sparse_item_scores(self.rows(histories), self.links, item_index)

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best, from the items that the history links to: the size of the catalog does not matter."""
        return sparse_candidates(self.rows(histories), self.links, n, eligible)

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """The links of the items; minus infinity where there is none."""
        linked = self.links[item_index].toarray()
        return np.where(linked == 0, -np.inf, linked).astype(np.float32)
