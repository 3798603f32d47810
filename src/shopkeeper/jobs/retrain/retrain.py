"""The whole line: export, combine, check, prepare, train, ask new and old the same questions, promote or refuse."""

from __future__ import annotations

import json
import shutil
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
from shopkeeper.evaluation.evaluate import Evaluation
from shopkeeper.jobs.bundles import TRAINING_PART, WHOLE_LOG
from shopkeeper.jobs.erasure import Erasure
from shopkeeper.jobs.export import Exported, export_events
from shopkeeper.jobs.forgetting import forgotten_users
from shopkeeper.jobs.item_changes import catalog_with_changes
from shopkeeper.jobs.predictors import with_predictors
from shopkeeper.jobs.retrain.checks import (
    Check,
    dataset_checks,
    earlier_check,
    export_check,
    forgotten_check,
    items_check,
    log_checks,
    passed,
    position_checks,
)
from shopkeeper.jobs.retrain.combined import Combined, Sources, combine
from shopkeeper.jobs.retrain.earlier import known_rows, write_log
from shopkeeper.jobs.retrain.predictors import fit_anew, with_trial
from shopkeeper.jobs.retrain.trial import Trial, ask_promoted, hold_trial, promoted_checks, trial_checks
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import bundle_of, fit_trial
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.card import Card
from shopkeeper.pipeline.kept_log import KeptLog
from shopkeeper.progress import Progress
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items.bounds import ItemBounds

