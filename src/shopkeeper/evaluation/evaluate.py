"""One fitted recommender on one part of a split: the full catalog, every shopper, an interval beside each mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import HidingPolicy
from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import DataError
from shopkeeper.evaluation.bootstrap import intervals
from shopkeeper.evaluation.cost import Cost, measured, model_megabytes
from shopkeeper.evaluation.outcome import Outcome, answer
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.evaluation.segments import segments_of
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.values import Key, needs_lists, ranking_values, values_of
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.types import Float32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Evaluation:
    """What one model reached on one part.

    Attributes:
        model: Its name.
        part: ``"validation"`` or ``"test"``, as the caller said.
        rows: All figures.
        per_shopper: float32 [n] for each metric and k that has a value a shopper; for paired tests.
        user_ids: The shoppers asked, in the order of `per_shopper`.
        settings: How it was measured.
        hiding: What was hidden of the shoppers' own items.
        n_targets: Number of distinct targets.
        unseen_share: Share of the targets whose item training has not seen: no model of ids can reach them.
        hidden_share: Share of the targets that were hidden since they are in the history.
        scoring: Time and memory of answering all shoppers.
        model_megabytes: Size of what the model learned.
    """

    model: str
    part: str
    rows: tuple[MetricRow, ...]
    per_shopper: Mapping[Key, Float32Array]
    user_ids: pa.Array
    settings: EvaluationSettings
    hiding: HidingPolicy
    n_targets: int
    unseen_share: float
    hidden_share: float
    scoring: Cost
    model_megabytes: float

    @property
    def n_users(self) -> int:
        """Number of shoppers asked."""
        return len(self.user_ids)

    def value(self, metric: str, k: int) -> float:
        """The figure of one metric over all shoppers.

        Raises:
            DataError: It was not measured.
        """
        return self.row(metric, k).value

    def row(self, metric: str, k: int) -> MetricRow:
        """The row of one metric over all shoppers.

        Raises:
            DataError: It was not measured.
        """
        for row in self.rows:
            if (row.metric, row.k, row.group) == (metric, k, "all"):
                return row
        measured_keys = sorted({row.key for row in self.rows})
        raise DataError(f"{metric}@{k} was not measured for {self.model}", expected=", ".join(measured_keys))


def evaluate(
    recommender: Recommender,
    holdout: Holdout,
    settings: EvaluationSettings | None = None,
    *,
    part: str = "holdout",
    name: str | None = None,
    train: Dataset | None = None,
    item_vectors: Float32Array | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Asks a fitted recommender all questions of a part and measures its answers.

    Args:
        recommender: The fitted model.
        holdout: The questions, in the indices of the data that it was fitted on.
        settings: What to measure; None takes the defaults.
        part: Name of the part, for the table.
        name: Name of the model in the table; None takes the recommender's.
        train: The training part, for popularity and segments, where a loaded model no longer holds its events;
            None takes the one that the model holds.
        item_vectors: float32 [n_items + 1, d] for `vector_diversity`.
        progress: Told how far it is; None stays silent.

    Returns:
        The figures.

    Raises:
        DataError: Nobody is asked, or the training part is not the model's.
        ShopkeeperError: The model's scores are not usable.
    """
    settings = settings if settings is not None else EvaluationSettings()
    train = _same_items(recommender, train) if train is not None else recommender.train
    holdout = _sample(holdout, settings)
    if len(holdout) == 0:
        raise DataError(
            f"there is nobody to ask in the part {part!r}",
            expected="at least one shopper with a held-out event",
            remedy="give the part a larger share or other moments, or other target types",
        )
    depth = max(settings.ks)
    k = depth if needs_lists(settings) else 0
    label = name if name is not None else recommender.name
    if progress is not None:
        progress.start(f"Evaluating {label}", len(holdout))
    hiding = recommender.hiding.asked(settings.asked_hide, settings.hide_after)
    with measured() as cost:
        outcome = answer(
            recommender, holdout, k, depth, hiding, settings.from_lists, progress, _new_items(train, settings)
        )
    if progress is not None:
        progress.finish()
    values = values_of(outcome, train, settings, item_vectors)
    rows = _rows(label, part, values.per_shopper, settings)
    rows += [MetricRow(label, part, *key, value, None, None, len(holdout)) for key, value in values.whole.items()]
    if settings.segments:
        rows += _segment_rows(label, part, outcome, holdout, train, settings)
    return Evaluation(
        model=label,
        part=part,
        rows=tuple(rows),
        per_shopper=values.per_shopper,
        user_ids=holdout.user_ids,
        settings=settings,
        hiding=hiding,
        n_targets=len(outcome.rows),
        unseen_share=outcome.unseen_share,
        hidden_share=_hidden_share(recommender, outcome, holdout, hiding),
        scoring=cost,
        model_megabytes=model_megabytes(recommender),
    )


