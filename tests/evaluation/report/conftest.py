"""A whole run in small: shoppers walk a circle of items, so that transitions hit always and popularity seldom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.contest import leaderboard
from shopkeeper.evaluation.event_curve import event_curve
from shopkeeper.evaluation.leaderboard import Leaderboard
from shopkeeper.evaluation.report import Board, ReportInputs, ReportSettings, render_report
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.transitions import Transitions

N_ITEMS = 30
EVIL = "<script>alert('tea & cake')</script>"


def walks(n_users: int, length: int = 9) -> Dataset:
    generator = np.random.default_rng(0)
    starts = generator.integers(0, N_ITEMS, n_users)
    rows = [(start + np.arange(length)) % N_ITEMS + 1 for start in starts]
    ids = [f"item-{place:02d}" for place in range(1, N_ITEMS + 1)]
    table = pa.table(
        {
            "item_id": pa.array(ids, pa.large_string()),
            "title": [f"{EVIL} {place}" for place in range(1, N_ITEMS + 1)],
            "category": ["Food > Cakes"] * N_ITEMS,
            "price": [1234.5] * N_ITEMS,
        }
    )
    return Dataset(
        Vocabulary(range(100, 100 + n_users)), Vocabulary(ids), Histories.of_items(rows), catalog=Catalog(table)
    )


@pytest.fixture(scope="session")
def bare() -> ReportInputs:
    dataset = walks(200)
    return ReportInputs(dataset, split(dataset, SplitSettings(kind="leave_one_out")))


@pytest.fixture(scope="session")
def models(bare: ReportInputs) -> list[Recommender]:
    """Both fitted, whichever test comes first."""
    return [MostPopular().fit(bare.split.train), Transitions().fit(bare.split.train)]


@pytest.fixture(scope="session")
def measured(bare: ReportInputs, models: list[Recommender]) -> Leaderboard:
    return leaderboard(bare.split, models, settings=EvaluationSettings(ks=(3, 5), n_bootstrap=50))


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("run") / "log.csv"
    file.write_text(
        "epoch,loss,learning_rate,seconds,validation\n1,3.5,0.1,1.0,0.1\n2,2.25,0.1,1.0,0.3\n3,2.0,0.1,1.0,\n"
        "4,1.75,0.1,1.0,0.25\n",
        encoding="utf-8",
    )
    return file


@pytest.fixture(scope="session")
def curve(bare: ReportInputs, models: list[Recommender]) -> list[MetricRow]:
    """Of both models."""
    settings = EvaluationSettings(ks=(5,), n_bootstrap=50, curve_events=(0, 1, 3, 99))
    return [row for model in models for row in event_curve(model, bare.split.test, settings, part="test")]


@pytest.fixture(scope="session")
def full(
    bare: ReportInputs, measured: Leaderboard, models: list[Recommender], curve: list[MetricRow], log: Path
) -> ReportInputs:
    return replace(
        bare,
        board=Board.of(measured, keys=[("ndcg", 5), ("recall", 5)]),
        curve=curve,
        recommenders=models[::-1],
        validation={"findings": [{"severity": "warning", "title": f"odd {EVIL}", "count": 4321, "remedy": "look"}]},
        rejected={"missing_user": 1234, f"odd {EVIL}": 7, "never": 0},
        training_log=log,
        card={"command": f"shopkeeper report {EVIL}", "data": {"hash": "abc", "seeds": [1, 2], "gap": None}},
    )


@pytest.fixture(scope="session")
def settings() -> ReportSettings:
    return ReportSettings(title=f"Report {EVIL}", shop="Tea & Co", k=5, examples=3, currency="$")


@pytest.fixture(scope="session")
def page(full: ReportInputs, settings: ReportSettings) -> str:
    return render_report(full, settings)
