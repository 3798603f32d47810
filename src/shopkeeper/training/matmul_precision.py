"""How exactly matrices are multiplied in training steps.

The weights, the optimizer and all sums stay in float32; only the factors of a product may be rounded to fewer bits. On
processors that multiply tiles of bfloat16 in hardware (AMX) products then take less than half the time, and no metric
of ours tells the difference. On others rounding would cost time, and "auto" leaves the factors alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from shopkeeper.training.settings import MatmulPrecision

MULTIPLIES_TILES = "amx_bf16"
"""Name of that capability among those that PyTorch tells of a processor."""


def resolve(precision: MatmulPrecision, device: torch.device) -> str:
    """PyTorch's name of a precision on a device: "auto" becomes "medium" where products are faster for it.

    Args:
        precision: The setting.
        device: Where the network is trained.

    Returns:
        "highest" (float32), "high" (TF32 on a GPU that has it) or "medium" (factors in bfloat16).
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "high"
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not tell
    return "medium" if device.type == "cpu" and capabilities.get(MULTIPLIES_TILES) else "highest"


@contextmanager
def matmul_precision(precision: MatmulPrecision, device: torch.device) -> Iterator[None]:
    """Within it matrices are multiplied so; afterwards as before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(resolve(precision, device))
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