def _same_items(recommender: Recommender, train: Dataset) -> Dataset:
    if recommender.train.items != train.items:
        raise DataError(
            f"{recommender.name} was fitted on other items than this training part holds",
            expected=f"{train.n_items} items", got=f"{recommender.train.n_items} items, not the same",
            remedy="evaluate it on the log and the split that it was fitted on",
        )  # fmt: skip
    return train


def _new_items(train: Dataset, settings: EvaluationSettings) -> Int64Array | None:
    """Items that the model knows though training has no event of them; None where there are none or nobody asks."""
    if not settings.segments or train.n_events == 0:
        return None
    new = np.flatnonzero(train.item_counts()[1:] == 0) + 1
    return new if len(new) else None


def _sample(holdout: Holdout, settings: EvaluationSettings) -> Holdout:
    if settings.max_users is None or len(holdout) <= settings.max_users:
        return holdout
    chosen = np.random.default_rng(settings.seed).choice(len(holdout), settings.max_users, replace=False)
    return holdout.take(np.sort(chosen))


def _rows(
    model: str, part: str, per_shopper: Mapping[Key, Float32Array], settings: EvaluationSettings,
    group: str = "all", segment: str = "",
) -> list[MetricRow]:  # fmt: skip
    """One row for each metric and k; metrics without a value for anybody are left out."""
    keys = [key for key, values in per_shopper.items() if not np.isnan(values).all()]
    if not keys:
        return []
    matrix = np.stack([per_shopper[key] for key in keys], axis=1)
    bounds = intervals(matrix, settings.n_bootstrap, settings.seed) if settings.n_bootstrap else None
    rows = []
    for column, (metric, k) in enumerate(keys):
        known = matrix[~np.isnan(matrix[:, column]), column]
        low, high = (None, None) if bounds is None else (float(bounds[0][column]), float(bounds[1][column]))
        value = float(known.mean(dtype=np.float64))
        rows.append(MetricRow(model, part, metric, k, value, low, high, len(known), group, segment))
    return rows


def _segment_rows(
    model: str, part: str, outcome: Outcome, holdout: Holdout, train: Dataset, settings: EvaluationSettings
) -> list[MetricRow]:
    rows: list[MetricRow] = []
    for group, segment, inside in segments_of(outcome, holdout, train, settings):
        values = {
            (metric, k): of_shopper.astype(np.float32)
            for k in settings.ks
            for metric, of_shopper in ranking_values(inside, settings, k).items()
        }
        rows += _rows(model, part, values, settings, group, segment)
    return rows


def _hidden_share(recommender: Recommender, outcome: Outcome, holdout: Holdout, hide: HidingPolicy) -> float:
    """Share of the targets that are hidden from their shopper."""
    hidden = recommender.hidden_events(holdout.histories, hide, holdout.moments)
    if not hidden.any():
        return 0.0
    size = recommender.train.n_items + 1
    pairs = holdout.histories.rows[hidden] * size + holdout.histories.item_index[hidden]
    return float(np.isin(outcome.rows * size + outcome.items, pairs).mean())
