from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments
from shopkeeper.nn.attention import Transformer
from shopkeeper.nn.embedding import ItemTable
from shopkeeper.nn.event_embedding import EventEmbedding
from shopkeeper.nn.negatives import NegativeSampler
from shopkeeper.nn.sequence_network import SequenceNetwork
from shopkeeper.nn.sequences import Sequences
from shopkeeper.training.item_loss import ItemLossSettings
from shopkeeper.training.next_item import NextItemObjective, WindowSettings
from shopkeeper.training.settings import TrainingSettings

WALKS = [[1, 2, 1, 3, 1], [4, 4], [5, 6, 7, 5, 6], [8]]


def objective(name: str, **changes) -> NextItemObjective:
    loss = ItemLossSettings(name, n_negatives=9)
    training = TrainingSettings(batch_targets=100, **changes)
    return NextItemObjective(Histories.of_items(WALKS), 9, WindowSettings(max_length=6), loss, training)


def network(repeats: bool) -> SequenceNetwork:
    torch.manual_seed(0)
    table, encoder = ItemTable(9, 8, bias=True), Transformer(8, n_layers=2, n_heads=2, max_length=6)
    net = SequenceNetwork(table, EventEmbedding(8), encoder, max_length=6, repeats=repeats).double().eval()
    torch.nn.init.normal_(net.items.embedding.weight)
    return net


def loss_by_hand(net: SequenceNetwork) -> torch.Tensor:
    """Each event of each history from those before it, one at a time."""
    total = torch.zeros((), dtype=torch.float64)
    for walk in WALKS:
        for length in range(1, len(walk)):
            read = torch.tensor([walk[:length]])
            logits = net.last(Sequences(read[0], torch.tensor([length]))) @ net.items.rows().T
            if net.repeats is not None:
                logits = logits.scatter_add(1, read, net.repeats.last(read, torch.tensor([length])))
            total = total + functional.cross_entropy(logits[:, 1:], torch.tensor([walk[length] - 1]))
    return total


@pytest.mark.parametrize("repeats", [False, True])
def test_full_softmax_equals_every_prefix_by_hand(repeats):
    net = network(repeats)
    (batch,) = objective("softmax").plan(0)
    assert objective("softmax").n_targets(batch) == 9
    ours, theirs = objective("softmax").loss(net, batch), loss_by_hand(net)
    torch.testing.assert_close(ours, theirs)
    wanted = list(net.parameters())
    for one, other in zip(torch.autograd.grad(ours, wanted), torch.autograd.grad(theirs, wanted), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("repeats", [False, True])
def test_a_sample_of_everything_is_the_full_softmax(repeats, monkeypatch):
    everything = torch.arange(1, 10), torch.zeros(9)
    monkeypatch.setattr(NegativeSampler, "draw", lambda self, k: everything)
    net = network(repeats)
    (batch,) = objective("sampled_softmax").plan(0)
    ours, theirs = objective("sampled_softmax").loss(net, batch), loss_by_hand(net)
    torch.testing.assert_close(ours, theirs)
    wanted = list(net.parameters())
    for one, other in zip(torch.autograd.grad(ours, wanted), torch.autograd.grad(theirs, wanted), strict=True):
        torch.testing.assert_close(one, other)


def test_the_plan_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[list[int]]:
        training = TrainingSettings(batch_targets=2, seed=seed)
        histories = Histories.of_items([[1, 2, 3]] * 20)
        plan = NextItemObjective(histories, 3, WindowSettings(5), ItemLossSettings(), training).plan(epoch)
        return [batch.chosen.tolist() for batch in plan]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1) != order(1, 1)
    assert sorted(np.concatenate(order(0, 1)).tolist()) == list(range(20))


def test_part_of_the_targets_in_an_epoch():
    chosen = objective("softmax", max_targets_per_epoch=5)
    assert sum(map(chosen.n_targets, chosen.plan(0))) <= 5


def test_ties_are_read_and_predicted_in_a_new_order_each_epoch():
    histories = Histories.of_items([[1, 2, 3, 4]])
    histories = replace(histories, timestamp=np.array([0, 0, 0, 1]))
    cut = WindowSettings(shuffle_ties=True)
    loss, moments = ItemLossSettings(), Moments(histories, ordered=True)
    chosen = NextItemObjective(histories, 4, cut, loss, TrainingSettings(), moments)
    read: set[tuple[int, ...]] = set()

    class Listening(torch.nn.Module):
        items = ItemTable(4, 2)
        asked = repeats = None
        device = torch.device("cpu")

        def forward(self, sequences: Sequences) -> torch.Tensor:
            read.add(tuple(sequences.items.tolist()))
            return torch.zeros(len(sequences.items), 2)

        def query(self, hidden: torch.Tensor, asked: object) -> torch.Tensor:
            return hidden

    for epoch in range(40):
        for batch in chosen.plan(epoch):
            chosen.loss(Listening(), batch)
    assert read == {(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)}
