from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from shopkeeper.data.histories import Histories
from shopkeeper.nn.attention import Transformer
from shopkeeper.nn.embedding import ItemTable
from shopkeeper.nn.event_embedding import EventEmbedding
from shopkeeper.nn.sequence_network import SequenceNetwork
from shopkeeper.nn.sequences import Sequences
from shopkeeper.training.item_loss import ItemLossSettings
from shopkeeper.training.masked_item import MaskedItemObjective, MaskShares, mask_events, read_before_masked
from shopkeeper.training.next_item import WindowSettings
from shopkeeper.training.settings import TrainingSettings

WALKS = [[1, 2, 1, 3, 1], [4, 4], [5, 6, 7, 5, 6], [8]]
CPU = torch.device("cpu")


def objective(masked: float = 0.3, asked: float = 0.0, loss: str = "softmax", walks=WALKS, wanted=None, **cut):
    settings, training = ItemLossSettings(loss, n_negatives=5), TrainingSettings(batch_targets=1000)
    shares, cut = MaskShares(masked, asked), WindowSettings(**{"max_length": 6, **cut})
    return MaskedItemObjective(Histories.of_items(walks), 9, cut, settings, training, shares, wanted=wanted)


def network(repeats: bool = False) -> SequenceNetwork:
    torch.manual_seed(0)
    table, encoder = ItemTable(9, 8, bias=True), Transformer(8, 2, 2, max_length=6, causal=False)
    net = SequenceNetwork(table, EventEmbedding(8), encoder, max_length=6, repeats=repeats).double().eval()
    torch.nn.init.normal_(net.items.embedding.weight)
    return net


def rows(chosen: MaskedItemObjective, epoch: int = 0) -> list[tuple[list[int], list[bool]]]:
    """Items and masks of each row of the plan."""
    items, found = np.concatenate(WALKS), []
    for batch in chosen.plan(epoch):
        for row in batch.chosen:
            start = batch.rows.windows.start[row]
            part = slice(start, start + batch.rows.windows.n_inputs[row])
            found.append((items[batch.rows.events[part]].tolist(), batch.rows.masked[part].tolist()))
            assert batch.rows.windows.n_targets[row] == sum(found[-1][1])
    return found


def test_rows_of_an_epoch():
    found = [rows(objective(), epoch) for epoch in range(40)]
    masks = [mask for epoch in found for _, mask in epoch]
    assert all(any(mask) for mask in masks)
    last = [(items, mask) for epoch in found for items, mask in epoch if sum(mask) == 1 and mask[-1]]
    prefixes = {tuple(walk[:length]) for walk in WALKS for length in range(2, len(walk) + 1)}
    assert {tuple(items) for items, _ in last} == prefixes, "every event follows once, given enough epochs"
    assert all(sum(mask[-1] and sum(mask) == 1 for _, mask in epoch) >= 3 for epoch in found), "one for each shopper"
    assert not any(8 in items for epoch in found for items, _ in epoch), "of one event nothing is to be learned"


def test_what_follows_is_asked_for_after_every_event_where_wanted():
    asked = sorted(items for items, mask in rows(objective(0.01, asked=1.0)) if mask[-1])
    assert asked == sorted(walk[:length] for walk in WALKS for length in range(2, len(walk) + 1))


def test_the_share_of_masks():
    long = [[1, 2, 3, 4, 5] * 20] * 20
    (batch,) = objective(0.3, walks=long, max_length=1000).plan(0)
    masked = batch.rows.masked[:2000]
    assert masked.mean() == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("repeats", [False, True])
def test_the_loss_equals_each_row_by_hand(repeats):
    net, chosen = network(repeats), objective()
    (batch,) = chosen.plan(0)
    total = torch.zeros((), dtype=torch.float64)
    for items, mask in rows(chosen):
        shown = torch.tensor([[0 if hidden else item for item, hidden in zip(items, mask, strict=True)]])
        states = net(Sequences(shown[0], torch.tensor([len(items)])))
        for place in np.flatnonzero(mask):
            logits = net.query(states[[place]], None) @ net.items.rows().T
            if repeats:
                before = torch.where(torch.arange(len(items)) < place, shown, 0)
                bonus = net.repeats.last(before, torch.tensor([place + 1]))
                logits = logits.scatter_add(1, before, bonus)
            total = total + functional.cross_entropy(logits[:, 1:], torch.tensor([items[place] - 1]))
    assert chosen.n_targets(batch) == sum(sum(mask) for _, mask in rows(chosen))
    torch.testing.assert_close(chosen.loss(net, batch), total)


@pytest.mark.parametrize("loss", ["sampled_softmax", "bce", "gbce", "bpr", "mse"])
@pytest.mark.parametrize("repeats", [False, True])
def test_any_loss_has_a_gradient(loss: str, repeats: bool):
    net, chosen = network(repeats), objective(loss=loss)
    (batch,) = chosen.plan(0)
    found = chosen.loss(net, batch)
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(net.items.embedding.weight.grad).all()


def test_only_what_is_wanted_is_masked():
    walks = [[1, 2, 3, 4, 5, 6, 7, 8, 9]]
    wanted = np.array([item % 2 == 1 for item in walks[0]])
    chosen = objective(0.5, walks=walks, wanted=wanted, max_length=20)
    rows = chosen.plan(0)[0].rows
    cloze = np.arange(len(rows.events)) < len(walks[0])
    assert rows.masked[cloze].any()
    assert wanted[rows.events[rows.masked & cloze]].all()


def test_the_plan_depends_on_seed_and_epoch_alone():
    assert rows(objective(), 1) == rows(objective(), 1)
    assert rows(objective(), 1) != rows(objective(), 2)


def test_events_at_the_same_time_are_masked_in_any_order():
    chosen = objective(shuffle_ties=True)
    found = {tuple(items) for epoch in range(30) for items, _ in rows(chosen, epoch)}
    assert found <= {tuple(walk[:length]) for walk in WALKS for length in range(2, len(walk) + 1)}


def test_what_is_masked_is_hidden():
    sequences = Sequences(
        torch.tensor([3, 4, 5, 6, 7]), torch.tensor([3, 2]),
        types=torch.tensor([1, 2, 3, 1, 2]), times=torch.tensor([10, 20, 30, 40, 50]),
        placements=torch.tensor([5, 6, 7, 8, 0]),
    )  # fmt: skip
    found = mask_events(sequences, torch.tensor([False, True, True, True, False]))
    assert found.items.tolist() == [3, 0, 0, 0, 7]
    assert found.types.tolist() == [1, 0, 0, 0, 2]
    assert found.placements.tolist() == [5, 0, 0, 0, 0]
    assert found.times.tolist() == [10, 10, 10, 40, 50], "the first event has nobody before it"


def test_a_masked_event_follows_the_history():
    histories = replace(Histories.of_items([[1, 2, 3, 4], [5], [6, 7]]), timestamp=np.arange(7) * 1_000_000)
    found = read_before_masked(histories, np.array([0, 1]), 4, CPU)
    assert found.items.tolist() == [2, 3, 4, 0, 5, 0]
    assert found.lengths.tolist() == [4, 2]
    assert found.times.tolist() == [1, 2, 3, 3, 4, 4]
    assert found.types[[3, 5]].tolist() == [0, 0]
