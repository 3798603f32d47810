from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from shopkeeper.nn.attention import RelativeBias, SelfAttention, Transformer
from shopkeeper.nn.sequences import Sequences


def attention(size: int = 12, n_heads: int = 3, max_length: int = 9) -> SelfAttention:
    torch.manual_seed(0)
    module = SelfAttention(size, n_heads, max_length).double()
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


def rows(batch: torch.Tensor) -> Sequences:
    """Sequences of like length; which items they hold does not matter here."""
    return Sequences(torch.ones(batch.shape[:2].numel(), dtype=torch.int64), torch.full((len(batch),), batch.shape[1]))


def of_sequences(module, batch: torch.Tensor) -> torch.Tensor:
    """Applies a module to hidden states [b, length, size]."""
    return module(batch.flatten(0, 1), rows(batch)).view(batch.shape)


@pytest.mark.parametrize("length", [1, 2, 9])
def test_equals_the_attention_of_pytorch(length):
    module = attention()
    hidden = torch.randn(4, length, 12, dtype=torch.float64, requires_grad=True)
    found = of_sequences(module, hidden)

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


@pytest.mark.parametrize("causal", [True, False])
def test_sequences_of_any_lengths_are_read_as_each_alone(causal):
    torch.manual_seed(0)
    module = Transformer(12, 2, 3, 9, causal=causal).double().eval()
    for block in module.blocks:
        for parameter in block.mixer.bias.parameters():
            torch.nn.init.normal_(parameter)
    lengths = torch.tensor([3, 1, 7])
    hidden = torch.randn(11, 12, dtype=torch.float64)
    found = module(hidden, Sequences(torch.ones(11, dtype=torch.int64), lengths))
    for ours, alone in zip(found.split(lengths.tolist()), hidden.split(lengths.tolist()), strict=True):
        torch.testing.assert_close(ours, of_sequences(module, alone[None])[0])


@pytest.mark.parametrize("lengths", [[3, 1, 7], [4, 4]])
@pytest.mark.parametrize("causal", [True, False])
def test_the_shorter_way_to_the_last_event_ends_at_the_same_state(lengths, causal):
    torch.manual_seed(0)
    module = Transformer(12, 2, 3, 9, causal=causal).double().eval()
    for block in module.blocks:
        torch.nn.init.normal_(block.mixer.bias.by_distance)
    sequences = Sequences(torch.ones(sum(lengths), dtype=torch.int64), torch.tensor(lengths))
    hidden = torch.randn(sum(lengths), 12, dtype=torch.float64)
    torch.testing.assert_close(module.last(hidden, sequences), module(hidden, sequences)[sequences.ends])


def test_no_event_sees_a_later_one():
    module = Transformer(12, 2, 3, 9).double().eval()
    hidden = torch.randn(2, 9, 12, dtype=torch.float64)
    changed = hidden.clone()
    changed[:, 5:] = 7.0
    torch.testing.assert_close(of_sequences(module, hidden)[:, :5], of_sequences(module, changed)[:, :5])
    assert not torch.allclose(of_sequences(module, hidden)[:, 5:], of_sequences(module, changed)[:, 5:])


def test_both_directions_where_not_causal():
    module = SelfAttention(12, 3, 9, causal=False).double()
    hidden = torch.randn(1, 5, 12, dtype=torch.float64)
    module.bias.by_distance_ahead.data[:, 0] = 50.0  # everybody looks at the next event, the last one at itself
    module.bias.by_distance.data[:, 0] = 10.0
    value = module.project_in(hidden)[0, :, 24:]
    torch.testing.assert_close(
        of_sequences(module, hidden)[0], module.project_out(value[[1, 2, 3, 4, 4]]), atol=1e-3, rtol=1e-3
    )


def test_only_distances_count_and_not_places():
    module = attention(max_length=20)
    hidden = torch.randn(1, 4, 12, dtype=torch.float64)
    module.bias.by_distance.data[:, 4:] = float("-inf")  # what is further away is not seen
    shifted = torch.cat([torch.randn(1, 4, 12, dtype=torch.float64), hidden], dim=1)
    torch.testing.assert_close(of_sequences(module, shifted)[:, -1], of_sequences(module, hidden)[:, -1])
