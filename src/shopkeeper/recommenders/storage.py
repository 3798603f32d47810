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
        hide_seen: Whether all seen items are hidden; what older versions read.
        hiding: The policy of hiding as plain JSON values, None where an older version wrote the model.
        usual_event: The event type that given histories are taken for.
        state: What was learned.
        fallback: float32 [n_items + 1]; scores of the fallback.
        train: The training part, without events where `memory` is there; None where it is kept elsewhere.
        memory: The log that known shoppers are answered from, or None where that is the training part.
    """

    model: str
    config: dict[str, Any]
    hide_seen: bool
    usual_event: str
    state: dict[str, NDArray[Any]]
    fallback: Float32Array
    train: Dataset | None
    memory: Dataset | None
    hiding: dict[str, Any] | None = None

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the files into a folder of an artifact."""
        facts = {name: getattr(self, name) for name in ("model", "config", "hide_seen", "hiding", "usual_event")}
        writer.json("model.json", facts)
        writer.tensors("state.safetensors", self.state)
        writer.tensors("fallback.safetensors", {"scores": self.fallback})
        if self.train is not None:
            write_data(writer, self.train, self.memory)

    @staticmethod
    def read(reader: ArtifactReader) -> Stored:
        """Reads the files from a folder of an opened artifact."""
        train, memory = read_data(reader)
        return Stored(
            **reader.json("model.json"),
            state=reader.tensors("state.safetensors"),
            fallback=reader.tensors("fallback.safetensors")["scores"],
            train=train,
            memory=memory,
        )


def write_data(writer: ArtifactWriter, train: Dataset, memory: Dataset | None) -> None:
    """Writes the training part and the log that shoppers are answered from; beside a log only the ids of the former."""
    if memory is None:
        train.write(writer.folder("train"))
    else:
        train.without_events().write(writer.folder("train"))
        memory.write(writer.folder("memory"))


def read_data(reader: ArtifactReader) -> tuple[Dataset | None, Dataset | None]:
    """What `write_data` wrote: the training part and the later log, None where they are not there."""
    return (
        Dataset.read(reader.folder("train")) if reader.has("train") else None,
        Dataset.read(reader.folder("memory")) if reader.has("memory") else None,
    )
