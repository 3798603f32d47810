"""Categories that a new shopper is said to like."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.pipeline.asking import Answer, Ask, Filters, ReasonKind
from shopkeeper.pipeline.interests import interest_of
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.transitions import Transitions

NOBODY = Histories.of_items([[]])
CATEGORIES = ["Garden > Tools", "Garden > Tools", "Garden > Pots", "Kitchen", "Kitchen > Pots", "Toys"]


@pytest.fixture
def pipeline() -> Pipeline:
    """Six items; the first is the most popular one, the last the least."""
    rows = [[item for item in range(1, 7) if item <= 6 - user % 6] for user in range(30)]
    table = pa.table({"item_id": range(6), "category": CATEGORIES})
    data = Dataset(Vocabulary(range(30)), Vocabulary(range(6)), Histories.of_items(rows), catalog=Catalog(table))
    return Pipeline([Transitions()]).fit(data)


def ask(pipeline: Pipeline, *interests: str, history: Histories = NOBODY, k: int = 4, **filters: object) -> Answer:
    return pipeline.answer([Ask(0, history, k, Filters(**filters), explain=True, interests=interests)])[0]


def test_interests_take_turns_and_what_is_popular_follows(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "Kitchen", "Garden > Tools", k=6)
    assert answer.item_index.tolist() == [4, 1, 5, 2, 3, 6]
    assert answer.fallback == 6 and (np.diff(answer.scores) <= 0).all()
    reasons = [(reason.kind, reason.category) for reason in answer.reasons]
    first, more, rest = ReasonKind.POPULAR_IN, ReasonKind.MORE_IN, (ReasonKind.MORE, None)
    kitchen, tools = "Kitchen", "Garden > Tools"
    assert reasons == [(first, kitchen), (first, tools), (more, kitchen), (more, tools), rest, rest]


def test_unknown_interests_are_passed_over(pipeline: Pipeline) -> None:
    plain = ask(pipeline).item_index.tolist()
    assert ask(pipeline, "Kitch", "Boats").item_index.tolist() == plain == [1, 2, 3, 4]
    assert ask(pipeline, "Boats", "Toys").item_index.tolist() == [6, 1, 2, 3]
    assert ask(pipeline, "Toys", "Toys").item_index.tolist() == [6, 1, 2, 3]


def test_interests_that_overlap_give_each_item_once(pipeline: Pipeline) -> None:
    assert ask(pipeline, "Garden", "Garden > Pots", k=3).item_index.tolist() == [1, 3, 2]


def test_a_history_tells_more_than_interests(pipeline: Pipeline) -> None:
    past = Histories.of_items([[2]])
    with_interest, without = ask(pipeline, "Toys", history=past), ask(pipeline, history=past)
    assert with_interest.item_index.tolist() == without.item_index.tolist()
    assert with_interest.reasons == without.reasons


def test_filters_and_exclusions_hold(pipeline: Pipeline) -> None:
    assert ask(pipeline, "Garden", category="Garden > Pots").item_index.tolist() == [3]
    excluded = Ask(0, NOBODY, 2, interests=("Kitchen",), exclude=np.array([4], dtype=np.int32))
    assert pipeline.answer([excluded])[0].item_index.tolist() == [5, 1]


def test_a_batch_answers_like_single_questions(pipeline: Pipeline) -> None:
    asks = [Ask(0, NOBODY, 3, interests=("Toys",)), Ask(0, NOBODY, 3), Ask(0, Histories.of_items([[1]]), 3)]
    for together, one in zip(pipeline.answer(asks), asks, strict=True):
        assert together.item_index.tolist() == pipeline.answer([one])[0].item_index.tolist()


def test_an_interest_is_a_whole_step(pipeline: Pipeline) -> None:
    facts = pipeline.facts
    assert interest_of(facts, "Garden > Tools > Spades", ("Gar", "Garden > Tools")) == "Garden > Tools"
    assert interest_of(facts, "Garden", ("Garden > Tools",)) is None
    assert interest_of(facts, None, ("Garden",)) is None
    assert interest_of(facts, "Garden > Tools", ("Boats", "garden|tools")) == "Garden > Tools"


def test_without_categories_interests_change_nothing() -> None:
    data = Dataset(Vocabulary(range(2)), Vocabulary(range(3)), Histories.of_items([[1, 2], [1, 3]]))
    bare = Pipeline([Transitions()]).fit(data)
    assert ask(bare, "Garden", k=2).item_index.tolist() == ask(bare, k=2).item_index.tolist()
