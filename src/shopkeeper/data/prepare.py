"""Prepares a log: cleans it, turns ids into integers, sorts by shopper and time, and writes the dataset.

Nothing vanishes: each row of the source is either an event of the dataset or a row of `rejected.parquet` with the
reason. Whatever is fitted on the way (bounds, bots, counts of rare items) looks only at rows before `fit_until`, the
end of training of the split that will follow, so that cleaning does not carry the future into training.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from shopkeeper.artifacts import write_artifact
from shopkeeper.config import Settings
from shopkeeper.data.cleaning.bots import BotSettings, bots, floods
from shopkeeper.data.cleaning.duplicates import duplicates, near_duplicates
from shopkeeper.data.cleaning.items import ItemRules, drop_items
from shopkeeper.data.cleaning.k_core import KCoreSettings, k_core
from shopkeeper.data.cleaning.log import Log, Verdict, runs, user_starts
from shopkeeper.data.cleaning.outliers import OutlierSettings, outliers
from shopkeeper.data.cleaning.reasons import KEPT
from shopkeeper.data.cleaning.rejections import FILE, Rejections, rejection_counts
from shopkeeper.data.cleaning.returns import net_returns
from shopkeeper.data.cleaning.rows import possible_times, row_faults
from shopkeeper.data.cleaning.sorting import sort_log
from shopkeeper.data.cutoffs import CUTOFFS, Cutoffs, cutoffs_of_times, moment_text
from shopkeeper.data.dataset import KIND, Dataset
from shopkeeper.data.engine import reading
from shopkeeper.data.histories import Histories
from shopkeeper.data.indexing import IndexedEvents, index_events, number_sessions
from shopkeeper.data.placements import fit_placements
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import Id, UInt8Array

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.events import Events
    from shopkeeper.progress import Progress


class PrepareSettings(Settings):
    """Which rows are kept. Each step can be turned off; rows without user, item, time or type can never stay."""

    split: SplitSettings = SplitSettings()
    """The split that will follow; only its training part is looked at where a step fits something."""
    earliest: datetime = datetime(1990, 1, 1, tzinfo=UTC)
    """Times before this moment are impossible."""
    latest: datetime | None = None
    """Times after this moment are impossible; None takes a day from now."""
    drop_items: tuple[Id, ...] = ()
    """Item ids to leave out."""
    drop_items_matching: str | None = None
    """Regular expression; items whose whole id matches are left out."""
    drop_non_products: bool = True
    """Whether ids that name postage, fees, adjustments, vouchers and test entries are left out."""
    drop_duplicates: bool = True
    """Whether rows equal to an earlier one in user, item, type, time, quantity, price and session are left out."""
    near_duplicate_seconds: Annotated[float, Field(ge=0)] = 0.0
    """Leave out events that follow one of the same user, item and type within so many seconds; 0 keeps them."""
    bots: BotSettings = BotSettings()
    """Users that act faster than people."""
    outliers: OutlierSettings = OutlierSettings()
    """Quantities and prices far from what is usual."""
    net_returns: bool = True
    """Whether returns are set off against purchases; otherwise they stay as events."""
    k_core: KCoreSettings = KCoreSettings()
    """Least numbers of events of shoppers and items."""


def prepare(
    events: Events,
    catalog: Catalog | None,
    settings: PrepareSettings,
    folder: Path,
    progress: Progress | None = None,
) -> Dataset:
    """Prepares a log and writes the dataset, `rejected.parquet` and `facts.json` into one folder, atomically.

    Args:
        events: The log.
        catalog: What is known of the items; goes into the dataset unchanged.
        settings: Which rows are kept.
        folder: Where the dataset shall stand; an earlier one is replaced when the new one is whole.
        progress: Told about each step.

    Returns:
        The dataset, memory-mapped from the folder. `rejection_counts(dataset.facts)` explains what was left out.

    Raises:
        DataError: The log is empty, cannot be read, or nothing of it is left.
        ConfigError: A setting does not fit the log.
        ArtifactError: The folder cannot be written; what stood there still stands.
        ResourceError: Memory or disk ran out.
    """
    with write_artifact(folder, KIND) as writer:
        if progress is not None:
            progress.start("read", None)
        with reading(events.source):
            indexed = index_events(events.table)
        if progress is not None:
            progress.finish()
        facts = _facts(events, settings, len(indexed.log))
        with Rejections(writer.path / FILE, indexed.users, indexed.items) as rejections:
            facts |= _clean(indexed, catalog, settings, rejections, progress)
        _dataset(indexed, catalog, facts).write(writer)
    return Dataset.open(folder)


def _facts(events: Events, settings: PrepareSettings, rows_in: int) -> dict[str, Any]:
    return {
        "source": events.source,
        "reading": dict(events.facts),
        "settings": settings.model_dump(mode="json"),
        "rows_in": rows_in,
    }


def _clean(
    indexed: IndexedEvents,
    catalog: Catalog | None,
    settings: PrepareSettings,
    rejections: Rejections,
    progress: Progress | None,
) -> dict[str, Any]:
    """Runs all steps on the log, which afterwards holds what is kept, sorted; gives the facts about them."""
    log, cutoffs = indexed.log, _cutoffs(indexed.log, settings)
    steps = _steps(indexed, catalog, settings, None if cutoffs is None else cutoffs.train_until)
    record: list[dict[str, Any]] = []
    if progress is not None:
        progress.start("clean", len(steps))
    for name, step in steps.items():
        verdict = step(log)
        rejected = rejections.add(log, verdict.reason)
        if rejected:
            log.keep(verdict.reason == KEPT)
        record.append({"step": name, "rejected": rejected, "rows_left": len(log), **verdict.facts})
        if progress is not None:
            progress.advance()
    if progress is not None:
        progress.finish()
    facts: dict[str, Any] = {
        "rejected": {reason.value: rows for reason, rows in rejections.counts.items()},
        "rows_rejected": sum(rejections.counts.values()),
        "rejected_beyond_one_user": rejections.beyond_one_user,
        "rows_kept": len(log),
        "steps": record,
    }
    if cutoffs is not None:
        facts[CUTOFFS] = {"train_until": cutoffs.train_until, "validation_until": cutoffs.validation_until}
    return facts


def _cutoffs(log: Log, settings: PrepareSettings) -> Cutoffs | None:
    """The moments of a global time split, by shares of all rows whose time can be; None for other splits.

    Rows that are left out later count too: which they are may depend on the future, their times do not. Days of a user
    with more events than anybody has do not count: a flood at the end of a log would be all that is held out.
    """
    if settings.split.kind != "global_time":
        return None
    possible = possible_times(log, settings.earliest, settings.latest)
    if settings.bots.drop:
        ordinary = ~floods(log, settings.bots.events_a_day)
        possible = possible & ordinary if (possible & ordinary).any() else possible
    return cutoffs_of_times(log.time if possible.all() else log.time[possible], settings.split)


def _steps(
    indexed: IndexedEvents, catalog: Catalog | None, settings: PrepareSettings, fit_until: int | None
) -> dict[str, Callable[[Log], Verdict]]:
    """The steps that are turned on, in order; each is a function of the log that the steps before it left."""
    rules = ItemRules(settings.drop_items, settings.drop_items_matching, settings.drop_non_products)

    def order(log: Log) -> Verdict:
        sort_log(log)
        return Verdict(np.zeros(len(log), dtype=np.uint8))

    every: dict[str, tuple[bool, Callable[[Log], Verdict]]] = {
        "rows": (True, lambda log: row_faults(log, settings.earliest, settings.latest)),
        "items": (rules.any, lambda log: drop_items(log, indexed.items, catalog, rules, fit_until)),
        "sort": (True, order),
        "duplicates": (settings.drop_duplicates, duplicates),
        "near_duplicates": (
            settings.near_duplicate_seconds > 0,
            lambda log: near_duplicates(log, settings.near_duplicate_seconds),
        ),
        "bots": (settings.bots.drop, lambda log: bots(log, settings.bots, fit_until)),
        "outliers": (settings.outliers.drop, lambda log: outliers(log, settings.outliers, fit_until)),
        "returns": (settings.net_returns, lambda log: net_returns(log, fit_until)),
        "k_core": (settings.k_core.drops, lambda log: k_core(log, settings.k_core, fit_until)),
    }
    return {name: step for name, (wanted, step) in every.items() if wanted}


def _dataset(indexed: IndexedEvents, catalog: Catalog | None, facts: dict[str, Any]) -> Dataset:
    """The dataset of the cleaned log, with the users and items that still occur."""
    log = indexed.log
    if len(log) == 0:
        raise _nothing_left(facts)
    first, _ = runs(user_starts(log.user))
    occurs = np.zeros(len(indexed.items) + 1, dtype=bool)
    occurs[log.item] = True
    if not occurs[1:].all():
        log.item = np.cumsum(occurs, dtype=np.int32)[log.item]
    start, end = int(log.time.min()), int(log.time.max())
    placements, placement = _placements(indexed, facts)
    offsets = np.append(first, len(log)).astype(np.int64)
    return Dataset(
        users=Vocabulary(indexed.users.take(log.user[first] - 1)),
        items=Vocabulary(indexed.items.take(np.flatnonzero(occurs) - 1)),
        histories=Histories(offsets, log.item, log.event_type, log.time, placement),
        quantity=log.quantity,
        price=log.price,
        session_index=None if log.session is None else number_sessions(log.session),
        placements=placements,
        catalog=catalog,
        facts=facts | {"time_range": [moment_text(start), moment_text(end)]},
    )


def _placements(indexed: IndexedEvents, facts: dict[str, Any]) -> tuple[Vocabulary, UInt8Array] | tuple[None, None]:
    """Names and codes of the placements that the log has, chosen by rows before the end of training."""
    log = indexed.log
    if log.placement is None or indexed.placements is None:
        return None, None
    counted = log.time < facts[CUTOFFS]["train_until"] if CUTOFFS in facts else None
    return fit_placements(log.placement, indexed.placements, counted)


def _nothing_left(facts: dict[str, Any]) -> DataError:
    counts = rejection_counts(facts)
    reasons = "; ".join(f"{count.rows} {count.reason.value}" for count in counts)
    return DataError(
        "no event is left after cleaning",
        expected="at least one event of a shopper",
        got=f"{facts['rows_in']} rows, all rejected: {reasons}",
        remedy=f"{counts[0].explanation} Mend the log or turn the step off.",
    )
