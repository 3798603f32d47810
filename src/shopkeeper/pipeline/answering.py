"""How a pipeline answers one batch of questions, step by step: candidates, one list, variety, filling up, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
from shopkeeper.types import Int32Array

if TYPE_CHECKING:
    from shopkeeper.pipeline.pipeline import Pipeline


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
    hidden = [hidden_items(ask, pipeline.hide_seen) for ask in asks]
    eligible = Eligible.of(allowed_items(asks[0].filters, pipeline.facts), hidden)
    users = np.array([ask.user_index for ask in asks], dtype=np.int32)
    histories = Histories.joined([ask.history for ask in asks])
    n = min(max(pipeline.config.candidates, *(ask.k for ask in asks), 1), pipeline.train.n_items)
    weighted = [weight > 0 for weight in pipeline.weights]
    found = [
        _candidates(model, users, histories, n, eligible) if asked else _NOTHING
        for model, asked in zip(pipeline.recommenders, weighted, strict=True)
    ]
    logits = [model.logits for model in pipeline.recommenders]
    answers = []
    for row, ask in enumerate(asks):
        of_row = eligible.of_row(row)
        liked = interesting_items(pipeline, ask, of_row)
        if len(liked):
            ranked = NONE.then(liked, len(pipeline.recommenders))
        else:
            ranked = _varied(pipeline, _ordered(pipeline, ask, join(row, found, pipeline.weights, logits)), ask.k)
        answers.append(_finished(pipeline, ask, _filled(pipeline, ask, ranked, of_row)))
    return answers


_NOTHING = Candidates(np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32))


def _candidates(model: Recommender, users: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
    """The candidates of one model; none for a shopper of whom nothing is known, where it has no answer of its own."""
    found = model.candidates(users, histories, n, eligible)
    if not model.answers_empty:
        found.item_index[(histories.lengths == 0) & (users == 0)] = 0
    return found


def _ordered(pipeline: Pipeline, ask: Ask, ranked: Ranked) -> Ranked:
    """The candidates in the order of the predictor, where one ranks."""
    return ranked if pipeline.ranking is None else pipeline.ranking.ordered(ask, ranked)


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
    chain = _chain(pipeline)
    weights = [*pipeline.weights, *(0.0 for _ in pipeline.fallbacks)]
    user = np.array([ask.user_index], dtype=np.int32)
    for place, (model, weight) in enumerate(zip(chain, weights, strict=True)):
        if len(ranked) >= ask.k:
            break
        if weight == 0:
            n = min(ask.k + len(ranked), pipeline.train.n_items)
            more = _candidates(model, user, ask.history, n, eligible).item_index[0]
            ranked = ranked.then(more[more > 0], place)
    return Ranked(ranked.item_index[: ask.k], ranked.scores[: ask.k], ranked.source[: ask.k])


def _finished(pipeline: Pipeline, ask: Ask, ranked: Ranked) -> Answer:
    chain = _chain(pipeline)
    n_models = len(pipeline.recommenders)
    return Answer(
        item_index=ranked.item_index,
        scores=ranked.scores,
        sources=tuple(chain[place].name for place in ranked.source),
        fallback=int((ranked.source >= n_models).sum()),
        reasons=_explained(pipeline, ask, ranked) if ask.explain else (),
    )


def _chain(pipeline: Pipeline) -> list[Recommender]:
    return [*pipeline.recommenders, *pipeline.fallbacks]


def _explained(pipeline: Pipeline, ask: Ask, ranked: Ranked) -> tuple[Reason, ...]:
    """A reason for each item, from the model that gave it."""
    found: dict[int, Reason] = {}
    for place, model in enumerate(_chain(pipeline)):
        items: Int32Array = ranked.item_index[ranked.source == place]
        if not len(items):
            continue
        if place < len(pipeline.recommenders) and ask.history.n_events:
            given = reasons(model, ask.user_index, ask.history, items, pipeline.config.evidence_items)
        else:
            given = [_popular(pipeline, ask, model, int(item)) for item in items]
        found.update(zip(items.tolist(), given, strict=True))
    return tuple(found[int(item)] for item in ranked.item_index)


def _popular(pipeline: Pipeline, ask: Ask, model: Recommender, item: int) -> Reason:
    """Popular in the category where the list was made by interests or categories of the history, else in the shop."""
    category = pipeline.facts.category(item)
    if not ask.history.n_events and (interest := interest_of(pipeline.facts, category, ask.interests)) is not None:
        return Reason(ReasonKind.POPULAR_IN, category=interest)
    if model is pipeline.fallbacks[-1] or category is None or not ask.history.n_events:
        return Reason(ReasonKind.POPULAR)
    return Reason(ReasonKind.POPULAR_IN, category=category.split(CATEGORY_SEPARATOR)[0])
