from __future__ import annotations

import pytest
import torch

from shopkeeper.nn.full_softmax import TILE_ROWS, softmax_loss
from shopkeeper.nn.matmul_precision import matmul_precision, resolve


def test_the_caller_has_back_what_it_had():
    """After an error too."""
    with pytest.raises(KeyError), matmul_precision("medium"):
        assert torch.get_float32_matmul_precision() == "medium"
        raise KeyError
    assert torch.get_float32_matmul_precision() == "highest"


def test_auto_rounds_where_that_is_faster(monkeypatch: pytest.MonkeyPatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert (resolve("auto", cpu), resolve("highest", cpu)) == ("medium", "highest")
    assert (resolve("auto", torch.device("cuda")), resolve("auto", torch.device("mps"))) == ("high", "highest")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False})
    assert resolve("auto", cpu) == "highest"
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert resolve("auto", cpu) == "highest"


@pytest.mark.parametrize("n", [TILE_ROWS - 1, 3 * TILE_ROWS + 5])
def test_rounded_products_give_nearly_the_same_loss_and_gradients(n: int):
    """A factor in bfloat16 is off by at most 1 part in 256, and two of them follow each other in a gradient."""
    generator = torch.Generator().manual_seed(0)
    hidden, table = torch.randn(n, 32, generator=generator), torch.randn(700, 32, generator=generator)
    targets = torch.randint(700, (n,), generator=generator)
    found = {}
    for precision in ("highest", "medium"):
        leaves = hidden.clone().requires_grad_(), table.clone().requires_grad_()
        loss = softmax_loss(*leaves, targets, chunk_bytes=4 * 700 * 2 * TILE_ROWS, precision=precision)
        found[precision] = (loss.detach(), *torch.autograd.grad(loss, leaves))
    for exact, rounded in zip(found["highest"], found["medium"], strict=True):
        assert float((exact - rounded).norm() / exact.norm()) < 1 / 128
