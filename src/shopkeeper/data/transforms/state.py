"""Saves what transforms learned: numbers as JSON, arrays as safetensors, categories as Parquet. Never pickle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from shopkeeper.artifacts import ArtifactReader, ArtifactWriter

NUMBERS = "numbers.json"
ARRAYS = "arrays.safetensors"


def write_states(writer: ArtifactWriter, states: Sequence[dict[str, Any]]) -> None:
    """Writes the states of a list of transforms.

    Args:
        writer: The folder they go to.
        states: One a transform; values are numbers, NumPy arrays or vocabularies.
    """
    import pyarrow as pa

    numbers: list[dict[str, Any]] = [{} for _ in states]
    arrays = {}
    for place, state in enumerate(states):
        for name, value in state.items():
            if isinstance(value, Vocabulary):
                writer.table(_file(place, name), pa.table({"value": value.arrow}))
            elif isinstance(value, np.ndarray):
                arrays[f"{place}.{name}"] = value
            else:
                numbers[place][name] = value
    writer.json(NUMBERS, numbers)
    writer.tensors(ARRAYS, arrays)


def read_states(reader: ArtifactReader, names: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Reads the states of a list of transforms.

    Args:
        reader: The folder.
        names: For each transform the names in its state.
    """
    numbers, arrays = reader.json(NUMBERS), reader.tensors(ARRAYS)
    states = []
    for place, wanted in enumerate(names):
        state: dict[str, Any] = dict(numbers[place])
        for name in wanted:
            if f"{place}.{name}" in arrays:
                state[name] = arrays[f"{place}.{name}"]
            elif name not in state:
                state[name] = Vocabulary(reader.table(_file(place, name)).column("value"))
        states.append(state)
    return states


def _file(place: int, name: str) -> str:
    return f"{place}-{name}.parquet"
