"""The checks of the data before a model is trained on them: each says what was expected and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from shopkeeper.artifacts import file_hash
from shopkeeper.data.dataset import Dataset
from shopkeeper.jobs.export import Exported
from shopkeeper.jobs.retrain.combined import Combined
from shopkeeper.jobs.retrain.settings import RetrainSettings
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.card import Card, StorePosition
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.serving.event_store.store import EventStore

EARLIER: Final = "earlier log is whole"
FORGOTTEN: Final = "nothing is forgotten"


@dataclass(frozen=True)
class Check:
    """One condition of the promotion.

    Attributes:
        name: What was looked at.
        passed: Whether it holds.
        expected: What had to be.
        found: What was.
    """

    name: str
    passed: bool
    expected: str
    found: str

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def passed(checks: Iterable[Check]) -> bool:
    """Whether all of them hold."""
    return all(check.passed for check in checks)


def export_check(file: Path, exported: Exported) -> Check:
    """Whether the file is what was written."""
    found = file_hash(file)
    return Check("export is whole", found == exported.sha256, exported.sha256[:16], found[:16])


def position_checks(store: EventStore, before: StorePosition | None, settings: RetrainSettings) -> list[Check]:
    """Whether the store has lost what the bundle has seen of it, other than by `shopkeeper restore`."""
    if before is None or before.store_id != store.store_id:
        return []
    held, now = store.verified(before) is not None, store.position()
    restored = not held and before.epoch is not None and before.epoch != now.epoch
    found = f"{now.sequence:,}"
    if restored:
        found += "; it was restored since, the bundle has the rest"
    elif not held:
        found += "; say --allow-forgetting where an older backup was put back on purpose"
    expected = f"at least {before.sequence:,}, as when the bundle was made"
    return [Check("store has not gone back", held or restored or settings.allow_forgetting, expected, found)]


def log_checks(combined: Combined, exported: Exported, memory: Dataset, settings: RetrainSettings) -> list[Check]:
    """Whether the rows of the store are those of this shop, and enough."""
    checks = [
        Check("rows of the export", combined.exported == exported.rows, f"{exported.rows:,}", f"{combined.exported:,}"),
        Check(
            "new events", combined.new >= settings.min_new_events, f"at least {settings.min_new_events:,}",
            f"{combined.new:,} of {combined.exported:,} in the store",
        ),
    ]  # fmt: skip
    if combined.new:
        shoppers = settings.min_known_shoppers * share_of_known_shoppers(memory)
        checks += [
            _at_least("new events of known items", combined.known_items, settings.min_known_items),
            _at_least("new events of known shoppers", combined.known_shoppers, shoppers),
        ]
    return checks


def earlier_check(bundle: Bundle) -> Check:
    """Whether a bundle that is retrained without a log holds every event that it was made of."""
    data, memory = bundle.card.data, bundle.pipeline.memory
    expected = f"all {data['events']:,} events and {data['items']:,} items of the running bundle"
    if bundle.log is not None:
        return Check(EARLIER, True, expected, "the bundle keeps its log")
    remedy = "give the log with --log, or a bundle that keeps its own"
    if bundle.card.log.get("kept") is False:
        return Check(EARLIER, False, expected, f"it keeps no log; {remedy}")
    whole = memory.n_events >= int(data["events"]) and memory.n_items >= int(data["items"])
    found = f"{memory.n_events:,} events and {memory.n_items:,} items in its histories"
    return Check(EARLIER, whole, expected, found if whole else f"{found}; {remedy}")


def forgotten_check(combined: Combined, settings: RetrainSettings) -> Check:
    """Whether the new log has all that the running bundle knows."""
    expected = "all that the running bundle knows"
    if not combined.lost:
        return Check(FORGOTTEN, True, expected, "all of it")
    if settings.allow_forgetting:
        return Check(FORGOTTEN, True, f"{expected}, or leave to forget", str(combined.lost))
    remedy = "give the whole log, leave --log out where the bundle keeps its own, or say --allow-forgetting"
    return Check(FORGOTTEN, False, expected, f"{combined.lost}; {remedy}")


def items_check(new: Pipeline, dataset: Dataset, old: Pipeline, settings: RetrainSettings) -> Check:
    """Whether the new models know every item that the old ones knew, those that cleaning leaves out not counted."""
    known = old.train.items
    left = known.arrow.filter(dataset.items.indices(known.arrow) > 0)
    lacking = left.filter(new.train.items.indices(left) == 0)
    cleaned = len(known) - len(left)
    found = f"{len(left) - len(lacking):,}" + (f"; cleaning leaves {cleaned:,} others out" if cleaned else "")
    if len(lacking):
        found += f"; not {', '.join(map(str, lacking[:3].to_pylist()))}" + (" ..." if len(lacking) > 3 else "")
    expected = f"all {len(left):,} items that the running models know"
    return Check("items that the models know", settings.allow_forgetting or not len(lacking), expected, found)


def dataset_checks(dataset: Dataset, combined: Combined, bundle: Bundle, settings: RetrainSettings) -> list[Check]:
    """Whether cleaning has left a log as large and as clean as that of the bundle."""
    least = settings.min_log_share * max(0, events_of(bundle.card) - combined.forgotten - combined.aged)
    most = min(1.0, _rejected(bundle.pipeline.memory) + settings.max_more_rejected)
    rejected = _rejected(dataset)
    return [
        Check("events of the log", dataset.n_events >= least, f"at least {least:,.0f}", f"{dataset.n_events:,}"),
        Check("rows rejected by cleaning", rejected <= most, f"at most {most:.1%}", f"{rejected:.1%}"),
    ]


def events_of(card: Card) -> int:
    """Number of events that a bundle was made from."""
    return int(card.data["events"])


def share_of_known_shoppers(memory: Dataset) -> float:
    """Share of the last tenth of the events whose shopper had an earlier one."""
    histories = memory.histories
    times = np.asarray(histories.timestamp)
    if len(times) == 0:
        return 0.0
    moment = np.quantile(times, 0.9)
    recent = times >= moment
    rows = histories.rows[recent]
    first = times[np.asarray(histories.offsets)[:-1][rows]]
    return float(np.mean(first < moment))


def _rejected(dataset: Dataset) -> float:
    """Share of the rows that cleaning rejected, of one user no more than some; 0 where no cleaning made the dataset."""
    beyond = dataset.facts.get("rejected_beyond_one_user", 0)
    rows = dataset.facts.get("rows_in", 0) - beyond
    return (dataset.facts["rows_rejected"] - beyond) / rows if rows else 0.0


def _at_least(name: str, share: float, least: float) -> Check:
    return Check(name, share >= least, f"at least {least:.1%}", f"{share:.1%}")
