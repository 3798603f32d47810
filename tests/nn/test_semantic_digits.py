"""Digits read and told, against sums by hand."""

from __future__ import annotations

import torch

from shopkeeper.nn.beam_search import beam_search
from shopkeeper.nn.semantic_digits import DigitTable, SemanticDecoder
from shopkeeper.nn.trie import Trie

SIZES = (3, 2, 4)
EVERY = torch.cartesian_prod(*(torch.arange(size) for size in SIZES))


def test_an_item_is_the_sum_of_its_digits_and_of_what_else_is_known():
    torch.manual_seed(0)
    digits, vectors = torch.cat([torch.zeros(1, 3, dtype=torch.int64), EVERY]), torch.randn(25, 7)
    table = DigitTable(digits, SIZES, 5, vectors)
    weight = table.embedding.weight
    by_hand = weight[2] + weight[3 + 0] + weight[5 + 3] + table.project.weight @ vectors[20]
    assert EVERY[19].tolist() == [2, 0, 3]
    torch.testing.assert_close(table(torch.tensor([[20]])), by_hand.view(1, 1, 5))
    alone = DigitTable(digits, SIZES, 5)
    torch.testing.assert_close(alone(torch.tensor(20)), alone.embedding.weight[[2, 3, 8]].sum(0))


def test_probabilities_of_all_ids_sum_to_one_and_the_beam_finds_the_same():
    torch.manual_seed(0)
    decoder, hidden = SemanticDecoder(SIZES, 6).eval(), torch.randn(4, 6)
    told = decoder.log_probability(hidden, EVERY.expand(4, -1, -1))
    torch.testing.assert_close(told.exp().sum(dim=1), torch.ones(4))
    items, scores = beam_search(decoder, hidden, Trie(EVERY, torch.arange(24) + 1, SIZES), 24)
    torch.testing.assert_close(told.gather(1, items - 1), scores)
