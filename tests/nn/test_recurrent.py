from __future__ import annotations

import pytest
import torch

from shopkeeper.nn.recurrent import RecurrentEncoder
from shopkeeper.nn.sequences import Sequences

UNEVEN = (3, 1, 9)
ALMOST_EVEN = (8, 9, 9)

both_cells = pytest.mark.parametrize("cell", ["gru", "lstm"])


def encoder(cell: str, n_layers: int = 2, dropout: float = 0.0) -> RecurrentEncoder:
    torch.manual_seed(0)
    return RecurrentEncoder(6, cell, 5, n_layers, dropout).double().eval()


def sequences(*lengths: int) -> Sequences:
    return Sequences(torch.ones(sum(lengths), dtype=torch.int64), torch.tensor(lengths))


@both_cells
@pytest.mark.parametrize("lengths", [UNEVEN, ALMOST_EVEN, (4, 4), (1,)], ids=str)
def test_sequences_of_any_lengths_are_read_as_each_alone(cell, lengths):
    module = encoder(cell)
    hidden = torch.randn(sum(lengths), 6, dtype=torch.float64)
    found = module(hidden, sequences(*lengths))
    for ours, alone in zip(found.split(lengths), hidden.split(lengths), strict=True):
        torch.testing.assert_close(ours, module(alone, sequences(len(alone))))


@both_cells
@pytest.mark.parametrize("lengths", [UNEVEN, ALMOST_EVEN], ids=str)
def test_gradients_are_those_of_each_sequence_alone(cell, lengths):
    module = encoder(cell)
    hidden = torch.randn(sum(lengths), 6, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(sum(lengths), 6, dtype=torch.float64)
    wanted = (hidden, *module.parameters())
    ours = torch.autograd.grad(module(hidden, sequences(*lengths)), wanted, direction)
    alone = torch.cat([module(part, sequences(len(part))) for part in hidden.split(lengths)])
    for one, other in zip(ours, torch.autograd.grad(alone, wanted, direction), strict=True):
        torch.testing.assert_close(one, other)
        assert one.abs().sum() > 0


@both_cells
def test_no_event_sees_a_later_one(cell):
    module, hidden = encoder(cell), torch.randn(9, 6, dtype=torch.float64)
    changed = hidden.clone()
    changed[5:] = 7.0
    before, after = module(hidden, sequences(9)), module(changed, sequences(9))
    torch.testing.assert_close(after[:5], before[:5])
    assert not torch.allclose(after[5:], before[5:])


@pytest.mark.parametrize("n_layers", [1, 2])
def test_dropout_works_in_training_alone(n_layers):
    module, hidden = encoder("gru", n_layers, dropout=0.5), torch.randn(4, 6, dtype=torch.float64)
    torch.testing.assert_close(module(hidden, sequences(4)), module(hidden, sequences(4)))
    module.train()
    assert not torch.allclose(module(hidden, sequences(4)), module(hidden, sequences(4)))


@both_cells
@pytest.mark.parametrize("lengths", [UNEVEN, ALMOST_EVEN], ids=str)
def test_the_shorter_way_to_the_last_event_ends_at_the_same_state(cell, lengths):
    module, hidden, asked = encoder(cell), torch.randn(sum(lengths), 6, dtype=torch.float64), sequences(*lengths)
    torch.testing.assert_close(module.last(hidden, asked), module(hidden, asked)[asked.ends])
