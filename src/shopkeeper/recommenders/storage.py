"""The files of a saved recommender: settings as JSON, what was learned as safetensors, histories memory-mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter, check_indices, check_offsets, check_shape
from shopkeeper.data.dataset import COLUMNS, Dataset
from shopkeeper.data.schema import EVENT_TYPES
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
    """What `write_data` wrote: the training part and the later log, None where they are not there.

    Raises:
        ArtifactError: They are damaged, or histories hold items that are none.
    """
    train, memory = (_read_dataset(reader, name) if reader.has(name) else None for name in ("train", "memory"))
    return train, memory


def _read_dataset(reader: ArtifactReader, name: str) -> Dataset:
    dataset = Dataset.read(reader.folder(name))
    histories, n_events = dataset.histories, len(dataset.histories.item_index)
    where = f"of {reader.path / name}"
    check_offsets(histories.offsets, len(dataset.users), n_events, f"offsets {where}")
    check_indices(histories.item_index, 1, len(dataset.items) + 1, f"item_index {where}")
    check_indices(histories.event_type, 1, len(EVENT_TYPES) + 1, f"event_type {where}")
    check_shape(histories.timestamp, (n_events,), f"timestamp {where}")
    if histories.placement is not None:
        check_shape(histories.placement, (n_events,), f"placement {where}")
        n_placements = 0 if dataset.placements is None else len(dataset.placements)
        check_indices(histories.placement, 0, n_placements + 1, f"placement {where}")
    for column in COLUMNS:
        if (values := getattr(dataset, column)) is not None:
            check_shape(values, (n_events,), f"{column} {where}")
    return dataset
