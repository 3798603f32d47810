"""How exactly matrices are multiplied: in float32, or with factors rounded to fewer bits.

What comes in and goes out, and all sums, stay in float32. On processors that multiply tiles of bfloat16 in hardware
(AMX) a product of rounded factors takes less than half the time; on others rounding would cost time, and "auto" leaves
the factors alone. PyTorch makes a kernel for each shape, which takes milliseconds and memory: rounding is for products
of few shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

MULTIPLIES_TILES = "amx_bf16"
"""Name of that capability among those that PyTorch tells of a processor."""

FACTORS = {"highest": "float32", "high": "tfloat32", "medium": "bfloat16"}
"""What factors are rounded to, by PyTorch's name of a precision."""


def resolve(precision: str, device: torch.device) -> str:
    """PyTorch's name of a precision on a device: "auto" becomes "medium" where products are faster for it.

    Args:
        precision: "auto" or a name of PyTorch's.
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
def matmul_precision(precision: str) -> Iterator[None]:
    """Within it matrices are multiplied so (a name of PyTorch's); afterwards as before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
