"""What may be relied on when a network is trained twice: the same seed gives the same weights, bit for bit.

With another number of threads sums are added up in another order; after a brief training no weight then differs by more
than a thousandth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from shopkeeper.data.dataset import Dataset
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.recommenders.registry import recommender_classes
from shopkeeper.training.settings import TrainingSettings

TOLERANCE = 1e-3
NETWORKS = {name: cls for name, cls in recommender_classes().items() if issubclass(cls, NeuralRecommender)}


@pytest.fixture
def threads() -> Iterator[None]:
    """Puts the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def weights(cls: type[NeuralRecommender], data: Dataset, n_threads: int, seed: int = 3) -> dict[str, np.ndarray]:
    torch.set_num_threads(n_threads)
    return cls().fit(data, training=TrainingSettings(epochs=2, device="cpu", seed=seed)).state()


@pytest.mark.parametrize("cls", NETWORKS.values(), ids=NETWORKS.keys())
def test_the_seed_decides_the_weights(cls: type[NeuralRecommender], cycle: Dataset, threads: None):
    first, again, two, other = (
        weights(cls, cycle, n, seed) for n, seed in ((1, 3), (1, 3), (2, 3), (1, 4))
    )  # fmt: skip
    assert all(np.array_equal(values, again[name]) for name, values in first.items())
    assert not np.array_equal(first["items.embedding.weight"], other["items.embedding.weight"])
    for name, values in first.items():
        np.testing.assert_allclose(two[name], values, rtol=0, atol=TOLERANCE, err_msg=name)
