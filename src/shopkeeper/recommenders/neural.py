"""The base of recommenders that are networks: make the network, train it in the one loop, keep its weights.

A subclass says which network (`_build`) and what it learns (`_objective`), and how its answers are scored (`score`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import NotFittedError, missing_dependency
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.estimate import Estimate
from shopkeeper.recommenders.validation import sample_holdout, validation_ndcg
from shopkeeper.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn

    from shopkeeper.training.loop import TrainingResult, Watch
    from shopkeeper.training.objective import Objective


class NeuralRecommender(Recommender):
    """Base of all recommenders whose weights are trained by gradients."""

    def __init__(self, config: RecommenderConfig | None = None) -> None:
        super().__init__(config)
        self._network: nn.Module | None = None
        self.training_result: TrainingResult | None = None
        """The learning curve of `fit`; None for a model that was loaded."""
        self.watch: Watch | None = None
        """Told of each epoch of `fit`; where it says no, training ends there."""

    @abstractmethod
    def _build(self) -> nn.Module:
        """A network with fresh weights for the data in `self.train`."""

    @abstractmethod
    def _objective(self, training: TrainingSettings) -> Objective[Any]:
        """What the network learns from the data in `self.train`."""

    def _prepare(self, train: Dataset) -> None:
        """Sets what `_build` and `_objective` need from the data; by default nothing."""

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """Memory by counting weights and what a batch keeps, time by some real steps on a copy that is thrown away."""
        from shopkeeper.recommenders.network_estimate import estimate_network

        copy = type(self)(self.config)
        copy._set_train(train)
        copy._prepare(train)
        return estimate_network(copy, training or TrainingSettings(), validation)

    def _start(self, network: nn.Module) -> None:
        """Gives fresh weights what is known before training; nothing by default."""

    @property
    def network(self) -> nn.Module:
        """The trained network.

        Raises:
            NotFittedError: There is none yet.
        """
        if self._network is None:
            raise NotFittedError(f"{self.name} has no network", remedy="call fit(train) or load a saved one")
        return self._network

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        try:
            import torch
        except ImportError as error:
            raise missing_dependency("torch", "torch", f"training {self.name}") from error
        from shopkeeper.training.loop import train_network

        self._prepare(train)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)
            self._network = self._build()
            self._start(self._network)
        validate = None
        if validation is not None and len(validation) > 0:
            asked = sample_holdout(validation, training.validation_users, training.seed)
            validate = lambda: validation_ndcg(self, asked)  # noqa: E731
        self.training_result = train_network(
            self._network, self._objective(training), training, validate, progress, self._identity(), self.watch
        )

    def refitted(
        self, train: Dataset, training: TrainingSettings | None = None, progress: Progress | None = None
    ) -> Self:
        """A new network, trained for as many epochs as the best weights of this one took, at the same learning rates.

        Nothing is validated, so nothing stops it early and nothing that it learns from is asked about.

        Raises:
            NotFittedError: This one was not trained in this process.
        """
        if self.training_result is None:
            raise NotFittedError(f"nobody knows how many epochs {self.name} took", remedy="fit it first")
        training, epochs = training or TrainingSettings(), self.training_result.best_epoch
        if training.checkpoint_folder is not None:
            training = training.replace(checkpoint_folder=training.checkpoint_folder / "refit")
        fresh = type(self)(self.config)
        fresh.watch = lambda record: record.epoch < epochs
        fresh.fit(train, None, training, progress)
        fresh.watch = None
        return fresh

    def _identity(self) -> dict[str, Any]:
        """What tells this run from others beside the training settings, as plain JSON values."""
        config = {f"model.{name}": value for name, value in self.config.model_dump(mode="json").items()}
        return {"model": self.name, "data_hash": self.train.data_hash, **config}

    def state(self) -> dict[str, NDArray[Any]]:
        """The weights of the network, float32."""
        from shopkeeper.training.checkpoints import as_arrays

        return as_arrays(self.network.state_dict())

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes weights back.

        Raises:
            ArtifactError: They are those of another network.
        """
        from shopkeeper.training.checkpoints import load_weights

        self._network = self._build()
        load_weights(self._network, state, self.name)
