"""What training a network will take: its weights and all that is kept beside them, and the time of some real steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import missing_dependency
from shopkeeper.machine import memory
from shopkeeper.recommenders.estimate import BYTES_AN_EVENT, SET_UP, Estimate
from shopkeeper.recommenders.validation import sample_holdout, validation_ndcg
from shopkeeper.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn

    from shopkeeper.recommenders.neural import NeuralRecommender

PYTORCH = 290e6
"""Bytes of the library at work: its code, threads and buffers."""
BYTES_A_TRAINED_EVENT = 2 * BYTES_AN_EVENT
"""Of histories and what may follow each event, and the plan of an epoch."""
REHEARSED_TARGETS = 256
"""Batches are rehearsed at this size at most; what they keep grows with their targets."""
VALIDATED_USERS = 256
"""Shoppers asked to see how long validation takes."""
KEPT_TWICE = 2.0
"""Values kept for the backward pass, and their gradients."""
SMALLER = (
    "leave rare items out (prepare.k_core.min_item_events), or set loss='sampled_softmax' and sparse_gradients=true"
)
MOMENTS = {"gd": 0, "sgd": 1, "adam": 2, "adamw": 2}
"""Copies of the weights that an optimizer keeps, at most."""


def estimate_network(model: NeuralRecommender, training: TrainingSettings, validation: Holdout | None) -> Estimate:
    """The estimate of a model that was prepared for its data and has no network yet.

    Where the weights alone do not fit in memory no step is taken, and no time told.

    Args:
        model: A copy that is thrown away.
        training: How it is to be trained.
        validation: Whom it is to be validated on after each epoch.

    Raises:
        MissingDependencyError: PyTorch is not installed.
        DataError: There is nothing to train on.
    """
    try:
        import torch
    except ImportError as error:
        raise missing_dependency("torch", "torch", f"training {model.name}") from error
    from shopkeeper.training.rehearsal import rehearse

    with torch.device("meta"):  # shapes without numbers
        parts = weight_parts(model._build(), training)
    parts |= {"PyTorch": PYTORCH, "data": BYTES_A_TRAINED_EVENT * model.train.n_events}
    free = memory()[1]
    if free is not None and sum(parts.values()) > free:
        return Estimate(parts, None, SMALLER)
    with torch.random.fork_rng(devices=[]):
        network = model._build()
    rehearsed = training.replace(batch_targets=min(training.batch_targets, REHEARSED_TARGETS))
    seen = rehearse(network, model._objective(rehearsed), rehearsed)
    steps = training.epochs * seen.seconds_an_epoch
    n_asked, asking = _validation(model, network, training, validation)
    parts["batch"] = KEPT_TWICE * seen.bytes_a_target * training.batch_targets
    parts["scores"] = 3.0 * min(n_asked, model.batch_size()) * 4 * (model.train.n_items + 1)
    largest = "training.batch_targets" if parts["batch"] > parts["optimizer"] else "embedding_size of the model"
    seconds = SET_UP + steps + asking * (training.epochs // training.validate_every)
    return Estimate(parts, seconds, f"set {largest} lower; {SMALLER}")


def weight_parts(network: nn.Module, training: TrainingSettings) -> dict[str, float]:
    """Bytes of the weights, their gradients, what the optimizer keeps, and the copies of the best and the average."""
    sparse = sum(_bytes(module.weight) for module in network.modules() if getattr(module, "sparse", False))
    weights = sum(map(_bytes, network.parameters()))
    return {
        "weights": weights,
        "gradients": 2.0 * (weights - sparse),
        "optimizer": float(MOMENTS[training.optimizer.name]) * weights,
        "best weights": weights,
        **({"average": weights} if training.average_decay is not None else {}),
    }


def _bytes(values: Any) -> float:
    return float(values.numel() * values.element_size())


def _validation(
    model: NeuralRecommender, network: nn.Module, training: TrainingSettings, validation: Holdout | None
) -> tuple[int, float]:
    """Shoppers asked after each epoch that is validated, and the seconds that takes."""
    if validation is None or len(validation) == 0:
        return 0, 0.0
    asked = sample_holdout(validation, training.validation_users, training.seed)
    sample = sample_holdout(asked, VALIDATED_USERS, training.seed)
    model._network = network.eval()
    begun = time.perf_counter()
    validation_ndcg(model, sample)
    return len(asked), (time.perf_counter() - begun) * len(asked) / len(sample)
