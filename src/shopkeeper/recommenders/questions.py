"""From what a caller asks, in ids, to what a model scores, in indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError, ShopkeeperError
from shopkeeper.types import Id, Int32Array

FEW = 64
"""Up to so many ids are looked up one by one; more of them at once, where the set-up pays."""


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
    event_type: EventType = EventType.VIEW,
) -> Question:
    """Turns shoppers or histories into a question.

    Args:
        train: The data whose vocabularies count.
        memory: The histories of known shoppers, in the item vocabulary of `train`; it may know more shoppers.
        user_ids: Shoppers, or None.
        histories: Item ids of each shopper, oldest first, or None for those in `memory`.
        event_type: What the events of given histories are taken for.

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
    user_index = indices_of(train.users, asked)
    if histories is None:
        return Question(asked, user_index, memory.history_of(indices_of(memory.users, asked)), [[] for _ in asked])
    return Question(asked, user_index, *_given(train.items, histories, event_type))


def indices_of(vocabulary: Vocabulary, ids: Sequence[Id | None]) -> Int32Array:
    """Indices of ids that a caller gave, int32 of the same length; 0 for None, for unknown ids and for other kinds."""
    if len(ids) > FEW:
        try:
            return vocabulary.indices(list(ids))
        except DataError:
            """Ids of mixed kinds: one by one."""
    return np.array([0 if value is None else vocabulary.index(value) for value in ids], dtype=np.int32)


def _given(
    items: Vocabulary, histories: Sequence[Sequence[Id]], event_type: EventType
) -> tuple[Histories, list[list[Id]]]:
    """Given histories in indices, and the ids of each that are unknown."""
    flat = [item for row in histories for item in row]
    index = indices_of(items, flat)
    ends = np.cumsum([len(row) for row in histories]).tolist()
    parts = [index[end - len(row) : end] for row, end in zip(histories, ends, strict=True)]
    ignored: list[list[Id]] = [[] for _ in histories]
    for place in np.flatnonzero(index == 0):
        ignored[int(np.searchsorted(ends, place, side="right"))].append(flat[place])
    return Histories.of_items([part[part > 0] for part in parts], event_type), ignored
