"""The rows of the multi-behavior benchmark: models, what each may read, and the settings that are tried.

Where the searches of the neural rows start (a rate of .003, rows of the same second shuffled) was found on the same
validation part before, at an NDCG@10 of .1123. With a rate of .001 it was .0914 without the shuffle, and .0768 with it
and each item of a history read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Behaviors: TypeAlias = Literal["reference", "single", "several"]
"""A baseline without learning from others, a model of purchases alone, or one of all behaviors."""

PURCHASES_ALONE = {"weights": {"view": 0.0, "like": 0.0, "cart": 0.0, "purchase": 1.0}}
MEMBERS = ("transitions", "item_knn", "sasrec", "hstu")
"""Rows that `blend` mixes, those of them that run."""
BLEND = "blend"


@dataclass(frozen=True)
class Row:
    """One model.

    Attributes:
        model: Name of the recommender.
        behaviors: What it reads.
        start: Settings where the search starts.
        training: Training settings, beside those of the command.
        grid: Values tried for each setting, one setting after the other, on top of the best so far.
        seeded: Whether it starts from random numbers, and runs with every seed.
    """

    model: str
    behaviors: Behaviors
    start: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    seeded: bool = False


HIDDEN = {"hide_seen": True}
EQUAL_WEIGHTS = {"view": 1.0, "like": 1.0, "cart": 1.0, "purchase": 1.0}
WEIGHTS: list[Any] = [EQUAL_WEIGHTS, {"view": 0.3, "like": 0.6, "cart": 1.0, "purchase": 5.0}]
KNN_GRID: dict[str, list[Any]] = {
    "weighting": ["none", "bm25"],
    "shrinkage": [5.0, 1.0, 20.0],
    "repeats": ["once"],
    "history_decay": [0.8, 1.0],
    "asymmetry": [0.3, 0.7],
}
TRANSITIONS = {"window": 20, "backward": 1.0, "history_decay": 0.6, "source_power": 0.3, "target_power": 0.1}
TRANSITIONS_GRID: dict[str, list[Any]] = {
    "window": [50, 10],
    "history_decay": [0.8, 0.4],
    "distance_decay": [0.9, 0.6],
    "source_power": [0.5, 0.1],
    "target_power": [0.0, 0.3],
    "backward": [0.5],
}
NEURAL_GRID: dict[str, list[Any]] = {
    "merge_events": [True],
    "horizon": [4],
    "target_types": [["purchase"], ["cart", "purchase"]],
    "read_gaps": [True],
    "ties": ["skip"],
}
SASREC = {"loss": "sampled_softmax", "n_negatives": 1024, "ties": "shuffle", **HIDDEN}
NEURAL_TRAINING = {"epochs": 12, "optimizer": {"learning_rate": 0.003}}

ROWS: dict[str, Row] = {
    "popular": Row("MostPopular", "reference", HIDDEN, grid={
        "half_life_days": [30.0, 7.0], "weights": [EQUAL_WEIGHTS, PURCHASES_ALONE["weights"]],
    }),
    "recently_viewed": Row("RecentlyViewed", "reference"),
    "last_carted": Row("RecentlyViewed", "reference", {"event_types": ["cart"]}),
    "item_knn_purchases": Row("ItemKNN", "single", {**HIDDEN, **PURCHASES_ALONE}, grid=KNN_GRID),
    "transitions_purchases": Row("Transitions", "single", {**HIDDEN, **TRANSITIONS, **PURCHASES_ALONE},
                                 grid=TRANSITIONS_GRID),
    "sasrec_purchases": Row("SASRec", "single", {**SASREC, "history_types": ["purchase"]},
                            {**NEURAL_TRAINING, "epochs": 40}, seeded=True),
    "item_knn": Row("ItemKNN", "several", HIDDEN, grid={**KNN_GRID, "weights": WEIGHTS}),
    "ease": Row("EASE", "several", {**HIDDEN, "precision": "float32", "max_items": 6000, "regularization": 20.0},
                grid={"regularization": [5.0, 100.0], "history_decay": [0.8, 0.6]}),
    "transitions": Row("Transitions", "several", {**HIDDEN, **TRANSITIONS}, grid={**TRANSITIONS_GRID,
                                                                                  "weights": WEIGHTS}),
    "sasrec": Row("SASRec", "several", {**SASREC, "asked_type": "purchase"}, NEURAL_TRAINING, NEURAL_GRID, seeded=True),
    "hstu": Row("HSTU", "several", {**SASREC, "asked_type": "purchase"}, NEURAL_TRAINING, NEURAL_GRID, seeded=True),
    BLEND: Row("Blend", "several", HIDDEN, seeded=True),
}  # fmt: skip
