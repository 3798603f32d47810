"""The pipeline: candidates of several recommenders, filters, one list, variety, reasons, and an answer in any case.

It is itself a `Recommender`, so that what is evaluated is what is served.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide, Hiding, HidingPolicy, hide_of
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import ArtifactError, ShopkeeperError
from shopkeeper.pipeline.answering import answer
from shopkeeper.pipeline.asking import Answer, Ask, Filters
from shopkeeper.pipeline.blend import choose_weights
from shopkeeper.pipeline.expected_value import Ranking
from shopkeeper.pipeline.expected_value_fit import fit_purchases
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.pipeline.likeness import likeness_order, similarity_of
from shopkeeper.pipeline.popularity import Popularity
from shopkeeper.pipeline.recommending import answers_of, as_arrays, as_recommendations
from shopkeeper.pipeline.settings import PipelineFacts, PipelineSettings
from shopkeeper.pipeline.similar import SimilarKind, SimilarModels, event_shares, names_of, similar
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.popular import MostPopular, MostPopularConfig
from shopkeeper.recommenders.questions import Question, ask, indices_of
from shopkeeper.recommenders.recommendations import Recommendations
from shopkeeper.recommenders.stand_ins import with_items_of
from shopkeeper.recommenders.storage import read_data, write_data
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Float32Array, Id, Int32Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.predictors.base import Predictor
    from shopkeeper.progress import Progress
    from shopkeeper.recommenders.newcomers import Newcomers


class Pipeline(Recommender):
    """Recommenders that answer together.

    Args:
        recommenders: At least one, the most important first; `fit` fits them, `of_fitted` takes fitted ones.
        config: Settings.
    """

    Config = PipelineSettings
    config: PipelineSettings
    answers_empty = True

    def __init__(self, recommenders: Sequence[Recommender], config: PipelineSettings | None = None) -> None:
        super().__init__(config)
        if not recommenders:
            raise ShopkeeperError("a pipeline needs a recommender", expected="at least one")
        self.recommenders = list(recommenders)
        self.weights = [1.0, *(0.0 for _ in self.recommenders[1:])]
        """Weight of each recommender; one of weight 0 only fills up lists that are too short."""
        self.fallbacks: list[Recommender] = []
        """Who answers, one after the other, where the recommenders have too little to say."""
        self.likeness: list[int] = []
        """Places of the recommenders that know what items are like, the best one first."""
        self.ranking: Ranking | None = None
        """What orders the candidates; None leaves them by their scores."""
        self.similar_models = SimilarModels()
        """What answers about items alone."""
        self._facts: ItemFacts | None = None
        self._popularity: Popularity | None = None

    @classmethod
    def of_fitted(
        cls, recommenders: Sequence[Recommender], config: PipelineSettings | None = None,
        validation: Holdout | None = None,
    ) -> Self:  # fmt: skip
        """A pipeline of recommenders that were fitted on one training part.

        Args:
            recommenders: The most important first.
            config: Settings.
            validation: Questions by which the weights are chosen; None lets all but the first only fill up.
        """
        pipeline = cls(recommenders, config)
        pipeline._set_train(recommenders[0].train)
        pipeline._complete(validation)
        return pipeline

    def refitted(
        self, train: Dataset, training: TrainingSettings | None = None, progress: Progress | None = None
    ) -> Self:
        """Its recommenders fitted on more data, with the weights that validation chose."""
        fresh = type(self)([model.refitted(train, training, progress) for model in self.recommenders], self.config)
        fresh._set_train(train)
        fresh._complete(None)
        fresh.weights, fresh.likeness = list(self.weights), list(self.likeness)
        return fresh

    @property
    def name(self) -> str:
        """Named after its most important recommender."""
        return f"Pipeline of {self.primary.name}"

    @property
    def primary(self) -> Recommender:
        """The most important recommender."""
        return self.recommenders[0]

    @property
    def facts(self) -> ItemFacts:
        """What is known of the items."""
        if self._facts is None:
            self._facts = ItemFacts.of(self.memory.catalog, self.train.items)
        return self._facts

    @property
    def popularity(self) -> Popularity:
        """Which items are popular in the log as of now."""
        if self._popularity is None:
            self._popularity = Popularity.of(self.memory)
        return self._popularity

    def remember(self, dataset: Dataset) -> None:
        """Answers known shoppers from these histories from now on; so do its recommenders, from the same memory."""
        super().remember(dataset)
        self._share_memory()

    def with_newcomers(self, newcomers: Newcomers) -> Pipeline:
        """This pipeline, which stays as it is, with items that came after training and the facts of their catalog."""
        longer = with_items_of(self, newcomers)
        longer.recommenders = [model.with_newcomers(newcomers) for model in self.recommenders]
        longer.similar_models = self.similar_models.with_newcomers(newcomers)
        least = int(self._fallback_scores()[1:].argmin()) + 1
        *others, last = self.fallbacks  # the last one leaves nothing out
        longer.fallbacks = [model.with_newcomers(newcomers) for model in others]
        longer.fallbacks.append(last.with_newcomers(newcomers.with_least(least)))
        longer._share_memory()
        return longer

    def with_catalog(self, catalog: Catalog) -> Pipeline:
        """This pipeline, which stays as it is, with other facts of its items."""
        longer = copy(self)
        longer._memory, longer._facts = replace(self.memory, catalog=catalog), None
        longer._popularity = Popularity(self.popularity.counts)  # categories may be others
        longer._rank_from_memory()
        return longer

    def rank_by(self, predictor: Predictor) -> None:
        """Lets a predictor order the candidates, as the settings say."""
        self.ranking = Ranking(predictor, self.config.ranking, self.memory, self.train.users)

    def answer(self, asks: Sequence[Ask]) -> list[Answer]:
        """Answers questions, one batch; safe to call from several threads.

        Args:
            asks: The questions.

        Returns:
            One answer each, in their order. Fewer than k items come out only where no more may.
        """
        return answer(self, asks)

    def recommend(
        self, user_ids: Sequence[Id | None] | None = None, histories: Sequence[Sequence[Id]] | None = None, k: int = 10,
        exclude: Sequence[Id] = (), hide_seen: bool | None = None, hide: Hide | str | None = None,
        hide_after: float | None = None, explain: bool = False,
    ) -> Recommendations:  # fmt: skip
        """Recommends items as of now; as every recommender does, and with a reason for each where asked.

        Args:
            user_ids: Shoppers; None with `histories` given asks for histories alone.
            histories: For each shopper the ids of items, oldest first, in place of the history known from training;
                they end now.
            k: How many items.
            exclude: Items that must not come out.
            hide_seen: The older way to say `hide`: true is ``"seen"``, false is ``"none"``.
            hide: Which of a shopper's own items do not come out: what was ``"bought"``, all that was ``"seen"``, or
                ``"none"``; None does what the training data suggest.
            hide_after: Days after which a hidden item may come out again.
            explain: Say in a sentence why each item was chosen.

        Raises:
            ShopkeeperError: Neither shoppers nor histories are given, they differ in number, or k is below 1.
        """
        filters = Filters(hide=self.hiding.asked(hide_of(hide, hide_seen), hide_after))
        question = ask(self.train, self.memory, user_ids, histories, self.usual_event)
        if k < 1:
            raise ShopkeeperError("k must be at least 1", got=str(k))
        k = min(k, self.train.n_items)
        excluded = indices_of(self.train.items, list(exclude))
        moments = None if histories is not None else np.full(len(question.histories), time.time_ns() // 1000)
        answers = answers_of(self, question, k, filters, excluded[excluded > 0], explain, moments)
        return as_recommendations(self, question, answers, k)

    def rank(
        self, user_index: Int32Array, histories: Histories, k: int, hide: Hiding = None,
        excluded: Int32Array | None = None, moments: Int64Array | None = None,
    ) -> tuple[Int32Array, Float32Array, BoolArray]:  # fmt: skip
        """The k best items of one batch, in indices: int32 [b, k], their scores, and whether from the fallback.

        Whether an item is on sale does not count here: the catalog knows it of today, and this is what an evaluation
        asks, whose questions are of the past. Items that must not come out for another reason, those in the cart among
        them, do not.
        """
        k = min(k, self.train.n_items)
        question = Question([None] * len(histories), user_index, histories, [])
        exclude = np.zeros(0, dtype=np.int32) if excluded is None else excluded
        filters = Filters(available=False, hide=hide)
        return as_arrays(answers_of(self, question, k, filters, exclude, moments=moments), k)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """What falls from place to place of the whole list; minus infinity for items that are not in it."""
        return self.final_scores(user_index, histories)[0]

    def final_scores(
        self, user_index: Int32Array, histories: Histories, hide: Hiding = None, moments: Int64Array | None = None
    ) -> tuple[Float32Array, BoolArray]:
        """What falls from place to place of the whole list of `rank`; minus infinity for all that is not in it."""
        return self._by_place(user_index, histories, hide, moments, self.train.n_items)

    def leading_scores(
        self, user_index: Int32Array, histories: Histories, depth: int, hide: Hiding = None,
        moments: Int64Array | None = None,
    ) -> Float32Array:  # fmt: skip
        """The same of the first `depth` places; minus infinity for all behind them."""
        return self._by_place(user_index, histories, hide, moments, depth)[0]

    def similar_items(
        self, item_ids: Sequence[Id], k: int = 10, kind: SimilarKind = "similar", filters: Filters | None = None,
        exclude: Sequence[Id] = (),
    ) -> Recommendations:  # fmt: skip
        """Items like each of the given ones, or bought together with them, best first; the item itself never.

        Args:
            item_ids: Of which items.
            k: How many.
            kind: ``"similar"`` for what can stand in for the item, ``"together"`` for what goes with it.
            filters: Which may come out; None takes what is on sale.
            exclude: Items that must not come out.

        Returns:
            The answers; `sources` name what answered, `meanings` say in which sense.

        Raises:
            UnknownIdError: An item is unknown to training.
            ShopkeeperError: Nothing knows what the items are like.
        """
        hidden = indices_of(self.train.items, list(exclude))
        index = self.train.items.known_indices(item_ids)
        found = [similar(self, int(item), k, kind, filters, hidden[hidden > 0]) for item in index]
        shape = (len(found), min(k, self.train.n_items))
        chosen, scores = np.zeros(shape, dtype=np.int32), np.full(shape, -np.inf, dtype=np.float32)
        for row, one in enumerate(found):
            chosen[row, : len(one.item_index)], scores[row, : len(one.item_index)] = one.item_index, one.scores
        return Recommendations(
            list(item_ids),
            chosen,
            scores,
            np.zeros(shape, dtype=bool),
            self.train.items,
            ", ".join(dict.fromkeys(one.source for one in found)),
            sources=[[one.source] * len(one.item_index) for one in found],
            meanings=[one.meaning for one in found],
        )

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """That of the recommender whose neighbors tell best what shoppers take next; of others where it knows none."""
        return similarity_of(self.recommenders, self.likeness, item_index)

    def item_vectors(self) -> Float32Array | None:
        """Those of the recommender that says what items are like, where it has vectors."""
        return self.recommenders[self.likeness[0]].item_vectors() if self.likeness else None

    def state(self) -> dict[str, NDArray[Any]]:
        """What all recommenders learned, each name with the place of its recommender before it."""
        return {f"{place}/{name}": values for place, model in enumerate(self.recommenders)
                for name, values in model.state().items()}  # fmt: skip

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Gives each recommender back what it learned."""
        for place, model in enumerate(self.recommenders):
            start = f"{place}/"
            model.restore({name.removeprefix(start): value for name, value in state.items() if name.startswith(start)})

    def write(self, writer: ArtifactWriter, data: bool = True) -> None:
        """Writes the files into a folder of an artifact: ids and histories once, then each recommender without them."""
        facts = PipelineFacts(
            config=self.config,
            weights=self.weights,
            likeness=self.likeness,
            hide_seen=self.hide_seen,
            hiding=self.hiding,
            usual_event=self.usual_event,
            recommenders=len(self.recommenders),
            fallbacks=len(self.fallbacks),
            similar=tuple(name for name, _ in names_of(self.similar_models)),
            event_shares=(self.similar_models.views, self.similar_models.purchases),
        )
        writer.json("pipeline.json", facts.model_dump(mode="json"))
        if data:
            write_data(writer, self.train, self._memory)
        if self.ranking is not None:
            self.ranking.write(writer)
        for kind, models in (("recommenders", self.recommenders), ("fallbacks", self.fallbacks)):
            for place, model in enumerate(models):
                model.write(writer.folder(f"{kind}/{place}"), data=False)
        for name, model in names_of(self.similar_models):
            model.write(writer.folder(f"similar/{name}"), data=False)

    @classmethod
    def read(cls, reader: ArtifactReader, train: Dataset | None = None, memory: Dataset | None = None) -> Self:
        """Reads the files from a folder of an opened artifact.

        Args:
            reader: The folder.
            train: The training part, where it was not written with the pipeline.
            memory: The log that known shoppers are answered from, in any vocabulary, where that was not written.

        Raises:
            ArtifactError: It is damaged, or its training part is neither here nor given.
            ConfigError: Another version wrote it.
        """
        facts = build(PipelineFacts, reader.json("pipeline.json"))
        stored, stored_memory = read_data(reader)
        train = train if train is not None else stored
        if train is None:
            raise ArtifactError(f"{reader.path} holds a pipeline without its ids")
        if memory is not None:
            memory = memory.in_items(train.items, train.placements)
        models, fallbacks = (
            [Recommender.read(reader.folder(f"{kind}/{place}"), train) for place in range(number)]
            for kind, number in (("recommenders", facts.recommenders), ("fallbacks", facts.fallbacks))
        )
        pipeline = cls(models, facts.config)
        pipeline._set_train(train)
        pipeline.weights, pipeline.likeness, pipeline.fallbacks = facts.weights, facts.likeness, fallbacks
        older = HidingPolicy(hide=Hide.SEEN if facts.hide_seen else Hide.NONE)
        pipeline.hiding, pipeline.usual_event = facts.hiding or older, facts.usual_event
        pipeline._memory = stored_memory if stored_memory is not None else memory
        beside = {name: Recommender.read(reader.folder(f"similar/{name}"), train) for name in facts.similar}
        shares = facts.event_shares or event_shares(pipeline.memory.histories)
        pipeline.similar_models = SimilarModels(beside.get("content"), beside.get("together"), *shares)
        pipeline.ranking = Ranking.read(reader, facts.config.ranking, pipeline.memory, train.users)
        pipeline._share_memory()
        return pipeline

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        for model in self.recommenders:
            model.fit(train, validation, training, progress)
        self._complete(validation)

    def _complete(self, validation: Holdout | None) -> None:
        """Makes what stands around the fitted recommenders: settings of the first one, fallbacks, weights."""
        self.hiding = self.primary.hiding.asked(self.config.asked_hide, self.config.hide_after)
        self.usual_event = self.primary.usual_event
        self.fallbacks = [MostPopular().fit(self.train)]
        if (self.facts.categories.code >= 0).any():
            self.fallbacks.insert(0, MostPopular(MostPopularConfig(category_depth=1)).fit(self.train))
        self.likeness = likeness_order(self.recommenders, validation)
        self.similar_models = SimilarModels.fit(self.train)
        if validation is not None and len(validation) and len(self.recommenders) > 1:
            self.weights = choose_weights(self, validation)
        if self.config.ranking.by != "score":
            self.rank_by(fit_purchases(self.train, self.config.ranking))

    def _share_memory(self) -> None:
        self._facts = self._popularity = None
        for model in self.recommenders:
            model._memory = self._memory
        self._rank_from_memory()

    def _rank_from_memory(self) -> None:
        if self.ranking is not None:
            self.ranking = self.ranking.of(self.memory)

    def _by_place(
        self, user_index: Int32Array, histories: Histories, hide: Hiding, moments: Int64Array | None, depth: int
    ) -> tuple[Float32Array, BoolArray]:
        """Dense rows of the first places of the lists, and whether each item comes from the fallbacks."""
        chosen, _, fallback = self.rank(user_index, histories, depth, hide, moments=moments)
        shape, columns = (len(chosen), self.train.n_items + 1), chosen.astype(np.int64)
        scores, from_fallback = np.full(shape, -np.inf, dtype=np.float32), np.zeros(shape, dtype=bool)
        falling = np.arange(self.train.n_items, self.train.n_items - chosen.shape[1], -1, dtype=np.float32)
        np.put_along_axis(scores, columns, np.broadcast_to(falling, chosen.shape), axis=1)
        np.put_along_axis(from_fallback, columns, fallback, axis=1)
        scores[:, 0], from_fallback[:, 0] = -np.inf, False
        return scores, from_fallback
