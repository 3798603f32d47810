"""Items like an item, and items that go with it: two questions, answered by what has learned the right thing.

*Similar* items can stand in for one another: the same category, words of the title, brand; where users mostly look
before they buy, also what the same users look at. *Together* are items that the same users buy. Co-purchase is not
likeness: milk is bought with bananas. Where what suits is missing, another model answers, and `meaning` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.errors import ShopkeeperError
from shopkeeper.pipeline.asking import Filters
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.pipeline.filters import allowed_items
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.content_knn import ContentKNN, ContentKNNConfig
from shopkeeper.recommenders.content_links import ContentWeights
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.item_knn import ItemKNN, ItemKNNConfig
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.types import Float32Array, Int32Array

if TYPE_CHECKING:
    from shopkeeper.pipeline.pipeline import Pipeline
    from shopkeeper.recommenders.newcomers import Newcomers

SimilarKind: TypeAlias = Literal["similar", "together"]

CATALOG: Final = "catalog"
"""The source of what the facts of the catalog say by themselves."""
MOSTLY: Final = 0.5
"""Of so many events views, the log is one of looking rather than of buying."""
CATEGORY_WEIGHT: Final = 2.0
"""How much the same category counts beside the same words, and beside the same visitors."""
POPULARITY_WEIGHT: Final = 1e-3
"""Of items that are as alike the more popular ones come first."""
NEIGHBORS: Final = 200
"""So many items that are alike by their texts are kept of each item."""
BY_CATALOG: Final = "alike by category, title and brand"
BY_VIEWS: Final = "viewed by the same users"
BY_PURCHASES: Final = "bought by the same users"
BY_EVENTS: Final = "taken by the same users"
WITHOUT_CATALOG: Final = "; the catalog does not say what this item is like"
WITHOUT_PURCHASES: Final = "; no purchases of this item are known"


@dataclass(frozen=True)
class SimilarModels:
    """Fitted beside a pipeline for these questions alone.

    Attributes:
        content: Words of titles and brands; None without a catalog that has them.
        together: Of purchases alone, where the log has other events too; None where it has none or nothing else.
        views: Share of views among the events that say that an item is wanted.
        purchases: Share of purchases among them.
    """

    content: Recommender | None = None
    together: Recommender | None = None
    views: float = 0.0
    purchases: float = 0.0

    @staticmethod
    def fit(train: Dataset) -> SimilarModels:
        """Learns from a training part and its catalog; what its libraries or data do not allow stays out."""
        views, purchases = event_shares(train.histories)
        content: Recommender | None = None
        if train.catalog is not None:
            weights = ContentWeights(category=0)
            content = _fitted(ContentKNN(ContentKNNConfig(neighbors=NEIGHBORS, content=weights)), train)
        together: Recommender | None = None
        if 0 < purchases < 1:
            bought = EventWeights(view=0, like=0, cart=0)
            together = _fitted(ItemKNN(ItemKNNConfig(weights=bought)), train)
        return SimilarModels(content, together, views, purchases)

    def with_newcomers(self, newcomers: Newcomers) -> SimilarModels:
        """The same with items that came after training."""
        content, together = (
            None if model is None else model.with_newcomers(newcomers) for model in (self.content, self.together)
        )
        return replace(self, content=content, together=together)


class Alike(NamedTuple):
    """The answer about one item, best first.

    Attributes:
        item_index: int32 [m], m at most k.
        scores: float32 [m].
        source: Name of what answered: a recommender, the catalog, or both.
        meaning: In which sense they belong to the item.
    """

    item_index: Int32Array
    scores: Float32Array
    source: str
    meaning: str


def similar(
    pipeline: Pipeline, item: int, k: int, kind: SimilarKind = "similar", filters: Filters | None = None,
    excluded: Int32Array | None = None,
) -> Alike:  # fmt: skip
    """Items that are like one item, or go with it.

    Args:
        pipeline: Knows the catalog, and has models of behavior.
        item: Index of the item, which never comes out itself.
        k: How many at most.
        kind: Which question.
        filters: Which may come out; None takes what is on sale. Those of a history do nothing here.
        excluded: int32 [n]; items that must not come out.

    Raises:
        ShopkeeperError: Neither the catalog nor a model knows anything of the kind.
    """
    scores, source, meaning = (_together if kind == "together" else _similar)(pipeline, item)
    allowed = allowed_items(filters or Filters(), pipeline.facts)
    if allowed is not None:
        scores[~allowed] = -np.inf
    scores[[0, item]] = -np.inf
    if excluded is not None:
        scores[excluded] = -np.inf
    chosen, values = top_k(scores[None, :], min(k, len(scores) - 1))
    return Alike(chosen[0][chosen[0] > 0], values[0][chosen[0] > 0], source, meaning)


def _similar(pipeline: Pipeline, item: int) -> tuple[Float32Array, str, str]:
    models, facts = pipeline.similar_models, pipeline.facts
    scores = CATEGORY_WEIGHT * _same_category(facts, item)
    names = [CATALOG] if scores.any() else []
    if models.content is not None:
        words = _finite(models.content.similarity(np.array([item], dtype=np.int32))[0])
        scores, names = scores + words, [CATALOG] if words.any() or names else []
    behavior, name = None, ""
    if not names or models.views >= MOSTLY:
        behavior, name = _behavior(pipeline, item)
    if not names:
        if behavior is None:
            raise _nothing_known(pipeline)
        return behavior, name, _meaning(models) + WITHOUT_CATALOG
    meaning = BY_CATALOG
    if behavior is not None and np.isfinite(behavior).any():
        seen = _finite(behavior)
        scores = scores + np.where(scores > 0, seen / max(float(seen.max()), 1e-30), 0)
        names.append(name)
        meaning += f", then {BY_VIEWS}"
    alike = scores > 0
    scores = np.where(alike, scores + POPULARITY_WEIGHT * _popularity(pipeline), -np.inf)
    return scores.astype(np.float32), " + ".join(names), meaning


def _together(pipeline: Pipeline, item: int) -> tuple[Float32Array, str, str]:
    models = pipeline.similar_models
    if models.together is not None:
        scores = models.together.similarity(np.array([item], dtype=np.int32))[0]
        scores[[0, item]] = -np.inf
        if np.isfinite(scores).any():
            return scores, models.together.name, BY_PURCHASES
    behavior, name = _behavior(pipeline, item)
    if behavior is None:
        raise _nothing_known(pipeline)
    meaning = _meaning(models)
    return behavior, name, meaning if meaning == BY_PURCHASES else meaning + WITHOUT_PURCHASES


def _behavior(pipeline: Pipeline, item: int) -> tuple[Float32Array | None, str]:
    """What the recommenders say who learned from behavior, and which of them; None where none knows a similarity."""
    asked = np.array([item], dtype=np.int32)
    scores: Float32Array | None = None
    name = ""
    for place in pipeline.likeness:
        model = pipeline.recommenders[place]
        scores, name = model.similarity(asked)[0].copy(), model.name
        scores[[0, item]] = -np.inf
        if np.isfinite(scores).any():
            break
    return scores, name


def _meaning(models: SimilarModels) -> str:
    """What items have in common by a model of all events."""
    return BY_PURCHASES if models.purchases == 1 else BY_VIEWS if models.views == 1 else BY_EVENTS


def _same_category(facts: ItemFacts, item: int) -> Float32Array:
    """Share of the steps of an item's category that others share from the widest on, float32 [n_items + 1]."""
    levels = facts.category_levels
    own = levels[:, item]
    depth = int((own >= 0).sum())
    if not depth:
        return np.zeros(levels.shape[1], dtype=np.float32)
    shared: Float32Array = (levels[:depth] == own[:depth, None]).sum(axis=0).astype(np.float32)
    shared[item] = 0
    return shared / np.float32(depth)


