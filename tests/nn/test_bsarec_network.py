from __future__ import annotations

import pytest
import torch

from shopkeeper.nn.bsarec import BSARecEncoder, FrequencyFilter
from shopkeeper.nn.sequences import Sequences


def sequences(*lengths: int) -> Sequences:
    return Sequences(torch.ones(sum(lengths), dtype=torch.int64), torch.tensor(lengths))


def encoder(alpha: float = 0.5) -> BSARecEncoder:
    torch.manual_seed(0)
    module = BSARecEncoder(12, n_layers=2, n_heads=3, max_length=9, n_scales=2, alpha=alpha).double().eval()
    for block in module.blocks:
        torch.nn.init.normal_(block.attention.bias.by_distance)
        torch.nn.init.normal_(block.frequencies.average.by_distance)
    return module


def test_averages_start_as_exponential_ones():
    hidden = torch.tensor([[8.0, 8.0], [0.0, 0.0], [4.0, 4.0]])
    low = FrequencyFilter(2, n_scales=2, max_length=5).low(hidden, sequences(3))
    half, quarter = 0.5, 0.75
    torch.testing.assert_close(low[:, 0], torch.tensor([8.0, 8 * half / 1.5, (8 * half**2 + 4) / 1.75]))
    total = 1 + quarter + quarter**2
    torch.testing.assert_close(low[:, 1], torch.tensor([8.0, 8 * quarter / 1.75, (8 * quarter**2 + 4) / total]))


def test_what_does_not_change_passes_and_the_rest_is_weighed():
    torch.manual_seed(0)
    module = FrequencyFilter(4, n_scales=2, max_length=9)
    torch.nn.init.normal_(module.average.by_distance)
    steady = torch.randn(4).expand(9, 4)
    torch.testing.assert_close(module(steady, sequences(9)), steady)
    hidden = torch.randn(9, 4)
    module.beta.data[:] = 1
    torch.testing.assert_close(module(hidden, sequences(9)), hidden)
    module.beta.data[:] = 0
    torch.testing.assert_close(module(hidden, sequences(9)), module.low(hidden, sequences(9)))


def test_no_event_sees_a_later_one():
    module, hidden = encoder(), torch.randn(9, 12, dtype=torch.float64)
    changed = hidden.clone()
    changed[5:] = 7.0
    before, after = module(hidden, sequences(9)), module(changed, sequences(9))
    torch.testing.assert_close(after[:5], before[:5])
    assert not torch.allclose(after[5:], before[5:])


def test_sequences_of_any_lengths_are_read_as_each_alone():
    module, lengths = encoder(), (3, 1, 7)
    hidden = torch.randn(11, 12, dtype=torch.float64)
    found = module(hidden, sequences(*lengths))
    for ours, alone in zip(found.split(lengths), hidden.split(lengths), strict=True):
        torch.testing.assert_close(ours, module(alone, sequences(len(alone))))


def test_alpha_decides_which_branch_counts():
    hidden = torch.randn(4, 12, dtype=torch.float64)
    for alpha, silent in ((1.0, "attention"), (0.0, "frequencies")):
        module = encoder(alpha)
        before = module(hidden, sequences(4))
        for block in module.blocks:
            for parameter in getattr(block, silent).parameters():
                torch.nn.init.normal_(parameter)
        torch.testing.assert_close(module(hidden, sequences(4)), before)


@pytest.mark.parametrize("lengths", [(3, 1, 7), (4, 4)])
def test_the_shorter_way_to_the_last_event_ends_at_the_same_state(lengths):
    module, hidden = encoder(), torch.randn(sum(lengths), 12, dtype=torch.float64)
    asked = sequences(*lengths)
    torch.testing.assert_close(module.last(hidden, asked), module(hidden, asked)[asked.ends])
