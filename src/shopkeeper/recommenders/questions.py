"""From what a caller asks, in ids, to what a model scores, in indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.errors import ShopkeeperError
from shopkeeper.types import Id, Int32Array


@dataclass(frozen=True)
class Question:
    """A request in indices.

    Attributes:
        user_ids: Who asks, length n; None for a history without a shopper.
        user_index: int32 [n].
        histories: Histories of the n shoppers.
        ignored: Ids of each given history that training has not seen.
    """

    user_ids: list[Id | None]
    user_index: Int32Array
    histories: Histories
    ignored: list[list[Id]]


def ask(
    train: Dataset,
    memory: Dataset,
    user_ids: Sequence[Id | None] | None,
    histories: Sequence[Sequence[Id]] | None,
) -> Question:
    """Turns shoppers or histories into a question.

    Args:
        train: The data whose vocabularies count.
        memory: The histories of known shoppers, in the item vocabulary of `train`; it may know more shoppers.
        user_ids: Shoppers, or None.
        histories: Item ids of each shopper, oldest first, or None for those in `memory`.

    Raises:
        ShopkeeperError: Both are None, or they differ in number.
    """
    if user_ids is None and histories is None:
        raise ShopkeeperError("nothing was asked", expected="user_ids, histories, or both")
    if user_ids is not None and histories is not None and len(user_ids) != len(histories):
        raise ShopkeeperError(
            "shoppers and histories differ in number", expected=f"{len(user_ids)} histories", got=str(len(histories))
        )
    asked: list[Id | None] = list(user_ids) if user_ids is not None else [None] * len(histories or ())
    user_index = np.array([0 if user is None else train.users.index(user) for user in asked], dtype=np.int32)
    if histories is None:
        remembered = np.array([0 if user is None else memory.users.index(user) for user in asked], dtype=np.int32)
        return Question(asked, user_index, memory.history_of(remembered), [[] for _ in asked])
    known, ignored = [], []
    for row in histories:
        index = train.items.indices(list(row))
        known.append(index[index > 0])
        ignored.append([item for item, place in zip(row, index, strict=True) if place == 0])
    return Question(asked, user_index, Histories.of_items(known), ignored)
