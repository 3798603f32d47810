from __future__ import annotations

import torch

from shopkeeper.nn.embedding import ItemTable
from shopkeeper.nn.sasrec import SASRecNetwork


def network(**changes) -> SASRecNetwork:
    torch.manual_seed(0)
    return SASRecNetwork(ItemTable(9, 8, **changes), max_length=6).eval()


def test_padding_on_the_right_changes_nothing():
    net = network()
    short = net(torch.tensor([[3, 5]]))
    padded = net(torch.tensor([[3, 5, 0, 0], [1, 2, 3, 4]]))
    torch.testing.assert_close(padded[:1, :2], short)


def test_the_whole_sequence_at_once_equals_each_prefix():
    net = network()
    items = torch.tensor([[3, 5, 5, 1, 9, 2]])
    whole = net(items)
    for length in range(1, 7):
        torch.testing.assert_close(net(items[:, :length])[:, -1], whole[:, length - 1])


def test_last_takes_the_last_real_event_of_each_row():
    net = network()
    items = torch.tensor([[3, 5, 0], [1, 2, 4]])
    states = net.last(items, torch.tensor([2, 3]))
    torch.testing.assert_close(states, torch.stack([net(items)[0, 1], net(items)[1, 2]]))


def test_gradient_of_the_embedding_is_sparse_where_asked():
    for sparse in (False, True):
        net = network(sparse=sparse)
        net(torch.tensor([[3, 5]])).sum().backward()
        assert net.items.embedding.weight.grad.is_sparse is sparse
