"""The text that LightGBM writes of its trees, checked before it is read: its reader believes every number in it.

A child, a feature or a length out of range makes that reader, or a prediction, read past the ends of its arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import check_finite, check_indices, check_shape
from shopkeeper.errors import ArtifactError

TREE = "Tree="
END = "end of trees"
MOST_LEAVES = 1 << 24
SIZES = "tree_sizes="
"""A line of lengths in bytes that the reader jumps by; without it, it reads tree after tree."""


def checked_trees(text: str, n_features: int) -> str:
    """The text without the lengths of its trees, where each of them is one.

    Args:
        text: As `Booster.model_to_string` writes it.
        n_features: Features that the predictor reads.

    Raises:
        ArtifactError: It is no such text, or an index in it is out of range.
    """
    forest, end, rest = text.partition(f"\n{END}")
    head, *trees = forest.split(f"\n{TREE}")
    facts = _fields(head)
    if not end or not trees or TREE in rest or "\0" in text:
        raise _no_trees("trees, and their end behind them")
    if (facts.get("num_class"), facts.get("num_tree_per_iteration")) != ("1", "1"):
        raise _no_trees("trees of one class")
    if facts.get("max_feature_idx") != str(n_features - 1) or len(facts.get("feature_names", "").split()) != n_features:
        raise _no_trees(f"{n_features} features")
    for place, tree in enumerate(trees):
        _check_tree(_fields(tree), n_features, f"of tree {place}")
    lines = head.split("\n")
    return "\n".join(line for line in lines if not line.startswith(SIZES)) + text[len(head) :]


def _check_tree(facts: dict[str, str], n_features: int, where: str) -> None:
    number = _numbers(facts, "num_leaves", where)[0]
    leaves = int(number) if 1 <= number < MOST_LEAVES else 0
    if not leaves or facts.get("num_cat") != "0" or facts.get("is_linear", "0") != "0":
        raise _no_trees(f"plain leaves {where}")
    values = _numbers(facts, "leaf_value", where)
    check_shape(values, (leaves,), f"leaf_value {where}")
    check_finite(values, f"leaf_value {where}")
    if leaves == 1:
        return
    splits = np.arange(leaves - 1)
    for name in ("split_feature", "threshold", "decision_type", "left_child", "right_child"):
        found = _numbers(facts, name, where)
        check_shape(found, (leaves - 1,), f"{name} {where}")
        if name == "threshold":  # infinity parts what is there from what is missing
            continue
        check_finite(found, f"{name} {where}")
        if name == "split_feature":
            check_indices(found.astype(np.int64), 0, n_features, f"{name} {where}")
        elif name.endswith("child"):
            child = found.astype(np.int64)
            check_indices(child, -leaves, leaves - 1, f"{name} {where}")
            if (child[child >= 0] <= splits[child >= 0]).any():  # a split comes behind its parent: no circle
                raise _no_trees(f"children behind their parents {where}")


def _numbers(facts: dict[str, str], name: str, where: str) -> NDArray[np.float64]:
    words = facts.get(name, "").split()
    try:
        found: NDArray[Any] = np.array([float(word) for word in words])
    except ValueError as error:
        raise _no_trees(f"numbers as {name} {where}") from error
    if not len(found):
        raise _no_trees(f"{name} {where}")
    return found


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals and name in found:
            raise _no_trees(f"one line {name}")
        found[name] = value
    return found


def _no_trees(expected: str) -> ArtifactError:
    return ArtifactError(
        "the trees of a predictor cannot be read", expected=expected, remedy="restore the folder or train it again"
    )
