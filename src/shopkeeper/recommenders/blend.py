"""Several recommenders as one: a mixture of what they hold probable, its weights fitted on the validation part.

Weights and sharpness start from those under which the targets are most probable (see `mixture`), and are then searched
for the ranking itself (see `mixture_search`).

Models that learn differently err differently: a network and plain counts of transitions together find more than either.
A member may come more than once; a network then starts from another seed each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from shopkeeper.config import Settings, build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import NEVER_ENDING
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.estimate import Estimate
from shopkeeper.recommenders.mixture import at_targets, fit_mixture, log_scores, normalizers, probabilities
from shopkeeper.recommenders.mixture_search import Shortlists, search_mixture
from shopkeeper.recommenders.validation import sample_holdout
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int32Array

if TYPE_CHECKING:
    from shopkeeper.recommenders.newcomers import Newcomers


class Member(Settings):
    """One recommender of a blend."""

    model: str
    """Its name."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Its settings; those of that recommender, checked when the blend is made."""

    @model_validator(mode="after")
    def _settings_are_valid(self) -> Self:
        self.recommender()
        return self

    def recommender(self) -> Recommender:
        """The recommender, not fitted.

        Raises:
            ConfigError: There is no such recommender, or one of its settings is not valid.
        """
        from shopkeeper.recommenders.registry import recommender_class

        found = recommender_class(self.model)
        return found(build(found.Config, self.settings))


def _usual_members() -> tuple[Member, ...]:
    return tuple(Member(model=name) for name in ("SASRec", "Transitions", "ItemKNN"))


class BlendConfig(RecommenderConfig):
    """Settings of `Blend`."""

    members: Annotated[tuple[Member, ...], Field(min_length=1, default_factory=_usual_members)]
    """Who takes part."""
    fit: Literal["ndcg", "likelihood"] = "ndcg"
    """What weights and sharpness are fitted for on the validation part: NDCG@10, or the probability of the targets."""
    validation_users: Annotated[int, Field(ge=1)] | None = 4000
    """The weights are fitted on a fixed sample of at most this many shoppers; None takes all."""


