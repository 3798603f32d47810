"""What the service answers: the bodies of answers, from which the API's description is made."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from shopkeeper.types import Id


class Facts(Struct, kw_only=True):
    """What is known of an item; only the facts that were asked for."""

    title: str | UnsetType | None = UNSET
    category: str | UnsetType | None = UNSET
    brand: str | UnsetType | None = UNSET
    price: float | UnsetType | None = UNSET
    currency: str | UnsetType | None = UNSET
    image: str | UnsetType | None = UNSET
    available: bool | UnsetType = UNSET


class ItemOut(Struct, kw_only=True):
    """An item of the catalog."""

    item_id: Id
    title: str | None
    category: str | None
    brand: str | None
    price: float | None
    currency: str | None
    available: bool
    image: str | None


class EventsOut(Struct):
    """What became of the events: all of them are on the disk."""

    accepted: int
    duplicates: int
    unknown_items: int
    event_ids: list[str]


class ReasonOut(Struct):
    """Why an item was chosen."""

    kind: str
    text: str
    item_ids: list[Id]
    category: str | None
    weight: float


class RecommendedOut(Struct):
    """One item of an answer."""

    item_id: Id
    rank: int
    score: float
    source: str
    reason: ReasonOut | UnsetType = UNSET
    item: Facts | UnsetType = UNSET


class RecommendationsOut(Struct):
    """Items for a shopper, best first.

    `known` says whether anything is known of the shopper; `unknown` lists, by the field of the question, what was named
    and names nothing here.
    """

    recommendation_id: str
    user_id: Id | None
    known: bool
    model: str
    bundle: str
    source: str
    fallback: int
    ignored: list[Id]
    unknown: dict[str, list[Id]]
    items: list[RecommendedOut]


class TargetOut(Struct):
    """What was predicted, how far ahead, by which model, and at which moments: `visit` or `any`.

    `extrapolated`: the shopper had no event for longer than those that the model learned from.
    """

    target: str
    kind: str
    horizon: str
    model: str
    of_items: bool
    moment: str
    extrapolated: bool


class EvidenceOut(Struct):
    """What speaks for or against, and how much it adds to the log-odds (or to the amount)."""

    text: str
    effect: float


class ItemPredictionOut(Struct):
    """What the shopper will do with one item, by target; `refused`: of which nothing can be said, and why."""

    item_id: Id
    predictions: dict[str, float]
    refused: dict[str, str] | UnsetType = UNSET
    reasons: dict[str, list[EvidenceOut]] | UnsetType = UNSET


class PredictionsOut(Struct, kw_only=True):
    """What a shopper will do. `events` of theirs were looked at; of `unknown_items` nothing is known.

    `unknown` lists, by the field of the question, what was named and names nothing here.
    """

    user_id: Id | None
    known: bool
    bundle: str
    at: str
    events: int
    targets: list[TargetOut]
    shopper: dict[str, float]
    shopper_reasons: dict[str, list[EvidenceOut]] | UnsetType = UNSET
    items: list[ItemPredictionOut]
    unknown_items: list[Id]
    ignored: list[Id]
    unknown: dict[str, list[Id]]


class ItemsOut(Struct):
    """One page of the catalog."""

    total: int
    items: list[ItemOut]


class QuestionnaireOut(Struct):
    """Items to ask a new shopper about, in the order of asking."""

    items: list[ItemOut]


class ItemChangedOut(Struct):
    """What became of one item. It is on the disk, and in the answers of this worker."""

    item_id: Id
    new: bool
    placed: str
    like: list[Id]
    note: str | None


class ItemsChangedOut(Struct):
    """What became of the items, in the order in which they came."""

    items: list[ItemChangedOut]


class ItemRemovedOut(Struct):
    """An item that comes out no more."""

    item_id: Id
    removed: bool


class SimilarItemOut(Struct):
    """An item that is like another one."""

    item_id: Id
    rank: int
    score: float
    item: Facts


class SimilarOut(Struct):
    """Items like one item, or bought together with it, best first.

    `source` names what answered, `meaning` says in which sense; `unknown` lists, by the field of the question, what was
    named and names nothing here.
    """

    item_id: Id
    kind: str
    source: str
    meaning: str
    unknown: dict[str, list[Id]]
    items: list[SimilarItemOut]


class CategoryOut(Struct):
    """A category and how many items lie in it or below."""

    category: str
    items: int


class CategoriesOut(Struct):
    """The two upper levels of the catalog."""

    categories: list[CategoryOut]


class UserOut(Struct):
    """A shopper: how many events are known of them, when the last one was, and which category most of them are of."""

    user_id: Id
    events: int
    last_seen: str | None = None
    category: str | None = None


class UsersOut(Struct):
    """Some shoppers."""

    users: list[UserOut]


class PastEventOut(Struct):
    """One event of a shopper."""

    item_id: Id
    event_type: str
    timestamp: str
    item: Facts


class HistoryOut(Struct):
    """What a shopper did, newest first."""

    user_id: Id
    known: bool
    events: list[PastEventOut]


class ForgottenOut(Struct):
    """What was deleted of a shopper."""

    user_id: Id
    events: int
    answers: int


class AliveOut(Struct):
    """The process answers."""

    status: str


class BundleOut(Struct):
    """The bundle that answers are made from."""

    bundle: str
    model: str
    created_at: str
    loaded_at: str
    items: int
    users: int


class RefusedOut(Struct):
    """A bundle that was not taken, so that the one before it answers on."""

    at: str
    problem: str


class ReadyOut(Struct):
    """Whether the service can answer, and from what; `workers` names the bundle of each, `agree` whether it is one."""

    ready: bool
    bundle: BundleOut
    refused: RefusedOut | None
    store: str
    workers: dict[str, str]
    agree: bool
    events_behind: int
    live_users: int
    worker: str
    new_items: int
    removed_items: int


class Problem(Struct):
    """What is wrong, in words."""

    problem: str
    expected: str | None
    got: str | None
    remedy: str | None


class ProblemOut(Struct):
    """Every answer with a status of 400 and above."""

    error: Problem
    request_id: str
