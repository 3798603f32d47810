"""The whole line: export, combine, check, prepare, train, ask new and old the same questions, promote or refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import prepare
from shopkeeper.data.validation.validate import validate
from shopkeeper.errors import ArtifactError
from shopkeeper.jobs.export import Exported, export_events
from shopkeeper.jobs.item_changes import catalog_with_changes
from shopkeeper.jobs.predictors import with_predictors
from shopkeeper.jobs.retrain.checks import Check, dataset_checks, export_checks, log_checks, passed
from shopkeeper.jobs.retrain.combined import Combined, combine
from shopkeeper.jobs.retrain.earlier import write_histories, write_log
from shopkeeper.jobs.retrain.trial import Trial, hold_trial, trial_checks
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.progress import Progress
from shopkeeper.serving.event_store.store import EventStore

RECORD: Final = "retrain.json"
"""File of the work folder that tells what was checked and found."""


@dataclass(frozen=True)
class Inputs:
    """What a new bundle is made of.

    Attributes:
        bundle: Folder of the old bundle.
        store: The event store.
        log: What was known before the store; None takes the histories of the old bundle.
        catalog: What is known of the items; None takes the old bundle's.
    """

    bundle: Path
    store: EventStore
    log: Events | None = None
    catalog: Catalog | None = None


@dataclass(frozen=True)
class Retrained:
    """What came of it.

    Attributes:
        promoted: Whether the new bundle stands in its place.
        checks: All checks that were made; the line ends at the first step with one that failed.
        exported: What came out of the store.
        combined: Where the rows of the new log came from; None where the line ended before.
        trial: Figures of the new and the old bundle; None where the line ended before.
    """

    promoted: bool
    checks: Sequence[Check]
    exported: Exported
    combined: Combined | None
    trial: Trial | None

    @property
    def failed(self) -> Sequence[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.passed]

    def to_json(self) -> dict[str, Any]:
        """Plain values of all that was found."""
        evaluations = [] if self.trial is None else self.trial.evaluations
        return {
            "promoted": self.promoted,
            "checks": [check.to_json() for check in self.checks],
            "export": {**vars(self.exported), "position": self.exported.position.model_dump()},
            "log": None if self.combined is None else asdict(self.combined),
            "figures": [row.to_json() for one in evaluations for row in one.rows],
        }


def retrain(
    inputs: Inputs, settings: ShopSettings, out: Path, work: Path, model: str | None = None,
    progress: Progress | None = None,
) -> Retrained:  # fmt: skip
    """Makes a new bundle from the old one and the event store, and puts it in place where every check holds.

    Args:
        inputs: Old bundle, store, log and catalog.
        settings: Of all steps; see `settings_of_bundle`.
        out: Where the new bundle shall stand, be it in place of the old one; untouched where a check fails.
        work: Folder for the logs, the dataset and `retrain.json`.
        model: Name of the recommender; None takes that of the old bundle.
        progress: Told how far it is.

    Raises:
        StoreError: The store cannot be read.
        DataError: A log cannot be read, or nothing is left to train on.
        ArtifactError: The old bundle is damaged, or the disk refuses.
    """
    if settings.newcomers.store is None:
        kept = settings.newcomers.model_copy(update={"store": work / "features"})
        settings = settings.model_copy(update={"newcomers": kept})
    line = _Line(inputs, Bundle.load(inputs.bundle), settings, work, progress)
    exported = line.export()
    new = line.bundle(exported, model) if line.holds else None
    promoted = new is not None and line.holds
    if new is not None and promoted:
        new.save(out)
    result = Retrained(promoted, line.checks, exported, line.combined, line.trial)
    write_text_atomic(work / RECORD, json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n")
    return result


@dataclass
class _Line:
    """The steps, which stop where a check does not hold."""

    inputs: Inputs
    old: Bundle
    settings: ShopSettings
    work: Path
    progress: Progress | None
    catalog: Catalog | None = None
    """With the changes of items up to the export."""
    checks: list[Check] = field(default_factory=list)
    combined: Combined | None = None
    trial: Trial | None = None

    @property
    def holds(self) -> bool:
        return passed(self.checks)

    def export(self) -> Exported:
        exported = export_events(self.inputs.store, self.work / "export.parquet", self.progress)
        known = self.inputs.catalog or self.old.catalog
        self.catalog = catalog_with_changes(known, self.inputs.store, self.old.card)
        self.checks += export_checks(self.work / "export.parquet", exported, self.old.card.store)
        return exported

    def bundle(self, exported: Exported, model: str | None) -> Bundle | None:
        """A trained and tried bundle; None where the data did not pass."""
        self.combined = self._combine(exported)
        dataset = self._prepare(self.combined) if self.holds else None
        if dataset is None or not self.holds:
            return None
        new = train(dataset, model or self.old.card.model, self.settings, self.progress).bundle
        self.trial = hold_trial(new, self.old, dataset, self.settings, self.progress)
        self.checks += trial_checks(self.trial, self.settings.retrain)
        new = self._with_predictors(new)
        return replace(new, card=new.card.replace(store=exported.position))

    def _with_predictors(self, new: Bundle) -> Bundle:
        """The new bundle with the predictors of the old one, as they are."""
        if not self.old.predictors:
            return new
        expected = "the log gives all that they read"
        try:
            found = with_predictors(new, self.old.predictors)
        except ArtifactError as error:
            self.checks.append(Check("predictors fit", False, expected, str(error)))
            return new
        self.checks.append(Check("predictors fit", True, expected, ", ".join(self.old.predictors)))
        return found

    def _combine(self, exported: Exported) -> Combined:
        earlier = self.work / "earlier.parquet"
        if self.inputs.log is None:
            write_histories(self.old.pipeline.memory, earlier)
        else:
            write_log(self.inputs.log, earlier)
        export, log = self.work / "export.parquet", self.work / "log.parquet"
        combined = combine(earlier, export, self.inputs.store, self.catalog, log)
        self.checks += log_checks(combined, exported, self.old.pipeline.memory, self.settings.retrain)
        return combined

    def _prepare(self, combined: Combined) -> Dataset:
        log = Events.read(self.work / "log.parquet")
        findings = validate(log, self.catalog, self.settings.validation)
        text = json.dumps(findings.to_json(), indent=2, ensure_ascii=False) + "\n"
        write_text_atomic(self.work / "validation.json", text)
        dataset = prepare(log, self.catalog, self.settings.prepare, self.work / "dataset", self.progress)
        self.checks += dataset_checks(dataset, combined, self.old, self.settings.retrain)
        return dataset
