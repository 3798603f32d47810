from __future__ import annotations

import math

import pytest
import torch

from shopkeeper.nn.linear_attention import EPS, LinearAttention, LinearTransformer, fading_sums
from shopkeeper.nn.sequences import Sequences

LENGTHS = (3, 1, 9)


def encoder() -> LinearTransformer:
    torch.manual_seed(0)
    return LinearTransformer(12, 2, 3, 9).double().eval()


def sequences(*lengths: int) -> Sequences:
    return Sequences(torch.ones(sum(lengths), dtype=torch.int64), torch.tensor(lengths))


@pytest.mark.parametrize("chunk", [1, 3, 4, 7, 100])
def test_in_chunks_of_any_size_it_is_the_sum_over_pairs(chunk):
    torch.manual_seed(0)
    key, value, query = torch.randn(3, 1, 2, 7, 4, dtype=torch.float64)
    fade = torch.tensor([0.5, 0.9], dtype=torch.float64)
    found = fading_sums(key, value, query, fade.log(), chunk)
    for head in range(2):
        for event in range(7):
            faded = [fade[head] ** (event - before) for before in range(event + 1)]
            squares = sum(key[0, head, before] ** 2 * by for before, by in enumerate(faded))
            scaled = query[0, head, event] / (squares + EPS).sqrt()
            terms = [scaled @ key[0, head, before] * by * value[0, head, before] for before, by in enumerate(faded)]
            torch.testing.assert_close(found[0, head, event], sum(terms))


def test_sequences_of_any_lengths_are_read_as_each_alone():
    module, hidden = encoder(), torch.randn(sum(LENGTHS), 12, dtype=torch.float64)
    found = module(hidden, sequences(*LENGTHS))
    for ours, alone in zip(found.split(LENGTHS), hidden.split(LENGTHS), strict=True):
        torch.testing.assert_close(ours, module(alone, sequences(len(alone))))


def test_no_event_sees_a_later_one():
    module, hidden = encoder(), torch.randn(200, 12, dtype=torch.float64)
    changed = hidden.clone()
    changed[100:] = 7.0
    before, after = module(hidden, sequences(200)), module(changed, sequences(200))
    torch.testing.assert_close(after[:100], before[:100])
    assert not torch.allclose(after[100:], before[100:])


def test_gradient_reaches_all_parameters():
    module, hidden = encoder(), torch.randn(sum(LENGTHS), 12, dtype=torch.float64)
    (module(hidden, sequences(*LENGTHS)) * torch.randn_like(hidden)).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_heads_start_to_fade_within_two_events_to_the_longest_sequence():
    rates = LinearAttention(12, 3, 50).fade.sigmoid().tolist()
    assert rates == pytest.approx([math.exp(-1 / 2), math.exp(-1 / 10), math.exp(-1 / 50)], rel=1e-4)
    assert LinearAttention(12, 1, 1).fade.isfinite().all()
