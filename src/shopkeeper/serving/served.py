"""What answers are made from: one bundle, the items as they are now, and the live histories over it.

Replaced as a whole, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csc_array

from shopkeeper.artifacts import content_hash, open_artifact
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError
from shopkeeper.pipeline.asking import Ask
from shopkeeper.pipeline.bundle import KIND, Bundle
from shopkeeper.pipeline.card import now
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.predictions import Predictions
from shopkeeper.pipeline.questionnaire import taken_items
from shopkeeper.recommenders.influence import capped_counts
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items.shelf import Stand
from shopkeeper.serving.profiles import Profiles
from shopkeeper.types import BoolArray, Int32Array

NAME_LENGTH = 12
"""Digits of the hash that names a bundle."""


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle that was read and has answered once.

    Attributes:
        bundle: The bundle.
        log: What its log says of its items.
        name: Short hash of its contents.
        kinds: Which ids are integers.
    """

    bundle: Bundle
    log: BundleLog
    name: str
    kinds: IdKinds


class BundleLog:
    """What the log of a bundle says of its items, made on first use and kept while items come and go.

    Args:
        bundle: As it was trained.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._memory = bundle.pipeline.memory
        self.catalog = self._memory.catalog
        self._predictors = bundle.predictors

    @cached_property
    def taken_items(self) -> csc_array:
        """Which shopper took which item; see `questionnaire`."""
        return taken_items(self._memory)

    @cached_property
    def predictions(self) -> Predictions | None:
        """The predictors over the log, or None where the bundle carries none."""
        return Predictions(self._predictors, self._memory) if self._predictors else None

    @cached_property
    def by_popularity(self) -> Int32Array:
        """Item indices, the one with most events first, int32 [n_items]."""
        order: Int32Array = (np.argsort(-capped_counts(self._memory)[1:], kind="stable") + 1).astype(np.int32)
        return order


@dataclass(frozen=True)
class Served:
    """A bundle and the histories of its shoppers until now.

    Attributes:
        name: Short hash of the bundle's contents.
        profiles: Live histories.
        loaded_at: When it began to answer, ISO 8601.
        stand: The bundle with the items as they are now.
        log: What the bundle's log says of the items that it knew.
    """

    stand: Stand
    name: str
    profiles: Profiles
    loaded_at: str
    log: BundleLog

    @property
    def bundle(self) -> Bundle:
        """What answers, and its card."""
        return self.stand.bundle

    @property
    def pipeline(self) -> Pipeline:
        """What answers."""
        return self.bundle.pipeline

    @property
    def items(self) -> Vocabulary:
        """The items that can be recommended, and those that were removed."""
        return self.bundle.pipeline.train.items

    @property
    def facts(self) -> ItemFacts:
        """What is known of them."""
        return self.bundle.pipeline.facts

    @cached_property
    def on_shelf(self) -> BoolArray:
        """Which items were not removed, bool [n_items + 1]; index 0 is false."""
        kept = np.ones(len(self.items) + 1, dtype=bool)
        kept[0] = kept[self.stand.removed] = False
        return kept

    @cached_property
    def predictions(self) -> Predictions | None:
        """The predictors that the bundle carries, with the items as they are now; None where it carries none."""
        found, memory = self.log.predictions, self.pipeline.memory
        changed = found is not None and memory.catalog is not self.log.catalog
        return found.with_items(memory) if found is not None and changed else found

    @cached_property
    def by_popularity(self) -> Int32Array:
        """All item indices, the one with most events first, new ones at the end, int32 [n_items]."""
        known = self.log.by_popularity
        new = np.arange(len(known) + 1, len(self.items) + 1, dtype=np.int32)
        return np.concatenate([known, new])


def load_bundle(folder: Path, mapped: bool) -> LoadedBundle:
    """Reads a bundle and lets it answer once, so that the first shopper does not wait for what is made on first use.

    Args:
        folder: Where it stands.
        mapped: Keep arrays on the disk as memory maps.

    Raises:
        ArtifactError: There is none, or it is damaged.
    """
    name = content_hash(open_artifact(folder, KIND, verify="size").manifest)[:NAME_LENGTH]
    bundle = Bundle.load(folder, mapped=mapped)
    pipeline = bundle.pipeline
    users = pipeline.memory.users
    if not len(pipeline.train.items):
        raise ArtifactError(f"the bundle at {folder} knows no item", remedy="train it on a log with events")
    asks = [Ask(0, Histories.of_items([[]])), Ask(1, pipeline.memory.histories.slice(0, 1), explain=True)]
    pipeline.answer(asks[: 2 if len(users) else 1])
    for vocabulary in (pipeline.train.items, pipeline.train.users, users):
        vocabulary.index(0)
    if bundle.encoder is not None:
        _ = bundle.encoder.problem  # reads the weights
    log = BundleLog(bundle)
    _ = log.predictions  # sorts the log, and refuses what does not fit
    return LoadedBundle(bundle, log, name, IdKinds(pipeline.train.users.is_integer, pipeline.train.items.is_integer))


def serve_bundle(loaded: LoadedBundle, stand: Stand, store: EventStore, max_history: int | None) -> Served:
    """Puts the events of the store over a bundle.

    Args:
        loaded: The bundle as it was trained.
        stand: The same with the items as they are now.
        store: Where events come from.
        max_history: Most recent events that models read, None for all.

    Raises:
        StoreError: The store does not answer.
    """
    profiles = Profiles(stand.bundle.pipeline, store, max_history, loaded.bundle.card.store)
    profiles.catch_up()
    return Served(stand, loaded.name, profiles, now(), loaded.log)
