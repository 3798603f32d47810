"""Cross-entropy over a whole catalog that never holds the logits of all targets.

It walks through the targets in chunks of rows and forms the gradient in the same pass, in the memory of the chunk's
logits: of positions x items nothing is ever kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor
from torch.autograd import Function

from shopkeeper.nn.matmul_precision import matmul_precision

CHUNK_BYTES = 8 << 20
"""The logits of one chunk take at most about this many bytes."""

Chunk: TypeAlias = tuple[slice, str]
"""Rows of some targets, and the precision of their products."""

TILE_ROWS = 64
"""Chunks whose products are rounded have a multiple of this many rows."""

SMALLEST = 1e-30
"""Of probabilities below this the logarithm is not taken: float32 knows them no better."""


class _ChunkedSoftmax(Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        table: Tensor,
        targets: Tensor,
        columns: Tensor,
        bonus: Tensor,
        chunks: list[Chunk],
        smoothing: float,
    ) -> Tensor:
        """See `softmax_loss`; saves the finished gradients."""
        total = hidden.new_zeros(())
        grad_hidden, grad_table, grad_bonus = (
            torch.empty_like(hidden), torch.zeros_like(table), torch.empty_like(bonus)
        )  # fmt: skip
        logits_memory = hidden.new_empty(max((rows.stop - rows.start for rows, _ in chunks), default=0), len(table))
        for part, precision in chunks:
            rows, wanted = hidden[part], targets[part, None]
            with matmul_precision(precision):
                logits = torch.mm(rows, table.T, out=logits_memory[: len(rows)])
            logits.scatter_add_(1, columns[part], bonus[part])
            at_target = logits.gather(1, wanted)
            if smoothing:
                total -= smoothing * (logits.mean(dim=1, keepdim=True) - at_target).sum()
            gradient = torch.softmax(logits, dim=1, out=logits)
            total -= _log_probability(
                gradient.gather(1, wanted), at_target, rows, table, columns[part], bonus[part]
            ).sum()
            if smoothing:
                gradient -= smoothing / len(table)
            gradient.scatter_add_(1, wanted, gradient.new_full((len(rows), 1), smoothing - 1.0))
            torch.gather(gradient, 1, columns[part], out=grad_bonus[part])
            with matmul_precision(precision):
                torch.mm(gradient, table, out=grad_hidden[part])
                grad_table.addmm_(gradient.T, rows)
        ctx.save_for_backward(grad_hidden, grad_table, grad_bonus)
        return total

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None, None, Tensor, None, None]:
        """Scales the gradients of `forward`."""
        grad_hidden, grad_table, grad_bonus = ctx.saved_tensors
        return grad_hidden * grad[0], grad_table * grad[0], None, None, grad_bonus * grad[0], None, None


def _chunks(n: int, chunk_rows: int, precision: str) -> Iterator[Chunk]:
    """Rows of each chunk and the precision of its products: rounded ones are of few shapes, the rest is exact."""
    exact = "highest"
    step = chunk_rows if precision == exact else max(TILE_ROWS, chunk_rows // TILE_ROWS * TILE_ROWS)
    even = n if precision == exact else n // TILE_ROWS * TILE_ROWS
    for start in range(0, even, step):
        yield slice(start, min(start + step, even)), precision
    for start in range(even, n, chunk_rows):
        yield slice(start, min(start + chunk_rows, n)), exact


def _log_probability(
    probability: Tensor, at_target: Tensor, hidden: Tensor, table: Tensor, columns: Tensor, bonus: Tensor
) -> Tensor:
    """Logarithm of the probabilities of targets, float [n, 1]; from the logits again where one is too small to tell."""
    if bool((probability > SMALLEST).all()):
        return probability.log()
    logits = (hidden @ table.T).scatter_add_(1, columns, bonus)
    return at_target - logits.logsumexp(dim=1, keepdim=True)


def softmax_loss(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    chunk_bytes: int = CHUNK_BYTES,
    bonus: tuple[Tensor, Tensor] | None = None,
    smoothing: float = 0.0,
    precision: str = "highest",
) -> Tensor:
    """Cross-entropy against all items, equal to PyTorch's of ``hidden @ table.T`` with its sum and label smoothing.

    Args:
        hidden: Float [n, size].
        table: Float [items, size]; one row an item.
        targets: int64 [n]; row of `table` that is right.
        chunk_bytes: The logits of one chunk of rows take at most about this many bytes (one row at least).
        bonus: Rows of `table` (int64 [n, m]) and what is added to their logits (float [n, m]), or None.
        smoothing: Share of the target's probability that is spread over all items (Szegedy et al. 2016).
        precision: Of the products, by a name of PyTorch's (see `matmul_precision`).

    Returns:
        Scalar, the sum over targets; differentiable once, in `hidden`, `table` and the added values.
    """
    hidden, table = full_precision(hidden), full_precision(table)
    chunk_rows = max(1, chunk_bytes // (hidden.element_size() * len(table)))
    columns, values = (
        (targets.new_zeros(len(targets), 0), hidden.new_zeros(len(targets), 0)) if bonus is None else bonus
    )
    loss = _ChunkedSoftmax.apply(  # type: ignore[no-untyped-call]
        hidden, table, targets, columns, values, list(_chunks(len(hidden), chunk_rows, precision)), smoothing
    )
    return cast(Tensor, loss)


def full_precision(values: Tensor) -> Tensor:
    """Half precision does not hold the small probabilities of a large catalog."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()
