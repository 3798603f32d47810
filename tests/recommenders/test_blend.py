from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ConfigError
from shopkeeper.recommenders.blend import Blend, BlendConfig
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.validation import validation_ndcg
from shopkeeper.training.settings import TrainingSettings

BRIEF = TrainingSettings(epochs=1, device="cpu")


def blend(*members: dict) -> Blend:
    return Blend(build(BlendConfig, {"members": list(members)}))


def test_who_knows_gets_the_weight(cycle: Dataset):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    model = blend({"model": "most_popular"}, {"model": "transitions"}).fit(parts.train, parts.validation)
    assert model.weights[1] > 0.9
    alone = blend({"model": "transitions"}).fit(parts.train, parts.validation)
    assert validation_ndcg(model, parts.validation) >= validation_ndcg(alone, parts.validation) - 1e-3


def test_without_a_validation_part_all_weigh_the_same(cycle: Dataset):
    model = blend({"model": "item_knn"}, {"model": "transitions"}).fit(cycle)
    assert model.weights.tolist() == [0.5, 0.5]
    one, other = (blend({"model": name}).fit(cycle) for name in ("item_knn", "transitions"))
    users, histories = np.array([1, 2], dtype=np.int32), cycle.histories.slice(0, 2)
    mean = (np.exp(one.score(users, histories)) + np.exp(other.score(users, histories))) / 2
    np.testing.assert_allclose(np.exp(model.score(users, histories)), mean, rtol=1e-5)


def test_the_same_network_twice_starts_from_two_seeds(cycle: Dataset):
    model = blend({"model": "sasrec"}, {"model": "sasrec"}).fit(cycle, training=BRIEF)
    first, second = (member.item_vectors() for member in model.members)
    assert not np.allclose(first, second)


def test_settings_of_members_are_checked_when_the_blend_is_made():
    with pytest.raises(ConfigError, match="dropuot"):
        blend({"model": "sasrec", "settings": {"dropuot": 0.1}})
    with pytest.raises(ConfigError, match="no recommender"):
        blend({"model": "sasrek"})
    with pytest.raises(ConfigError):
        blend()


def test_each_member_keeps_checkpoints_of_its_own(cycle: Dataset, tmp_path):
    blend({"model": "sasrec"}, {"model": "sasrec"}).fit(cycle, training=BRIEF.replace(checkpoint_folder=tmp_path))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["0-SASRec", "1-SASRec"]


def test_of_fitted_members_only_the_weights_are_fitted(cycle: Dataset):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    whole = blend({"model": "most_popular"}, {"model": "transitions", "settings": {"window": 3}})
    whole.fit(parts.train, parts.validation)
    again = Blend.of_fitted(whole.members)
    assert again.members == whole.members
    assert again.config.members[1].settings["window"] == 3
    assert again.weights.tolist() == [0.5, 0.5]
    again.fit_weights(parts.validation)
    np.testing.assert_array_equal(again.weights, whole.weights)
    users, histories = np.array([1, 2], dtype=np.int32), cycle.histories.slice(0, 2)
    np.testing.assert_array_equal(again.score(users, histories), whole.score(users, histories))


def test_the_setting_says_what_is_fitted(cycle: Dataset):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    members = [{"model": "most_popular"}, {"model": "item_knn"}, {"model": "transitions"}]
    found = {}
    for fit in ("likelihood", "ndcg"):
        model = Blend(build(BlendConfig, {"members": members, "fit": fit})).fit(parts.train, parts.validation)
        assert model.weights.sum() == pytest.approx(1)
        found[fit] = validation_ndcg(model, parts.validation)
    assert found["ndcg"] >= found["likelihood"]


def test_several_targets_of_a_shopper_are_fitted(cycle: Dataset):
    parts = split(cycle, SplitSettings(kind="ratio", validation_share=0.3, test_share=0.2))
    assert parts.validation.targets.lengths.max() > 1
    model = blend({"model": "most_popular"}, {"model": "transitions"}).fit(parts.train, parts.validation)
    alone = [blend({"model": name}).fit(parts.train) for name in ("most_popular", "transitions")]
    best = max(validation_ndcg(one, parts.validation) for one in alone)
    assert validation_ndcg(model, parts.validation) >= best - 1e-3


def test_a_member_that_weighs_nothing_is_not_asked(cycle: Dataset, tmp_path):
    model = blend({"model": "item_knn"}, {"model": "transitions"}).fit(cycle)
    model.weights, model.sharpness = np.array([0.0, 1.0]), np.array([1.0, 2.0])
    alone = blend({"model": "transitions"}).fit(cycle)
    alone.sharpness = np.array([2.0])
    users, histories = np.array([1, 2], dtype=np.int32), cycle.histories.slice(0, 2)
    expected = alone.score(users, histories)
    model.save(tmp_path / "blend")
    again = Blend.load(tmp_path / "blend")
    assert again.config.fit == "ndcg"
    again.members[0] = AsksNobody()
    np.testing.assert_array_equal(again.score(users, histories), expected)


class AsksNobody(ItemKNN):
    def score(self, user_index, histories):
        raise AssertionError("a member without weight was asked")


def test_the_estimate_is_that_of_all_members(cycle: Dataset):
    members = [{"model": name} for name in ("EASE", "ItemKNN", "EASE")]
    blend = Blend(BlendConfig(members=members))
    found = blend.estimate(cycle)
    one_by_one = [member.estimate(cycle) for member in blend.members]
    assert found.bytes == pytest.approx(sum(one.bytes for one in one_by_one))
    assert found.seconds == pytest.approx(sum(one.seconds or 0 for one in one_by_one), rel=1e-6)
