"""Codes of placements: the most frequent ones of the rows that may be looked at."""

import numpy as np
import pyarrow as pa

from shopkeeper.data.placements import MOST_PLACEMENTS, fit_placements


def test_the_most_frequent_ones_have_codes():
    names = pa.array([f"p{number:03d}" for number in range(400)])
    frequent = np.arange(100, 100 + MOST_PLACEMENTS)
    numbers = np.concatenate([np.zeros(9), np.repeat(frequent, 2), np.arange(1, 401)]).astype(np.int32)
    vocabulary, codes = fit_placements(numbers, names, None)
    assert vocabulary.arrow.to_pylist() == names.take(frequent - 1).to_pylist()
    known = np.isin(numbers, frequent)
    assert (codes[~known] == 0).all()
    assert vocabulary.ids(codes[known]) == names.take(numbers[known] - 1).to_pylist()


def test_only_counted_rows_choose_and_count():
    numbers, counted = np.array([1, 2, 3, 3, 0], np.int32), np.array([True, True, False, False, True])
    vocabulary, codes = fit_placements(numbers, pa.array(["app", "cart", "mail"]), counted)
    assert vocabulary.arrow.to_pylist() == ["app", "cart"]
    assert codes.tolist() == [1, 2, 0, 0, 0]
    assert fit_placements(numbers, pa.array(["app", "cart", "mail"]), np.zeros(5, bool)) == (None, None)
    assert fit_placements(numbers[4:], pa.array([], pa.string()), None) == (None, None)
