"""Bundles whose hashes are right and whose numbers are not: refused when they are opened, not when they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from shop import shop_tables
from shopkeeper.artifacts import MANIFEST, check_finite, check_indices, check_offsets, file_hash
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.schema import EventType
from shopkeeper.errors import ArtifactError
from shopkeeper.predictors.tree_text import checked_trees
from shopkeeper.recommenders.als import ALS
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.ease import EASE
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.recommenders.vsknn import VSKNN

Arrays = dict[str, NDArray[Any]]
Change = Callable[[Arrays], None]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    names = {"user_id": "customer", "item_id": "sku", "timestamp": "time", "quantity": "qty", "price": "unit_price"}
    log = Events.read(shop_tables()[0], EventsSettings(columns=names, event_type=EventType.PURCHASE))
    return prepare(log, None, PrepareSettings(), tmp_path_factory.mktemp("data") / "data")


def sealed(folder: Path, name: str) -> None:
    """Writes the hash of a changed file into the manifest, as somebody would who means harm."""
    manifest = json.loads((folder / MANIFEST).read_text())
    file = folder / name
    manifest["files"][name] |= {"bytes": file.stat().st_size, "sha256": file_hash(file)}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def set_at(name: str, place: Any, value: Any) -> Change:
    def change(arrays: Arrays) -> None:
        arrays[name][place] = value

    return change


def cut(name: str) -> Change:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name][:-1].copy()

    return change


WRONG: list[tuple[type[Recommender], Change]] = [
    (Transitions, set_at("transitions.indices", 0, 2**31 - 1)),
    (Transitions, set_at("transitions.indices", 0, -1)),
    (Transitions, set_at("transitions.indptr", 1, 2**31 - 1)),
    (Transitions, set_at("transitions.indptr", 2, -5)),
    (Transitions, set_at("transitions.indptr", 0, 1)),
    (Transitions, set_at("transitions.indptr", -1, 10**6)),
    (Transitions, cut("transitions.indptr")),
    (Transitions, cut("transitions.indices")),
    (Transitions, cut("transitions.data")),
    (Transitions, set_at("transitions.data", 0, np.nan)),
    (Transitions, set_at("transitions.data", 0, np.inf)),
    (ALS, set_at("item_factors", (1, 0), np.nan)),
    (ALS, cut("item_factors")),
    (EASE, set_at("item_index", 0, 10**6)),
    (EASE, set_at("item_weights", (0, 0), -np.inf)),
    (EASE, cut("item_index")),
    (MostPopular, set_at("popularity", 1, np.nan)),
    (MostPopular, cut("popularity")),
    (VSKNN, set_at("offsets", 1, 10**9)),
    (VSKNN, set_at("item_offsets", 2, -1)),
    (VSKNN, set_at("item_index", 0, 0)),
    (VSKNN, set_at("item_index", 0, 10**6)),
    (VSKNN, set_at("places", 0, 10**9)),
    (VSKNN, cut("age")),
]


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_what_a_model_learned_is_checked(dataset: Dataset, tmp_path: Path, place: int) -> None:
    kind, change = WRONG[place]
    model = kind().fit(dataset)
    model.save(tmp_path / "model")
    Recommender.load(tmp_path / "model")
    file = tmp_path / "model" / "state.safetensors"
    arrays = {name: values.copy() for name, values in load_file(file).items()}
    change(arrays)
    save_file(arrays, file)
    sealed(tmp_path / "model", "state.safetensors")
    with pytest.raises(ArtifactError):
        Recommender.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [("offsets", 1, 10**9), ("offsets", 1, -1), ("offsets", -1, 1), ("offsets", 0, 1), ("item_index", 0, 0),
     ("item_index", 0, 10**6), ("item_index", 0, -1), ("event_type", 0, 0), ("event_type", 0, 250)],
)  # fmt: skip
def test_histories_are_checked(dataset: Dataset, tmp_path: Path, name: str, at: int, value: int) -> None:
    MostPopular().fit(dataset).save(tmp_path / "model")
    file = tmp_path / "model" / "train" / f"{name}.npy"
    values = np.load(file)
    values[at] = value
    np.save(file, values)
    sealed(tmp_path / "model", f"train/{name}.npy")
    with pytest.raises(ArtifactError):
        Recommender.load(tmp_path / "model")


@pytest.mark.parametrize("values", [[np.nan], [1.0, np.inf], [-np.inf, 2.0]])
def test_numbers_are_finite(values: list[float]) -> None:
    with pytest.raises(ArtifactError, match="weights cannot be right"):
        check_finite(np.array(values), "weights")
    check_finite(np.array([1.0, -1e30]), "weights")
    check_finite(np.array([], dtype=np.float32), "weights")
    check_finite(np.array([np.inf]), "edges", unbounded=True)
    with pytest.raises(ArtifactError):
        check_finite(np.array([np.nan, np.inf]), "edges", unbounded=True)


def test_offsets_and_indices_of_nothing_are_right() -> None:
    check_offsets(np.array([0]), 0, 0, "offsets")
    check_indices(np.array([], dtype=np.int64), 0, 0, "indices")
    with pytest.raises(ArtifactError):
        check_offsets(np.array([], dtype=np.int64), 0, 0, "offsets")
    with pytest.raises(ArtifactError):
        check_indices(np.array([0.5]), 0, 2, "indices")


HEAD = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nfeature_names=a b\ntree_sizes=300"
GOOD = {
    "num_leaves": "3", "num_cat": "0", "split_feature": "0 1", "threshold": "0.5 inf", "decision_type": "2 2",
    "left_child": "1 -1", "right_child": "-2 -3", "leaf_value": "0.1 0.2 0.3", "is_linear": "0",
}  # fmt: skip


def trees(changed: dict[str, str] | None = None, head: str = HEAD, end: str = "end of trees\n\nparameters:\n") -> str:
    lines = "\n".join(f"{name}={value}" for name, value in (GOOD | (changed or {})).items())
    return f"{head}\n\nTree=0\n{lines}\n\n\n{end}"


@pytest.mark.parametrize(
    "text",
    [
        "", "tree", trees(end=""), trees(head=HEAD.replace("idx=1", "idx=7")), trees(head=HEAD.replace("a b", "a")),
        trees(head=HEAD.replace("num_class=1", "num_class=9")), trees(head=f"{HEAD}\nmax_feature_idx=1"),
        *(trees({name: value}) for name, value in [
            ("left_child", "1000000 -1"), ("left_child", "1 -9"), ("left_child", "0 -1"), ("left_child", "1"),
            ("right_child", "nan -3"), ("split_feature", "0 2"), ("split_feature", "-1 0"), ("split_feature", "x y"),
            ("num_leaves", "9"), ("num_leaves", "-1"), ("num_leaves", ""),
            ("num_leaves", "nan"), ("num_leaves", "inf"), ("leaf_value", "0.1 nan 0.3"),
            ("leaf_value", "1"), ("num_cat", "1"), ("is_linear", "1"),
        ]),
    ],
)  # fmt: skip
def test_trees_that_would_end_the_process_are_refused(text: str) -> None:
    with pytest.raises(ArtifactError):
        checked_trees(text, 2)


def test_trees_are_read_without_their_lengths() -> None:
    assert checked_trees(trees(), 2) == trees(head=HEAD.replace("\ntree_sizes=300", ""))
