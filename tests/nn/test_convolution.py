from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from shopkeeper.nn.convolution import CausalConvolution, DilatedEncoder, WindowEncoder, earlier
from shopkeeper.nn.sequences import Sequences

LENGTHS = (3, 1, 9, 9)
encoders = pytest.mark.parametrize("name", ["dilated", "window"])


def encoder(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    module = DilatedEncoder(6, 3, (1, 2)) if name == "dilated" else WindowEncoder(6, 4, 3, 2)
    return module.double().eval()


def sequences(*lengths: int) -> Sequences:
    return Sequences(torch.ones(sum(lengths), dtype=torch.int64), torch.tensor(lengths))


def test_earlier_events_are_of_the_same_sequence():
    values = torch.tensor([[1.0], [2.0], [3.0], [7.0], [8.0]])
    assert earlier(values, sequences(3, 2), 0).flatten().tolist() == [1, 2, 3, 7, 8]
    assert earlier(values, sequences(3, 2), 1).flatten().tolist() == [0, 1, 2, 0, 7]
    assert earlier(values, sequences(3, 2), 2).flatten().tolist() == [0, 0, 1, 0, 0]
    assert earlier(values, sequences(3, 2), 9).flatten().tolist() == [0, 0, 0, 0, 0]


@encoders
def test_sequences_of_any_lengths_are_read_as_each_alone(name):
    module, hidden = encoder(name), torch.randn(sum(LENGTHS), 6, dtype=torch.float64)
    found = module(hidden, sequences(*LENGTHS))
    for ours, alone in zip(found.split(LENGTHS), hidden.split(LENGTHS), strict=True):
        torch.testing.assert_close(ours, module(alone, sequences(len(alone))))


@encoders
def test_no_event_sees_a_later_one(name):
    module, hidden = encoder(name), torch.randn(9, 6, dtype=torch.float64)
    changed = hidden.clone()
    changed[5:] = 7.0
    before, after = module(hidden, sequences(9)), module(changed, sequences(9))
    torch.testing.assert_close(after[:5], before[:5])
    assert not torch.allclose(after[5:], before[5:])


@encoders
def test_gradient_reaches_all_parameters(name):
    module, hidden = encoder(name), torch.randn(sum(LENGTHS), 6, dtype=torch.float64)
    (module(hidden, sequences(*LENGTHS)) * torch.randn_like(hidden)).sum().backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize(("length", "dilation"), [(8, 1), (8, 3), (2, 1), (1, 2)])
def test_equals_the_convolution_of_pytorch(length, dilation):
    module = CausalConvolution(6, 3, dilation).double()
    hidden = torch.randn(length, 6, dtype=torch.float64)
    kernel = module.weights.weight.view(6, 3, 6).permute(0, 2, 1).flip(2)  # the last of a kernel is the event itself
    padded = functional.pad(hidden.T[None], (2 * dilation, 0))
    expected = functional.conv1d(padded, kernel, module.weights.bias, dilation=dilation)[0].T
    torch.testing.assert_close(module(hidden, sequences(length)), expected)


def test_dilated_blocks_reach_as_far_as_their_dilations_say():
    module, hidden = encoder("dilated"), torch.randn(30, 6, dtype=torch.float64, requires_grad=True)
    module(hidden, sequences(30))[-1].square().sum().backward()
    reached = hidden.grad.abs().sum(dim=1) > 0
    assert reached.tolist() == [False] * 11 + [True] * 19  # 1 + 2 * (1 + 2 + 2 + 4)


def test_horizontal_filters_slide_over_the_window_and_the_strongest_place_counts():
    torch.manual_seed(0)
    module = WindowEncoder(2, window=3, n_horizontal=1, n_vertical=1).double()
    hidden = torch.randn(5, 2, dtype=torch.float64)
    last = torch.stack([earlier(hidden, sequences(5), distance) for distance in range(3)], dim=1)
    found = module._strongest(last, sequences(5))[4]
    for height in (1, 2, 3):
        kernel = module.horizontal.weight[height - 1].view(3, 2)[:height].T.flip(1)[None]
        bias = module.horizontal.bias[height - 1 : height]
        expected = functional.conv1d(hidden[2:].T[None], kernel, bias).relu().max()
        torch.testing.assert_close(found[height - 1], expected)
