"""What a report is made of: plain facts that others computed. The report measures no model itself.

Whatever is None or empty leaves its section out; the page says so in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.evaluation.report.board import Board
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.features.feature import Feature
from shopkeeper.features.image.sources import ImageSource
from shopkeeper.features.semantic_ids import SemanticIds
from shopkeeper.recommenders.base import Recommender


@dataclass(frozen=True)
class ReportInputs:
    """All that one page can show.

    Attributes:
        dataset: The whole prepared log.
        split: Training part and what was held out.
        board: Figures of the models, or None where nothing was evaluated.
        curve: Figures of the same shoppers with histories cut short, as `event_curve` gives them, of some models.
        baselines: Names of the models that need no learning; others are compared with the first of them.
        recommenders: Fitted models for the example shoppers, the one to show first.
        validation: The JSON of `shopkeeper validate`, or None.
        rejected: Number of rows that preparation rejected, by reason, or None where it is not known.
        training_log: The `log.csv` of a training run, or None.
        learning_curve: The same as records, one an epoch: ``epoch``, ``loss``, ``validation`` (NDCG@10, None where the
            epoch was not validated); goes before `training_log`.
        features: What is known of the items as vectors, of all items of the dataset, the most telling one first.
        pictures: Pictures of these items for the contact sheet, or None; the item of index i has the place i - 1.
        semantic_ids: Ids that generative models gave the items of training, by name of the model.
        card: Data hash, settings, seeds, versions, command: nested plain values.
    """

    dataset: Dataset
    split: Split
    _: KW_ONLY
    board: Board | None = None
    curve: Sequence[MetricRow] = ()
    baselines: Sequence[str] = ("MostPopular",)
    recommenders: Sequence[Recommender] = ()
    validation: Mapping[str, Any] | None = None
    rejected: Mapping[str, int] | None = None
    training_log: Path | None = None
    learning_curve: Sequence[Mapping[str, float | None]] = ()
    features: Sequence[Feature] = ()
    pictures: ImageSource | None = None
    semantic_ids: Mapping[str, SemanticIds] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
