"""A recommender whose scores a test writes down, and logs to ask it about."""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.base import Recommender


class Scripted(Recommender):
    """Gives the same row of scores to everybody."""

    answers_empty = True

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.scores = np.array([0.0, *scores], dtype=np.float32)

    def _fit(self, train, validation, training, progress) -> None:
        self.fitted_with_validation = validation is not None
        self.weights = np.zeros(1_000_000 // 4, dtype=np.float32)

    def score(self, user_index, histories):
        return np.tile(self.scores, (len(histories), 1))

    def state(self) -> dict[str, Any]:
        return {"weights": self.weights}

    def restore(self, state) -> None:
        self.weights = state["weights"]


def dataset(*histories: list[int], n_items: int = 4, **extra) -> Dataset:
    return Dataset(
        Vocabulary(range(len(histories))), Vocabulary(range(10, 10 + n_items)), Histories.of_items(histories), **extra
    )


def holdout(train: Dataset, *questions: tuple[int, list[int], list[int]], value: list[float] | None = None) -> Holdout:
    """Questions (user index, history, targets)."""
    users = np.array([question[0] for question in questions], dtype=np.int32)
    return Holdout(
        user_ids=Vocabulary(range(len(questions))).arrow,
        user_index=users,
        histories=Histories.of_items([question[1] for question in questions]),
        targets=Histories.of_items([question[2] for question in questions]),
        target_value=None if value is None else np.array(value, dtype=np.float32),
    )
