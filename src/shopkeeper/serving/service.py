"""All that one worker of the service is made of, and how it starts and stops."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

from shopkeeper.errors import ArtifactError, StoreError
from shopkeeper.serving.agreement import WorkerBundles
from shopkeeper.serving.answers import PredictionsOut
from shopkeeper.serving.batcher import Batcher
from shopkeeper.serving.event_store.records import Deleted, ShopEvent, StoredEvent
from shopkeeper.serving.event_store.rollups import catch_up
from shopkeeper.serving.event_store.store import EventStore, is_behind
from shopkeeper.serving.intake import Intake
from shopkeeper.serving.live_items.bounds import ItemBounds
from shopkeeper.serving.live_items.live_items import ItemRequest, LiveItems
from shopkeeper.serving.live_items.shelf import Outcome, Stand
from shopkeeper.serving.logs import FIELDS, LOGGER
from shopkeeper.serving.lookups import Lookups
from shopkeeper.serving.metrics import Metrics, shared_folder
from shopkeeper.serving.predicting import PredictionQuestion, answer_predictions
from shopkeeper.serving.recommending import Answered, Question, answer_questions, is_long
from shopkeeper.serving.recorder import Recorder
from shopkeeper.serving.reload import Reloader
from shopkeeper.serving.retention import Retention
from shopkeeper.serving.served import LoadedBundle, Served, load_bundle, serve_bundle
from shopkeeper.serving.settings import ServiceSettings, database_of
from shopkeeper.serving.tail import Tail
from shopkeeper.serving.traffic import Traffic
from shopkeeper.serving.user_rates import UserRates
from shopkeeper.types import Id

Given = TypeVar("Given")
Result = TypeVar("Result")
MOST_COMMITS = 64
"""Requests whose events are committed together."""
MOST_CHANGES = 64
"""Requests whose changes of items are committed together, and put over the bundle at once."""
MOST_PREDICTIONS = 8
"""Questions about behavior that are taken together."""
MOST_DELETIONS = 32
"""Users who are forgotten in one transaction."""
MOST_ANSWERS = 32
"""Questions that the pipeline answers together."""
DISAGREE_SECONDS = 60.0
"""How long workers may serve different bundles before the log says so: large ones take a while to load."""
MANY = 50
"""Events, or changes of items, above which a request is worked on alone."""
REST_SECONDS = 0.02
"""Between two pages of old rows that are deleted."""
COUNT_SECONDS = 0.3
"""How long what waits for the dashboard's sums is counted after each write of the recorder."""


