from __future__ import annotations

import pytest
import torch
from regression_problem import Regression, fresh_network, settings

from shopkeeper.training.loop import train_network
from shopkeeper.training.matmul_precision import matmul_precision, resolve


class Looking(Regression):
    """Remembers the precision that it was asked under."""

    def loss(self, network, batch):
        self.seen = torch.get_float32_matmul_precision()
        return super().loss(network, batch)


def test_steps_round_and_validation_does_not():
    """The caller has back what it had, after an error too."""
    objective, validated = Looking(), []

    def validate() -> float:
        validated.append(torch.get_float32_matmul_precision())
        return 0.0

    train_network(fresh_network(), objective, settings(epochs=1, matmul_precision="medium"), validate)
    assert (objective.seen, validated) == ("medium", ["highest"])
    with pytest.raises(KeyError), matmul_precision("high", torch.device("cpu")):
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
