"""Several models on one split, side by side, with what they cost and how they were measured.

A leaderboard refuses models that were asked different shoppers: its rows can be compared, or it does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.data.cold import COLD
from shopkeeper.data.holdout import Split
from shopkeeper.data.repeats import Repurchases, repeat_share
from shopkeeper.errors import DataError
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.evaluation.cost import Cost
from shopkeeper.evaluation.evaluate import Evaluation
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.evaluation.table import table

COLUMNS = ("ndcg@10", "recall@10", "mrr@10", "coverage@10")
"""Figures shown in the text where they were measured."""


@dataclass(frozen=True)
class Entry:
    """One model of a leaderboard.

    Attributes:
        evaluation: What it reached.
        fitting: Time and memory of fitting it; None where it was fitted elsewhere.
        config: Its settings, as plain values.
        seeds: Seeds it was trained with.
    """

    evaluation: Evaluation
    fitting: Cost | None = None
    config: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.evaluation.model


@dataclass(frozen=True)
class Protocol:
    """How all models of a leaderboard were measured.

    Attributes:
        part: ``"validation"`` or ``"test"``.
        split_kind: For example ``"global_time"``.
        leaks_future: Whether training saw events later than a question.
        hiding: What was hidden of the shoppers' own items, in words; None where models differ.
        repeat_share: Share of training events that come back to an item of the same shopper.
        unseen_share: Share of targets whose item training has not seen.
        hidden_share: Share of targets that were hidden since they are in the history.
        n_users: Shoppers asked.
        n_targets: Distinct targets.
        n_items: Items ranked.
        data_hash: SHA-256 of the training part.
        seed: Seed of the sample of shoppers and of the bootstrap.
        cold_items: Items that the split kept from training since they appeared last.
        cold_users: Shoppers that it kept from training.
        purchase_repeat_share: Share of its purchases that repeat one; None where there are none.
    """

    part: str
    split_kind: str
    leaks_future: bool
    hiding: str | None
    repeat_share: float
    unseen_share: float
    hidden_share: float
    n_users: int
    n_targets: int
    n_items: int
    data_hash: str
    seed: int
    cold_items: int = 0
    cold_users: int = 0
    purchase_repeat_share: float | None = None

    @property
    def repeats(self) -> str:
        """How many events of training repeat one, in words."""
        words = f"{self.repeat_share:.1%} of the training events repeat one"
        if self.purchase_repeat_share is None:
            return words
        return f"{words}, {self.purchase_repeat_share:.1%} of the purchases"

    @staticmethod
    def of(split: Split, evaluations: Sequence[Evaluation]) -> Protocol:
        """The protocol that these evaluations of one part of a split followed.

        Raises:
            DataError: There is none, or they differ in the part or in the shoppers asked.
        """
        if not evaluations:
            raise DataError("a leaderboard needs at least one model")
        first = evaluations[0]
        for other in evaluations[1:]:
            if other.part != first.part or not other.user_ids.equals(first.user_ids):
                raise DataError(
                    f"{other.model} and {first.model} were asked different shoppers",
                    expected=f"the {first.n_users} shoppers of {first.part}",
                    got=f"{other.n_users} shoppers of {other.part}",
                )
        hidden = {evaluation.hiding.words for evaluation in evaluations}
        bought = Repurchases.of(split.train.histories)
        return Protocol(
            part=first.part,
            split_kind=split.settings.kind,
            leaks_future=split.leaks_future,
            hiding=hidden.pop() if len(hidden) == 1 else None,
            repeat_share=repeat_share(split.train.histories),
            purchase_repeat_share=bought.share if len(bought.days) else None,
            unseen_share=first.unseen_share,
            hidden_share=max(evaluation.hidden_share for evaluation in evaluations),
            n_users=first.n_users,
            n_targets=first.n_targets,
            n_items=split.train.n_items,
            data_hash=split.train.data_hash,
            seed=first.settings.seed,
            cold_items=split.facts.get(COLD, {}).get("items", 0),
            cold_users=split.facts.get(COLD, {}).get("users", 0),
        )

    def stamps(self) -> list[str]:
        """What a reader must know before the figures, one sentence each."""
        stamps = [
            f"{self.part} part of a split by {self.split_kind}: {self.n_users} shoppers, {self.n_targets} targets, "
            f"full ranking of {self.n_items} items",
            f"{self.hiding or 'what is hidden differs by model'} ({self.repeats})",
            f"out of reach: {self.unseen_share:.1%} of the targets unseen by training, {self.hidden_share:.1%} hidden",
            f"training data {self.data_hash[:12]}, seed {self.seed}",
        ]
        if self.cold_items or self.cold_users:
            stamps.append(f"kept from training as new: {self.cold_items} items and {self.cold_users} shoppers")
        return (
            ["LEAKS THE FUTURE: training saw events later than some questions"] if self.leaks_future else []
        ) + stamps


@dataclass(frozen=True)
class Leaderboard:
    """Models in the order given.

    Attributes:
        protocol: How they were measured.
        entries: The models; their names differ.
    """

    protocol: Protocol
    entries: tuple[Entry, ...]

    @staticmethod
    def of(split: Split, entries: Sequence[Entry]) -> Leaderboard:
        """Puts evaluations of one part of a split side by side.

        Raises:
            DataError: There is none, names repeat, or they were asked different shoppers.
        """
        names = [entry.name for entry in entries]
        if len(set(names)) < len(names):
            raise DataError("two models have one name", got=", ".join(names), remedy="pass (name, recommender)")
        return Leaderboard(Protocol.of(split, [entry.evaluation for entry in entries]), tuple(entries))

    def metric_rows(self) -> list[MetricRow]:
        """All figures of all models, tidy."""
        return [row for entry in self.entries for row in entry.evaluation.rows]

    def rows(self) -> list[dict[str, Any]]:
        """One record a model: its name, each ``metric@k`` over all shoppers with ``_low`` and ``_high``, its cost."""
        return [_record(entry) for entry in self.entries]

    def best(self, metric: str = "ndcg", k: int = 10) -> Entry:
        """The model with the highest figure."""
        return max(self.entries, key=lambda entry: entry.evaluation.value(metric, k))

    def comparisons(self, reference: str | None = None, n_bootstrap: int = 1000) -> list[Comparison]:
        """Each model beside a reference, paired over shoppers.

        Args:
            reference: Name of a model; None takes the first.
            n_bootstrap: Resamples for the intervals.

        Raises:
            DataError: There is no such model.
        """
        by_name = {entry.name: entry.evaluation for entry in self.entries}
        name = reference if reference is not None else self.entries[0].name
        if name not in by_name:
            raise DataError(f"the leaderboard has no model {name!r}", expected=", ".join(by_name))
        others = [evaluation for other, evaluation in by_name.items() if other != name]
        seed = self.protocol.seed
        return [row for other in others for row in compare(other, by_name[name], n_bootstrap, seed)]

    def to_json(self) -> str:
        """Protocol, tidy figures, cost and settings of all models as JSON text."""
        models = {
            entry.name: {
                "config": entry.config,
                "seeds": list(entry.seeds),
                "fitting": None if entry.fitting is None else asdict(entry.fitting),
                "scoring": asdict(entry.evaluation.scoring),
                "model_megabytes": entry.evaluation.model_megabytes,
            }
            for entry in self.entries
        }
        content = {
            "protocol": asdict(self.protocol),
            "models": models,
            "rows": [row.to_json() for row in self.metric_rows()],
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, file: Path) -> None:
        """Writes the JSON.

        Raises:
            ArtifactError: The disk refuses.
        """
        write_text_atomic(file, self.to_json())

    def to_text(self, columns: Sequence[str] = COLUMNS) -> str:
        """Stamps and a table for the terminal; columns that were not measured are left out."""
        records = self.rows()
        shown = [column for column in columns if any(column in record for record in records)]
        head = ["model", *shown, "fit s", "score s", "MB"]
        body = [
            [
                str(record["model"]),
                *(_figure(record, column) for column in shown),
                *(_number(record[name]) for name in ("fit_seconds", "score_seconds", "model_megabytes")),
            ]
            for record in records
        ]
        return "\n".join([*self.protocol.stamps(), "", table(head, body)])


def _record(entry: Entry) -> dict[str, Any]:
    evaluation = entry.evaluation
    record: dict[str, Any] = {"model": entry.name, "part": evaluation.part, "n_users": evaluation.n_users}
    for row in evaluation.rows:
        if row.group == "all":
            record[row.key] = row.value
            if row.low is not None:
                record[f"{row.key}_low"], record[f"{row.key}_high"] = row.low, row.high
    return record | {
        "fit_seconds": None if entry.fitting is None else entry.fitting.seconds,
        "fit_peak_megabytes": None if entry.fitting is None else entry.fitting.peak_megabytes,
        "score_seconds": evaluation.scoring.seconds,
        "score_peak_megabytes": evaluation.scoring.peak_megabytes,
        "model_megabytes": evaluation.model_megabytes,
    }


def _figure(record: dict[str, Any], column: str) -> str:
    if column not in record:
        return "-"
    if f"{column}_low" not in record:
        return f"{record[column]:.4f}"
    return f"{record[column]:.4f} [{record[f'{column}_low']:.4f}, {record[f'{column}_high']:.4f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