class Blend(Recommender):
    """A mixture of recommenders."""

    Config = BlendConfig
    config: BlendConfig
    learns = "order"
    logits = True

    def __init__(self, config: RecommenderConfig | None = None) -> None:
        super().__init__(config)
        self.members: list[Recommender] = [member.recommender() for member in self.config.members]
        """The recommenders, in the order of the settings."""
        self.weights: Float64Array = np.full(len(self.members), 1 / len(self.members))
        """Weight of each, float64 [members], which sum to 1."""
        self.sharpness: Float64Array = np.ones(len(self.members))
        """Power of the probabilities of each, float64 [members]."""

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """The members' together: they are fitted one after the other, and what each has learned stays."""
        found = [member.estimate(train, training, validation) for member in self.members]
        parts = {
            f"{place} {member.name}: {what}": size
            for place, (member, one) in enumerate(zip(self.members, found, strict=True))
            for what, size in one.parts.items()
        }
        known = [one.seconds for one in found if one.seconds is not None]
        seconds = sum(known) if len(known) == len(found) else None
        return Estimate(parts, seconds, max(found, key=lambda one: one.bytes).remedy)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        for place, member in enumerate(self.members):
            member.fit(train, validation, _own(training, place, member), progress)
        if validation is not None and len(validation) > 0:
            self.fit_weights(validation, training.seed)

    def refitted(
        self, train: Dataset, training: TrainingSettings | None = None, progress: Progress | None = None
    ) -> Self:
        """The members fitted on more data, with the weights and sharpness of this blend."""
        fresh, training = type(self)(self.config), training or TrainingSettings()
        fresh.members = [
            member.refitted(train, _own(training, place, member), progress) for place, member in enumerate(self.members)
        ]
        fresh._set_train(train)
        fresh.weights, fresh.sharpness = self.weights.copy(), self.sharpness.copy()
        return fresh

    @classmethod
    def of_fitted(cls, members: Sequence[Recommender], hide_seen: bool | None = None) -> Blend:
        """A blend of recommenders that are fitted already, all on the same data, each weighing the same.

        Args:
            members: The recommenders; they are not fitted again.
            hide_seen: The setting of that name.
        """
        made = [Member(model=member.name, settings=member.config.model_dump()) for member in members]
        blend = cls(build(BlendConfig, {"members": made, "hide_seen": hide_seen}))
        blend.members = list(members)
        blend._set_train(members[0].train)
        return blend

    def fit_weights(self, validation: Holdout, seed: int = 0) -> None:
        """Fits weights and sharpness on held-out questions; the members stay as they are.

        The scores of all members are held for a batch of shoppers, whose size falls with their number. For NDCG the
        sample takes at most 8 bytes times shoppers, members squared and `CANDIDATES`, whatever the number of items.
        """
        self._fit_mixture(sample_holdout(validation, self.config.validation_users, seed))

    def _fit_mixture(self, asked: Holdout) -> None:
        found, shares, lists = [], [], []
        ranks = self.config.fit == "ndcg" and len(self.members) > 1
        size = max(1, self.batch_size() // len(self.members))  # scores of all members are held at once
        for start, batch in asked.histories.batches(size):
            targets = asked.targets.slice(start, start + len(batch))
            known = targets.item_index > 0
            rows, items = targets.rows[known], np.asarray(targets.item_index[known], dtype=np.int64)
            scores = list(self._log_scores(self.members, asked.user_index[start : start + len(batch)], batch))
            sums = [normalizers(one) for one in scores]
            members = [at_targets(one, own, rows, items) for one, own in zip(scores, sums, strict=True)]
            found.append(np.stack(members, axis=1))
            shares.append(1 / targets.lengths[rows])
            if ranks:
                lists.append(Shortlists.of_batch(scores, sums, targets))
        if not sum(map(len, shares)):
            return
        likely = fit_mixture(np.concatenate(found), np.concatenate(shares))
        if ranks:
            joined = Shortlists.joined(lists)
            lists.clear()
            self.weights, self.sharpness = search_mixture(joined, likely)
        else:
            self.weights, self.sharpness = likely

    def _log_scores(
        self, members: Sequence[Recommender], user_index: Int32Array, histories: Histories
    ) -> Iterator[Float32Array]:
        """Scores of each of these members as `log_scores`."""
        hidden: BoolArray | None = None
        hides = self.hidden_events(histories, moments=np.full(len(histories), NEVER_ENDING))
        if hides.any():
            hidden = np.zeros((len(histories), self.train.n_items + 1), dtype=bool)
            hidden[histories.rows[hides], histories.item_index[hides]] = True
        for member in members:
            yield log_scores(member.score(user_index, histories), member.logits, hidden)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Logarithm of the mixed probabilities; minus infinity where no member holds an item possible.

        A member that weighs nothing is not asked.
        """
        mixed = np.zeros((len(histories), self.train.n_items + 1), dtype=np.float32)
        asked = np.flatnonzero(self.weights > 0)
        members = [self.members[place] for place in asked]
        for place, scores in zip(asked, self._log_scores(members, user_index, histories), strict=True):
            mixed += np.float32(self.weights[place]) * probabilities(scores, float(self.sharpness[place]))
        with np.errstate(divide="ignore"):
            return np.log(mixed)

    def with_newcomers(self, newcomers: Newcomers) -> Blend:
        """The blend of the members with newcomers; see `Recommender.with_newcomers`."""
        from shopkeeper.recommenders.stand_ins import with_items_of

        longer = with_items_of(self, newcomers)
        longer.members = [member.with_newcomers(newcomers) for member in self.members]
        return longer

    def item_vectors(self) -> Float32Array | None:
        """Vectors of the first member that has some."""
        found = (member.item_vectors() for member in self.members)
        return next((vectors for vectors in found if vectors is not None), None)

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """That of the first member; see `Recommender.similarity`."""
        return self.members[0].similarity(item_index)

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, sharpness, and the states of the members, their names behind the place of the member."""
        state: dict[str, NDArray[Any]] = {"weights": self.weights, "sharpness": self.sharpness}
        for place, member in enumerate(self.members):
            state.update({f"{place}/{name}": values for name, values in member.state().items()})
        return state

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes all of it back."""
        self.weights, self.sharpness = state["weights"], state["sharpness"]
        for place, member in enumerate(self.members):
            member._set_train(self.train)
            start = f"{place}/"
            member.restore({name[len(start) :]: values for name, values in state.items() if name.startswith(start)})


def _own(training: TrainingSettings, place: int, member: Recommender) -> TrainingSettings:
    """How one member is trained: from a seed of its own, with checkpoints of its own."""
    folder = training.checkpoint_folder
    return training.replace(
        seed=training.seed + place,
        checkpoint_folder=None if folder is None else folder / f"{place}-{member.name}",
    )
