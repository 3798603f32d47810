"""What every recommender is: fit on integers, answer in the shop's ids, save and load without pickle.

A subclass declares its `Config`, fits itself in `_fit`, and scores all items for a batch of histories in `score`. All
the rest is here: ids in and out, seen and excluded items, the fallback, similar items, saving.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter, check_shape, open_artifact, write_artifact
from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide, Hiding, HidingPolicy, HidingRule, HidingSettings, hide_of, stored_policy
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.errors import ArtifactError, DataError, NotFittedError, ShopkeeperError
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.estimate import Estimate, estimate_by_events
from shopkeeper.recommenders.fallback import fallback_scores, fill_in
from shopkeeper.recommenders.products import inner_products
from shopkeeper.recommenders.questions import ask, indices_of
from shopkeeper.recommenders.recommendations import Recommendations
from shopkeeper.recommenders.storage import Stored
from shopkeeper.recommenders.top_k import rows_at_once, top_k
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Float32Array, Id, Int32Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.holdout import Holdout
    from shopkeeper.progress import Progress
    from shopkeeper.recommenders.newcomers import Newcomers

Learns: TypeAlias = Literal["counts", "taste", "order"]
"""Counts of single items only, which items the same shoppers take, or also in which order."""

KIND = "recommender"


class RecommenderConfig(HidingSettings):
    """Base of the settings of one recommender."""


class Recommender(ABC):
    """Base of all recommenders.

    Args:
        config: Settings of the model; None takes the defaults of its `Config`.
    """

    Config: ClassVar[type[RecommenderConfig]] = RecommenderConfig
    learns: ClassVar[Learns] = "taste"
    """What it takes from the data; decides which tests a model must pass."""
    answers_empty: ClassVar[bool] = False
    """Whether the model has its own answer for a shopper without any event."""
    shows_seen: ClassVar[bool] = False
    """Whether the answer consists of seen items, so that they are shown unless a caller says otherwise."""
    listed: ClassVar[bool] = True
    """Whether it is a model to choose by its name, and not one that stands around another."""
    logits: ClassVar[bool] = False
    """Whether scores are logarithms of odds; otherwise they are amounts, and none counts below zero."""

    def __init__(self, config: RecommenderConfig | None = None) -> None:
        if config is not None and not isinstance(config, self.Config):
            raise ShopkeeperError(
                f"{self.name} got settings of another model", expected=self.Config.__name__, got=type(config).__name__
            )
        self.config = config if config is not None else self.Config()
        self._train: Dataset | None = None
        self._memory: Dataset | None = None
        self._fallback: Float32Array | None = None
        self.hiding = HidingPolicy(hide=Hide.NONE)
        """What is hidden of a shopper's own items, unless a question says otherwise."""
        self._rule: tuple[HidingPolicy, Dataset, HidingRule] | None = None
        self.usual_event: EventType = EventType.VIEW
        self.decided: dict[str, str] = {}
        """What settings became that are left to the log, each with the reason in words; known after `fit`."""

    @property
    def name(self) -> str:
        """The name that answers and tables carry."""
        return type(self).__name__

    @property
    def hide_seen(self) -> bool:
        """Whether all seen items are hidden, unless a question says otherwise."""
        return self.hiding.hide is Hide.SEEN

    @property
    def train(self) -> Dataset:
        """The data that the model was fitted on.

        Raises:
            NotFittedError: It was not fitted.
        """
        if self._train is None:
            raise NotFittedError(f"{self.name} is not fitted", remedy="call fit(train) or load a saved one")
        return self._train

    @property
    def memory(self) -> Dataset:
        """The histories that known shoppers are answered from: those of training until `remember` gives later ones."""
        return self._memory if self._memory is not None else self.train

    def remember(self, dataset: Dataset) -> None:
        """Answers known shoppers from these histories from now on, without learning from them.

        Args:
            dataset: The log as of now, in any vocabulary; events of items unknown to training are left out.
        """
        self._memory = dataset.in_items(self.train.items, self.train.placements)

    def fit(
        self,
        train: Dataset,
        validation: Holdout | None = None,
        training: TrainingSettings | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Fits the model.

        Args:
            train: What it may learn from.
            validation: For early stopping, where the model trains in epochs.
            training: How to train, where the model trains in epochs.
            progress: Told how far it is; None stays silent.

        Returns:
            Itself.

        Raises:
            DataError: There is no event to learn from.
        """
        if train.n_events == 0:
            raise DataError("there is no event to learn from", remedy="look at the report of `shopkeeper validate`")
        self._set_train(train)
        self._fit(train, validation, training or TrainingSettings(), progress)
        return self

    def refitted(
        self, train: Dataset, training: TrainingSettings | None = None, progress: Progress | None = None
    ) -> Self:
        """A new model with the settings of this one, fitted on more data, with what validation decided for this one.

        Nothing is held out: a network trains for as many epochs as the best weights of this one took, and mixtures
        keep their weights.

        Args:
            train: What it may learn from, the held-out parts too.
            training: How this one was trained.
            progress: Told how far it is.

        Raises:
            DataError: There is no event to learn from.
            NotFittedError: This model was not fitted in this process, so that nobody knows for how long.
        """
        return type(self)(self.config).fit(train, None, training, progress)

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """What `fit` with the same arguments will take, without doing it.

        Returns:
            Memory that the process will need more than it has now, and time; good to a factor.
        """
        return estimate_by_events(train.n_events)

    @abstractmethod
    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        """Learns from the data; sets what `score` and `state` need."""

    @abstractmethod
    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Scores all items for a batch of shoppers.

        Args:
            user_index: int32 [b]; 0 for a shopper unknown to training.
            histories: Their events, in training indices.

        Returns:
            float32 [b, n_items + 1]; minus infinity where the model has nothing to say. Column 0 is ignored.
        """

    def score_items(self, user_index: Int32Array, histories: Histories, item_index: Int32Array) -> Float32Array:
        """What `score` says of a few items: float32 [b, m] for b shoppers and item_index int32 [b, m]."""
        return np.take_along_axis(self.score(user_index, histories), item_index.astype(np.int64), axis=1)

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best items among those that may come out; only items of which the model has something to say.

        A model that can tell them without scoring the whole catalog does so in a method of its own.

        Args:
            user_index: int32 [b].
            histories: Events of b shoppers.
            n: How many, at most the number of items.
            eligible: Which items may come out.
        """
        return Candidates.of_scores(self.score(user_index, histories), n, eligible)

    def read_events(self, histories: Histories) -> Histories:
        """The events of histories that an answer is made from; all where a model does not say otherwise."""
        return histories

    def times_followed(self, item_index: Int32Array, then: int) -> Int64Array:
        """How often shoppers took one item soon after each of others (int32 [n]) in training, int64 [n].

        Zeros where the model did not count it.
        """
        return np.zeros(len(item_index), dtype=np.int64)

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """What was learned, as named arrays; saved as safetensors."""

    @abstractmethod
    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back what `state` gave. `self.train` and `self.config` are set before."""

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """Similarity of items (int32 [b]) to all items, float32 [b, n_items + 1]; the item itself may score anything.

        Minus infinity where there is none. A model with `item_vectors` answers their cosine.

        Raises:
            ShopkeeperError: The model knows no similarity of items.
        """
        vectors = self.item_vectors()
        if vectors is not None:
            lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
            rows = vectors / lengths
            return inner_products(rows[item_index].astype(np.float64), rows)
        raise ShopkeeperError(f"{self.name} knows no similarity of items", remedy="use item kNN, EASE, ALS or SASRec")

    def item_vectors(self) -> Float32Array | None:
        """Vectors of the items, float32 [n_items + 1, d] with row 0 for padding, whose cosine is their similarity.

        None where the model has none.
        """
        return None

    def with_newcomers(self, newcomers: Newcomers) -> Recommender:
        """This model, which stays as it is, with items that came after training; see `newcomers`.

        Raises:
            DataError: The items do not continue those of training.
        """
        from shopkeeper.recommenders.stand_ins import StandIns

        return StandIns(self, newcomers)

    def hidden_events(self, histories: Histories, hide: Hiding = None, moments: Int64Array | None = None) -> BoolArray:
        """Which events of some histories hide their item from the answers, bool [events].

        Args:
            histories: Events of b shoppers.
            hide: What does not come out of a shopper's own items; None does what the training data suggest.
            moments: int64 [b]; as of when, Unix microseconds; None is at the last event of each.
        """
        return self.rule_of(hide).hides(histories, moments)

    def rule_of(self, hide: Hiding = None) -> HidingRule:
        """What a question says of hiding, for the items of this model; the model's own rule is kept."""
        policy = hide if isinstance(hide, HidingPolicy) else self.hiding.asked(hide)
        memory, last = self.memory, self._rule
        if last is None or last[0] is not policy or last[1] is not memory:
            rule = policy.rule(memory.catalog, self.train.items)
            if policy is not self.hiding:
                return rule
            self._rule = last = (policy, memory, rule)
        return last[2]

    def final_scores(
        self,
        user_index: Int32Array,
        histories: Histories,
        hide: Hiding = None,
        moments: Int64Array | None = None,
    ) -> tuple[Float32Array, BoolArray]:
        """Scores as they are served: seen items hidden, and popularity below where the model has nothing to say.

        Args:
            user_index: int32 [b].
            histories: Their events.
            hide: What does not come out of a shopper's own items; None does what the training data suggest.
            moments: int64 [b]; as of when, Unix microseconds; None is at the last event of each.

        Returns:
            float32 [b, n_items + 1], minus infinity for padding and hidden items, and bool of the same shape: the
            score comes from the fallback.
        """
        scores = self.score(user_index, histories)
        if not self.answers_empty:
            scores[(histories.lengths == 0) & (np.asarray(user_index) == 0)] = -np.inf
        from_fallback = fill_in(scores, self._fallback_scores())
        scores[:, 0] = -np.inf
        hidden = self.hidden_events(histories, hide, moments)
        scores[histories.rows[hidden], histories.item_index[hidden]] = -np.inf
        return scores, from_fallback

    def leading_scores(
        self, user_index: Int32Array, histories: Histories, depth: int, hide: Hiding = None,
        moments: Int64Array | None = None,
    ) -> Float32Array:  # fmt: skip
        """`final_scores` for one who looks at the first `depth` places alone; those behind may be minus infinity."""
        return self.final_scores(user_index, histories, hide, moments)[0]

    def batch_size(self) -> int:
        """How many shoppers are scored at once so that memory does not grow with the catalog."""
        return rows_at_once(self.train.n_items)

    def recommend(
        self,
        user_ids: Sequence[Id | None] | None = None,
        histories: Sequence[Sequence[Id]] | None = None,
        k: int = 10,
        exclude: Sequence[Id] = (),
        hide_seen: bool | None = None,
        hide: Hide | str | None = None,
        hide_after: float | None = None,
    ) -> Recommendations:
        """Recommends items.

        Args:
            user_ids: Shoppers; None with `histories` given asks for histories alone.
            histories: For each shopper the ids of items, oldest first, in place of the history known from training.
            k: How many items; a catalog that is smaller gives fewer.
            exclude: Items that must not come out.
            hide_seen: The older way to say `hide`: true is ``"seen"``, false is ``"none"``.
            hide: Which of a shopper's own items do not come out: what was ``"bought"``, all that was ``"seen"``, or
                ``"none"``; None does what the training data suggest.
            hide_after: Days after which a hidden item may come out again.

        Returns:
            Answers in the order asked. A shopper without any known event gets the fallback.

        Raises:
            ShopkeeperError: Neither shoppers nor histories are given, they differ in number, or k is below 1.
        """
        hidden = self.hiding.asked(hide_of(hide, hide_seen), hide_after)
        question = ask(self.train, self.memory, user_ids, histories, self.usual_event)
        if k < 1:
            raise ShopkeeperError("k must be at least 1", got=str(k))
        excluded = indices_of(self.train.items, list(exclude))
        none = np.zeros((0, min(k, self.train.n_items)))
        parts = [(none.astype(np.int32), none.astype(np.float32), none.astype(bool))]
        for start, batch in question.histories.batches(self.batch_size()):
            users = question.user_index[start : start + len(batch)]
            parts.append(self.rank(users, batch, k, hidden, excluded[excluded > 0]))
        chosen, scores, fallback = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Recommendations(
            question.user_ids, chosen, scores, fallback, self.train.items, self.name, ignored=question.ignored
        )

    def rank(
        self,
        user_index: Int32Array,
        histories: Histories,
        k: int,
        hide: Hiding = None,
        excluded: Int32Array | None = None,
        moments: Int64Array | None = None,
    ) -> tuple[Int32Array, Float32Array, BoolArray]:
        """The k best items of one batch, in indices: int32 [b, k], their scores, and whether from the fallback."""
        scores, from_fallback = self.final_scores(user_index, histories, hide, moments)
        if excluded is not None:
            scores[:, excluded] = -np.inf
        chosen, values = top_k(scores, min(k, self.train.n_items))
        return chosen, values, np.take_along_axis(from_fallback, chosen, axis=1)

    def similar_items(self, item_ids: Sequence[Id], k: int = 10) -> Recommendations:
        """Items similar to each of the given ones, most similar first; the item itself never.

        Raises:
            UnknownIdError: An item is unknown to training.
            ShopkeeperError: The model knows no similarity of items.
        """
        index = self.train.items.known_indices(item_ids)
        scores = self.similarity(index)
        scores[:, 0] = -np.inf
        scores[np.arange(len(index)), index] = -np.inf
        chosen, values = top_k(scores, min(k, self.train.n_items))
        return Recommendations(
            list(item_ids), chosen, values, np.zeros(chosen.shape, dtype=bool), self.train.items, self.name
        )

    def save(self, folder: Path) -> None:
        """Writes the model as an artifact folder, atomically.

        Raises:
            ArtifactError: The place is taken by something else or the disk refuses.
        """
        with write_artifact(folder, KIND) as writer:
            self.write(writer)

    def write(self, writer: ArtifactWriter, data: bool = True) -> None:
        """Writes the files into a folder of an artifact.

        Args:
            writer: The folder.
            data: Write ids and histories too; without them the model is read back with those of another one.
        """
        Stored(
            model=self.name,
            config=self.config.model_dump(mode="json"),
            hide_seen=self.hide_seen,
            hiding=self.hiding.model_dump(mode="json"),
            usual_event=self.usual_event.value,
            state=self.state(),
            fallback=self._fallback_scores(),
            train=self.train if data else None,
            memory=self._memory if data else None,
        ).write(writer)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Loads a saved model; on the base class a model of any kind.

        Raises:
            ArtifactError: There is none, it is damaged, or it is another model.
        """
        return cls.read(open_artifact(folder, KIND))

    @classmethod
    def read(cls, reader: ArtifactReader, train: Dataset | None = None) -> Self:
        """Reads the files from a folder of an opened artifact.

        Args:
            reader: The folder.
            train: The training part, where it was not written with the model.

        Raises:
            ArtifactError: It is damaged, another model, or its training part is neither here nor given.
        """
        from shopkeeper.recommenders.registry import recommender_class

        stored = Stored.read(reader)
        train = train if train is not None else stored.train
        found = recommender_class(stored.model)
        if not issubclass(found, cls):
            raise ArtifactError(f"{reader.path} holds another model", expected=cls.__name__, got=found.__name__)
        if train is None:
            raise ArtifactError(f"{reader.path} holds a model without its ids", remedy="open the bundle it is part of")
        model = found(build(found.Config, stored.config))
        check_shape(stored.fallback, (train.n_items + 1,), f"fallback of {reader.path}")
        model._set_train(train)
        model._fallback, model._memory = stored.fallback, stored.memory
        model.hiding, model.usual_event = stored_policy(stored.hiding, stored.hide_seen), EventType(stored.usual_event)
        model.restore(stored.state)
        return model

    def _set_train(self, train: Dataset) -> None:
        self._train = train
        self._memory = None
        self._fallback = None
        learned = train.learned_hiding
        if self.shows_seen and learned.hide is Hide.SEEN:
            learned = HidingPolicy(hide=Hide.NONE)
        self.hiding = learned.asked(self.config.asked_hide, self.config.hide_after)
        self.usual_event = train.histories.usual_event  # of histories that come with a question

    def _fallback_scores(self) -> Float32Array:
        if self._fallback is None:
            self._fallback = fallback_scores(self.train)
        return self._fallback
