"""What is asked of a pipeline and what it answers, in indices: one shopper, a length, filters; items with reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from shopkeeper.data.hiding import Hiding
from shopkeeper.data.histories import Histories
from shopkeeper.types import Float32Array, Int32Array


@dataclass(frozen=True)
class Filters:
    """Which items may come out. All of them must be met.

    Attributes:
        category: A category or one above several, in any writing, ``"Beauty > Hair"``; None takes every category. One
            that names nothing leaves nothing: ask `CategoryNames.named` before.
        price_min: Lowest price; an item without a known price passes only where neither bound is given.
        price_max: Highest price.
        currency: Of the two bounds, and of the items that come out; None takes prices of every currency.
        available: Hide items that the catalog says are not on sale.
        in_cart: Show items that lie in the shopper's cart.
        hide: What does not come out of a shopper's own items; None does what the training data suggest.
    """

    category: str | None = None
    price_min: float | None = None
    price_max: float | None = None
    available: bool = True
    in_cart: bool = False
    hide: Hiding = None
    currency: str | None = None


@dataclass(frozen=True)
class Ask:
    """One question.

    Attributes:
        user_index: Index in the training vocabulary; 0 for a shopper unknown to training.
        history: One row: what the shopper did until now, all of it, oldest first, in training indices, settled (see
            `Dataset.settled`).
        k: How many items.
        filters: Which items may come out.
        exclude: int32 [n]; items that must not come out.
        explain: Give a reason for each item.
        interests: Categories that the shopper is said to like, in any writing; they count while the history is empty.
        moment: As of when, Unix microseconds; None is at the last event of the history, and for a predictor that ranks
            just behind all that is known.
        max_history: Models read only so many of the latest events; what is hidden is decided by all. None reads all.
    """

    user_index: int
    history: Histories
    k: int = 10
    filters: Filters = field(default_factory=Filters)
    exclude: Int32Array = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    explain: bool = False
    interests: tuple[str, ...] = ()
    moment: int | None = None
    max_history: int | None = None

    @property
    def read(self) -> Ask:
        """The question as models read it."""
        if self.max_history is None or self.history.n_events <= self.max_history:
            return self
        return replace(self, history=self.history.last(self.max_history))


class ReasonKind(StrEnum):
    """Why an item was chosen; the word that the API and the translations of the storefront use."""

    BECAUSE_VIEWED = "because_viewed"
    BECAUSE_LIKED = "because_liked"
    BECAUSE_IN_CART = "because_in_cart"
    BECAUSE_BOUGHT = "because_bought"
    BECAUSE_OF = "because_of"
    OFTEN_NEXT = "often_next"
    AGAIN = "again"
    BOUGHT_BEFORE = "bought_before"
    VIEWED_BEFORE = "viewed_before"
    IN_HISTORY = "in_history"
    BY_HISTORY = "by_history"
    POPULAR_IN = "popular_in"
    POPULAR = "popular"
    MORE_IN = "more_in"
    MORE = "more"


@dataclass(frozen=True)
class Reason:
    """Why an item was chosen, from what the models answered.

    Attributes:
        kind: What sort of reason.
        evidence: Items of the history that it rests on, strongest first, in training indices.
        category: The category, for `POPULAR_IN` and `MORE_IN`.
        weight: Share of the item's score that is gone without the first piece of evidence, 0 where there is none.
    """

    kind: ReasonKind
    evidence: tuple[int, ...] = ()
    category: str | None = None
    weight: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What the pipeline chose, best first.

    Attributes:
        item_index: int32 [m], m at most k.
        scores: float32 [m], descending.
        sources: For each item the name of the recommender that it comes from (of several, the one that gave most).
        fallback: Number of items that come from the fallback chain.
        reasons: One for each item; empty where none was asked for.
    """

    item_index: Int32Array
    scores: Float32Array
    sources: tuple[str, ...]
    fallback: int = 0
    reasons: tuple[Reason, ...] = ()
