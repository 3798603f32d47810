"""Several predictors on the same examples, side by side, with what they cost and how they were measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior.as_asked import AsAsked
from shopkeeper.evaluation.behavior.compare import BehaviorComparison, compare_predictors
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation
from shopkeeper.evaluation.behavior.rows import BehaviorRow
from shopkeeper.evaluation.cost import Cost
from shopkeeper.evaluation.table import table

MILLION = 1_000_000
FEW = 0.95
"""Where less than this share of the negatives is there, the reader is told."""


@dataclass(frozen=True)
class BehaviorEntry:
    """One predictor of a leaderboard.

    Attributes:
        evaluation: What it reached.
        fitting: Time and memory of fitting it.
        config: Its settings, as plain values.
        validation: What was as small as possible when its settings were chosen; None where nothing was.
        trials: Number of settings that were tried.
        search_seconds: Time of all trials.
        as_asked: Calibration of the whole question on the test part; None where it was not asked.
    """

    evaluation: BehaviorEvaluation
    fitting: Cost
    config: dict[str, Any] = field(default_factory=dict)
    validation: float | None = None
    trials: int = 0
    search_seconds: float = 0.0
    as_asked: AsAsked | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.evaluation.model

    @property
    def seconds(self) -> float:
        """What it costs: seconds to fit it once and to predict a million pairs."""
        return self.fitting.seconds + MILLION / self.evaluation.predictions_per_second


@dataclass(frozen=True)
class BehaviorProtocol:
    """How all predictors of a leaderboard were measured.

    Attributes:
        examples: What an example is: target, candidates, horizon.
        part: `"validation"` or `"test"`.
        moments: Begin and end of each part, as ISO 8601 text.
        sizes: Of each part the numbers of examples, positives and shoppers, and the share of negatives that is there.
        base_rate: Share of all pairs of this part that the target came of, or the mean amount.
        data_hash: SHA-256 of the log.
        seed: Of the resamples.
        notes: What else a reader must know, a sentence each.
    """

    examples: ExampleSettings
    part: str
    moments: dict[str, tuple[str, str]]
    sizes: dict[str, dict[str, float]]
    base_rate: float
    data_hash: str
    seed: int
    notes: tuple[str, ...] = ()

    def stamps(self) -> list[str]:
        """What a reader must know before the figures, one sentence each."""
        size = self.sizes[self.part]
        begin, end = self.moments[self.part]
        what = "mean amount" if self.examples.target == "amount" else "base rate"
        stamps = [
            f"{target_words(self.examples)}: {self.part} part from {begin} to {end}",
            f"{self.examples.moment_words}: {size['examples']:,.0f} examples of {size['shoppers']:,.0f} shoppers, "
            f"{size['positives']:,.0f} with the target, {what} {self.base_rate:.3g}",
        ]
        if size["negative_rate"] < FEW:
            stamps.append(
                f"one of {1 / size['negative_rate']:,.0f} pairs without the target is there; figures weigh it so"
            )
        return [*stamps, *self.notes, f"data {self.data_hash[:12]}, seed {self.seed}"]


@dataclass(frozen=True)
class BehaviorLeaderboard:
    """Predictors in the order given.

    Attributes:
        protocol: How they were measured.
        entries: The predictors; their names differ.
    """

    protocol: BehaviorProtocol
    entries: tuple[BehaviorEntry, ...]

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.entries]
        if not names:
            raise DataError("a leaderboard needs at least one model")
        if len(set(names)) < len(names):
            raise DataError("two models have one name", got=", ".join(names))
        if len({entry.evaluation.asked for entry in self.entries}) > 1:
            raise DataError("the models were asked different examples", got=", ".join(names))

    def rows(self) -> list[BehaviorRow]:
        """All figures of all models, tidy."""
        return [row for entry in self.entries for row in entry.evaluation.rows]

    def entry(self, name: str) -> BehaviorEntry:
        """The entry of a model.

        Raises:
            DataError: There is none.
        """
        found = next((entry for entry in self.entries if entry.name == name), None)
        if found is None:
            raise DataError(f"the leaderboard has no model {name!r}", expected=", ".join(e.name for e in self.entries))
        return found

    def comparisons(self, reference: str, metrics: Sequence[str]) -> list[BehaviorComparison]:
        """Each other model beside a reference, paired over shoppers."""
        known = self.entry(reference).evaluation
        others = [entry.evaluation for entry in self.entries if entry.name != reference]
        return [compare_predictors(other, known, metric) for other in others for metric in metrics]

    def to_json(self) -> dict[str, Any]:
        """Protocol, tidy figures, cost and settings of all models as plain values."""
        models = {
            entry.name: {
                "config": entry.config, "fitting": asdict(entry.fitting), "validation": entry.validation,
                "trials": entry.trials, "search_seconds": entry.search_seconds,
                "predictions_per_second": entry.evaluation.predictions_per_second,
                "megabytes": entry.evaluation.megabytes,
                "as_asked": None if entry.as_asked is None else entry.as_asked.to_json(),
            }
            for entry in self.entries
        }  # fmt: skip
        protocol = {**vars(self.protocol), "examples": self.protocol.examples.model_dump(mode="json")}
        return {"protocol": protocol, "models": models, "rows": [row.to_json() for row in self.rows()]}

    def save(self, file: Path, **more: Any) -> None:
        """Writes it as JSON, with further plain values beside.

        Raises:
            ArtifactError: The disk refuses.
        """
        content = self.to_json() | more
        write_text_atomic(file, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def to_text(self) -> str:
        """Stamps and a table for the terminal; figures that have no value are left out."""
        shown = shown_figures(self)
        head = ["model", *(HEADS[name] for name in shown), *ASKED_HEADS, *COST_HEADS]
        body = [
            [entry.name, *(cell(entry, name) for name in shown), *asked_cells(entry), *cost_cells(entry)]
            for entry in self.entries
        ]
        return "\n".join([*self.protocol.stamps(), "", table(head, body)])


HEADS = {
    "auc": "AUC", "pr_auc": "PR-AUC", "group_auc": "group AUC", "log_loss": "log loss",
    "calibration_error": "ECE", "sampled_calibration_error": "sampled ECE", "lift": "lift@10%",
    "rmse": "RMSE", "mae": "MAE", "r2": "R2",
}  # fmt: skip
"""Figures of the table and what they are called there."""
COST_HEADS = ("fit s", "peak MB", "MB", "1/s")


def shown_figures(board: BehaviorLeaderboard) -> list[str]:
    """The figures of the table that some model has a value of; the sampled error only where negatives were sampled."""
    known = {row.metric for row in board.rows() if row.group == "all"}
    if board.protocol.sizes[board.protocol.part]["negative_rate"] == 1:
        known.discard("sampled_calibration_error")
    return [name for name in HEADS if name in known]


def cell(entry: BehaviorEntry, metric: str) -> str:
    """A figure with half the width of its interval."""
    row = next((r for r in entry.evaluation.rows if r.group == "all" and r.metric == metric), None)
    if row is None:
        return "-"
    if row.low is None or row.high is None:
        return _short(row.value)
    return f"{_short(row.value)}±{_short((row.high - row.low) / 2, 2)}"


ASKED_HEADS = ("said/came as asked", "worst decile")


def asked_cells(entry: BehaviorEntry) -> list[str]:
    """Of the whole question what was said for one that came, with its interval, and the decile that is farthest off."""
    one = entry.as_asked
    if one is None or one.ratio is None:
        return ["-", "-"]
    ends = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
    return [f"{one.ratio:.2f}{ends}", "-" if one.worst is None else f"{one.worst:.2f} times"]


def asked_words(entries: Sequence[BehaviorEntry]) -> str:
    """What the question as asked was, and what its columns say; empty where it was not asked."""
    one = next((entry.as_asked for entry in entries if entry.as_asked is not None), None)
    if one is None:
        return ""
    drawn = [f"{100 * one.users_rate:.3g} % of the shoppers"] if one.users_rate < 1 else []
    for rate, which in ((one.met_rate, "met before"), (one.pairs_rate, "never met")):
        drawn += [f"one of {1 / rate:,.3g} pairs that {which}, weighed so"] if rate < 1 else []
    return (
        f"as asked: {one.pairs:,.0f} pairs of {one.users:,} shoppers at {one.moments:,} moments of the test part, "
        f"{one.came:,.0f} with the target{': ' if drawn else ''}{', '.join(drawn)}; 1 is true; deciles hold equally "
        "much of what was said"
    )


def cost_cells(entry: BehaviorEntry) -> list[str]:
    """Seconds and peak of fitting, size, and predictions a second."""
    peak = entry.fitting.peak_megabytes
    numbers = (entry.fitting.seconds, peak, entry.evaluation.megabytes, entry.evaluation.predictions_per_second)
    return ["-" if number is None else f"{number:,.1f}" if number < 100 else f"{number:,.0f}" for number in numbers]


def _short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}g}"


def sizes_of(parts: dict[str, Examples]) -> dict[str, dict[str, float]]:
    """How many examples, positives and shoppers each part has, and the share of negatives that is there."""
    return {
        name: {
            "examples": len(part), "positives": int((part.label > 0).sum()),
            "shoppers": len(np.unique(part.user_index)), "negative_rate": part.negative_rate,
        }
        for name, part in parts.items()
    }  # fmt: skip


def moments_text(moments: dict[str, tuple[int, int]]) -> dict[str, tuple[str, str]]:
    """Begin and end of each part, from Unix microseconds to text."""
    return {name: (moment_text(begin), moment_text(end)) for name, (begin, end) in moments.items()}


def target_words(examples: ExampleSettings) -> str:
    """What is predicted, as in "purchase within 7 days, given cart"."""
    ahead = {
        "days": f"within {examples.days:g} days", "session": "in the session", "next_event": "as the next event",
    }[examples.horizon]  # fmt: skip
    given = f", given {examples.given.value}" if examples.given is not None else ""
    return f"{examples.target} {ahead}{given}"
