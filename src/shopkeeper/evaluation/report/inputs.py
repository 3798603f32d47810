"""What a report is made of: plain facts that others computed. The report measures no model itself.

Whatever is None or empty leaves its section out; the page says so in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.recommenders.base import Recommender


@dataclass(frozen=True)
class Score:
    """One figure of one model: a row of the tidy table.

    Attributes:
        model: Name of the model.
        metric: Lower-case name, for example ``"ndcg"``, ``"recall"``, ``"coverage"``.
        k: Length of the list, None for a metric that has none.
        value: The figure.
        low: Lower end of the 95 % interval, None where there is none.
        high: Upper end.
        n_users: Number of shoppers behind it.
        group: ``"all"``, ``"shoppers"`` (by how much a shopper did) or ``"items"`` (by popularity of the target).
        segment: Name within the group, for example ``"new"`` or ``"tail"``; empty for ``"all"``.
    """

    model: str
    metric: str
    k: int | None
    value: float
    low: float | None = None
    high: float | None = None
    n_users: int | None = None
    group: str = "all"
    segment: str = ""


@dataclass(frozen=True)
class Cost:
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
class Protocol:
    """How it was measured; printed as stamps over the leaderboard.

    Attributes:
        part: ``"test"`` or ``"validation"``.
        split_kind: For example ``"global_time"``.
        leaks_future: Whether training saw events later than a question.
        hide_seen: Whether items of the history were hidden; None where models differ.
        repeat_share: Share of training events that come back to an item.
        unreachable_share: Share of targets that training has not seen.
        n_users: Shoppers asked.
        n_targets: Events held out.
    """

    part: str
    split_kind: str
    leaks_future: bool
    hide_seen: bool | None
    repeat_share: float
    unreachable_share: float
    n_users: int
    n_targets: int


@dataclass(frozen=True)
class ReportInputs:
    """All that one page can show.

    Attributes:
        dataset: The whole prepared log.
        split: Training part and what was held out.
        protocol: How the scores were measured.
        scores: Rows of the leaderboard, segments and catalog metrics, models in the order of the table.
        costs: By name of the model.
        baselines: Names of the models that need no learning; others are compared with the first of them.
        recommenders: Fitted models for the example shoppers, the one to show first.
        validation: The JSON of `shopkeeper validate`, or None.
        rejected: Number of rows that preparation rejected, by reason, or None where it is not known.
        training_log: CSV file with a column ``epoch`` that the training loop wrote, or None.
        card: Data hash, settings, seeds, versions, command: nested plain values.
    """

    dataset: Dataset
    split: Split
    protocol: Protocol
    scores: Sequence[Score] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)
    baselines: Sequence[str] = ("MostPopular",)
    recommenders: Sequence[Recommender] = ()
    validation: Mapping[str, Any] | None = None
    rejected: Mapping[str, int] | None = None
    training_log: Path | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
