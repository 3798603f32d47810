from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from shopkeeper.nn.attention import CausalSelfAttention, RelativeBias, TransformerBlock


def attention(size: int = 12, n_heads: int = 3, max_length: int = 9) -> CausalSelfAttention:
    torch.manual_seed(0)
    module = CausalSelfAttention(size, n_heads, max_length).double()
    torch.nn.init.normal_(module.bias.by_distance)
    return module


def test_bias_by_distance_by_eye():
    bias = RelativeBias(1, 5)
    bias.by_distance.data = torch.tensor([[10.0, 11.0, 12.0, 13.0, 14.0]])
    never = float("-inf")
    assert bias(3).tolist() == [[[10.0, never, never], [11.0, 10.0, never], [12.0, 11.0, 10.0]]]


def test_gradient_of_the_bias_counts_pairs_at_each_distance():
    bias = RelativeBias(1, 5)
    bias(3).masked_fill(torch.ones(3, 3).triu(1).bool(), 0.0).sum().backward()
    assert bias.by_distance.grad.tolist() == [[3.0, 2.0, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize("length", [1, 2, 9])
def test_equals_the_attention_of_pytorch(length):
    module = attention()
    hidden = torch.randn(4, length, 12, dtype=torch.float64, requires_grad=True)
    found = module(hidden)

    query, key, value = (
        part.view(4, length, 3, 4).transpose(1, 2) for part in module.project_in(hidden).split(12, dim=2)
    )
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=module.bias(length))
    expected = module.project_out(mixed.transpose(1, 2).reshape(4, length, 12))
    torch.testing.assert_close(found, expected)

    direction = torch.randn_like(found)
    wanted = (hidden, module.bias.by_distance, module.project_in.weight)
    ours = torch.autograd.grad(found, wanted, direction)
    theirs = torch.autograd.grad(expected, wanted, direction)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_no_event_sees_a_later_one():
    module = TransformerBlock(12, 3, 9).double().eval()
    hidden = torch.randn(2, 9, 12, dtype=torch.float64)
    changed = hidden.clone()
    changed[:, 5:] = 7.0
    torch.testing.assert_close(module(hidden)[:, :5], module(changed)[:, :5])
    assert not torch.allclose(module(hidden)[:, 5:], module(changed)[:, 5:])


def test_only_distances_count_and_not_places():
    module = attention(max_length=20)
    hidden = torch.randn(1, 4, 12, dtype=torch.float64)
    module.bias.by_distance.data[:, 4:] = float("-inf")  # what is further away is not seen
    shifted = torch.cat([torch.randn(1, 4, 12, dtype=torch.float64), hidden], dim=1)
    torch.testing.assert_close(module(shifted)[:, -1], module(hidden)[:, -1])
