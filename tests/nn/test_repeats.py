from __future__ import annotations

import math

import torch

from shopkeeper.nn.repeats import RepeatBonus


def bonus() -> RepeatBonus:
    module = RepeatBonus(8, 5)
    module.log_strength.data.zero_()
    module.log_weight.data = torch.tensor([0.0, -1.0, -2.0, -3.0, -4.0])
    return module


def test_by_eye():
    found = bonus()(torch.tensor([[7, 3, 7, 0]]))[0].detach()
    one, two = math.log1p(1), math.log1p(math.exp(-1))
    again = math.log1p(1 + math.exp(-2))
    torch.testing.assert_close(found[0], torch.tensor([one, 0, 0, 0]))
    torch.testing.assert_close(found[1], torch.tensor([two, one, 0, 0]))
    torch.testing.assert_close(found[2], torch.tensor([again, two, 0, 0]), msg="the second 7 counts at the first")


def test_the_last_event_of_each_row():
    module, items, lengths = bonus(), torch.tensor([[7, 3, 7, 3], [4, 4, 0, 0], [2, 0, 0, 0]]), torch.tensor([4, 2, 1])
    whole = module(items)
    torch.testing.assert_close(module.last(items, lengths), whole[torch.arange(3), lengths - 1])
    assert module.last(items, lengths)[1].count_nonzero() == 1


def test_probability_grows_like_counts():
    """With even weights and great strength an item read three times is three times as likely as one read once."""
    module = bonus()
    module.log_weight.data.zero_()
    module.log_strength.data.fill_(20.0)
    first, other = module.last(torch.tensor([[7, 3, 7, 7]]), torch.tensor([4]))[0, :2].exp().tolist()
    assert abs(first / other - 3) < 1e-3


def test_starts_as_a_mixture_of_everybody_and_the_shopper():
    bias = torch.tensor([0.0, 2.0, 0.0, -1.0])
    module = RepeatBonus(3, 4)
    module.start_from(bias)
    logits = bias[1:].clone()
    logits[[0, 2]] += module.last(torch.tensor([[3, 1, 3, 3]]), torch.tensor([4]))[0, [1, 0]]
    expected = (bias[1:].softmax(0) + torch.tensor([1 / 4, 0, 3 / 4])) / 2
    torch.testing.assert_close(logits.softmax(0), expected)


def test_all_of_it_learns():
    module = bonus()
    module(torch.tensor([[7, 3, 7]])).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in module.parameters())
    assert module.log_weight.grad[3:].tolist() == [0, 0]
