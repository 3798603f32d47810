"""Where a network is trained and in which precision: Hugging Face Accelerate, made from settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shopkeeper.errors import ConfigError, missing_dependency
from shopkeeper.training.settings import TrainingSettings

if TYPE_CHECKING:
    from accelerate import Accelerator

DEVICE_VARIABLE = "ACCELERATE_TORCH_DEVICE"


def accelerator_for(settings: TrainingSettings) -> Accelerator:
    """The accelerator of one run; under `torchrun` one of several processes.

    Args:
        settings: `device` and `precision` count.

    Raises:
        ConfigError: The device does not exist here, or half precision is asked of a CPU.
        MissingDependencyError: Accelerate is not installed.
    """
    import torch

    try:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
    except ImportError as error:
        raise missing_dependency("accelerate", "torch", "training a network") from error
    device = _device(settings.device)
    if device == "cpu" and settings.precision != "no":
        raise ConfigError(
            f"precision {settings.precision!r} is not for a CPU, where it is many times slower",
            expected="'no'",
            remedy="set precision='no', or choose a GPU with device='cuda'",
        )
    # Accelerate keeps one state a process: it is made anew for each run, except for the process group of torchrun.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    with _chosen(device):
        return Accelerator(cpu=device == "cpu", mixed_precision=settings.precision)


@contextmanager
def _chosen(device: str) -> Iterator[None]:
    """Tells Accelerate of one numbered device, the only way that it listens to."""
    if ":" in device:
        os.environ[DEVICE_VARIABLE] = device
    try:
        yield
    finally:
        if ":" in device:
            del os.environ[DEVICE_VARIABLE]


def _device(name: str) -> str:
    """The device meant, after checking that it is there."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise ConfigError(f"there is no device {name!r}", expected="auto, cpu, cuda, cuda:N or mps") from error
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(kind, False):
        usable = ", ".join(kind for kind, is_there in present.items() if is_there)
        raise ConfigError(f"device {name!r} is not on this machine", expected=f"auto, {usable}", got=name)
    return name
