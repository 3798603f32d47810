"""Builds PyTorch's optimizers from settings.

Embeddings whose gradient is sparse (`nn.Embedding(sparse=True)`) get an optimizer of their own that touches only the
rows of a step: `SparseAdam` for "adam" and "adamw" (without decay and amsgrad), plain SGD for "gd" and "sgd".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, SparseAdam

from shopkeeper.errors import ConfigError
from shopkeeper.training.settings import OptimizerSettings


def build_optimizers(network: nn.Module, settings: OptimizerSettings) -> list[Optimizer]:
    """The optimizers of all parameters that want a gradient: one for the dense, one for the sparse where there are.

    Raises:
        ConfigError: Nesterov without momentum, or momentum with sparse gradients.
    """
    if settings.name == "sgd" and settings.nesterov and settings.momentum == 0:
        raise ConfigError("nesterov needs momentum", expected="momentum above 0", remedy="set optimizer.momentum=0.9")
    sparse_ids = {
        id(module.weight)
        for module in network.modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse
    }
    wanted = [parameter for parameter in network.parameters() if parameter.requires_grad]
    dense = [parameter for parameter in wanted if id(parameter) not in sparse_ids]
    sparse = [parameter for parameter in wanted if id(parameter) in sparse_ids]
    optimizers = [_dense(dense, settings)] if dense else []
    return [*optimizers, _sparse(sparse, settings)] if sparse else optimizers


def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float) -> None:
    """Scales all gradients down so that together they have at most this Euclidean norm; sparse ones too."""
    owners = [parameter for parameter in parameters if parameter.grad is not None]
    for parameter in owners:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
    values = [grad.values() if grad.is_sparse else grad for owner in owners if (grad := owner.grad) is not None]
    if values:
        norm = torch.stack([torch.linalg.vector_norm(value) for value in values]).norm()
        torch._foreach_mul_(values, (max_norm / (norm + 1e-6)).clamp(max=1.0))


def _dense(parameters: list[nn.Parameter], settings: OptimizerSettings) -> Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.name == "gd":
        return SGD(parameters, lr=rate, weight_decay=decay)
    if settings.name == "sgd":
        return SGD(parameters, lr=rate, momentum=settings.momentum, nesterov=settings.nesterov, weight_decay=decay)
    options: dict[str, Any] = {
        "lr": rate, "betas": settings.betas, "eps": settings.eps, "amsgrad": settings.amsgrad, "weight_decay": decay,
        "fused": all(parameter.device.type in ("cpu", "cuda") for parameter in parameters),
    }  # fmt: skip
    return Adam(parameters, **options) if settings.name == "adam" else AdamW(parameters, **options)


def _sparse(parameters: list[nn.Parameter], settings: OptimizerSettings) -> Optimizer:
    if settings.name in ("adam", "adamw"):
        return SparseAdam(parameters, lr=settings.learning_rate, betas=settings.betas, eps=settings.eps)
    if settings.name == "sgd" and settings.momentum > 0:
        raise ConfigError(
            "momentum does not work with sparse gradients",
            expected="adam, adamw, or sgd without momentum",
            remedy="set sparse_gradients=false of the model, or optimizer.momentum=0",
        )
    return SGD(parameters, lr=settings.learning_rate)
