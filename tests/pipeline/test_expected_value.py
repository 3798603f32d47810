"""Candidates in the order of what a purchase of them is likely to bring: as evaluated, so served."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, DataError
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.pipeline.asking import Ask, Filters
from shopkeeper.pipeline.expected_value import worth_of
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.settings import PipelineSettings, RankingSettings
from shopkeeper.predictors.logistic_regression import LogisticRegression
from shopkeeper.recommenders.popular import MostPopular

pytest.importorskip("sklearn")
DAY = 86_400_000_000
N_USERS, N_ITEMS = 120, 8
SEEN = Filters(hide=Hide.NONE, in_cart=True)


def shop_log() -> Dataset:
    """Each shopper views three things, ten days apart, and mostly buys the last of them a day on; item i costs i."""
    rng = np.random.default_rng(0)
    viewed = rng.permuted(np.tile(np.arange(1, N_ITEMS + 1), (N_USERS, 1)), axis=1)[:, :3]
    bought = np.where(rng.random(N_USERS) < 0.8, viewed[:, 2], rng.integers(1, N_ITEMS + 1, N_USERS))
    item = np.column_stack([viewed, bought]).ravel().astype(np.int32)
    kinds = np.tile([EventType.VIEW.code] * 3 + [EventType.PURCHASE.code], N_USERS).astype(np.uint8)
    time = (rng.integers(0, 60, (N_USERS, 1)) + np.array([0, 10, 20, 21])) * DAY
    ids = [f"thing-{place}" for place in range(1, N_ITEMS + 1)]
    catalog = pa.table({
        "item_id": pa.array(ids, pa.large_string()),
        "price": [float(place) for place in range(1, N_ITEMS + 1)],
        "margin": [None, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
        "color": ["red"] * N_ITEMS,
    })  # fmt: skip
    histories = Histories(np.arange(N_USERS + 1) * 4, item, kinds, time.ravel().astype(np.int64))
    return Dataset(
        Vocabulary(range(N_USERS)), Vocabulary(ids), histories, catalog=Catalog(catalog),
        price=item.astype(np.float32), quantity=np.ones(len(item), dtype=np.float32),
    )  # fmt: skip


@pytest.fixture(scope="module")
def log() -> Dataset:
    return shop_log()


def pipeline_of(log: Dataset, **ranking: object) -> Pipeline:
    settings = {"ranking": {"predictor": "LogisticRegression", "days": 5} | ranking, "category_factor": 1}
    return Pipeline([MostPopular()], build(PipelineSettings, settings)).fit(log)


def asked(log: Dataset, user: int, k: int = N_ITEMS, moment: int | None = None) -> Ask:
    return Ask(user, log.history_of(np.array([user], dtype=np.int32)), k, SEEN, moment=moment)


def offline(pipeline: Pipeline, log: Dataset, user: int, moment: int) -> np.ndarray:
    """Chances of all items by features of the log."""
    items = np.arange(1, N_ITEMS + 1, dtype=np.int32)
    examples = Examples(
        np.full(N_ITEMS, user, dtype=np.int32), items, np.full(N_ITEMS, moment), np.zeros(N_ITEMS, dtype=np.float32),
        placement=np.zeros(N_ITEMS, dtype=np.uint8),
    )  # fmt: skip
    return pipeline.ranking.predictor.predict_proba(with_features(log, examples))


def test_the_order_is_that_of_the_chances_of_the_log(log):
    pipeline = pipeline_of(log, by="probability")
    end = int(log.histories.timestamp.max()) + 1
    for user in (1, 7, 50):
        answer = pipeline.answer([asked(log, user)])[0]
        expected = offline(pipeline, log, user, end)
        np.testing.assert_allclose(answer.scores, expected[answer.item_index - 1], rtol=1e-6)
        assert answer.item_index.tolist() == (np.argsort(-expected, kind="stable") + 1).tolist()


def test_prices_of_the_history_are_those_of_the_log_that_is_remembered(log):
    late = log.select(log.histories.rows >= 20).compact()
    pipeline = pipeline_of(late, by="probability")
    pipeline.remember(log)
    number = int(late.users.indices([50])[0])
    assert number != 51
    answer = pipeline.answer([Ask(number, log.history_of(np.array([51])), N_ITEMS, SEEN)])[0]
    expected = offline(pipeline, log, 51, int(log.histories.timestamp.max()) + 1)
    np.testing.assert_allclose(answer.scores, expected[answer.item_index - 1], rtol=1e-6)
    assert "user_spent" in pipeline.ranking.predictor.features


def test_a_moment_that_is_given_is_that_of_the_features(log):
    pipeline = pipeline_of(log, by="probability")
    moment = int(log.histories.timestamp.max()) + 30 * DAY
    answer = pipeline.answer([asked(log, 3, moment=moment)])[0]
    expected = offline(pipeline, log, 3, moment)
    np.testing.assert_allclose(answer.scores, expected[answer.item_index - 1], rtol=1e-6)


def test_values_are_chances_times_what_a_purchase_is_worth(log):
    pipeline = pipeline_of(log, by="expected_value")
    end = int(log.histories.timestamp.max()) + 1
    answer = pipeline.answer([asked(log, 5)])[0]
    value = offline(pipeline, log, 5, end) * np.arange(1, N_ITEMS + 1)
    np.testing.assert_allclose(answer.scores, value[answer.item_index - 1], rtol=1e-6)
    assert (np.diff(answer.scores) <= 0).all()


def test_a_share_of_the_score_stays(log):
    plain, mixed, whole = (pipeline_of(log, **one) for one in ({}, {"by": "probability", "strength": 0.5},
                                                               {"by": "probability"}))  # fmt: skip
    assert plain.ranking is None
    ask = asked(log, 9)
    scores = [dict(zip(a.item_index.tolist(), a.scores.tolist(), strict=True))
              for a in (one.answer([ask])[0] for one in (plain, mixed, whole))]  # fmt: skip
    for item in range(1, N_ITEMS + 1):
        assert scores[1][item] == pytest.approx((scores[0][item] * scores[2][item]) ** 0.5, rel=1e-5)


def test_what_items_are_worth(log):
    price = worth_of(log, "price")
    np.testing.assert_array_equal(price[1:], np.arange(1, N_ITEMS + 1))
    margin = worth_of(log, "margin")
    assert margin[1:].tolist() == [4, 7, 6, 5, 4, 3, 2, 1]
    dearer, last = np.array(log.price), int(np.argmax(log.histories.timestamp))
    dearer[last] = 99
    changed = worth_of(replace(log, price=dearer), "price")
    assert changed[log.histories.item_index[last]] == 99
    assert sorted(changed)[-2] <= N_ITEMS
    by_ten = replace(log, quantity=np.full(log.n_events, 10, dtype=np.float32))
    np.testing.assert_allclose(worth_of(by_ten, "amount")[1:], 10 * np.arange(1, N_ITEMS + 1))
    many = np.ones(log.n_events, dtype=np.float32)
    bought = np.asarray(log.histories.event_type) == EventType.PURCHASE.code
    many[bought & (np.asarray(log.histories.item_index) == 3)] = 50
    amount = worth_of(replace(log, quantity=many), "amount")
    assert amount[3] / 3 > 2 * amount[4] / 4
    with pytest.raises(DataError, match="no numbers"):
        worth_of(log, "color")
    with pytest.raises(DataError, match="no item has a profit"):
        worth_of(log, "profit")


def test_saved_and_loaded_it_answers_the_same(log, tmp_path: Path):
    pipeline = pipeline_of(log, by="expected_value")
    with write_artifact(tmp_path / "kept", "pipeline") as writer:
        pipeline.write(writer)
    loaded = Pipeline.read(open_artifact(tmp_path / "kept", "pipeline"))
    for user in (0, 4):
        one, two = (each.answer([asked(log, user)])[0] for each in (pipeline, loaded))
        np.testing.assert_array_equal(one.item_index, two.item_index)
        np.testing.assert_array_equal(one.scores, two.scores)


def test_other_facts_of_items_give_other_values(log):
    cheap = replace(log, price=None)
    pipeline = pipeline_of(cheap, by="expected_value")
    table = log.catalog.table
    changed = Catalog(table.set_column(table.column_names.index("price"), "price", pa.array([1000.0] + [1.0] * 7)))
    before, after = (one.answer([asked(log, 2)])[0] for one in (pipeline, pipeline.with_catalog(changed)))
    assert after.item_index[0] == 1
    assert before.item_index.tolist() != after.item_index.tolist()
    assert pipeline.answer([asked(log, 2)])[0].item_index.tolist() == before.item_index.tolist()


def test_it_is_evaluated_as_it_is_served(log):
    parts = split(log, SplitSettings(kind="user", test_share=0.3))
    pipeline = pipeline_of(parts.train, by="probability")
    settings = EvaluationSettings(ks=(2,), metrics=("recall",), n_bootstrap=0, hide_seen=False, segments=False)
    holdout = parts.test
    asks = [
        Ask(int(user), holdout.histories.slice(row, row + 1), 2, SEEN, moment=int(moment))
        for row, (user, moment) in enumerate(zip(holdout.user_index, holdout.moments, strict=True))
    ]
    served = [one.item_index for one in pipeline.answer(asks)]
    hits = np.mean([target in shown for target, shown in zip(holdout.targets.item_index, served, strict=True)])
    assert evaluate(pipeline, holdout, settings).value("recall", 2) == pytest.approx(hits)
    shown = pipeline.recommend(histories=[["thing-3"]], k=3, hide_seen=False)
    answer = pipeline.answer([Ask(0, Histories.of_items([[3]]), 3, SEEN)])[0]
    assert shown.item_index[0].tolist() == answer.item_index.tolist()


def test_it_puts_first_what_is_bought_next(log):
    pipeline, plain = pipeline_of(log, by="probability"), pipeline_of(log)
    ends = np.arange(3, log.n_events, 4)
    histories = [log.history_of(np.array([user])).slice(0, 1) for user in range(1, N_USERS + 1)]
    before = [one.where(np.arange(4) < 3) for one in histories]
    moments = log.histories.timestamp[ends] - DAY // 2
    asks = [Ask(0, one, 1, SEEN, moment=int(moment)) for one, moment in zip(before, moments, strict=True)]
    bought = log.histories.item_index[ends]
    ranked, popular = (
        np.mean([answer.item_index[0] for answer in one.answer(asks)] == bought) for one in (pipeline, plain)
    )
    assert ranked > 0.6
    assert popular < 0.4


def test_what_cannot_rank_says_so(log):
    with pytest.raises(ConfigError, match="no predictor"):
        pipeline_of(log, by="probability", predictor="Gues")
    views = log.select(np.asarray(log.histories.event_type) == EventType.VIEW.code)
    with pytest.raises(DataError, match="no event of type purchase"):
        pipeline_of(views, by="probability")
    churn = LogisticRegression()
    churn.settings = ExampleSettings(target="churn")
    with pytest.raises(DataError, match="single items"):
        pipeline_of(log).rank_by(churn)
    assert RankingSettings().by == "score"
