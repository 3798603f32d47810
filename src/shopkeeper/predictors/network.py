"""The base of predictors that are networks: they read features, ids and the sequence, and train in the one loop.

A subclass gives the body of its network (`_body`). Probabilities of a loss that weighs positives are put right exactly;
those of the focal loss need a calibration.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data.examples.examples import Examples
from shopkeeper.errors import NotFittedError, missing_dependency
from shopkeeper.predictors.base import Predictor, PredictorConfig
from shopkeeper.predictors.network_inputs import CONTEXTS, N_AGES, N_KINDS, NetworkInputs, ReadyExamples
from shopkeeper.predictors.scaling import Scaling
from shopkeeper.progress import Progress
from shopkeeper.search_space import Choice, Floats, SearchSpace
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings
from shopkeeper.types import Float32Array, Float64Array, Int64Array

if TYPE_CHECKING:
    from torch import Tensor, nn

    from shopkeeper.nn.behavior.losses import LabelLoss
    from shopkeeper.nn.behavior.network import BehaviorNetwork, Body
    from shopkeeper.training.loop import TrainingResult, Watch

Loss: TypeAlias = Literal["binary", "focal"]
ROWS: Final = 4096
"""Examples that are answered at a time."""
DEFAULT_TRAINING: Final = TrainingSettings(
    epochs=12, patience=3, optimizer=OptimizerSettings(learning_rate=1e-3, weight_decay=1e-2)
)


LARGEST_BATCH: Final = 512
SMALLEST_BATCH: Final = 64
STEPS_AN_EPOCH: Final = 100


class NetworkConfig(PredictorConfig):
    """Settings that all networks share."""

    embedding_size: Annotated[int, Field(ge=1)] = 32
    """Width of the vectors of ids."""
    hidden_size: Annotated[int, Field(ge=2)] = 128
    """Width of the hidden layers."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of values dropped in training."""
    max_length: Annotated[int, Field(ge=1)] = 30
    """At most so many latest events of a history are read."""
    least_count: Annotated[int, Field(ge=1)] = 20
    """An item, brand or category that examples and their pasts have less often has no vector of its own."""
    unknown_share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the items, brands and categories that training takes for unknown, so that none is learned by heart."""
    loss: Loss = "binary"
    """`binary` cross-entropy, or `focal`; amounts are learned by squared error."""
    focal_gamma: Annotated[float, Field(ge=0)] = 2.0
    """How much less the focal loss weighs what is known already."""
    positive_weight: Annotated[float, Field(gt=0)] = 1.0
    """What comes weighs so many times what does not; probabilities are put right."""

    search: ClassVar[SearchSpace] = {
        "embedding_size": Choice((8, 16, 32, 64)),
        "hidden_size": Choice((64, 128, 256)),
        "dropout": Floats(0.0, 0.5),
        "least_count": Choice((5, 20, 100, 1000)),
        "unknown_share": Floats(0.0, 0.9),
    }


@dataclass(frozen=True)
class Widths:
    """What a body must know of its input.

    Attributes:
        n_values: Scaled features.
        n_fields: Vectors of an example beside its history.
        size: Width of vectors.
        heads: Logits of an example.
    """

    n_values: int
    n_fields: int
    size: int
    heads: int

    def beside(self, vectors: int = 0) -> int:
        """Features, fields and so many vectors more, side by side."""
        return self.n_values + (self.n_fields + vectors) * self.size


class NetworkPredictor(Predictor):
    """Base of predictors whose weights are trained by gradients."""

    Config: ClassVar[type[PredictorConfig]] = NetworkConfig
    config: NetworkConfig
    amounts = True
    inputs: NetworkInputs

    def __init__(self, config: PredictorConfig | None = None) -> None:
        super().__init__(config)
        self._network: BehaviorNetwork | None = None
        self._scale = np.array([0.0, 1.0])
        """Mean and spread of the amounts of training."""
        self.training_result: TrainingResult | None = None
        """The learning curve of `fit`, validated by minus the log loss (or error); None for one that was loaded."""
        self.watch: Watch | None = None
        """Told of each epoch of `fit`; where it says no, training ends there."""

    @abstractmethod
    def _body(self, widths: Widths) -> Body:
        """A body with fresh weights."""

    @property
    def heads(self) -> int:
        """Logits of an example."""
        return 1

    @property
    def network(self) -> BehaviorNetwork:
        """The trained network.

        Raises:
            NotFittedError: There is none yet.
        """
        if self._network is None:
            raise NotFittedError(f"{self.name} has no network", remedy="call fit(train) or load a saved one")
        return self._network

    def default_training(self, n_examples: int) -> TrainingSettings:
        """How it is trained where nobody says: few examples in small batches, so that there are steps enough."""
        batch = min(LARGEST_BATCH, max(SMALLEST_BATCH, n_examples // STEPS_AN_EPOCH))
        return DEFAULT_TRAINING.replace(seed=self.config.seed, batch_targets=batch)

    def effects(self, examples: Examples) -> tuple[tuple[str, ...], Float32Array, Float64Array]:
        """Integrated gradients (Sundararajan et al. 2017) of features, attributes, context and history."""
        from shopkeeper.predictors.integrated_gradients import network_effects

        return network_effects(self, examples)

    def ready(self, examples: Examples, keep: bool = False) -> ReadyExamples:
        """Examples as the network reads them; arguments as of `ReadyExamples`."""
        placements = self._placement_codes(examples.placement_names)
        return ReadyExamples(self.inputs, self._values(examples), examples, placements, keep)

    def logits(self, examples: Examples) -> Float32Array:
        """What the network says, float32 [n, heads]."""
        import torch

        network, ready = self.network, self.ready(examples)
        result = np.empty((len(ready), self.heads), dtype=np.float32)
        order = np.argsort(ready.group, kind="stable")  # those that share a history one after the other
        with torch.inference_mode():
            for start in range(0, len(order), ROWS):
                rows = order[start : start + ROWS]
                result[rows] = network(ready.batch(rows, network.device)).float().cpu().numpy()
        return result

    def as_scores(self, logits: Tensor) -> Tensor:
        """Log-odds among examples as sampled, or amounts, of logits float [n, heads]; float64 [n]."""
        first = logits[:, 0].double()
        if self.of_amounts:
            return first * float(self._scale[1]) + float(self._scale[0])
        return first - float(np.log(self.config.positive_weight))

    def _scores(self, examples: Examples) -> Float64Array:
        import torch

        return np.asarray(self.as_scores(torch.from_numpy(self.logits(examples))).numpy())

    def _targets(self, examples: Examples) -> Float32Array:
        """What the heads learn, float32 [n, heads]."""
        label = (examples.label - self._scale[0]) / self._scale[1] if self.of_amounts else examples.label
        return label[:, None].astype(np.float32)

    def _loss(self) -> LabelLoss:
        from shopkeeper.nn.behavior import losses

        if self.of_amounts:
            return losses.squared_error
        if self.config.loss == "focal":
            return losses.focal_loss(self.config.focal_gamma, self.config.positive_weight)
        return losses.binary_loss(self.config.positive_weight)

    def _learn(
        self, train: Examples, validation: Examples | None, training: TrainingSettings | None, progress: Progress | None
    ) -> None:
        try:
            import torch
        except ImportError as error:
            raise missing_dependency("torch", "torch", f"training {self.name}") from error
        from shopkeeper.training.loop import train_network

        training = training if training is not None else self.default_training(len(train))
        config = self.config
        if self.of_amounts:
            self._scale = np.array([float(train.label.mean()), float(train.label.std())])
        self.inputs = NetworkInputs.fitted(self._values(train), train, config.max_length, config.least_count)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)
            self._network = self._build()
        from shopkeeper.training.labeled import LabelObjective

        ready = self.ready(train, keep=True)
        objective = LabelObjective(ready.group, self._rows_loss(ready, self._targets(train)), training)
        validate = None if validation is None else self._validation(validation)
        self.training_result = train_network(
            self._network, objective, training, validate, progress, self._identity(), self.watch
        )

    def _build(self) -> BehaviorNetwork:
        from shopkeeper.nn.behavior.embedding import ExampleEmbedding
        from shopkeeper.nn.behavior.network import BehaviorNetwork

        size = self.config.embedding_size
        embedding = ExampleEmbedding(self.inputs.sizes, CONTEXTS, N_KINDS, N_AGES, size, self.config.unknown_share)
        return BehaviorNetwork(
            embedding, self._body(Widths(self.inputs.n_values, embedding.n_fields, size, self.heads))
        )

    def _rows_loss(self, ready: ReadyExamples, targets: Float32Array) -> Any:
        """The summed loss of the network on some rows."""
        import torch

        loss_of = self._loss()

        def loss(network: nn.Module, rows: Int64Array) -> Tensor:
            network_ = cast("BehaviorNetwork", network)
            device = network_.device
            embedded = network_.embedding(ready.batch(rows, device))
            total = loss_of(network_.body(embedded), torch.from_numpy(targets[rows]).to(device)).sum()
            further = network_.body.beside(embedded)
            return total if further is None else total + further * len(rows)

        return loss

    def _validation(self, validation: Examples) -> Any:
        """Gives minus the mean loss on held-out examples, weighed to the rate of negatives of training."""
        import torch

        targets, weight = self._targets(validation), self._relative(validation)
        from shopkeeper.nn.behavior import losses

        loss_of = losses.squared_error if self.of_amounts else losses.binary_loss(self.config.positive_weight)

        def validate() -> float:
            said = torch.from_numpy(self.logits(validation))
            each = self._validated(loss_of, said, torch.from_numpy(targets))
            return -float(np.average(each.numpy().astype(np.float64), weights=weight))

        return validate

    def _validated(self, loss_of: LabelLoss, logits: Tensor, targets: Tensor) -> Tensor:
        """What validation counts of each example, float [n]."""
        return loss_of(logits, targets)

    def _identity(self) -> dict[str, Any]:
        config = {f"model.{name}": value for name, value in self.config.model_dump(mode="json").items()}
        return {"model": self.name, "features": list(self._fitted()), **config}

    def write(self, writer: ArtifactWriter) -> None:
        """Also what the network needs to read examples."""
        super().write(writer)
        self.inputs.write(writer)

    def _read_more(self, reader: ArtifactReader) -> None:
        self._words, self._max_length, self._contexts = NetworkInputs.read(reader)

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, scaling of features and of amounts."""
        from shopkeeper.training.checkpoints import as_arrays

        weights = {f"network.{name}": values for name, values in as_arrays(self.network.state_dict()).items()}
        return weights | self.inputs.scaling.state() | {"amounts": self._scale}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes them back.

        Raises:
            ArtifactError: They are those of another network.
        """
        from shopkeeper.training.checkpoints import load_weights

        self.inputs = NetworkInputs(Scaling.restored(state), self._words, self._max_length, self._contexts)
        self._scale = state["amounts"]
        self._network = self._build()
        prefix = "network."
        weights = {name[len(prefix) :]: values for name, values in state.items() if name.startswith(prefix)}
        load_weights(self._network, weights, self.name)
