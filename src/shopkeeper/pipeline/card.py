"""The card of a bundle: where it came from and what it was worth, for people and for checks."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import Field

from shopkeeper._version import __version__
from shopkeeper.config import Settings

LIBRARIES = ("numpy", "scipy", "pyarrow", "duckdb", "torch", "implicit")


class StorePosition(Settings):
    """How much of an event store something has seen."""

    store_id: str
    """Which store."""
    sequence: int
    """All events up to this one."""
    deletions: int = 0
    """All deletions up to the one of this number."""
    item_changes: int | None = None
    """All changes of items up to the one of this number are in the catalog; None where they were not read."""
    epoch: str | None = None
    """Name of the stretch of the store's life; another one begins at each restore."""
    mark: str | None = None
    """A name that the store wrote down at this position: a store without it went back behind it since."""


class Card(Settings):
    """Facts about a bundle."""

    model: str
    """Name of the recommender."""
    model_settings: dict[str, Any]
    """Its settings."""
    decided: dict[str, str] = Field(default_factory=dict)
    """What those of its settings became that are left to the log, each with the reason."""
    pipeline: dict[str, Any]
    """Settings of the pipeline, weights of its recommenders, names of its fallbacks."""
    training_settings: dict[str, Any]
    """How it was trained."""
    split_settings: dict[str, Any]
    """How the log was split."""
    data: dict[str, Any]
    """Numbers of the data: users, items, events, time range, hash."""
    metrics: list[dict[str, Any]]
    """Rows of the evaluation: part, metric, k, value, low, high, n_users."""
    learning_curve: list[dict[str, float | None]]
    """One record an epoch: epoch, loss, validation, rate, seconds; empty for a model without epochs."""
    seed: int
    """Seed of the training."""
    seconds: float
    """Wall time of fitting."""
    created_at: str
    """When it was made, ISO 8601, UTC."""
    versions: dict[str, str]
    """Versions of Python, of this package and of the libraries that computed it."""
    machine: dict[str, str] = Field(default_factory=dict)
    """The processor that it was fitted on, its widest vector instructions and, for a network, the device and the type
    of the factors of its large matrix products: where these differ, so do weights; empty where it was not recorded."""
    store: StorePosition | None = None
    """How much of the event store the histories hold; None where they come from elsewhere."""
    not_measured: str = ""
    """Why `metrics` has no row; empty where it has some."""
    fitted_on: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """What the models learned from, those that are `served` and those that the figures are of (`measured`): the part
    of the log, its users, items and events, and until when; empty where an earlier version made the bundle."""
    log: dict[str, Any] = Field(default_factory=dict)
    """Whether the log is `kept` in the bundle, with its `bytes`, or why not; empty where an earlier version made it."""
    predictors: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """By name of what is predicted: the model, its figures, and what it was fitted on, or why it was not measured."""
    retrain: dict[str, Any] = Field(default_factory=dict)
    """Of a bundle that took the place of another: rows of the log, what was forgotten, figures of both."""
    newcomers: dict[str, Any] = Field(default_factory=dict)
    """What places items that come after training: the encoder, its size, items with a text; or why there is none."""


def now() -> str:
    """The present moment as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the installed libraries that matter for results."""
    found = {"python": platform.python_version(), "shopkeeper": __version__}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
