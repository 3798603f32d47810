"""The textbook classifier of sequences: embedding, LSTM, dropout, sigmoid, by Adam on binary cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths
from shopkeeper.search_space import SearchSpace
from shopkeeper.training.settings import OptimizerSettings, ScheduleSettings, TrainingSettings

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class EmbeddingLSTMConfig(NetworkConfig):
    """Settings of `EmbeddingLSTM`; by default those that tutorials of Keras show."""

    embedding_size: Annotated[int, Field(ge=1)] = 128
    """Width of the vectors of ids."""
    hidden_size: Annotated[int, Field(ge=1)] = 128
    """Width of the state of the LSTM."""
    with_features: bool = True
    """Put features and fields beside the last state; False sees nothing but the sequence and the item."""

    search: ClassVar[SearchSpace] = {name: NetworkConfig.search[name] for name in ("embedding_size", "dropout")}


class EmbeddingLSTM(NetworkPredictor):
    """Embedding, LSTM and sigmoid; the item is the last element of the sequence."""

    Config = EmbeddingLSTMConfig
    config: EmbeddingLSTMConfig

    def default_training(self, n_examples: int) -> TrainingSettings:
        """Adam at a constant rate of .001."""
        adam = OptimizerSettings(name="adam", learning_rate=1e-3)
        constant = ScheduleSettings(name="constant")
        return super().default_training(n_examples).replace(optimizer=adam, schedule=constant)

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.sequence_bodies import AppendedLSTMBody

        beside = widths.beside() if self.config.with_features else 0
        return AppendedLSTMBody(widths.size, self.config.hidden_size, self.config.dropout, beside, widths.heads)
