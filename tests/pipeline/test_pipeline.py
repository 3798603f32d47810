"""The pipeline answers in any case, keeps every filter, says why, and is evaluated in the order that it serves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.artifacts import open_artifact
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ShopkeeperError
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.pipeline.asking import Answer, Ask, Filters, ReasonKind
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.settings import PipelineSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.transitions import Transitions, TransitionsConfig
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

TRAINING = TrainingSettings(epochs=15, device="cpu", optimizer=OptimizerSettings(learning_rate=0.01))
NARROW = TransitionsConfig(window=2, backward=0)


@pytest.fixture
def shop(cycle: Dataset) -> Dataset:
    """The circle of twelve items: two categories of six, two brands, price = place, item-12 is sold out."""
    ids = cycle.items.arrow.to_pylist()
    table = pa.table(
        {
            "item_id": pa.array(ids, pa.large_string()),
            "title": [f"Thing {place}" for place in range(1, 13)],
            "category": ["Garden > Tools"] * 6 + ["Kitchen > Pots"] * 6,
            "brand": ["odd", "even"] * 6,
            "price": [float(place) for place in range(1, 13)],
            "available": [place != 12 for place in range(1, 13)],
        }
    )
    return replace(cycle, catalog=Catalog(table))


@pytest.fixture
def pipeline(shop: Dataset) -> Pipeline:
    return Pipeline([Transitions(NARROW)], PipelineSettings(category_factor=1, brand_factor=1)).fit(shop)


def history(*items: int, types: tuple[EventType, ...] = ()) -> Histories:
    made = Histories.of_items([list(items)])
    codes = [event.code for event in types] or [EventType.VIEW.code] * len(items)
    return replace(made, event_type=np.array(codes, dtype=np.uint8))


def one(pipeline: Pipeline, past: Histories, k: int = 3, explain: bool = False, **filters: object) -> Answer:
    return pipeline.answer([Ask(0, past, k, Filters(**filters), explain=explain)])[0]


def test_what_follows_comes_first(pipeline: Pipeline) -> None:
    answer = one(pipeline, history(3))
    assert answer.item_index.tolist()[:2] == [4, 5]
    assert answer.sources[0] == "Transitions"
    assert (np.diff(answer.scores) <= 0).all()


def test_every_filter_holds_and_the_list_is_filled_up_below_it(pipeline: Pipeline) -> None:
    assert set(one(pipeline, history(3), k=12).item_index.tolist()) == set(range(1, 12)) - {3}
    assert 12 in one(pipeline, history(10), k=12, available=False).item_index
    assert set(one(pipeline, history(3), k=12, category="Kitchen").item_index.tolist()) == {7, 8, 9, 10, 11}
    assert not len(one(pipeline, history(3), category="Kitch").item_index)
    assert set(one(pipeline, history(1), k=12, price_min=4, price_max=6).item_index.tolist()) == {4, 5, 6}
    assert 3 in one(pipeline, history(3), k=12, hide=Hide.NONE).item_index
    excluded = pipeline.answer([Ask(0, history(3), 12, exclude=np.array([4, 5], dtype=np.int32))])[0]
    assert not {4, 5} & set(excluded.item_index.tolist())


def test_what_lies_in_the_cart_stays_hidden_until_it_is_bought(pipeline: Pipeline) -> None:
    carted = history(4, 3, types=(EventType.CART, EventType.VIEW))
    assert 4 not in one(pipeline, carted, k=12, hide=Hide.NONE).item_index
    assert 4 in one(pipeline, carted, k=12, hide=Hide.NONE, in_cart=True).item_index
    bought = history(4, 4, 3, types=(EventType.CART, EventType.PURCHASE, EventType.VIEW))
    assert 4 in one(pipeline, bought, k=12, hide=Hide.NONE).item_index


def test_a_batch_answers_like_single_questions(pipeline: Pipeline) -> None:
    asks = [
        Ask(0, history(3), 4), Ask(0, history(9, 2), 2, Filters(category="Garden")), Ask(0, history(), 5),
        Ask(1, history(7), 3, explain=True),
    ]  # fmt: skip
    for together, ask in zip(pipeline.answer(asks), asks, strict=True):
        alone = pipeline.answer([ask])[0]
        assert together.item_index.tolist() == alone.item_index.tolist()
        assert together.sources == alone.sources
        assert together.reasons == alone.reasons
        np.testing.assert_allclose(together.scores, alone.scores, rtol=1e-5)


def test_nobody_known_gets_what_is_popular_and_is_told_so(pipeline: Pipeline) -> None:
    answer = one(pipeline, history(), k=4, explain=True)
    assert len(answer.item_index) == answer.fallback == 4
    assert answer.reasons[0].kind == ReasonKind.POPULAR
    assert {reason.kind for reason in answer.reasons} <= {ReasonKind.POPULAR, ReasonKind.MORE}
    assert set(answer.sources) == {"MostPopular"}


def test_the_fallback_prefers_categories_of_the_history(pipeline: Pipeline) -> None:
    answer = one(pipeline, history(3), k=8, explain=True)
    filled = [reason for reason in answer.reasons if reason.category is not None]
    assert {reason.kind for reason in filled} <= {ReasonKind.POPULAR_IN, ReasonKind.MORE_IN}
    assert filled
    assert {reason.category for reason in filled} == {"Garden"}
    assert answer.sources[-1] == "MostPopular"


@pytest.mark.parametrize(
    ("event", "model", "kind"),
    [
        (EventType.PURCHASE, ItemKNN, ReasonKind.BECAUSE_BOUGHT),
        (EventType.CART, ItemKNN, ReasonKind.BECAUSE_IN_CART),
        (EventType.LIKE, ItemKNN, ReasonKind.BECAUSE_LIKED),
        (EventType.VIEW, ItemKNN, ReasonKind.BECAUSE_VIEWED),
        (EventType.PURCHASE, Transitions, ReasonKind.OFTEN_NEXT),
    ],
)
def test_the_reason_names_the_event_that_speaks_for_the_item(
    shop: Dataset, event: EventType, model: type[Recommender], kind: ReasonKind
) -> None:
    pipeline = Pipeline([model()]).fit(shop)
    past = history(9, 3, types=(EventType.VIEW, event))
    answer = one(pipeline, past, explain=True, category="Garden")
    reason = dict(zip(answer.item_index.tolist(), answer.reasons, strict=True))[4]
    assert (reason.kind, reason.evidence[0]) == (kind, 3)


def test_what_is_named_as_evidence_matters_more_than_the_rest(shop: Dataset) -> None:
    """Without the named event the item falls further than without any other one, for a network too."""
    pipeline = Pipeline([SASRec(SASRecConfig(embedding_size=16))]).fit(shop, training=TRAINING)
    model, past = pipeline.primary, history(9, 6, 2, 3)
    answer = one(pipeline, past, k=5, explain=True)
    for item, reason in zip(answer.item_index, answer.reasons, strict=True):
        if not reason.evidence:
            continue
        left = {}
        for gone in (9, 6, 2, 3):
            kept = history(*(place for place in (9, 6, 2, 3) if place != gone))
            left[gone] = model.score(np.zeros(1, np.int32), kept)[0, item]
        assert min(left, key=lambda gone: left[gone]) == reason.evidence[0]


def test_variety_is_light_and_does_not_change_what_comes_out(shop: Dataset) -> None:
    plain = Pipeline([ItemKNN()], PipelineSettings(category_factor=1, brand_factor=1)).fit(shop)
    varied = Pipeline([ItemKNN()], PipelineSettings(category_factor=0.5, brand_factor=1)).fit(shop)
    past = history(5)
    before, after = one(plain, past, k=4), one(varied, past, k=4)
    half = shop.n_items // 2
    assert (after.item_index > half).sum() > (before.item_index > half).sum() or set(before.item_index) == set(
        after.item_index
    )
    assert (np.diff(after.scores) <= 0).all()


def test_weights_are_chosen_on_the_validation_part(shop: Dataset) -> None:
    parts = split(shop, SplitSettings(kind="leave_one_out"))
    blind, seeing = MostPopular().fit(parts.train), Transitions(NARROW).fit(parts.train)
    pipeline = Pipeline.of_fitted([blind, seeing], validation=parts.validation)
    assert pipeline.weights[1] > 0
    assert sum(pipeline.weights) == pytest.approx(1)
    other = Pipeline.of_fitted([seeing, blind], validation=parts.validation)
    assert other.weights == [1.0, 0.0]


def test_it_is_evaluated_in_the_order_that_it_serves(shop: Dataset) -> None:
    parts = split(shop, SplitSettings(kind="leave_one_out"))
    pipeline = Pipeline([Transitions(NARROW), ItemKNN()]).fit(parts.train, parts.validation)
    users, asked = parts.test.user_index, parts.test.histories
    scores, _ = pipeline.final_scores(users, asked)
    past = Filters(available=False)
    served = pipeline.answer([Ask(int(user), asked.slice(row, row + 1), 5, past) for row, user in enumerate(users)])
    for row, answer in enumerate(served):
        assert np.argsort(-scores[row], kind="stable")[: len(answer.item_index)].tolist() == answer.item_index.tolist()
    reached = evaluate(pipeline, parts.test).value("hit_rate", 5)
    hits = [bool(set(answer.item_index) & set(parts.test.targets.items_of(row))) for row, answer in enumerate(served)]
    assert reached == pytest.approx(np.mean(hits))


def test_saved_and_loaded_answers_the_same(shop: Dataset, tmp_path: Path) -> None:
    pipeline = Pipeline([Transitions(NARROW), ItemKNN()]).fit(shop)
    pipeline.weights = [0.7, 0.3]
    pipeline.remember(shop)
    pipeline.save(tmp_path / "pipeline")
    loaded = Pipeline.read(open_artifact(tmp_path / "pipeline", "recommender"))
    assert loaded.weights == pipeline.weights
    assert loaded.name == pipeline.name
    ask = Ask(1, history(3, 9), 6, explain=True)
    before, after = pipeline.answer([ask])[0], loaded.answer([ask])[0]
    assert before.item_index.tolist() == after.item_index.tolist()
    assert (before.sources, before.reasons) == (after.sources, after.reasons)
    assert loaded.facts.title(3) == "Thing 3"
    known = shop.users.ids([1, 2, 3])
    assert list(loaded.recommend(known, k=4)) == list(pipeline.recommend(known, k=4))
    assert list(loaded.primary.recommend(known, k=4)) == list(pipeline.primary.recommend(known, k=4))


def test_a_pipeline_of_nothing_is_refused() -> None:
    with pytest.raises(ShopkeeperError, match="needs a recommender"):
        Pipeline([])


def test_recommend_tells_source_and_reason_in_words(pipeline: Pipeline) -> None:
    answer = pipeline.recommend(histories=[["item-03", "nothing like it"]], k=11, explain=True)
    assert answer.ignored == [["nothing like it"]]
    first, last = answer[0][0], answer[0][-1]
    assert (first.item_id, first.source, first.reason) == ("item-04", "Transitions", "often next after Thing 3")
    assert (last.source, last.reason) == ("MostPopular", "more from the shop")
    assert pipeline.recommend(histories=[["item-03"]], k=1)[0][0].reason is None
    assert answer.to_arrow().column("source").to_pylist()[-1] == "MostPopular"


def test_what_items_are_like_is_told_by_the_recommender_that_proves_to_know(cycle: Dataset) -> None:
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    untrained = TrainingSettings(epochs=1, device="cpu", optimizer=OptimizerSettings(learning_rate=1e-9))
    blind = SASRec(SASRecConfig(embedding_size=16)).fit(parts.train, training=untrained)
    pipeline = Pipeline.of_fitted([blind, Transitions(NARROW).fit(parts.train)], validation=parts.validation)
    assert pipeline.likeness == [1, 0]
    assert pipeline.similar_items(["item-05"], k=2).ids(0) == ["item-06", "item-07"]
    assert pipeline.item_vectors() is None
    assert Pipeline.of_fitted([MostPopular().fit(parts.train)]).likeness == []


def test_where_the_best_one_knows_nothing_of_an_item_the_next_one_says_what_it_is_like(cycle: Dataset) -> None:
    vectors = SASRec(SASRecConfig(embedding_size=16)).fit(cycle, training=TRAINING)
    links = Transitions(NARROW).fit(cycle)
    links.links = links.links.copy()
    links.links.data[links.links.indptr[5] : links.links.indptr[6]] = 0
    links.links.eliminate_zeros()
    pipeline = Pipeline.of_fitted([links, vectors])
    assert pipeline.similar_items(["item-05"], k=3).ids(0) == vectors.similar_items(["item-05"], k=3).ids(0)
    assert pipeline.similar_items(["item-06"], k=1).ids(0) == ["item-07"]
