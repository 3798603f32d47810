"""The files of a saved recommender: settings as JSON, what was learned as safetensors, histories memory-mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data.dataset import Dataset
from shopkeeper.types import Float32Array


@dataclass(frozen=True)
class Stored:
    """All that a recommender is, apart from its class.

    Attributes:
        model: Name of the class.
        config: Its settings, as plain JSON values.
        hide_seen: Whether seen items are hidden.
        usual_event: The event type that given histories are taken for.
        state: What was learned.
        fallback: float32 [n_items + 1]; scores of the fallback.
        train: The training part; without events where `memory` is there.
        memory: The log that known shoppers are answered from, or None where that is the training part.
    """

    model: str
    config: dict[str, Any]
    hide_seen: bool
    usual_event: str
    state: dict[str, NDArray[Any]]
    fallback: Float32Array
    train: Dataset
    memory: Dataset | None

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the files into a folder of an artifact."""
        facts = {name: getattr(self, name) for name in ("model", "config", "hide_seen", "usual_event")}
        writer.json("model.json", facts)
        writer.tensors("state.safetensors", self.state)
        writer.tensors("fallback.safetensors", {"scores": self.fallback})
        if self.memory is None:
            self.train.write(writer.folder("train"))
        else:
            self.train.without_events().write(writer.folder("train"))
            self.memory.write(writer.folder("memory"))

    @staticmethod
    def read(reader: ArtifactReader) -> Stored:
        """Reads the files from a folder of an opened artifact."""
        return Stored(
            **reader.json("model.json"),
            state=reader.tensors("state.safetensors"),
            fallback=reader.tensors("fallback.safetensors")["scores"],
            train=Dataset.read(reader.folder("train")),
            memory=Dataset.read(reader.folder("memory")) if reader.has("memory") else None,
        )