class Service:
    """One worker: the bundle, the store, and the threads between them.

    Args:
        bundle_folder: Folder written by `shopkeeper train`.
        settings: How to run.

    Raises:
        ArtifactError: There is no bundle, or it is damaged.
        StoreError: The store cannot be reached, or holds other kinds of ids.
    """

    def __init__(self, bundle_folder: Path, settings: ServiceSettings) -> None:
        self.settings = settings
        self.bundle_folder = Path(bundle_folder)
        self.worker = str(os.getpid())
        self.metrics = Metrics()
        self.traffic = Traffic(self.worker)
        self.reloader = Reloader(self.bundle_folder, self._load, self._put, settings.reload_seconds, self.metrics)
        loaded = load_bundle(self.bundle_folder, settings.map_files)
        share_cores(settings.threads_per_worker)
        self.store = EventStore.open(database_of(self.bundle_folder, settings), loaded.kinds)
        self._following = Lock()
        self._epoch = self.store.position().epoch or ""
        self._loaded = loaded
        loaded = self._verified(loaded)
        self.items = LiveItems(
            loaded.bundle, self.store, self._put_items, settings.offer_unsold, ItemBounds.of(settings)
        )
        self.served: Served = serve_bundle(loaded, self.items.stand(), self.store, settings.max_history)
        """Replaced as a whole: take it once for each answer."""
        self.worker_bundles = WorkerBundles(shared_folder(), self.worker)
        self.worker_bundles.put(self.served.name)
        self._agreed_at, self._disagreed = time.monotonic(), False
        self._swapping = Lock()
        self.intake = Intake(self.store.kinds, settings.max_batch, settings.max_future_seconds)
        self.user_rates = UserRates(settings.max_user_events_a_day)
        self._retention = Retention(self.store, settings.keep_days, settings.keep_events_days)
        self._retaining = Tail(self._retain, settings.retention_seconds, at_once=True)
        self.recorder = Recorder(
            self.store, self.traffic, settings.record_seconds, self.metrics.dropped.inc, self._tidy
        )
        self.tail = Tail(self._catch_up, settings.tail_seconds)
        self.item_tail = Tail(self.items.follow, settings.tail_seconds)
        self._events = self._batcher("events", "event store", self._add, MOST_COMMITS, _has_many)
        self._changes = self._batcher(
            "items", "item changes", self._change, MOST_CHANGES, lambda request: _has_many(request.changes)
        )
        self._questions = self._batcher("recommendations", "models", self._answer, MOST_ANSWERS, is_long)
        self._predictions = self._batcher("predictions", "predictors", self._predict, MOST_PREDICTIONS)
        self._deletions = self._batcher("deletions", "deletions", self._forget, MOST_DELETIONS)
        self._batchers = (self._events, self._changes, self._questions, self._predictions, self._deletions)
        self.lookups = Lookups(settings.max_waiting, settings.queue_seconds)

    def start(self) -> None:
        """Starts the threads."""
        for part in (*self._batchers, self.recorder, self.tail, self.item_tail, self._retaining, self.reloader):
            part.start()

    async def stop(self) -> None:
        """Answers what is waiting, writes what is to be written, and ends the threads."""
        for batcher in self._batchers:
            await batcher.close()
        for part in (self.reloader, self._retaining, self.item_tail, self.tail, self.recorder):
            await asyncio.to_thread(part.close)
        self.lookups.close()
        self.store.close()

    def _batcher(
        self,
        work: str,
        name: str,
        function: Callable[[list[Given]], Sequence[Result]],
        max_batch: int,
        takes_long: Callable[[Given], bool] = lambda _: False,
    ) -> Batcher[Given, Result]:
        """A queue of the service; its batches are counted as this work."""
        settings = self.settings
        return Batcher(
            name, function, max_batch, settings.max_waiting, settings.queue_seconds, (StoreError,),
            self.metrics.batches_of(work), takes_long,
        )  # fmt: skip

    async def add_events(self, events: Sequence[ShopEvent]) -> list[int | None]:
        """Stores events; when this returns they are on the disk and every answer knows of them.

        Returns:
            The sequence of each, None for a duplicate.

        Raises:
            UnavailableError: Too much is waiting.
            StoreError: The store does not answer; it is not known whether the events are stored, and sending them again
                is right where they carry an event id.
        """
        try:
            return await self._events.call(events)
        except StoreError:
            self.metrics.store_errors.inc()
            raise

    async def change_items(self, request: ItemRequest) -> list[Outcome]:
        """Stores changes of items; when this returns they are on the disk and every answer knows of them.

        Raises:
            UnavailableError: Too much is waiting.
            NotFoundError: An item that must be there is not; nothing was stored.
            StoreError: The store does not answer; sending the request again is right.
        """
        try:
            return await self._changes.call(request)
        except StoreError:
            self.metrics.store_errors.inc()
            raise

    async def recommend(self, question: Question) -> Answered:
        """Answers a question, and keeps what is kept of it.

        Raises:
            UnavailableError: Too much is waiting.
        """
        answered = await self._questions.call(question)
        self.recorder.record(answered.record, answered.deletions)
        return answered

    async def predict(self, question: PredictionQuestion) -> PredictionsOut:
        """Answers a question about behavior.

        Raises:
            UnavailableError: Too much is waiting.
            NotFoundError: The bundle carries no predictor.
            InvalidError: Nothing predicts what is asked for.
        """
        return await self._predictions.call(question)

    async def forget(self, user_id: Id) -> Deleted:
        """Deletes all that is kept of a shopper, answers that wait to be written too.

        Raises:
            UnavailableError: Too much is waiting.
            StoreError: The store does not answer.
        """
        return await self._deletions.call(user_id)

    def _forget(self, user_ids: list[Id]) -> list[Deleted]:
        """One transaction for several shoppers; events are stored meanwhile, as far as the database lets them."""
        self._follow_restores()
        self.recorder.flush()
        deleted = self.store.delete_users(user_ids)
        with self._swapping:
            self.served.profiles.catch_up()
        return deleted

    def _tidy(self) -> None:
        """Off the request path: brings the sums of the dashboard up to date."""
        self._compare()
        catch_up(self.store, COUNT_SECONDS)

    def _retain(self) -> None:
        """Deletes what is too old, a page after the other, with rests in which others write."""
        while self._retention.look() and not self._retaining.stopping.wait(REST_SECONDS):
            """There is more."""
        self.metrics.store_bytes.set(self.store.size())

    def _add(self, requests: list[Sequence[ShopEvent]]) -> list[list[int | None]]:
        """One commit for the events of several requests."""
        events = [event for request in requests for event in request]
        with self._swapping:
            seen = self.served.profiles.position.sequence
            sequences = self.store.add(events)
            self.served.profiles.apply(
                StoredEvent(sequence, event)
                for sequence, event in zip(sequences, events, strict=True)
                if sequence is not None
            )
        if any(sequence is not None and sequence <= seen for sequence in sequences):
            self._follow_restores()
        remaining = iter(sequences)
        return [[next(remaining) for _ in request] for request in requests]

    def _change(self, requests: Sequence[ItemRequest]) -> list[list[Outcome]]:
        self._follow_restores()
        return self.items.change(requests)

    def _answer(self, questions: list[Question]) -> list[Answered]:
        return answer_questions(self.served, questions)

    def _predict(self, questions: list[PredictionQuestion]) -> list[PredictionsOut]:
        return answer_predictions(self.served, questions)

    def _catch_up(self) -> None:
        self._follow_restores()
        profiles = self.served.profiles
        self.metrics.behind.set(profiles.catch_up())
        self.metrics.live_users.set(profiles.n_live_users)

    def _load(self) -> LoadedBundle:
        loaded = load_bundle(self.bundle_folder, self.settings.map_files)
        if loaded.kinds != self.store.kinds:
            raise ArtifactError("the ids of the new bundle are of another kind than those of the event store")
        return loaded

    def _verified(self, loaded: LoadedBundle) -> LoadedBundle:
        """The bundle without its position in the store where the store went back behind it: then all of it is read."""
        said = loaded.bundle.card.store
        held = self.store.verified(said)
        if said is not None and held is None and said.store_id == self.store.store_id:
            LOGGER.warning(
                "the event store %s lacks what bundle %s has seen of it, as after the restore of an older backup: all "
                "of it is read over the bundle, what both hold counts once; `shopkeeper retrain` brings both together",
                self.store.name, loaded.name,
            )  # fmt: skip
        card = loaded.bundle.card.model_copy(update={"store": held})
        return replace(loaded, bundle=replace(loaded.bundle, card=card))

    def _follow_restores(self) -> None:
        """Reads the event store anew where it was restored, or went back, under the running service.

        Raises:
            StoreError: The store does not answer, or another one stands in its place.
        """
        with self._following:
            seen = self.served.profiles.position.model_copy(update={"item_changes": self.items.cursor})
            found = self.store.position()
            if found.epoch == self._epoch and not is_behind(found, seen):
                return
            LOGGER.warning("the event store %s was restored: all of it is read anew", self.store.name)
            if found.epoch == self._epoch:
                self.store.begin_epoch(self._epoch)
                found = self.store.position()
            self.items.start_anew()
            self._serve(self._loaded)
            self._epoch = found.epoch or ""

    def _put(self, loaded: LoadedBundle) -> None:
        """Takes a new bundle over."""
        before = self.served.name
        self._serve(loaded)
        self.worker_bundles.put(self.served.name)
        fields = {"bundle": self.served.name, "before": before, "worker": self.worker}
        LOGGER.info("a new bundle is taken over", extra={FIELDS: fields})

    def _serve(self, loaded: LoadedBundle) -> None:
        """Replaces what is served; no event is stored between the last look at the store and the replacement."""
        verified = self._verified(loaded)

        def put(stand: Stand) -> None:
            served = serve_bundle(verified, stand, self.store, self.settings.max_history)
            with self._swapping:
                served.profiles.catch_up()
                self.served, self._loaded = served, loaded

        self.items.move_to(verified.bundle, put)

    def _compare(self) -> None:
        """Says in the log, once, that workers serve different bundles for longer than a takeover takes."""
        bundles = self.worker_bundles.all()
        if len(set(bundles.values())) == 1:
            self._agreed_at = time.monotonic()
            self._disagreed = False
        elif not self._disagreed and time.monotonic() - self._agreed_at > DISAGREE_SECONDS:
            self._disagreed = True
            LOGGER.error("workers serve different bundles", extra={FIELDS: {"bundles": bundles}})

    def _put_items(self, stand: Stand) -> None:
        """Puts changed items in place; histories go on, since the items of before keep their indices."""
        with self._swapping:
            profiles, items = self.served.profiles, stand.bundle.pipeline.train.items
            if len(items) > len(self.served.items):
                profiles = profiles.extended(items)
            self.served = replace(self.served, stand=stand, profiles=profiles)


def _has_many(rows: Sequence[object]) -> bool:
    """Whether one request brings so much that others should not wait for several like it."""
    return len(rows) > MANY


def share_cores(threads: int) -> None:
    """Bounds the threads of a network, where the bundle has brought one."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
