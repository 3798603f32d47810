from __future__ import annotations

import torch

from shopkeeper.nn.attention import Transformer
from shopkeeper.nn.embedding import ItemTable
from shopkeeper.nn.event_embedding import EventEmbedding, log_buckets
from shopkeeper.nn.sequence_network import SequenceNetwork
from shopkeeper.nn.sequences import Sequences

DAY = 86_400


def network(n_asked: int = 0, sparse: bool = False, **reads) -> SequenceNetwork:
    torch.manual_seed(0)
    events = EventEmbedding(8, **reads)
    return SequenceNetwork(ItemTable(9, 8, sparse=sparse), events, Transformer(8, 2, 2, 6), 6, n_asked=n_asked).eval()


def sequences(*rows: list[int], **columns) -> Sequences:
    items = torch.tensor([item for row in rows for item in row])
    return Sequences(items, torch.tensor([len(row) for row in rows]), **columns)


def test_the_whole_sequence_at_once_equals_each_prefix():
    net, walk = network(), [3, 5, 5, 1, 9, 2]
    whole = net(sequences(walk))
    for length in range(1, 7):
        torch.testing.assert_close(net(sequences(walk[:length]))[-1], whole[length - 1])


def test_last_takes_the_last_event_of_each_sequence():
    net, both = network(), sequences([3, 5], [1, 2, 4])
    torch.testing.assert_close(net.last(both), net(both)[[1, 4]])


def test_gradient_of_the_embedding_is_sparse_where_asked():
    for sparse in (False, True):
        net = network(sparse=sparse)
        net(sequences([3, 5])).sum().backward()
        assert net.items.embedding.weight.grad.is_sparse is sparse


def test_types_times_and_prices_are_read_where_they_are_wanted():
    monday = 4 * DAY  # 1970-01-05
    columns = {"types": torch.tensor([1, 1, 2]), "times": torch.tensor([monday, monday + 60, monday + 9000])}
    plain = sequences([3, 5, 1])
    prices = torch.tensor([0, 1, 1, 1, 1, 2, 1, 1, 1, 1])
    for reads in ({"n_types": 3}, {"gaps": True}, {"calendar": True}):
        net = network(**reads)
        assert not torch.allclose(net(sequences([3, 5, 1], **columns)), net(plain))
    assert torch.equal(network()(sequences([3, 5, 1], **columns)), network()(plain))
    net = network(prices=prices)
    before = net(plain)
    net.events.price_level[5] = 1
    torch.testing.assert_close(net(plain)[0], before[0])
    assert not torch.allclose(net(plain)[1], before[1])


def test_placements_are_read_where_they_are_known():
    plain, placed = sequences([3, 5, 1]), sequences([3, 5, 1], placements=torch.tensor([1, 0, 2]))
    net = network(n_placements=3)
    assert torch.equal(network()(placed), network()(plain))
    assert not torch.allclose(net(placed)[0], net(plain)[0])
    torch.testing.assert_close(net(sequences([3, 5, 1], placements=torch.zeros(3, dtype=torch.int64))), net(plain))
    net.train()(placed).sum().backward()
    assert not net.events.placements.weight.grad[0].any(), "what is not known adds nothing"


def test_the_hour_and_the_weekday_alone_are_read_of_the_calendar():
    net = network(calendar=True)
    times = torch.tensor([3600 * 5, 3600 * 30])
    states = net(sequences([3, 5], times=times))
    torch.testing.assert_close(net(sequences([3, 5], times=times + 7 * DAY)), states)
    assert not torch.allclose(net(sequences([3, 5], times=times + DAY)), states)


def test_gaps_grow_by_doubling():
    assert log_buckets(torch.tensor([-5, 0, 1, 2, 3, 7, 1 << 40])).tolist() == [0, 0, 1, 1, 2, 3, 31]


def test_the_type_that_is_asked_for_changes_the_answer():
    net = network(n_asked=4)
    one, other = (net.last(sequences([3, 5]), torch.tensor([code])) for code in (1, 3))
    assert not torch.allclose(one, other)
    torch.testing.assert_close(one - net.asked.weight[1], other - net.asked.weight[3])
