"""The rows of the sequential benchmark: settings where the search of each model starts, and those that are tried."""

from __future__ import annotations

from typing import Any, TypeAlias

from shopkeeper.errors import ConfigError

Grid: TypeAlias = dict[str, list[Any]]
"""Values tried for each setting of a model, the first being where the search starts."""

NETWORKS = ("gru4rec", "lstm", "caser", "nextitnet", "sasrec", "linrec", "bert4rec", "bsarec", "hstu")
GENERATIVE = ("tiger", "tiger_dense")
"""By semantic ids; the second learns to compare with items too and orders by both."""
FEATURED = ("sasrec_text", "hstu_text", "sasrec_content", "tiger_text")
"""Networks that read vectors of titles too; `_content` those and no ids, `tiger_text` codes them."""
IDS_ALONE = ("sasrec_ids", "hstu_ids")
"""Networks that know nothing of the catalog, where the plain rows start from it."""
CLASSES = {
    "popular": "MostPopular", "tiger_dense": "TIGER", "tiger_text": "TIGER", "sasrec_text": "SASRec",
    "sasrec_content": "SASRec", "hstu_text": "HSTU", "sasrec_ids": "SASRec", "hstu_ids": "HSTU",
}  # fmt: skip
"""Models of the rows that are named otherwise."""
SEEDED = frozenset({"als", "bpr", "blend", *NETWORKS, *GENERATIVE, *FEATURED, *IDS_ALONE})
"""Models that start from random numbers: they run with every seed."""
WIDE: Grid = {
    "ties": ["keep", "shuffle"], "embedding_size": [128], "dropout": [0.5], "embedding_dropout": [0.5],
    "content_start": [12.0, 0.0],
}  # fmt: skip
"""Networks learn more from few events a shopper when they are wide and much is dropped."""

GRIDS: dict[str, Grid] = {
    "transitions": {
        "window": [20, 10, 50],
        "distance_decay": [0.8, 0.6, 1.0],
        "history_decay": [0.6, 0.5, 0.7, 0.9],
        "source_power": [0.2, 0.0, 0.4, 0.8],
        "backward": [0.0, 0.25, 1.0],
        "target_power": [0.1, 0.0, 0.2],
    },
    "item_knn": {
        "weighting": ["tfidf", "none", "bm25"],
        "history_decay": [0.6, 0.8, 1.0],
        "shrinkage": [20.0, 0.0, 5.0],
        "neighbors": [300, 100, 1000],
        "asymmetry": [0.5, 0.3, 0.7],
    },
    "content_knn": {"history_decay": [0.6, 0.8]},
    "ease": {"precision": ["float32"], "regularization": [100.0, 200.0, 50.0], "history_decay": [0.6, 0.8, 1.0]},
    "als": {
        "factors": [256, 128],
        "history_decay": [0.3, 0.6, 1.0],
        "regularization": [10.0, 1.0],
        "alpha": [20.0, 5.0, 50.0],
    },
    "bpr": {
        "factors": [128, 64],
        "fold_in": [True, False],
        "history_decay": [0.4, 0.7, 1.0],
        "learning_rate": [0.05, 0.1],
        "iterations": [150, 300],
        "regularization": [0.003, 0.001],
    },
    **dict.fromkeys(NETWORKS, WIDE),
    "gru4rec": {**WIDE, "cell_size": [256]},
    "lstm": {**WIDE, "cell_size": [256]},
}
"""Values tried for each setting, one setting after the other, the first value being where the search starts."""


def grids(starts: list[str]) -> dict[str, Grid]:
    """`GRIDS`, the search of some settings starting elsewhere.

    Args:
        starts: Words `setting=value`; the value is one that is tried.

    Raises:
        ConfigError: No model tries that.
    """
    found = {name: dict(grid) for name, grid in GRIDS.items()}
    for word in starts:
        setting, _, value = word.partition("=")
        tried = False
        for grid in found.values():
            values = grid.get(setting, [])
            first = [one for one in values if str(one) == value]
            if first:
                grid[setting] = first + [one for one in values if one not in first]
                tried = True
        if not tried:
            raise ConfigError(f"no model tries {word!r}", expected="setting=value of the grids in sequential_rows.py")
    return found
