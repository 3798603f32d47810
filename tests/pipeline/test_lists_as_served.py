"""A list hangs on its question alone: not on its length, not on who asks beside; and it is what figures are of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Split
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.outcome import answer as ranked
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.pipeline.asking import Answer, Ask, Filters
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.settings import PipelineSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.ease import EASE
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.recently_viewed import RecentlyViewed
from shopkeeper.recommenders.transitions import Transitions

N_ITEMS, N_USERS = 80, 30
FEW = PipelineSettings(candidates=8, category_factor=0.8, brand_factor=0.9)
LENGTHS = (1, 7, 30, N_ITEMS)
INTERESTS = ("a", "b > x")

MIXTURES: dict[str, tuple[tuple[type[Recommender], ...], tuple[float, ...]]] = {
    "one": ((ItemKNN,), (1.0,)),
    "two": ((EASE, Transitions), (0.6, 0.4)),
    "one fills up": ((Transitions, ItemKNN), (1.0, 0.0)),
    "little to say": ((RecentlyViewed, ItemKNN), (0.5, 0.5)),
}
every = pytest.mark.parametrize("pipeline", MIXTURES, indirect=True)


@pytest.fixture(scope="module")
def parts() -> Split:
    """Random walks with all types of events in a catalog of categories and brands, a fifth of it sold out."""
    generator = np.random.default_rng(5)
    walks = [generator.integers(1, N_ITEMS + 1, generator.integers(3, 30)) for _ in range(N_USERS)]
    histories = Histories.of_items([walk.astype(np.int32) for walk in walks])
    types = np.array([EventType.VIEW.code, EventType.CART.code, EventType.PURCHASE.code], dtype=np.uint8)
    histories = replace(histories, event_type=types[generator.integers(0, 3, histories.n_events)])
    table = pa.table(
        {
            "item_id": pa.array(range(1, N_ITEMS + 1)),
            "category": [["a > x", "a > y", "b > x", "c"][code] for code in generator.integers(0, 4, N_ITEMS)],
            "brand": [f"brand {code}" for code in generator.integers(0, 5, N_ITEMS)],
            "available": (generator.random(N_ITEMS) < 0.8).tolist(),
        }
    )
    users, items = Vocabulary(range(1, N_USERS + 1)), Vocabulary(range(1, N_ITEMS + 1))
    return split(Dataset(users, items, histories, catalog=Catalog(table)), SplitSettings(kind="leave_one_out"))


@pytest.fixture
def pipeline(parts: Split, request: pytest.FixtureRequest) -> Pipeline:
    models, weights = MIXTURES[request.param]
    made = Pipeline.of_fitted([model().fit(parts.train) for model in models], FEW)
    made.weights = list(weights)
    return made


def questions(parts: Split, k: int) -> list[Ask]:
    """Known and unknown shoppers, some without a history, with filters of all kinds."""
    filters = (Filters(), Filters(available=False, hide=Hide.NONE), Filters(category="a"), Filters(in_cart=True))
    asked = [
        Ask(row % 3 and row, parts.test.histories.slice(row, row + 1), k, filters[row % len(filters)])
        for row in range(8)
    ]
    nothing = Histories.of_items([[]])
    hidden = np.arange(1, 40, dtype=np.int32)
    return [*asked, Ask(0, nothing, k), Ask(0, nothing, k, interests=INTERESTS), replace(asked[1], exclude=hidden)]


def as_table(answer: Answer) -> list[tuple[int, float, str]]:
    return list(zip(answer.item_index.tolist(), answer.scores.tolist(), answer.sources, strict=True))


@every
def test_a_long_list_begins_like_a_short_one(pipeline: Pipeline, parts: Split) -> None:
    whole = [pipeline.answer([ask])[0] for ask in questions(parts, N_ITEMS)]
    for k in LENGTHS:
        for ask, long in zip(questions(parts, k), whole, strict=True):
            short = pipeline.answer([ask])[0]
            assert as_table(short) == as_table(long)[:k]
            assert (np.diff(short.scores) <= 0).all()


@every
def test_who_asks_beside_changes_nothing(pipeline: Pipeline, parts: Split) -> None:
    generator = np.random.default_rng(1)
    asked = [ask for k in LENGTHS for ask in questions(parts, k)]
    alone = [as_table(pipeline.answer([ask])[0]) for ask in asked]
    for size in (2, 7, len(asked)):
        drawn = generator.permutation(len(asked))[:size]
        together = pipeline.answer([asked[place] for place in drawn])
        assert [as_table(one) for one in together] == [alone[place] for place in drawn]


@every
def test_everything_that_may_come_out_does_and_once(pipeline: Pipeline, parts: Split) -> None:
    for ask in questions(parts, N_ITEMS):
        items = pipeline.answer([replace(ask, filters=Filters(available=False, hide=Hide.SEEN))])[0].item_index
        left = set(range(1, parts.train.n_items + 1)) - set(ask.history.item_index.tolist()) - set(ask.exclude.tolist())
        assert sorted(items.tolist()) == sorted(left)


@every
@pytest.mark.parametrize("hide", [None, Hide.SEEN])
def test_figures_at_any_length_are_those_of_the_lists(pipeline: Pipeline, parts: Split, hide: Hide | None) -> None:
    """Recall counted by hand from the lists, from scores, and from lists by the evaluation."""
    asked = EvaluationSettings(ks=LENGTHS, metrics=("recall", "ndcg"), segments=False, n_bootstrap=0, hide=hide)
    by_scores = evaluate(pipeline, parts.test, asked)
    by_lists = evaluate(pipeline, parts.test, asked.replace(from_lists=True))
    past = Filters(available=False, hide=hide)
    served = pipeline.answer(
        [Ask(int(user), parts.test.histories.slice(row, row + 1), N_ITEMS, past)
         for row, user in enumerate(parts.test.user_index)]
    )  # fmt: skip
    targets = [set(parts.test.targets.items_of(row).tolist()) for row in range(len(served))]
    for k in asked.ks:
        hits = [len(set(answer.item_index[:k].tolist()) & own) / len(own)
                for answer, own in zip(served, targets, strict=True)]  # fmt: skip
        assert by_scores.value("recall", k) == pytest.approx(np.mean(hits))
        assert by_lists.value("recall", k) == pytest.approx(np.mean(hits))
        assert by_scores.value("ndcg", k) == pytest.approx(by_lists.value("ndcg", k))


@every
def test_some_items_are_ranked_among_themselves_by_their_places_in_the_whole_list(
    pipeline: Pipeline, parts: Split
) -> None:
    """However few places the figures look at."""
    some = np.arange(1, parts.train.n_items + 1, 3)
    outcome = ranked(pipeline, parts.test, 0, depth=2, new_items=some)
    assert outcome.ranks_among_new is not None
    for row, item, rank in zip(outcome.rows, outcome.items, outcome.ranks_among_new, strict=True):
        past = parts.test.histories.slice(row, row + 1)
        whole = pipeline.answer([Ask(int(parts.test.user_index[row]), past, N_ITEMS, Filters(available=False))])[0]
        listed = whole.item_index[np.isin(whole.item_index, some)].tolist()
        assert rank == (listed.index(item) + 1 if item in listed else np.inf)
