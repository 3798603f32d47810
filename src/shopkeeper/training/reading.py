"""Events of a log as the tensors that a sequence network reads."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopkeeper.data.batches import PackedWindows
from shopkeeper.data.histories import Histories
from shopkeeper.nn.sequences import Sequences

SECOND: Final = 1_000_000
"""Microseconds."""


def read_windows(histories: Histories, windows: PackedWindows, device: torch.device) -> Sequences:
    """The events of some windows of histories, on a device."""
    events, placement = windows.events, histories.placement
    return Sequences(
        items=as_tensor(histories.item_index[events], device),
        lengths=as_tensor(windows.lengths, device),
        types=as_tensor(histories.event_type[events], device),
        times=as_tensor(histories.timestamp[events] // SECOND, device),
        placements=None if placement is None else as_tensor(placement[events], device),
    )


def as_tensor(values: NDArray[Any], device: torch.device) -> Tensor:
    """Integers as int64 on a device."""
    return torch.from_numpy(np.asarray(values).astype(np.int64)).to(device)
