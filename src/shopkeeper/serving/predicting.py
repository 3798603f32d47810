"""From a question about behavior in the shop's ids to an answer in them, through the predictors of the bundle."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.histories import Histories
from shopkeeper.data.placements import placement_code
from shopkeeper.errors import choices
from shopkeeper.pipeline.predictions import OwnEvents, Predicted, PredictionAsk, Predictions, horizon_of, settings_of
from shopkeeper.serving.answers import EvidenceOut, ItemPredictionOut, PredictionsOut, TargetOut
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.problems import InvalidError, NotFoundError
from shopkeeper.serving.reading import check_id, check_number, decode, iso, microseconds
from shopkeeper.serving.recommending import PastItem, given_history, past_item, unknown_placement
from shopkeeper.serving.requests import PredictionsIn
from shopkeeper.serving.served import Served
from shopkeeper.serving.settings import ServiceSettings
from shopkeeper.types import Id

_DECODER = msgspec.json.Decoder(PredictionsIn)


class PredictionQuestion(NamedTuple):
    """A checked request."""

    given: PredictionsIn
    history: list[PastItem] | None
    at: int | None
    """Unix microseconds."""


def read_prediction(body: bytes, kinds: IdKinds, settings: ServiceSettings) -> PredictionQuestion:
    """Reads and checks a request.

    Raises:
        UnreadableError: The body is no JSON.
        InvalidError: It asks about too many items, or names ids that are not of the shop's kind.
    """
    given = decode(_DECODER, body)
    check_number(given.item_ids, settings.max_candidates, "item_ids")
    check_number(given.history, settings.max_given_history, "history")
    if given.user_id is not None:
        check_id(given.user_id, kinds.user_integer, "user_id")
    for place, item_id in enumerate(given.item_ids):
        check_id(item_id, kinds.item_integer, f"item_ids[{place}]")
    history = None
    if given.history is not None:
        history = [
            past_item(event, place, kinds)
            for place, event in enumerate(given.history[-(settings.max_history or len(given.history)) :])
        ]
    return PredictionQuestion(given, history, None if given.at is None else microseconds(given.at, "at"))


def answer_predictions(served: Served, questions: Sequence[PredictionQuestion]) -> list[PredictionsOut]:
    """Answers checked questions.

    Raises:
        NotFoundError: The bundle carries no predictor.
        InvalidError: Nothing predicts what is asked for, or it is asked about items and none is given.
        DataError: It was learned from moments of the other kind.
    """
    predictions = served.predictions
    if predictions is None:
        raise NotFoundError(
            "this bundle carries no predictor", remedy="put one into it: shopkeeper attach BUNDLE PREDICTOR"
        )
    return [_answered(served, predictions, question) for question in questions]


def _answered(served: Served, predictions: Predictions, question: PredictionQuestion) -> PredictionsOut:
    given = question.given
    targets = _targets(predictions, given)
    moment = time.time_ns() // 1000 if question.at is None else question.at
    own, ignored = _own_events(served, question)
    index = np.array([served.items.index(item_id) for item_id in given.item_ids], dtype=np.int32)
    known = index > 0
    names = served.pipeline.train.placements
    ask = PredictionAsk(
        own, index[known], moment, targets, placement_code(names, given.placement), given.explain,
        given.moment == "visit",
    )  # fmt: skip
    found = predictions.answer(ask)
    known_ids = [item_id for item_id, there in zip(given.item_ids, known, strict=True) if there]
    of_items = {name: one for name, one in found.items() if predictions.targets[name].of_items}
    of_shopper = {name: one for name, one in found.items() if name not in of_items}
    return PredictionsOut(
        user_id=given.user_id,
        known=given.user_id is not None and served.profiles.knows(given.user_id),
        bundle=served.name,
        at=iso(moment),
        events=int((own.events.timestamp < moment).sum()),
        targets=[_target(predictions, name, own, moment) for name in targets],
        shopper={name: float(one.value[0]) for name, one in of_shopper.items()},
        shopper_reasons=_reasons(of_shopper, 0),
        items=_of_items(predictions, known_ids, of_items),
        unknown_items=[item_id for item_id, there in zip(given.item_ids, known, strict=True) if not there],
        ignored=ignored,
        unknown={"placement": unplaced} if (unplaced := unknown_placement(served, given.placement)) else {},
    )


def _targets(predictions: Predictions, given: PredictionsIn) -> tuple[str, ...]:
    """The names of what is asked for, each once; without names, all that is predicted at such moments."""
    at_moment = tuple(name for name, one in predictions.targets.items() if one.moment == given.moment)
    targets = tuple(dict.fromkeys(given.targets)) or at_moment or tuple(predictions.targets)
    for name in targets:
        if name not in predictions.targets:
            raise InvalidError(
                f"nothing predicts {name!r} here", expected=choices(name, predictions.targets),
                remedy="leave targets out, or put a predictor into the bundle: shopkeeper attach BUNDLE PREDICTOR",
            )  # fmt: skip
        predictions.targets[name].predictor.refuse_other_moment(given.moment)
    if not given.item_ids and given.targets and any(predictions.targets[name].of_items for name in targets):
        raise InvalidError("item_ids is empty", expected="the items that are asked about")
    return targets


def _own_events(served: Served, question: PredictionQuestion) -> tuple[OwnEvents, list[Id]]:
    """What the shopper did, and the ids of a given history that the bundle does not know."""
    given = question.given
    if question.history is None and given.user_id is not None:
        return served.profiles.own_events(given.user_id), []
    history = Histories.of_items([[]])
    ignored: list[Id] = []
    if question.history:
        history, ignored = given_history(served, question.history)
    unknown = np.full(history.n_events, np.nan)
    return OwnEvents(history, unknown, unknown.astype(np.float32)), ignored


def _target(predictions: Predictions, name: str, own: OwnEvents, moment: int) -> TargetOut:
    target = predictions.targets[name]
    predictor = target.predictor
    kind = "amount" if predictor.of_amounts else "probability"
    time = own.events.timestamp
    since = moment - round(settings_of(predictor).active_days * MICROSECONDS_A_DAY)
    extrapolated = target.moment == "any" and not ((time >= since) & (time < moment)).any()
    return TargetOut(
        name, kind, horizon_of(predictor), predictor.name, target.of_items, target.moment, bool(extrapolated)
    )


def _of_items(predictions: Predictions, ids: Sequence[Id], found: dict[str, Predicted]) -> list[ItemPredictionOut]:
    values = {name: one.value.tolist() for name, one in found.items()}
    items = []
    for place, item_id in enumerate(ids):
        said = {name: value[place] for name, value in values.items() if not math.isnan(value[place])}
        out = ItemPredictionOut(item_id, said)
        if len(said) < len(values):
            out.refused = {name: f"no pair {_given(predictions, name)}" for name in values if name not in said}
        out.reasons = _reasons(found, place)
        items.append(out)
    return items


def _given(predictions: Predictions, name: str) -> str:
    """Which event is given to what predicts this, in words."""
    return settings_of(predictions.targets[name].predictor).given_words


def _reasons(found: dict[str, Predicted], place: int) -> dict[str, list[EvidenceOut]] | msgspec.UnsetType:
    reasons = {
        name: [EvidenceOut(text, effect) for text, effect in one.reasons[place]]
        for name, one in found.items()
        if one.reasons and one.reasons[place]
    }
    return reasons or msgspec.UNSET
