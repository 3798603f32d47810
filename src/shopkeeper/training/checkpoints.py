"""Checkpoints: weights, the optimizers' state and the place in the run, written whole or not at all, without pickle.

Tensors go to safetensors files; numbers (step counts, settings of the optimizers, the learning curve) go to JSON. A
checkpoint carries the identity of its run, and one of another run is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from shopkeeper.artifacts import artifact_exists, open_artifact, write_artifact
from shopkeeper.errors import ArtifactError, ConfigError
from shopkeeper.training.run_state import RunState

KIND = "checkpoint"
FOLDER = "checkpoint"
Weights = dict[str, Tensor]


def save_checkpoint(
    folder: Path,
    identity: Mapping[str, Any],
    state: RunState,
    network: nn.Module,
    optimizers: Sequence[Optimizer],
    best: Weights | None,
    average: Weights | None = None,
) -> None:
    """Writes the checkpoint of a run, in place of an earlier one.

    Args:
        folder: Folder of the run; the checkpoint is a folder in it.
        identity: What makes the run this one: settings, data hash and so on, as JSON gives it back.
        state: Where it stands.
        network: Its weights as they are now.
        optimizers: In the order of `build_optimizers`.
        best: Weights of the best validation, or None.
        average: Their moving average, or None.

    Raises:
        ArtifactError: The disk refuses; the earlier checkpoint is unchanged.
    """
    with write_artifact(folder / FOLDER, KIND) as writer:
        writer.tensors("weights.safetensors", as_arrays(network.state_dict()))
        if best is not None:
            writer.tensors("best.safetensors", as_arrays(best))
        if average is not None:
            writer.tensors("average.safetensors", as_arrays(average))
        numbers = []
        for place, optimizer in enumerate(optimizers):
            tensors, rest = _divide(optimizer.state_dict()["state"])
            writer.tensors(f"optimizer-{place}.safetensors", as_arrays(tensors))
            numbers.append(rest)
        writer.json("run.json", {"identity": dict(identity), "state": state.to_json(), "optimizers": numbers})


def load_checkpoint(
    folder: Path,
    identity: Mapping[str, Any],
    network: nn.Module,
    optimizers: Sequence[Optimizer],
    average: Weights | None = None,
) -> tuple[RunState, Weights | None] | None:
    """Puts network and optimizers back to where the checkpoint of the run was written.

    Args:
        folder: Folder of the run.
        identity: Identity of the run that asks.
        network: Takes the weights.
        optimizers: Take their states.
        average: Takes the moving average, where the run keeps one.

    Returns:
        Where the run stands and its best weights, or None where there is no checkpoint.

    Raises:
        ConfigError: The checkpoint is of another run.
        ArtifactError: It is damaged.
    """
    if not artifact_exists(folder / FOLDER):
        return None
    reader = open_artifact(folder / FOLDER, KIND)
    facts = reader.json("run.json")
    _refuse_other_run(folder, facts["identity"], identity)
    network.load_state_dict(as_weights(reader.tensors("weights.safetensors")))
    for place, (optimizer, numbers) in enumerate(zip(optimizers, facts["optimizers"], strict=True)):
        tensors = as_weights(reader.tensors(f"optimizer-{place}.safetensors"))
        optimizer.load_state_dict({**optimizer.state_dict(), "state": _unite(tensors, numbers)})
    if average is not None:
        for name, value in as_weights(reader.tensors("average.safetensors")).items():
            average[name].copy_(value)
    best = as_weights(reader.tensors("best.safetensors")) if reader.has("best.safetensors") else None
    return RunState.from_json(facts["state"]), best


def load_weights(network: nn.Module, arrays: Mapping[str, NDArray[Any]], name: str) -> None:
    """Gives a network weights that `as_arrays` made, and puts it in evaluation mode.

    Raises:
        ArtifactError: They are those of another network.
    """
    try:
        network.load_state_dict(as_weights(arrays))
    except RuntimeError as error:
        raise ArtifactError(
            f"the weights do not fit the network of {name}",
            got=str(error).splitlines()[-1].strip(),
            remedy="train it again with this version, or load it with the one that saved it",
        ) from error
    network.eval()


def as_arrays(weights: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """Tensors as NumPy arrays on the CPU; memory is shared where they are there already."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in weights.items()}


def as_weights(arrays: Mapping[str, NDArray[Any]]) -> Weights:
    """NumPy arrays as tensors, copied."""
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _divide(state: Mapping[int, Mapping[str, Any]]) -> tuple[Weights, dict[str, dict[str, float | None]]]:
    """An optimizer's state as tensors named ``"parameter/entry"``, and the numbers beside them by parameter."""
    tensors: Weights = {}
    numbers: dict[str, dict[str, float | None]] = {}
    for parameter, entries in state.items():
        for name, value in entries.items():
            if isinstance(value, Tensor) and value.dim() > 0:
                tensors[f"{parameter}/{name}"] = value
            else:
                numbers.setdefault(str(parameter), {})[name] = None if value is None else float(value)
    return tensors, numbers


def _unite(
    tensors: Mapping[str, Tensor], numbers: Mapping[str, Mapping[str, float | None]]
) -> dict[int, dict[str, Any]]:
    """What `_divide` took apart; step counts come back as the 0-dimensional tensors that PyTorch keeps."""
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        parameter, name = key.split("/")
        state.setdefault(int(parameter), {})[name] = tensor
    for text, entries in numbers.items():
        for name, value in entries.items():
            state.setdefault(int(text), {})[name] = None if value is None else torch.tensor(value)
    return state


def _refuse_other_run(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differing = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    if differing:
        name = differing[0]
        raise ConfigError(
            f"{folder} holds the checkpoint of another run: {', '.join(differing)} differ",
            expected=f"{name} = {wanted.get(name)}",
            got=f"{name} = {found.get(name)}",
            remedy="choose another checkpoint_folder, or resume=false to begin anew in its place",
        )
