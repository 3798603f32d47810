"""Batches of labeled examples: each once an epoch, groups together, the same for the same seed."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from shopkeeper.training.labeled import LabelObjective
from shopkeeper.training.settings import TrainingSettings


def objective(group: np.ndarray, **changes: int) -> LabelObjective:
    training = TrainingSettings(batch_targets=10).replace(**changes)
    return LabelObjective(group, lambda network, rows: torch.tensor(float(rows.sum())), training)


def test_every_example_is_in_one_batch_and_groups_stay_together():
    group = np.random.default_rng(0).integers(0, 20, 95)
    made = objective(group)
    plan = made.plan(0)
    rows = np.concatenate(plan)
    np.testing.assert_array_equal(np.sort(rows), np.arange(95))
    assert [made.n_targets(batch) for batch in plan] == [10] * 9 + [5]
    assert (np.diff(group[rows]) != 0).sum() + 1 == len(np.unique(group))
    assert float(made.loss(nn.Identity(), plan[0])) == plan[0].sum()


def test_epochs_differ_and_seeds_repeat():
    group = np.arange(50)
    first, second = objective(group).plan(0), objective(group).plan(1)
    assert not np.array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[0], objective(group).plan(0)[0])
    assert not np.array_equal(first[0], objective(group, seed=1).plan(0)[0])
    assert sum(map(len, objective(group, max_targets_per_epoch=25).plan(0))) == 25
