"""What the report takes of a leaderboard, whether it was just measured or read from its JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shopkeeper.errors import DataError
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.evaluation.leaderboard import Entry, Leaderboard, Protocol
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.evaluation.values import Key

PAIRED: tuple[Key, ...] = (("ndcg", 10), ("recall", 10))
"""Figures in which the two best models are compared shopper by shopper: those with a plot of their own."""


@dataclass(frozen=True)
class ModelCost:
    """What one model takes.

    Attributes:
        fit_seconds: Seconds to fit.
        score_seconds: Seconds to answer all shoppers of the part.
        megabytes: Size of what was learned, in units of 10^6 bytes.
        seeds: Seeds that were run.
    """

    fit_seconds: float | None = None
    score_seconds: float | None = None
    megabytes: float | None = None
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Board:
    """Figures of models on one part of a split.

    Attributes:
        protocol: How they were measured.
        rows: All figures of all models.
        costs: By name of the model.
        comparisons: The best model beside the next one, paired over shoppers; empty where figures come from a file.
    """

    protocol: Protocol
    rows: Sequence[MetricRow]
    costs: Mapping[str, ModelCost] = field(default_factory=dict)
    comparisons: Sequence[Comparison] = ()

    @staticmethod
    def of(leaderboard: Leaderboard, keys: Sequence[Key] = PAIRED) -> Board:
        """Takes a leaderboard that was just measured, and compares the two best models in some figures."""
        compared = [found for key in keys if (found := _two_best(leaderboard.entries, key)) is not None]
        costs = {entry.name: _cost(entry) for entry in leaderboard.entries}
        return Board(leaderboard.protocol, leaderboard.metric_rows(), costs, compared)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Board:
        """Takes the content of the file that `Leaderboard.save` writes.

        Raises:
            DataError: It is something else.
        """
        try:
            protocol = Protocol(**content["protocol"])
            rows = [MetricRow(**row) for row in content["rows"]]
            costs = {
                name: ModelCost(
                    fit_seconds=None if model["fitting"] is None else model["fitting"]["seconds"],
                    score_seconds=model["scoring"]["seconds"],
                    megabytes=model["model_megabytes"],
                    seeds=tuple(model["seeds"]),
                )
                for name, model in content["models"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                "this is no leaderboard", expected="the JSON that an evaluation of this version wrote", got=repr(error)
            ) from error
        return Board(protocol, rows, costs)


def _cost(entry: Entry) -> ModelCost:
    fitting, evaluation = entry.fitting, entry.evaluation
    return ModelCost(
        fit_seconds=None if fitting is None else fitting.seconds,
        score_seconds=evaluation.scoring.seconds,
        megabytes=evaluation.model_megabytes,
        seeds=entry.seeds,
    )


def _two_best(entries: Sequence[Entry], key: Key) -> Comparison | None:
    """The best model of one figure beside the next one; None where there are no two."""
    found = [entry.evaluation for entry in entries if key in entry.evaluation.per_shopper]
    if len(found) < 2:
        return None
    first, second = sorted(found, key=lambda evaluation: -evaluation.value(*key))[:2]
    alone = [replace(one, per_shopper={key: one.per_shopper[key]}) for one in (first, second)]
    return compare(alone[0], alone[1])[0]