def _popularity(pipeline: Pipeline) -> Float32Array:
    """From 0 to 1 by the order of popularity, float32 [n_items + 1]."""
    scores = pipeline._fallback_scores()
    return (np.argsort(np.argsort(scores, kind="stable"), kind="stable") / len(scores)).astype(np.float32)


def _finite(scores: Float32Array) -> Float32Array:
    return np.where(np.isfinite(scores) & (scores > 0), scores, 0).astype(np.float32)


def _fitted(model: Recommender, train: Dataset) -> Recommender | None:
    try:
        return model.fit(train)
    except ShopkeeperError:
        return None


def _nothing_known(pipeline: Pipeline) -> ShopkeeperError:
    return ShopkeeperError(
        f"{pipeline.name} knows no similarity of items",
        expected="a catalog with categories or titles, or a model of items",
        remedy="use item kNN, EASE, ALS or SASRec",
    )


def event_shares(histories: Histories) -> tuple[float, float]:
    """Shares of views and of purchases among the events that say that an item is wanted; 0 where there is none."""
    counts = np.bincount(histories.event_type, minlength=EventType.PURCHASE.code + 1)
    wanted = max(1, int(sum(counts[kind.code] for kind in INTEREST_TYPES)))
    return float(counts[EventType.VIEW.code]) / wanted, float(counts[EventType.PURCHASE.code]) / wanted


def names_of(models: SimilarModels) -> Sequence[tuple[str, Recommender]]:
    """The models that there are, by the name of their folder."""
    found = (("content", models.content), ("together", models.together))
    return [(name, model) for name, model in found if model is not None]
