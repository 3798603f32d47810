from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.recommenders import like_lengths
from shopkeeper.recommenders.like_lengths import batches_of_like_length


@pytest.mark.parametrize("window", [5, 100])
def test_every_question_comes_once_with_what_belongs_to_it_and_shorter_ones_first(window, monkeypatch):
    monkeypatch.setattr(like_lengths, "WINDOW", window)
    lengths = [3, 0, 2, 5, 1, 1, 4, 0, 2]
    holdout = Holdout(
        user_ids=pa.array(range(9)),
        user_index=np.arange(9, dtype=np.int32),
        histories=Histories.of_items([[place + 1] * length for place, length in enumerate(lengths)]),
        targets=Histories.of_items([[place + 1] * (place % 3) for place in range(9)]),
    )
    batches = list(batches_of_like_length(holdout, 2))
    seen = np.concatenate([batch.places for batch in batches])
    for start in range(0, 9, window):
        inside = seen[start : start + window]
        assert sorted(inside) == list(range(start, min(start + window, 9)))
        assert np.diff(np.array(lengths)[inside]).min() >= 0
    for batch in batches:
        assert len(batch) <= 2
        assert batch.user_index.tolist() == batch.places.tolist()
        for row, place in enumerate(batch.places):
            assert batch.histories.items_of(row).tolist() == [place + 1] * lengths[place]
            assert batch.targets.items_of(row).tolist() == [place + 1] * (place % 3)
