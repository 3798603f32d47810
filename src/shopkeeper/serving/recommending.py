"""From a question in the shop's ids to an answer in them, through the pipeline; many questions at once."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from shopkeeper.data.hiding import hide_of
from shopkeeper.data.histories import Histories
from shopkeeper.data.netting import settled
from shopkeeper.data.placements import placement_code
from shopkeeper.errors import ConfigError
from shopkeeper.pipeline.asking import Answer, Ask, Filters, Reason
from shopkeeper.pipeline.explain import sentence
from shopkeeper.serving.answers import ReasonOut, RecommendationsOut, RecommendedOut
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds
from shopkeeper.serving.intake import event_type
from shopkeeper.serving.item_facts import some_facts
from shopkeeper.serving.problems import InvalidError
from shopkeeper.serving.reading import check_id, check_number, decode, few, microseconds
from shopkeeper.serving.requests import PastEvent, RecommendationsIn
from shopkeeper.serving.served import Served
from shopkeeper.serving.settings import ServiceSettings
from shopkeeper.types import Id, Int32Array

_DECODER = msgspec.json.Decoder(RecommendationsIn)
SECOND = 1_000_000
LONG = 1000
"""Events of a given history, or as much of other things, above which a question is long."""
EXPLAINED = 10
"""An event of which reasons may speak takes as long as so many others; so does an interest."""


class PastItem(NamedTuple):
    """One event of a history that came with the request, checked."""

    item_id: Id
    code: int | None
    """`EventType.code`; None for what the shop has most of."""
    timestamp: int | None
    """Unix microseconds."""
    placement: str | None
    quantity: float | None = None


class Question(NamedTuple):
    """A checked request."""

    given: RecommendationsIn
    history: list[PastItem] | None


class Answered(NamedTuple):
    """An answer for the shopper, and what is kept of it."""

    out: RecommendationsOut
    record: AnswerRecord
    deletions: int
    """Number of the latest deletion that was known."""


def read_question(body: bytes, kinds: IdKinds, settings: ServiceSettings) -> Question:
    """Reads and checks a request.

    Raises:
        UnreadableError: The body is no JSON.
        InvalidError: It asks for nobody, for too many items, says two things of hiding, or names ids that are not of
            the shop's kind.
    """
    given = decode(_DECODER, body)
    if given.k > settings.max_k:
        raise InvalidError("k is not valid", expected=f"at most {settings.max_k}", got=str(given.k))
    given.fields = few(given.fields, settings.max_fields, "fields")
    check_number(given.history, settings.max_given_history, "history")
    check_number(given.exclude, settings.max_given_history, "exclude")
    if given.user_id is not None:
        check_id(given.user_id, kinds.user_integer, "user_id")
    try:
        hide_of(given.filters.hide, given.filters.hide_seen)
    except ConfigError as error:
        raise InvalidError(
            f"filters: {error.problem}", expected=error.expected, got=error.got, remedy=error.remedy
        ) from error
    for place, item_id in enumerate(given.exclude):
        check_id(item_id, kinds.item_integer, f"exclude[{place}]")
    if given.history is None:
        return Question(given, None)
    return Question(given, [past_item(event, place, kinds) for place, event in enumerate(given.history)])


def past_item(event: Id | PastEvent, place: int, kinds: IdKinds) -> PastItem:
    """One event of a given history, checked.

    Raises:
        InvalidError: Its item is not of the shop's kind, or its type or moment is not understood.
    """
    where = f"history[{place}]"
    if not isinstance(event, PastEvent):
        return PastItem(check_id(event, kinds.item_integer, where), None, None, None)
    return PastItem(
        check_id(event.item_id, kinds.item_integer, f"{where}.item_id"),
        None if event.event_type is None else event_type(event.event_type, f"{where}.event_type").code,
        None if event.timestamp is None else microseconds(event.timestamp, f"{where}.timestamp"),
        event.placement,
        event.quantity,
    )


def is_long(question: Question) -> bool:
    """Whether an answer takes many times as long as most: by what the question itself brings."""
    given, history = question.given, len(question.history or ())
    return (EXPLAINED if given.explain else 1) * history + len(given.exclude) + EXPLAINED * len(given.interests) > LONG


def answer_questions(served: Served, questions: Sequence[Question]) -> list[Answered]:
    """Answers checked questions in one batch of the pipeline."""
    deletions = served.profiles.position.deletions
    asks, ignored = zip(*(_ask(served, question) for question in questions), strict=True)
    answers = served.pipeline.answer(asks)
    return [
        _answered(served, question, unknown, answer, deletions)
        for question, unknown, answer in zip(questions, ignored, answers, strict=True)
    ]


def _ask(served: Served, question: Question) -> tuple[Ask, list[Id]]:
    """The question in indices, and the ids of its history that the bundle does not know."""
    given = question.given
    user = given.user_id
    if question.history is not None:
        history, ignored = given_history(served, question.history, settle=True)
    elif user is not None:
        history, ignored = served.profiles.history(user), []
    else:
        history, ignored = Histories.of_items([[]]), []
    filters = given.filters
    asked = Ask(
        user_index=0 if user is None else served.profiles.user_index(user),
        history=history,
        k=given.k,
        filters=Filters(
            category=filters.category,
            price_min=filters.price_min,
            price_max=filters.price_max,
            available=filters.available,
            in_cart=filters.in_cart,
            hide=served.pipeline.hiding.asked(hide_of(filters.hide, filters.hide_seen), filters.hide_after),
            currency=filters.currency,
        ),
        exclude=_excluded(served, given),
        explain=given.explain,
        interests=tuple(given.interests),
        moment=time.time_ns() // 1000,
        max_history=served.profiles.max_history,
    )
    return asked, ignored


def _unknown(served: Served, given: RecommendationsIn) -> dict[str, list[Id]]:
    """What the question names and nobody here knows, by its field."""
    named = served.facts.category_names.named
    items = served.items.index
    found: dict[str, list[Id]] = {
        "interests": [interest for interest in given.interests if named(interest) is None],
        "exclude": [item_id for item_id in given.exclude if not items(item_id)],
        "placement": unknown_placement(served, given.placement),
    }
    return {field: names for field, names in found.items() if names}


def unknown_placement(served: Served, placement: str | None) -> list[Id]:
    """The placement, where it is none of those that the log knows; a log without placements leaves them open."""
    names = served.pipeline.train.placements
    return [placement] if placement is not None and names is not None and placement not in names else []


def _excluded(served: Served, given: RecommendationsIn) -> Int32Array:
    """Items that must not come out: those of the request, and removed ones where what is not on sale may."""
    index = np.array([served.items.index(item_id) for item_id in given.exclude], dtype=np.int32)
    known = index[index > 0]
    return known if given.filters.available else np.concatenate([known, served.stand.removed])


def given_history(served: Served, events: Sequence[PastItem], settle: bool = False) -> tuple[Histories, list[Id]]:
    """Events that came with the request; where each names its time they are sorted by it, else they end now.

    Args:
        served: Knows the items.
        events: As they came.
        settle: Leave out what says of no interest (see `netting.settled`).

    Returns:
        One row, and the ids of items that are not known.
    """
    index = np.array([served.items.index(event.item_id) for event in events], dtype=np.int32)
    usual = served.pipeline.usual_event.code
    codes = np.array([usual if event.code is None else event.code for event in events], dtype=np.uint8)
    times = [event.timestamp for event in events]
    if None in times:
        times = [int(time.time() - len(events) + place) * SECOND for place in range(len(events))]
    moments = np.array(times, dtype=np.int64)
    known = np.flatnonzero(index)
    order = known[np.argsort(moments[known], kind="stable")]
    if settle:
        units = np.array([np.nan if event.quantity is None else event.quantity for event in events], dtype=np.float32)
        order = order[settled(index[order].astype(np.int64), codes[order], units[order])]
    offsets = np.array([0, len(order)], dtype=np.int64)
    ignored = [event.item_id for event, place in zip(events, index, strict=True) if place == 0]
    names = served.pipeline.train.placements
    placement = np.array([placement_code(names, event.placement) for event in events], dtype=np.uint8)
    return Histories(offsets, index[order], codes[order], moments[order], placement[order]), ignored


def _answered(served: Served, question: Question, ignored: list[Id], answer: Answer, deletions: int) -> Answered:
    given = question.given
    ids = served.items.ids(answer.item_index)
    items = [
        RecommendedOut(item_id, rank, score, source)
        for rank, (item_id, score, source) in enumerate(
            zip(ids, answer.scores.tolist(), answer.sources, strict=True), start=1
        )
    ]
    for item, reason in zip(items, answer.reasons, strict=False):
        item.reason = _reason(served, reason)
    if given.fields:
        for item, index in zip(items, answer.item_index.tolist(), strict=True):
            item.item = some_facts(served.facts, index, given.fields)
    name, model = uuid.uuid4().hex, served.pipeline.name
    sources = Counter(answer.sources).most_common(1)
    out = RecommendationsOut(
        recommendation_id=name,
        user_id=given.user_id,
        known=given.user_id is not None and served.profiles.knows(given.user_id),
        model=model,
        bundle=served.name,
        source=sources[0][0] if sources else model,
        fallback=answer.fallback,
        ignored=ignored,
        unknown=_unknown(served, given),
        items=items,
    )
    moment = time.time_ns() // 1000
    record = AnswerRecord(
        name, given.user_id, moment, given.placement, model, tuple(ids), answer.sources, answer.fallback
    )
    return Answered(out, record, deletions)


def _reason(served: Served, reason: Reason) -> ReasonOut:
    ids = served.items.ids(reason.evidence)
    names = {index: str(item_id) for index, item_id in zip(reason.evidence, ids, strict=True)}
    text = sentence(reason, served.facts, names)
    return ReasonOut(reason.kind.value, text, ids, reason.category, reason.weight)
