"""What a report is made of: curves of the best models, ids of generative ones, features of a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ArtifactError, DataError
from shopkeeper.evaluation.contest import Fit, fit, measure
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.features.feature import Feature
from shopkeeper.features.image.feature import ImageSettings
from shopkeeper.features.semantic_ids import CodebookSettings
from shopkeeper.jobs.report import CURVES, event_curves, report_inputs, with_goods
from shopkeeper.pipeline.card import Card
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.recently_viewed import RecentlyViewed
from shopkeeper.recommenders.tiger import TIGER, TIGERConfig
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings

QUICK = EvaluationSettings(ks=(1, 3), n_bootstrap=0)


@pytest.fixture
def parts(cycle: Dataset) -> Split:
    return split(cycle, SplitSettings(kind="leave_one_out"))


def card() -> Card:
    return Card(
        model="Transitions", model_settings={}, pipeline={}, training_settings={}, split_settings={}, data={},
        metrics=[], learning_curve=[], seed=0, seconds=0.0, created_at="2024-01-01T00:00:00Z", versions={},
    )  # fmt: skip


def test_the_best_models_are_asked_with_shorter_histories(parts: Split) -> None:
    fits = [fit(model, parts) for model in (MostPopular(), RecentlyViewed(), ItemKNN(), Transitions())]
    board = measure(fits, parts, QUICK)
    curve = event_curves(board, fits, parts, QUICK.replace(curve_events=(0, 1)))
    assert len({row.model for row in curve}) == CURVES
    assert curve[0].model == "Transitions"
    assert {row.segment for row in curve} == {"0", "1", "all"}
    assert event_curves(measure(fits, parts, QUICK.replace(metrics=("novelty",))), fits, parts, QUICK) == []


def test_ids_of_a_generative_model_come_to_the_page(cycle: Dataset, parts: Split) -> None:
    config = TIGERConfig(embedding_size=8, n_heads=1, n_layers=1, codebooks=CodebookSettings(levels=2, size=3))
    tiger = fit(TIGER(config), parts, TrainingSettings(epochs=1, device="cpu"))
    fits: list[Fit] = [fit(Transitions(), parts), tiger]
    inputs = report_inputs(cycle, parts, measure(fits, parts, QUICK), fits, card())
    assert list(inputs.semantic_ids) == ["TIGER"]
    assert inputs.semantic_ids["TIGER"].n_items == parts.train.n_items


def test_features_of_texts_come_first_and_pictures_are_those_of_all_items(
    cycle: Dataset, parts: Split, tmp_path: Path
) -> None:
    ids = cycle.items.arrow.to_pylist()
    catalog = Catalog(pa.table({"item_id": pa.array(ids, pa.large_string()), "image": [f"{one}.png" for one in ids]}))
    inputs = ReportInputs(replace(cycle, catalog=catalog), parts)
    with pytest.raises(ArtifactError, match="has no feature"):
        with_goods(inputs, tmp_path / "store", None, ImageSettings())
    known = np.arange(parts.train.n_items + 1) > 0
    for name in ("image-a", "tabular", "text-b"):
        matrix = np.ones((parts.train.n_items + 1, 2), dtype=np.float32)
        Feature(name, parts.train.items, matrix, known).save(tmp_path / "store" / name)
    found = with_goods(inputs, tmp_path / "store", tmp_path, ImageSettings())
    assert [feature.name for feature in found.features] == ["text-b", "image-a", "tabular"]
    assert all(feature.items == cycle.items for feature in found.features)
    assert found.pictures is not None and len(found.pictures) == cycle.n_items
    with pytest.raises(DataError, match="no column 'photo'"):
        with_goods(inputs, tmp_path / "store", tmp_path, ImageSettings(column="photo"))
