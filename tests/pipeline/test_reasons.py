"""What a reason states is counted again here, pair by pair, in the rows of the log."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.pipeline.asking import Ask, Filters, Reason, ReasonKind
from shopkeeper.pipeline.explain import OFTEN, sentence
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.popularity import POPULAR_SHARE
from shopkeeper.pipeline.settings import PipelineSettings
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.recommenders.personal_frequency import PersonalFrequency
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.transitions import Transitions

N_ITEMS, N_USERS, WINDOW = 60, 50, 10
OF_INTEREST = {EventType.VIEW, EventType.LIKE, EventType.CART, EventType.PURCHASE}
Rows = list[tuple[int, EventType, int]]
MODELS = {
    "Transitions": Transitions,
    "ItemKNN": ItemKNN,
    "PersonalFrequency": PersonalFrequency,
    "MostPopular": MostPopular,
}
BECAUSE = {
    ReasonKind.BECAUSE_VIEWED: EventType.VIEW,
    ReasonKind.BECAUSE_LIKED: EventType.LIKE,
    ReasonKind.BECAUSE_BOUGHT: EventType.PURCHASE,
    ReasonKind.BECAUSE_IN_CART: EventType.CART,
}
EXPECTED = {
    "Transitions": {ReasonKind.OFTEN_NEXT},
    "ItemKNN": set(BECAUSE),
    "PersonalFrequency": {ReasonKind.POPULAR_IN, ReasonKind.MORE_IN},
    "MostPopular": {ReasonKind.POPULAR, ReasonKind.MORE},
}
AGAIN = {ReasonKind.AGAIN, ReasonKind.BOUGHT_BEFORE, ReasonKind.VIEWED_BEFORE, ReasonKind.IN_HISTORY}


def random_shop() -> Dataset:
    """Items of six categories, a few of them taken by many, and several of one title; events of all types."""
    generator = np.random.default_rng(11)
    share = 1 / np.arange(1, N_ITEMS + 1)
    walks = [
        generator.choice(N_ITEMS, generator.integers(2, 25), p=share / share.sum()).astype(np.int32) + 1
        for _ in range(N_USERS)
    ]
    histories = Histories.of_items(walks)
    types = generator.choice(6, histories.n_events, p=[0.05, 0.5, 0.1, 0.15, 0.15, 0.05]) + 1
    table = pa.table(
        {
            "item_id": pa.array(range(1, N_ITEMS + 1)),
            "title": [f"Thing {item % 20}" for item in range(1, N_ITEMS + 1)],
            "category": [f"{'ABC'[item % 3]} > {item % 2}" for item in range(1, N_ITEMS + 1)],
        }
    )
    return Dataset(
        Vocabulary(range(1, N_USERS + 1)), Vocabulary(range(1, N_ITEMS + 1)),
        replace(histories, event_type=types.astype(np.uint8)), catalog=Catalog(table),
    )  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return random_shop()


def rows_of(histories: Histories, row: int) -> Rows:
    span = slice(int(histories.offsets[row]), int(histories.offsets[row + 1]))
    columns = (histories.item_index[span], histories.event_type[span], histories.timestamp[span])
    return [(int(item), EVENT_TYPES[code - 1], int(time)) for item, code, time in zip(*columns, strict=True)]


def times_next(log: list[Rows], first: int, then: int) -> int:
    """How often one item came at most `WINDOW` events of interest after another one."""
    times = 0
    for rows in log:
        items = [item for item, event, _ in rows if event in OF_INTEREST]
        for place, item in enumerate(items):
            times += items[place + 1 : place + 1 + WINDOW].count(then) if item == first else 0
    return times


def is_in_cart(past: Rows, item: int) -> bool:
    own = [event for other, event, _ in past if other == item]
    ends = [place for place, event in enumerate(own) if event in (EventType.PURCHASE, EventType.RETURN)]
    return EventType.CART in own[max(ends, default=-1) + 1 :]


def is_among_the_first(log: list[Rows], item: int, scope: list[int]) -> bool:
    taken = Counter(other for rows in log for other, event, _ in rows if event in OF_INTEREST)
    more = sum(taken[other] > taken[item] for other in scope)
    return taken[item] > 0 and more < max(1, POPULAR_SHARE * len(scope))


def holds(reason: Reason, item: int, past: Rows, log: list[Rows], category: dict[int, str]) -> bool:
    """Whether all that a reason states is so in the rows of the log."""
    types = {other: {event for one, event, _ in past if one == other} for other in {row[0] for row in past}}
    own, kind = types.get(item, set()), reason.kind
    of_category = [other for other, path in category.items() if path.split(" > ")[0] == reason.category]
    if kind in BECAUSE:
        stated = all(BECAUSE[kind] in types[one] for one in reason.evidence)
        return stated and (kind != ReasonKind.BECAUSE_IN_CART or all(is_in_cart(past, one) for one in reason.evidence))
    checks = {
        ReasonKind.BECAUSE_OF: lambda: all(one in types for one in reason.evidence),
        ReasonKind.OFTEN_NEXT: lambda: all(
            one in types and times_next(log, one, item) >= OFTEN for one in reason.evidence
        ),
        ReasonKind.AGAIN: lambda: len({time for other, _, time in past if other == item}) > 1,
        ReasonKind.BOUGHT_BEFORE: lambda: EventType.PURCHASE in own,
        ReasonKind.VIEWED_BEFORE: lambda: EventType.VIEW in own,
        ReasonKind.IN_HISTORY: lambda: bool(own),
        ReasonKind.BY_HISTORY: lambda: bool(past),
        ReasonKind.POPULAR: lambda: is_among_the_first(log, item, list(category)),
        ReasonKind.POPULAR_IN: lambda: item in of_category and is_among_the_first(log, item, of_category),
        ReasonKind.MORE_IN: lambda: item in of_category,
        ReasonKind.MORE: lambda: True,
    }
    return checks[kind]()


def answers(pipeline: Pipeline, log: Dataset, k: int, **filters: Any) -> list[tuple[int, int, Reason]]:
    """User (from 0), item and reason of the lists of all users."""
    asks = [
        Ask(row + 1, log.histories.slice(row, row + 1), k, Filters(**filters), explain=True) for row in range(N_USERS)
    ]
    return [
        (row, int(item), reason)
        for row, answer in enumerate(pipeline.answer(asks))
        for item, reason in zip(answer.item_index, answer.reasons, strict=True)
    ]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("hide", [Hide.NONE, Hide.SEEN])
def test_every_fact_of_a_reason_is_in_the_log(shop: Dataset, model: str, hide: Hide) -> None:
    pipeline = Pipeline([MODELS[model]()]).fit(shop)
    log = [rows_of(shop.histories, row) for row in range(N_USERS)]
    category = {item: pipeline.facts.category(item) or "" for item in range(1, N_ITEMS + 1)}
    found = answers(pipeline, shop, 40, hide=hide, in_cart=True)
    for row, item, reason in found:
        assert holds(reason, item, log[row], log, category), (log[row], item, reason)
    kinds = {reason.kind for *_, reason in found}
    expected = EXPECTED[model]
    if hide is Hide.NONE and model == "PersonalFrequency":
        expected = expected | AGAIN
    assert kinds >= expected


def test_a_new_item_is_often_next_after_nothing(shop: Dataset) -> None:
    """It borrows the place of the items that it is like, not what was counted for them."""
    new = [N_ITEMS + 1, N_ITEMS + 2]
    longer = replace(shop, items=Vocabulary(range(1, N_ITEMS + 3)), catalog=None)
    newcomers = Newcomers(longer, np.array([[1], [2]], dtype=np.int32), np.ones((2, 1), dtype=np.float32))
    pipeline = Pipeline([Transitions()]).fit(shop).with_newcomers(newcomers)
    log = [rows_of(shop.histories, row) for row in range(N_USERS)]
    found = answers(pipeline, longer, 10, hide=Hide.SEEN)
    of_new = [reason for _, item, reason in found if item in new]
    assert of_new
    for row, item, reason in found:
        assert holds(reason, item, log[row], log, {})
    past = Histories.of_items([new])
    reasons = pipeline.answer([Ask(0, past, 10, explain=True)])[0].reasons
    assert ReasonKind.OFTEN_NEXT not in {reason.kind for reason in reasons}


def test_evidence_is_looked_for_in_the_whole_history() -> None:
    """Of forty items only the first one was ever seen beside the item that is recommended."""
    many = list(range(3, 43))
    walks = [[1, 2]] * 5 + [[item] for item in many]
    shop = Dataset(Vocabulary(range(45)), Vocabulary(range(1, 43)), Histories.of_items(walks))
    asked = [Ask(0, Histories.of_items([[1, *many[:-1]]]), 1, explain=True)]
    pipeline = Pipeline([ItemKNN()]).fit(shop)
    answer = pipeline.answer(asked)[0]
    assert (answer.item_index[0], answer.reasons[0].evidence) == (2, (1,))
    short = Pipeline([ItemKNN()], PipelineSettings(evidence_items=10)).fit(shop)
    assert short.answer(asked)[0].reasons[0].evidence == ()


def test_two_items_of_one_title_are_named_once(shop: Dataset) -> None:
    facts = Pipeline([MostPopular()]).fit(shop).facts
    assert facts.title(1) == facts.title(21) == "Thing 1"
    reason = Reason(ReasonKind.BECAUSE_VIEWED, (1, 21, 2))
    assert sentence(reason, facts, {}) == "because you viewed Thing 1 and Thing 2"


def test_a_model_of_before_pairs_were_counted_says_less(shop: Dataset) -> None:
    model = Transitions().fit(shop)
    state = model.state()
    del state["followed"]
    model.restore(state)
    kinds = {reason.kind for *_, reason in answers(Pipeline.of_fitted([model]), shop, 10)}
    assert ReasonKind.OFTEN_NEXT not in kinds
    assert kinds & set(BECAUSE)


@pytest.mark.parametrize("settings", [{}, {"neighbors": 3}, {"window": 2, "backward": 0.0}])
def test_pairs_in_order_are_counted_right(shop: Dataset, settings: dict[str, float]) -> None:
    model = Transitions(Transitions.Config(**settings)).fit(shop)
    log = [rows_of(shop.histories, row) for row in range(N_USERS)]
    for then in (1, 2, 7, 30):
        first = np.flatnonzero(model.links[:, [then]].toarray()).astype(np.int32)
        expected = [_pairs_within(log, int(one), then, model.config.window) for one in first]
        assert model.times_followed(first, then).tolist() == expected


def _pairs_within(log: list[Rows], first: int, then: int, window: int) -> int:
    items = [[item for item, event, _ in rows if event in OF_INTEREST] for rows in log]
    return sum(
        row[place + 1 : place + 1 + window].count(then)
        for row in items for place, item in enumerate(row) if item == first
    )  # fmt: skip
