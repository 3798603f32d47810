"""RQ-VAE on vectors whose groups are known."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.errors import DataError
from shopkeeper.features.semantic_ids import SemanticIds, quality
from shopkeeper.features.semantic_ids.rqvae import RqVae
from shopkeeper.features.semantic_ids.rqvae_settings import RqVaeSettings

GENERATOR = np.random.default_rng(0)
MIDDLES = GENERATOR.normal(size=(6, 16)).astype(np.float32)
GROUP = np.repeat(np.arange(6), 60)
VECTORS = (MIDDLES[GROUP] + 0.1 * GENERATOR.normal(size=(360, 16))).astype(np.float32)
SMALL = RqVaeSettings(levels=2, size=8, latent_size=8, hidden_size=32, epochs=30, batch_size=64)


@pytest.fixture(scope="module")
def model() -> RqVae:
    return RqVae.fit(VECTORS, SMALL)


def test_items_that_are_alike_begin_alike_and_all_of_the_codebook_is_used(model):
    ids = SemanticIds.of(model.code(VECTORS), model.sizes)
    found = quality(ids, GROUP)
    assert found.purity[0] == 1.0
    assert min(found.used) >= 0.75


def test_fitting_again_gives_the_same_codes_and_so_does_a_restored_one(model):
    assert np.array_equal(model.code(VECTORS), RqVae.fit(VECTORS, SMALL).code(VECTORS))
    assert np.array_equal(model.code(VECTORS), RqVae.restore(model.state()).code(VECTORS))
    assert np.array_equal(model.code(VECTORS[:3]), model.code(VECTORS)[:3])


def test_what_cannot_be_coded_is_refused(model):
    with pytest.raises(DataError, match="width 16"):
        model.code(np.zeros((2, 5), np.float32))
    with pytest.raises(DataError, match="cannot be fitted"):
        RqVae.fit(np.full((3, 4), np.inf, np.float32))
