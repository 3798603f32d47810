from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from shopkeeper.nn.full_softmax import softmax_loss


def numbers(n: int, items: int, size: int, seed: int = 0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n, size, generator=generator, dtype=dtype, requires_grad=True)
    table = torch.randn(items, size, generator=generator, dtype=dtype, requires_grad=True)
    return hidden, table, torch.randint(0, items, (n,), generator=generator)


@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 9), st.integers(1, 3000))
def test_equals_cross_entropy_for_every_chunk(n, items, size, chunk_bytes):
    hidden, table, targets = numbers(n, items, size)
    ours = softmax_loss(hidden, table, targets, chunk_bytes)
    theirs = functional.cross_entropy(hidden @ table.T, targets, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(
        torch.autograd.grad(3 * ours, (hidden, table)), torch.autograd.grad(3 * theirs, (hidden, table)), strict=True
    ):
        torch.testing.assert_close(one, other)


@given(st.integers(1, 9), st.integers(1, 600), st.integers(0, 99))
def test_what_is_added_to_logits_counts_and_learns(n, chunk_bytes, seed):
    hidden, table, targets = numbers(n, 12, 3, seed)
    columns = torch.randint(0, 12, (n, 4), generator=torch.Generator().manual_seed(seed))
    values = torch.randn(n, 4, dtype=torch.float64, requires_grad=True)
    ours = softmax_loss(hidden, table, targets, chunk_bytes, (columns, values))
    theirs = functional.cross_entropy((hidden @ table.T).scatter_add(1, columns, values), targets, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(
        torch.autograd.grad(ours, (hidden, table, values)), torch.autograd.grad(theirs, (hidden, table, values)),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(one, other)


def test_gradient_by_differences():
    hidden, table, targets = numbers(5, 7, 3)
    assert torch.autograd.gradcheck(lambda h, t: softmax_loss(h, t, targets, 100), (hidden, table))


def test_large_logits_neither_overflow_nor_vanish():
    hidden = torch.tensor([[1000.0]], requires_grad=True)
    table = torch.tensor([[1.0], [-1.0]])
    assert softmax_loss(hidden, table, torch.tensor([0])).item() == 0
    loss = softmax_loss(hidden, table, torch.tensor([1]))
    assert loss.item() == 2000
    loss.backward()
    assert hidden.grad.item() == 2


def test_repeated_targets_and_half_precision():
    hidden, table, _ = numbers(6, 5, 4, dtype=torch.float32)
    targets = torch.full((6,), 2)
    whole = softmax_loss(hidden, table, targets)
    half = softmax_loss(hidden.bfloat16(), table.bfloat16(), targets)
    assert half.dtype == torch.float32
    torch.testing.assert_close(whole, half, rtol=0.02, atol=0.02)


@given(st.floats(0.01, 0.9), st.integers(1, 3000))
def test_label_smoothing_equals_that_of_pytorch(smoothing, chunk_bytes):
    hidden, table, targets = numbers(12, 7, 3)
    ours = softmax_loss(hidden, table, targets, chunk_bytes, smoothing=smoothing)
    theirs = functional.cross_entropy(hidden @ table.T, targets, reduction="sum", label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(
        torch.autograd.grad(ours, (hidden, table)), torch.autograd.grad(theirs, (hidden, table)), strict=True
    ):
        torch.testing.assert_close(one, other)
