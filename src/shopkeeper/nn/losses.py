"""Cross-entropy over a whole catalog, and over a sample of it, summed over targets.

The full loss never holds the logits of all targets: it walks through them in chunks of rows and forms the gradient in
the same pass, in the memory of the chunk's logits.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function

CHUNK_BYTES = 8 << 20
"""The logits of one chunk take at most about this many bytes."""

ABSENT = -1e30
"""The logit of an item that does not count; finite, so that a row where none counts has a gradient of zero."""


class _ChunkedSoftmax(Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, table: Tensor, targets: Tensor, columns: Tensor, bonus: Tensor, chunk_rows: int
    ) -> Tensor:
        """See `softmax_loss`; saves the finished gradients."""
        total = hidden.new_zeros(())
        grad_hidden, grad_table, grad_bonus = (
            torch.empty_like(hidden), torch.zeros_like(table), torch.empty_like(bonus)
        )  # fmt: skip
        logits_memory = hidden.new_empty(min(chunk_rows, len(hidden)), len(table))
        for start in range(0, len(hidden), chunk_rows):
            part = slice(start, start + chunk_rows)
            rows, wanted = hidden[part], targets[part, None]
            logits = torch.mm(rows, table.T, out=logits_memory[: len(rows)])
            logits.scatter_add_(1, columns[part], bonus[part])
            logits -= logits.amax(dim=1, keepdim=True)
            total -= logits.gather(1, wanted).sum()
            sums = logits.exp_().sum(dim=1, keepdim=True)
            total += sums.log().sum()
            gradient = logits.div_(sums)
            gradient.scatter_add_(1, wanted, gradient.new_full((len(rows), 1), -1.0))
            torch.mm(gradient, table, out=grad_hidden[part])
            torch.gather(gradient, 1, columns[part], out=grad_bonus[part])
            grad_table.addmm_(gradient.T, rows)
        ctx.save_for_backward(grad_hidden, grad_table, grad_bonus)
        return total

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None, None, Tensor, None]:
        """Scales the gradients of `forward`."""
        grad_hidden, grad_table, grad_bonus = ctx.saved_tensors
        return grad_hidden * grad[0], grad_table * grad[0], None, None, grad_bonus * grad[0], None


def softmax_loss(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    chunk_bytes: int = CHUNK_BYTES,
    bonus: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Cross-entropy against all items, equal to ``cross_entropy(hidden @ table.T, targets, reduction="sum")``.

    Args:
        hidden: Float [n, size].
        table: Float [items, size]; one row an item.
        targets: int64 [n]; row of `table` that is right.
        chunk_bytes: The logits of one chunk of rows take at most about this many bytes (one row at least).
        bonus: Rows of `table` (int64 [n, m]) and what is added to their logits (float [n, m]), or None.

    Returns:
        Scalar, the sum over targets; differentiable once, in `hidden`, `table` and the added values.
    """
    hidden, table = _full_precision(hidden), _full_precision(table)
    chunk_rows = max(1, chunk_bytes // (hidden.element_size() * len(table)))
    columns, values = (
        (targets.new_zeros(len(targets), 0), hidden.new_zeros(len(targets), 0)) if bonus is None else bonus
    )
    loss = _ChunkedSoftmax.apply(hidden, table, targets, columns, values, chunk_rows)  # type: ignore[no-untyped-call]
    return cast(Tensor, loss)


def sampled_softmax_loss(
    hidden: Tensor,
    positive: Tensor,
    negative: Tensor,
    hits: Tensor,
    log_expected: Tensor,
    own: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Cross-entropy against a sample of items that all targets share.

    The sum over the catalog is estimated: the target itself, and every sampled item divided by the number of times that
    it was expected in the sample (Bengio and Senécal 2008), so that the loss aims at the full softmax.

    Args:
        hidden: Float [n, size].
        positive: Float [n, size]; embeddings of the targets.
        negative: Float [k, size]; embeddings of the sampled items.
        hits: Bool [n, k]; where a sampled item is the target itself (or among `own`), and does not count.
        log_expected: Float [k]; logarithm of the expected number of each sampled item in the sample.
        own: What is added to the logit of each target (float [n]), and logits of items that a target is always compared
            with (float [n, m], `ABSENT` where there are fewer); or None.

    Returns:
        Scalar, the sum over targets.
    """
    hidden, positive, negative = _full_precision(hidden), _full_precision(positive), _full_precision(negative)
    right = (hidden * positive).sum(dim=1)
    others = torch.addmm(-log_expected.to(hidden.dtype), hidden, negative.T).masked_fill(hits, ABSENT)
    if own is not None:
        right = right + own[0]
        others = torch.cat([own[1], others], dim=1)
    return (torch.logaddexp(right, others.logsumexp(dim=1)) - right).sum()


def _full_precision(values: Tensor) -> Tensor:
    """Half precision does not hold the small probabilities of a large catalog."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()
