"""Generated ids against all ids counted one by one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from shopkeeper.nn.beam_search import beam_search
from shopkeeper.nn.trie import Trie

SIZES = (4, 3, 5)
SIZE = 6


class Decoder(nn.Module):
    """Random weights: each digit depends on the state and on all digits before it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.out = nn.ModuleList(nn.Linear(SIZE, size) for size in SIZES)
        self.digits = nn.ModuleList(nn.Embedding(size, SIZE) for size in SIZES)

    def start(self, hidden: Tensor) -> Tensor:
        return hidden[:, None]

    def logits(self, known: Tensor, level: int) -> Tensor:
        return self.out[level](known.tanh())

    def follow(self, known: Tensor, digit: Tensor, level: int) -> Tensor:
        return known + self.digits[level](digit)


@pytest.fixture
def ids() -> tuple[Tensor, Tensor]:
    """Twenty of the sixty ids, and the items that they name."""
    torch.manual_seed(1)
    every = torch.cartesian_prod(*(torch.arange(size) for size in SIZES))
    return every[torch.randperm(len(every))[:20]], torch.randperm(20) + 1


def log_probability(decoder: Decoder, hidden: Tensor, digits: Tensor) -> Tensor:
    known, total = decoder.start(hidden), torch.zeros(len(hidden), len(digits))
    known = known.expand(-1, len(digits), -1)
    for level in range(len(SIZES)):
        column = digits[:, level].expand(len(hidden), -1)
        total = total + decoder.logits(known, level).log_softmax(-1).gather(2, column[..., None])[..., 0]
        known = decoder.follow(known, column, level)
    return total


def test_a_wide_beam_ranks_all_ids_by_their_probability(ids):
    digits, items = ids
    decoder, hidden = Decoder(), torch.randn(7, SIZE)
    found, scores = beam_search(decoder, hidden, Trie(digits, items, SIZES), 20)
    expected, order = log_probability(decoder, hidden, digits).sort(dim=1, descending=True)
    assert torch.equal(found, items[order])
    torch.testing.assert_close(scores, expected)


def test_what_is_not_on_sale_never_comes_out_and_the_list_says_where_it_ends(ids):
    digits, items = ids
    few = Trie(digits[:3], items[:3], SIZES)
    found, scores = beam_search(Decoder(), torch.randn(5, SIZE), few, 4)
    assert found[:, :3].sort(dim=1).values.equal(items[:3].sort().values.expand(5, -1))
    assert (found[:, 3] == 0).all() and scores[:, 3].isneginf().all()
    assert scores[:, :3].isfinite().all()


def test_a_narrow_beam_finds_items_that_exist_and_one_row_does_not_depend_on_others(ids):
    digits, items = ids
    decoder, hidden, trie = Decoder(), torch.randn(9, SIZE), Trie(digits, items, SIZES)
    found, scores = beam_search(decoder, hidden, trie, 3)
    assert (found > 0).all()
    for row in range(9):
        alone, alone_scores = beam_search(decoder, hidden[row : row + 1], trie, 3)
        assert torch.equal(alone[0], found[row])
        torch.testing.assert_close(alone_scores[0], scores[row])


def test_an_empty_trie_answers_nothing():
    nothing = Trie(torch.zeros(0, 3, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), SIZES)
    found, scores = beam_search(Decoder(), torch.randn(2, SIZE), nothing, 3)
    assert (found == 0).all() and scores.isneginf().all()


def test_ids_that_do_not_fit_a_number_are_refused():
    with pytest.raises(ValueError, match="62"):
        Trie(torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, dtype=torch.int64), (65_536,) * 4)