PERSONAL: Final = ("export.parquet", "earlier.parquet", "known.parquet", "log.parquet", "validation.json")
"""Files of the work folder that name users."""
DATASET: Final = "dataset"
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
        figures: All figures as rows, each with what its models were fitted on.
    """

    promoted: bool
    checks: Sequence[Check]
    exported: Exported
    combined: Combined | None
    trial: Trial | None
    figures: Sequence[dict[str, Any]] = ()

    @property
    def failed(self) -> Sequence[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.passed]

    def to_json(self) -> dict[str, Any]:
        """Plain values of all that was found."""
        return {
            "promoted": self.promoted,
            "checks": [check.to_json() for check in self.checks],
            "export": {**vars(self.exported), "position": self.exported.position.model_dump()},
            "log": None if self.combined is None else asdict(self.combined),
            "figures": list(self.figures),
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
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = _Line(inputs, Bundle.load(inputs.bundle), settings, work, progress)
    try:
        exported = line.export()
        new = line.bundle(exported, model) if line.holds else None
        promoted = new is not None and line.holds
        if new is not None and promoted:
            new.save(out)
    finally:
        if not settings.retrain.keep_files:
            delete_personal_files(work)
    if not promoted or out.resolve() != inputs.bundle.resolve():
        line.erase_forgotten()
    result = Retrained(promoted, line.checks, exported, line.combined, line.trial, line.figures)
    write_text_atomic(work / RECORD, json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n")
    return result


def delete_personal_files(work: Path) -> None:
    """Deletes what a work folder holds of users; the record of the checks and what was computed of items stay."""
    for name in PERSONAL:
        (work / name).unlink(missing_ok=True)
    shutil.rmtree(work / DATASET, ignore_errors=True)


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
    promoted: Evaluation | None = None
    """What is promoted on questions whose answers it has learned; None where it is what was tried."""

    @property
    def holds(self) -> bool:
        return passed(self.checks)

    def export(self) -> Exported:
        exported = export_events(self.inputs.store, self.work / "export.parquet", self.progress)
        known = self.inputs.catalog or self.old.catalog
        bounds = ItemBounds.of(self.settings.service)
        self.catalog = catalog_with_changes(known, self.inputs.store, self.old.card, bounds)
        self.checks.append(export_check(self.work / "export.parquet", exported))
        self.checks += position_checks(self.inputs.store, self.old.card.store, self.settings.retrain)
        return exported

    def bundle(self, exported: Exported, model: str | None) -> Bundle | None:
        """A trained and tried bundle; None where the data did not pass."""
        self.combined = self._combine(exported) if self.holds else None
        dataset = self._prepare(self.combined) if self.combined is not None and self.holds else None
        if dataset is None or not self.holds:
            return None
        fitted = fit_trial(dataset, model or self.old.card.model, self.settings, self.progress)
        self.trial = hold_trial(fitted.pipeline, self.old, dataset, self.settings, self.progress)
        self.checks += trial_checks(self.trial, self.settings.retrain)
        if not self.holds:
            return None
        new = bundle_of(fitted, dataset, self.settings, self.settings.retrain.refit, self.progress)
        self.checks.append(items_check(new.pipeline, dataset, self.old.pipeline, self.settings.retrain))
        if new.trial is not None:
            self.promoted = ask_promoted(new.pipeline, dataset, self.settings, self.progress)
            self.checks += promoted_checks(self.promoted, self.trial, self.settings.retrain)
        new = self._with_predictors(new, dataset)
        kept = None if new.log is None else KeptLog(self.work / "log.parquet")
        return replace(new, log=kept, card=self._card(new.card, exported))

    def _card(self, card: Card, exported: Exported) -> Card:
        """The card with what the store gave and what was compared."""
        log = {} if self.combined is None else asdict(self.combined)
        facts = {"log": log, "forgotten": log.pop("lost", {}), "figures": self.figures, "old": self.old.card.fitted_on}
        return card.replace(store=exported.position, retrain=facts)

    @property
    def figures(self) -> list[dict[str, Any]]:
        """Rows of the trial, each with what its models were fitted on and whether they had seen the answers."""
        if self.trial is None:
            return []
        evaluations = [*self.trial.evaluations, *([] if self.promoted is None else [self.promoted])]
        return [
            {**row.to_json(), "fitted_on": TRAINING_PART if seen is False else WHOLE_LOG, "answers_seen": seen}
            for one in evaluations
            for seen in (one is self.promoted,)
            for row in one.rows
        ]

    def _with_predictors(self, new: Bundle, dataset: Dataset) -> Bundle:
        """The new bundle with the predictors of the old one, fitted anew."""
        if not self.old.predictors:
            return new
        expected = "the log gives all that they read"
        try:
            anew = fit_anew(self.old, dataset, self.settings, self.progress)
            found = with_predictors(new, anew.served)
        except ArtifactError as error:
            self.checks.append(Check("predictors fit", False, expected, str(error)))
            return new
        self.checks += [Check("predictors fit", True, expected, ", ".join(self.old.predictors)), *anew.checks]
        return replace(with_trial(found, anew.tried), card=found.card.replace(predictors=anew.card))

    def _combine(self, exported: Exported) -> Combined | None:
        known = known_rows(self.old, self.work / "known.parquet")
        earlier, seen = known, self._deletions_seen()
        if self.inputs.log is not None:
            earlier, seen = self.work / "earlier.parquet", 0
            write_log(self.inputs.log, earlier)
        else:
            self.checks.append(earlier_check(self.old))
        sources = Sources(earlier, self.work / "export.parquet", known, seen)
        combined = combine(sources, self.inputs.store, self.catalog, self.work / "log.parquet", self.settings.retrain)
        self.checks.append(forgotten_check(combined, self.settings.retrain))
        self.checks += log_checks(combined, exported, self.old.pipeline.memory, self.settings.retrain)
        return combined

    def erase_forgotten(self) -> None:
        """Takes users who were forgotten since out of the old bundle, which goes on."""
        known = self.old.pipeline.memory.users.arrow.to_pylist()
        gone = forgotten_users(self.inputs.store, known, self._deletions_seen())
        if gone:
            Erasure(gone).below(self.inputs.bundle)

    def _deletions_seen(self) -> int:
        """How many deletions of this store the rows of the old bundle come after."""
        position = self.inputs.store.verified(self.old.card.store)
        return 0 if position is None else position.deletions

    def _prepare(self, combined: Combined) -> Dataset:
        log = Events.read(self.work / "log.parquet")
        findings = validate(log, self.catalog, self.settings.validation)
        text = json.dumps(findings.to_json(), indent=2, ensure_ascii=False) + "\n"
        write_text_atomic(self.work / "validation.json", text)
        dataset = prepare(log, self.catalog, self.settings.prepare, self.work / DATASET, self.progress)
        self.checks += dataset_checks(dataset, combined, self.old, self.settings.retrain)
        return dataset
