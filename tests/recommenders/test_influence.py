"""What one user counts for: by hand, and in the models that count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.fallback import fallback_scores
from shopkeeper.recommenders.influence import FEWEST, InfluenceCaps, influence
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.transitions import Transitions

FLOOD = 5000


def dataset(flood: list[int]) -> Dataset:
    """Forty users who view items 1, 2, 3; and one with so many events on others of six items."""
    import pyarrow as pa

    walks = [[1, 2, 3]] * 40 + ([flood] if flood else [])
    items = np.concatenate(walks).astype(np.int32)
    offsets = np.cumsum([0, *map(len, walks)]).astype(np.int64)
    types = np.full(len(items), EventType.VIEW.code, np.uint8)
    histories = Histories(offsets, items, types, np.arange(len(items), dtype=np.int64) * 10**9)
    users = pa.array([f"u{n}" for n in range(len(walks))])
    return Dataset(Vocabulary(users), Vocabulary(pa.array([f"i{n}" for n in range(1, 7)])), histories)


def test_shares_are_those_of_plain_loops() -> None:
    generator = np.random.default_rng(0)
    lengths = np.array([0, 3, 700, 5, 300, 1])
    items = generator.integers(1, 6, lengths.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    histories = Histories(offsets, items, np.ones(len(items), np.uint8), np.arange(len(items)))
    caps = InfluenceCaps(events_an_item=30, usual_users=2)
    wanted = []
    most = max(FEWEST, 2 * float(np.median(lengths[lengths > 0])))
    for start, stop in itertools.pairwise(offsets):
        own = items[start:stop].tolist()
        shares = [min(1.0, 5 / own.count(item)) for item in own]
        total = sum(shares)
        wanted += [share * min(1.0, most / max(total, 1.0)) for share in shares]
    np.testing.assert_allclose(influence(histories, caps), wanted, rtol=1e-5)


def test_usual_users_count_whole() -> None:
    assert (influence(dataset([]).histories, InfluenceCaps()) == 1).all()
    none = Histories(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int64))
    assert len(influence(none, InfluenceCaps())) == 0


@pytest.mark.parametrize("flood", [[5] * FLOOD, [5, 6] * FLOOD, [4, 5, 6] * FLOOD], ids=len)
def test_one_user_makes_nothing_popular(flood: list[int]) -> None:
    caps = {"influence": {"events_an_item": 10}}
    flooded, plain = (MostPopular(build(MostPopular.Config, caps)).fit(dataset(one)) for one in (flood, []))
    assert set(flooded.recommend(histories=[[]], k=3).ids(0)) == set(plain.recommend(histories=[[]], k=3).ids(0))
    assert flooded.popularity[5] <= 10


def test_one_user_makes_nothing_follow() -> None:
    caps = {"influence": {"events_an_item": 10}}
    model = Transitions(build(Transitions.Config, caps)).fit(dataset([1, 5] * FLOOD))
    first = model.recommend(histories=[["i1"]], k=1).ids(0)[0]
    assert first == "i2"
    free = {"influence": {"events_an_item": None, "usual_users": None}}
    model = Transitions(build(Transitions.Config, free)).fit(dataset([1, 5] * FLOOD))
    assert model.recommend(histories=[["i1"]], k=1).ids(0)[0] == "i5", "else the test could not fail"


def test_the_fallback_is_capped_too() -> None:
    scores = fallback_scores(dataset([5] * 30_000 + [6] * 10))
    assert scores[5] < scores[1:4].min()
