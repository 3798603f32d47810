"""How a pipeline answers one batch of questions, step by step: candidates, one list, variety, filling up, reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import CATEGORY_SEPARATOR
from shopkeeper.pipeline.asking import Answer, Ask, Filters, Reason, ReasonKind
from shopkeeper.pipeline.diversify import diversify
from shopkeeper.pipeline.explain import reasons
from shopkeeper.pipeline.filters import allowed_items, hidden_items
from shopkeeper.pipeline.interests import interest_of, interesting_items
from shopkeeper.pipeline.rank import NONE, Ranked, join
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.types import BoolArray, Int32Array

if TYPE_CHECKING:
    from shopkeeper.pipeline.pipeline import Pipeline

WIDER: Final = 4
"""Where a list must be longer than its candidates reach, so many times more are taken."""


def answer(pipeline: Pipeline, asks: Sequence[Ask]) -> list[Answer]:
    """One answer for each question, in their order."""
    groups: dict[Filters, list[int]] = {}
    for place, ask in enumerate(asks):
        groups.setdefault(ask.filters, []).append(place)
    answers: dict[int, Answer] = {}
    for places in groups.values():
        batch = [asks[place] for place in places]
        answers.update(zip(places, _answer_alike(pipeline, batch), strict=True))
    return [answers[place] for place in range(len(asks))]


def _answer_alike(pipeline: Pipeline, asks: Sequence[Ask]) -> list[Answer]:
    """Answers questions of the same filters."""
    rule = pipeline.rule_of(asks[0].filters.hide)
    hidden = [hidden_items(ask, rule, pipeline.config.cart_days) for ask in asks]
    asks = [ask.read for ask in asks]
    allowed = allowed_items(asks[0].filters, pipeline.facts)
    of_row = [Eligible.of(allowed, [items]) for items in hidden]
    interesting = (interesting_items(pipeline, ask, own) for ask, own in zip(asks, of_row, strict=True))
    lists = [NONE.then(items, len(pipeline.recommenders)) for items in interesting]
    _add_candidates(pipeline, asks, lists, allowed, hidden)
    return [
        _finished(pipeline, ask, _filled(pipeline, ask, ranked, own))
        for ask, ranked, own in zip(asks, lists, of_row, strict=True)
    ]


def _add_candidates(
    pipeline: Pipeline, asks: Sequence[Ask], lists: list[Ranked], allowed: BoolArray | None, hidden: list[Int32Array]
) -> None:
    """Gives lists without an item their candidates, in place, until they are as long as asked or there are no more.

    How many are taken and joined at a time depends neither on the length asked for nor on the other questions, so that
    a long list begins like a short one.
    """
    logits = [model.logits for model in pipeline.recommenders]
    rows = [row for row, ranked in enumerate(lists) if not len(ranked)]
    for n in _widths(pipeline):
        if not rows:
            return
        eligible = Eligible.of(allowed, [hidden[row] for row in rows])
        found = _found(pipeline, [asks[row] for row in rows], n, eligible)
        short = []
        for place, row in enumerate(rows):
            joined = join(place, found, pipeline.weights, logits)
            lists[row] = _extended(pipeline, asks[row], lists[row], joined)
            if len(lists[row]) < asks[row].k and any(one.is_full(place) for one in found):
                short.append(row)
        rows = short


def _widths(pipeline: Pipeline) -> Iterator[int]:
    """How many candidates are taken of a recommender: as set, then more and more, at last the whole catalog."""
    n, n_items = pipeline.config.candidates, pipeline.train.n_items
    while n < n_items:
        yield n
        n *= WIDER
    yield n_items


def _found(pipeline: Pipeline, asks: Sequence[Ask], n: int, eligible: Eligible) -> list[Candidates]:
    """The n best of each recommender that has a weight."""
    users = np.array([ask.user_index for ask in asks], dtype=np.int32)
    histories = Histories.joined([ask.history for ask in asks])
    return [
        _candidates(model, users, histories, n, eligible) if weight > 0 else Candidates.none(len(asks))
        for model, weight in zip(pipeline.recommenders, pipeline.weights, strict=True)
    ]


def _candidates(model: Recommender, users: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
    """The candidates of one model; none for a shopper of whom nothing is known, where it has no answer of its own."""
    found = model.candidates(users, histories, n, eligible)
    if not model.answers_empty:
        found.item_index[(histories.lengths == 0) & (users == 0)] = 0
    return found


def _extended(pipeline: Pipeline, ask: Ask, ranked: Ranked, joined: Ranked) -> Ranked:
    """A list with what it lacks of more candidates behind it; the first ones are varied."""
    joined = joined.without(ranked.item_index)
    ordered = joined if pipeline.ranking is None else pipeline.ranking.ordered(ask, joined)
    if not len(ranked):
        return _varied(pipeline, ordered, ask.k)
    return ranked.then(ordered.item_index, ordered.source)


def _varied(pipeline: Pipeline, ranked: Ranked, k: int) -> Ranked:
    """The first k of a list after the discounts for category and brand."""
    config, facts = pipeline.config, pipeline.facts
    items = ranked.item_index
    groups = [
        (facts.categories.code[items], config.category_factor),
        (facts.brands.code[items], config.brand_factor),
    ]
    order, scores = diversify(ranked.scores, groups, k)
    return Ranked(items[order], scores, ranked.source[order])


def _filled(pipeline: Pipeline, ask: Ask, ranked: Ranked, eligible: Eligible) -> Ranked:
    """The list with items of the recommenders without weight and of the fallbacks behind it, as far as k."""
    weights = [*pipeline.weights, *(0.0 for _ in pipeline.fallbacks)]
    user = np.array([ask.user_index], dtype=np.int32)
    for place, (model, weight) in enumerate(zip(_chain(pipeline), weights, strict=True)):
        for n in _widths(pipeline) if weight == 0 else ():
            if len(ranked) >= ask.k:
                break
            found = _candidates(model, user, ask.history, n, eligible)
            more = found.item_index[0]
            ranked = ranked.then(more[more > 0], place)
            if not found.is_full(0):
                break
    return Ranked(ranked.item_index[: ask.k], ranked.scores[: ask.k], ranked.source[: ask.k])


def _finished(pipeline: Pipeline, ask: Ask, ranked: Ranked) -> Answer:
    names = [model.name for model in _chain(pipeline)]
    n_models = len(pipeline.recommenders)
    return Answer(
        item_index=ranked.item_index,
        scores=ranked.scores,
        sources=tuple(names[place] for place in ranked.source.tolist()),
        fallback=int((ranked.source >= n_models).sum()),
        reasons=_explained(pipeline, ask, ranked) if ask.explain else (),
    )


def _chain(pipeline: Pipeline) -> list[Recommender]:
    return [*pipeline.recommenders, *pipeline.fallbacks]


def _explained(pipeline: Pipeline, ask: Ask, ranked: Ranked) -> tuple[Reason, ...]:
    """A reason for each item, from the model that gave it, else from what the log says of the item."""
    found: dict[int, Reason] = {}
    for place, model in enumerate(_chain(pipeline)):
        items: Int32Array = ranked.item_index[ranked.source == place]
        given: list[Reason | None] = [None] * len(items)
        if len(items) and place < len(pipeline.recommenders) and ask.history.n_events:
            given = reasons(model, ask.user_index, ask.history, items, pipeline.config.evidence_items)
        for item, reason in zip(items.tolist(), given, strict=True):
            found[item] = reason or _without_evidence(pipeline, ask, model, item)
    return tuple(found[int(item)] for item in ranked.item_index)


def _without_evidence(pipeline: Pipeline, ask: Ask, model: Recommender, item: int) -> Reason:
    """Popular, where the item is, in the shop or in a category that the list was made by; else more of these."""
    category = _category_of_list(pipeline, ask, model, item)
    if category is not None:
        inside = pipeline.facts.in_category(category)
        is_popular = pipeline.popularity.is_popular(item, category, inside)
        return Reason(ReasonKind.POPULAR_IN if is_popular else ReasonKind.MORE_IN, category=category)
    return Reason(ReasonKind.POPULAR if pipeline.popularity.is_popular(item) else ReasonKind.MORE)


def _category_of_list(pipeline: Pipeline, ask: Ask, model: Recommender, item: int) -> str | None:
    """The interest or the category of the history that a list without evidence was made by; None for the shop."""
    category = pipeline.facts.category(item)
    if not ask.history.n_events:
        return interest_of(pipeline.facts, category, ask.interests)
    if category is None or model not in pipeline.fallbacks[:-1]:
        return None
    return category.split(CATEGORY_SEPARATOR)[0]
