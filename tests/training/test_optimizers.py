from __future__ import annotations

import pytest
import torch
from torch import nn

from shopkeeper.errors import ConfigError
from shopkeeper.training.optimizers import build_optimizers, clip_gradients
from shopkeeper.training.settings import OptimizerSettings

CASES = [
    ({"name": "gd", "momentum": 0.9}, torch.optim.SGD, {"lr": 0.1}),
    ({"name": "sgd", "weight_decay": 0.1}, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.1}),
    ({"name": "sgd", "momentum": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True}, torch.optim.SGD,
     {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ({"name": "adam", "betas": (0.8, 0.9), "eps": 0.01}, torch.optim.Adam,
     {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.01}),
    ({"name": "adam", "weight_decay": 0.1}, torch.optim.Adam, {"lr": 0.1, "weight_decay": 0.1}),
    ({"name": "adamw", "weight_decay": 0.1, "amsgrad": True}, torch.optim.AdamW,
     {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}),
]  # fmt: skip


def steps(network: nn.Module, optimizer: torch.optim.Optimizer) -> torch.Tensor:
    for step in range(4):
        ((network(torch.ones(1, 3)) - step) ** 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return network.weight.detach().clone()


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


@pytest.mark.parametrize(("ours", "cls", "theirs"), CASES)
def test_steps_are_those_of_pytorch(ours, cls, theirs):
    network, reference = linear(), linear()
    (optimizer,) = build_optimizers(network, OptimizerSettings(learning_rate=0.1, **ours))
    torch.testing.assert_close(steps(network, optimizer), steps(reference, cls(reference.parameters(), **theirs)))
    assert not torch.equal(network.weight, linear().weight)


def test_frozen_parameters_have_no_optimizer():
    network = linear()
    network.bias.requires_grad_(False)
    (optimizer,) = build_optimizers(network, OptimizerSettings())
    assert [len(group["params"]) for group in optimizer.param_groups] == [1]


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_sparse_embeddings_move_only_the_rows_of_a_step(name):
    table = nn.Embedding(5, 2, sparse=True)
    before = table.weight.detach().clone()
    optimizers = build_optimizers(nn.ModuleList([table, linear()]), OptimizerSettings(name=name))
    assert len(optimizers) == 2
    table(torch.tensor([1, 3, 1])).sum().backward()
    optimizers[1].step()
    assert (table.weight != before).any(dim=1).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("max_norm", [0.5, 1000.0])
def test_clipping_is_that_of_pytorch_for_sparse_gradients_too(max_norm):
    grads = []
    for sparse in (True, False):
        torch.manual_seed(0)
        network = nn.ModuleList([nn.Embedding(5, 2, sparse=sparse), linear()])
        (network[0](torch.tensor([1, 3, 1])).sum() * 7 + network[1](torch.ones(3)).sum()).backward()
        if sparse:
            clip_gradients(network.parameters(), max_norm)
        else:
            nn.utils.clip_grad_norm_(network.parameters(), max_norm)
        grads.append([parameter.grad.to_dense() for parameter in network.parameters()])
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ConfigError, match="nesterov needs momentum"):
        build_optimizers(linear(), OptimizerSettings(name="sgd", nesterov=True))
    with pytest.raises(ConfigError, match="sparse"):
        build_optimizers(nn.Embedding(5, 2, sparse=True), OptimizerSettings(name="sgd", momentum=0.9))
