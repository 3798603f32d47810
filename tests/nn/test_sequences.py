from __future__ import annotations

import torch

from shopkeeper.nn.sequences import Sequences

UNEVEN = Sequences(torch.tensor([7, 8, 9, 4]), torch.tensor([1, 3]))
EVEN = Sequences(torch.tensor([7, 8, 9, 4]), torch.tensor([2, 2]))


def test_padded_form_by_eye():
    assert UNEVEN.pad(UNEVEN.items).tolist() == [[7, 0, 0], [8, 9, 4]]
    assert EVEN.pad(EVEN.items).tolist() == [[7, 8], [9, 4]]
    assert UNEVEN.is_real.tolist() == [[True, False, False], [True, True, True]]


def test_there_and_back():
    values = torch.randn(4, 2, 3)
    for sequences in (UNEVEN, EVEN):
        assert torch.equal(sequences.pack(sequences.pad(values)), values)


def test_places():
    assert UNEVEN.rows.tolist() == [0, 1, 1, 1]
    assert UNEVEN.positions.tolist() == [0, 0, 1, 2]
    assert UNEVEN.ends.tolist() == [0, 3]
    assert UNEVEN.cells.tolist() == [0, 3, 4, 5]
