from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from shopkeeper.nn.hstu import BUCKETS, STEPS, HSTUEncoder, PointwiseAttention, pairwise_buckets
from shopkeeper.nn.sequences import Sequences

DAY = 86_400


def sequences(*lengths: int, times: torch.Tensor | None = None) -> Sequences:
    return Sequences(torch.ones(sum(lengths), dtype=torch.int64), torch.tensor(lengths), times=times)


def encoder() -> HSTUEncoder:
    torch.manual_seed(0)
    module = HSTUEncoder(12, n_layers=2, n_heads=3, max_length=9).double().eval()
    for layer in module.layers:
        torch.nn.init.normal_(layer.by_distance.by_distance)
        torch.nn.init.normal_(layer.by_time)
    return module


def test_a_layer_is_the_formula_of_the_paper_one_pair_at_a_time():
    torch.manual_seed(1)
    layer = PointwiseAttention(4, n_heads=2, max_length=5).double()
    torch.nn.init.normal_(layer.by_distance.by_distance)
    torch.nn.init.normal_(layer.by_time)
    hidden, times = torch.randn(3, 4, dtype=torch.float64), torch.tensor([0, 7, 7 + DAY])
    buckets = pairwise_buckets(sequences(3, times=times))
    found = layer(hidden, sequences(3), buckets)

    gate, query, key, value = functional.silu(layer.project_in(layer.norm_in(hidden))).split(4, dim=1)
    for event in range(3):
        mixed = torch.zeros(4, dtype=torch.float64)
        for earlier in range(event + 1):
            for head in range(2):
                part = slice(2 * head, 2 * head + 2)
                score = query[event, part] @ key[earlier, part] / 2**0.5
                score = score + layer.by_distance.by_distance[head, event - earlier]
                score = score + layer.by_time[buckets[0, event, earlier], head]
                mixed[part] += functional.silu(score) * value[earlier, part] / (event + 1)
        gated = functional.layer_norm(mixed, (4,)) * gate[event]
        torch.testing.assert_close(found[event], hidden[event] + layer.project_out(gated))


def test_no_event_sees_a_later_one():
    module, hidden = encoder(), torch.randn(9, 12, dtype=torch.float64)
    times = torch.arange(9) * DAY
    before = module(hidden, sequences(9, times=times))
    changed, later = hidden.clone(), times.clone()
    changed[5:], later[5:] = 7.0, 30 * DAY
    after = module(changed, sequences(9, times=later))
    torch.testing.assert_close(after[:5], before[:5])
    assert not torch.allclose(after[5:], before[5:])


def test_sequences_of_any_lengths_are_read_as_each_alone():
    module, lengths = encoder(), (3, 1, 7)
    hidden, times = torch.randn(11, 12, dtype=torch.float64), torch.randint(0, DAY, (11,))
    found = module(hidden, sequences(*lengths, times=times))
    for ours, alone, when in zip(found.split(lengths), hidden.split(lengths), times.split(lengths), strict=True):
        torch.testing.assert_close(ours, module(alone, sequences(len(alone), times=when)))


def test_times_change_the_answer_and_only_their_differences_do():
    module, hidden = encoder(), torch.randn(4, 12, dtype=torch.float64)
    times = torch.tensor([0, 60, DAY, 9 * DAY])
    found = module(hidden, sequences(4, times=times))
    torch.testing.assert_close(module(hidden, sequences(4, times=times + 1000 * DAY)), found)
    assert not torch.allclose(module(hidden, sequences(4, times=times * 5)), found)
    assert not torch.allclose(module(hidden, sequences(4)), found)


def test_buckets_grow_with_the_logarithm_of_the_time():
    century = 100 * 365 * DAY
    (buckets,) = pairwise_buckets(sequences(4, times=torch.tensor([0, 1, 3, century])))
    assert buckets[:3, :3].tolist() == [[0, 0, 0], [STEPS, 0, 0], [2 * STEPS, int(STEPS * 1.585), 0]]
    assert BUCKETS - 5 < buckets[3, 0] < BUCKETS


@pytest.mark.parametrize("lengths", [(3, 1, 7), (4, 4)])
@pytest.mark.parametrize("timed", [True, False])
def test_the_shorter_way_to_the_last_event_ends_at_the_same_state(lengths, timed):
    module, hidden = encoder(), torch.randn(sum(lengths), 12, dtype=torch.float64)
    asked = sequences(*lengths, times=torch.randint(0, DAY, (sum(lengths),)) if timed else None)
    torch.testing.assert_close(module.last(hidden, asked), module(hidden, asked)[asked.ends])
