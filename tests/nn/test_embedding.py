from __future__ import annotations

import numpy as np
import pytest
import torch

from shopkeeper.nn.embedding import ItemTable


@pytest.mark.parametrize("sparse", [False, True])
def test_a_bias_is_added_to_the_inner_product(sparse):
    table = ItemTable(4, 3, bias=True, sparse=sparse)
    table.bias.weight.data[:, 0] = torch.arange(5.0)
    hidden, some = torch.randn(2, 3), torch.tensor([4, 2])
    expected = hidden @ table.embedding.weight.T + torch.arange(5.0)
    torch.testing.assert_close(table.beside(hidden) @ table.rows().T, expected)
    torch.testing.assert_close(table.beside(hidden) @ table.rows(some).T, expected[:, some])


def test_without_a_bias_nothing_is_added():
    table = ItemTable(4, 3)
    hidden = torch.randn(2, 3)
    assert table.beside(hidden) is hidden
    assert table.rows() is table.embedding.weight
    table.set_popularity(np.arange(5))


def test_biases_start_at_popularity():
    table = ItemTable(3, 2, bias=True)
    table.set_popularity(np.array([0, 1, 10, 0]))
    logits = table.bias.weight[1:, 0].detach()
    torch.testing.assert_close(logits.softmax(0), torch.tensor([1 / 12, 10 / 12, 1 / 12]))
    assert logits.mean().abs() < 1e-6
