"""What holds for every recommender. Nothing is listed here: a new model is found by its class and tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, DataError, NotFittedError, ShopkeeperError, UnknownIdError
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.candidates import Eligible
from shopkeeper.recommenders.registry import recommender_class, recommender_classes
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

CLASSES = recommender_classes()
BRIEF = TrainingSettings(epochs=2, device="cpu", seed=7)
THOROUGH = TrainingSettings(epochs=40, device="cpu", seed=7, optimizer=OptimizerSettings(learning_rate=0.01))
every = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
_fitted: dict[str, Recommender] = {}


@pytest.fixture
def cycle(cycle: Dataset) -> Dataset:
    """The circle with titles: all are things, and neighbors share one more word."""
    ids = cycle.items.arrow.to_pylist()
    titles = [f"thing word{place} word{(place + 1) % len(ids)}" for place in range(len(ids))]
    return replace(cycle, catalog=Catalog(pa.table({"item_id": ids, "title": titles})))


@pytest.fixture
def fitted(cls: type[Recommender], cycle: Dataset) -> Recommender:
    """The model with default settings after a brief fit on the circle; shared, so tests must not change it."""
    if cls.__name__ not in _fitted:
        _fitted[cls.__name__] = cls().fit(cycle, training=BRIEF)
    return _fitted[cls.__name__]


@every
def test_known_and_unknown_shoppers_get_catalog_ids_without_duplicates(fitted: Recommender, cycle: Dataset):
    answers = fitted.recommend([100, None, "nobody"], [["item-03"], ["item-05", "item-06"], ["item-09"]], k=4)
    assert len(answers) == 3
    for place in range(3):
        ids = answers.ids(place)
        assert len(ids) == len(set(ids)) == 4
        assert all(item in cycle.items for item in ids)


@every
def test_known_shoppers_are_answered_from_the_log(fitted: Recommender):
    answers = fitted.recommend([100, 101], k=3)
    assert answers.user_ids == [100, 101]
    assert all(fitted.name == item.source for answer in answers for item in answer)


@every
def test_scores_fall_and_are_finite(fitted: Recommender):
    answers = fitted.recommend([100, 101, 102], k=4)
    assert np.isfinite(answers.scores).all()
    assert (np.diff(answers.scores, axis=1) <= 0).all()


@every
def test_seen_items_are_hidden_when_asked(fitted: Recommender):
    seen = ["item-02", "item-05", "item-07"]
    assert not set(fitted.recommend(histories=[seen], k=12, hide_seen=True).ids(0)) & set(seen)
    assert set(fitted.recommend(histories=[seen], k=12, hide_seen=False).ids(0)) >= set(seen)


@every
def test_more_than_the_catalog_gives_the_whole_catalog(fitted: Recommender, cycle: Dataset):
    answers = fitted.recommend(histories=[["item-01"]], k=1000, hide_seen=False)
    assert sorted(answers.ids(0)) == cycle.items.arrow.to_pylist()


@every
def test_excluded_items_never_come_out(fitted: Recommender):
    best = fitted.recommend([100], k=3).ids(0)
    others = fitted.recommend([100], k=12, exclude=[*best, "not in the catalog", 5])
    assert others.ids(0)
    assert not set(others.ids(0)) & set(best)


@every
def test_a_shopper_with_nothing_gets_popular_items_and_is_told_so(fitted: Recommender):
    answers = fitted.recommend(["a stranger"], k=5)
    assert len(answers[0]) == 5
    expected = fitted.name if fitted.answers_empty else "MostPopular"
    assert {item.source for item in answers[0]} == {expected}
    assert fitted.recommend(histories=[[]], k=5).ids(0) == answers.ids(0)


@every
def test_unknown_items_of_a_history_are_ignored_and_reported(fitted: Recommender):
    answers = fitted.recommend(histories=[["item-03", "mystery", 7], ["item-04"]], k=4)
    assert answers.ignored == [["mystery", 7], []]
    clean = fitted.recommend(histories=[["item-03"], ["item-04"]], k=4)
    assert answers.ids(0) == clean.ids(0)


@every
def test_only_unknown_items_are_like_no_history(fitted: Recommender):
    assert fitted.recommend(histories=[["mystery"]], k=5).ids(0) == fitted.recommend(histories=[[]], k=5).ids(0)


@every
def test_a_batch_answers_like_single_questions(fitted: Recommender, cycle: Dataset):
    users = cycle.users.arrow.to_pylist()[:9]
    together = fitted.recommend(users, k=4)
    for place, user in enumerate(users):
        alone = fitted.recommend([user], k=4)
        np.testing.assert_allclose(together.scores[place], alone.scores[0], rtol=1e-4, atol=1e-5)
        assert together.ids(place) == alone.ids(0)


@every
@pytest.mark.parametrize("narrow", [False, True])
def test_candidates_are_the_best_scores_of_what_may_come_out(fitted: Recommender, cycle: Dataset, narrow: bool):
    users = np.array([0, 1, 2, 0], dtype=np.int32)
    asked = Histories.of_items([[3], [5, 6, 5], [], [9, 1]])
    allowed = np.arange(cycle.n_items + 1) % 3 > 0 if narrow else None
    hidden = [np.array([4, 7], dtype=np.int32), np.zeros(0, np.int32), np.array([1], np.int32), np.array([2], np.int32)]
    eligible = Eligible.of(allowed, hidden)
    found = fitted.candidates(users, asked, 5, eligible)
    scores = fitted.score(users, asked)
    for row, items in enumerate(hidden):
        scores[row, items] = -np.inf
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    scores[:, 0] = -np.inf
    items, values = top_k(scores, 5)
    np.testing.assert_allclose(found.scores, values, rtol=1e-4, atol=1e-5)
    best = np.isfinite(values)
    np.testing.assert_allclose(
        np.take_along_axis(scores, found.item_index.astype(np.int64), axis=1)[best], values[best], rtol=1e-4, atol=1e-5
    )
    assert (found.item_index[~best] == 0).all()
    assert (items[~best] == 0).all()


@every
def test_scores_of_a_few_items_are_those_of_the_catalog(fitted: Recommender):
    users = np.array([0, 1, 2], dtype=np.int32)
    asked = Histories.of_items([[3], [5, 6, 5], []])
    items = np.array([[3, 4, 9, 1], [6, 5, 7, 2], [1, 2, 3, 4]], dtype=np.int32)
    expected = np.take_along_axis(fitted.score(users, asked), items.astype(np.int64), axis=1)
    np.testing.assert_allclose(fitted.score_items(users, asked, items), expected, rtol=1e-4, atol=1e-5)


@every
def test_batches_do_not_change_the_answer(fitted: Recommender, cycle: Dataset, monkeypatch):
    whole = fitted.recommend(cycle.users.arrow.to_pylist(), k=4)
    monkeypatch.setattr(type(fitted), "batch_size", lambda self: 7)
    parts = fitted.recommend(cycle.users.arrow.to_pylist(), k=4)
    np.testing.assert_array_equal(whole.item_index, parts.item_index)


@every
def test_a_long_list_begins_like_a_short_one(fitted: Recommender, cycle: Dataset):
    users = np.arange(9, dtype=np.int32)
    asked, everything = cycle.history_of(users), Eligible.of(None, [np.zeros(0, np.int32)] * len(users))
    whole = fitted.rank(users, asked, cycle.n_items)[0]
    for k in (1, 5):
        np.testing.assert_array_equal(fitted.rank(users, asked, k)[0], whole[:, :k])
    found = fitted.candidates(users, asked, 5, everything).item_index
    np.testing.assert_array_equal(fitted.candidates(users, asked, 1, everything).item_index, found[:, :1])


@every
def test_nobody_asked_is_an_empty_answer(fitted: Recommender):
    assert len(fitted.recommend([])) == 0
    assert fitted.recommend([]).to_arrow().num_rows == 0


@every
def test_saved_and_loaded_answers_the_same(fitted: Recommender, cycle: Dataset, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = Recommender.load(tmp_path / "model")
    assert type(loaded) is type(fitted)
    assert loaded.config == fitted.config
    users = np.arange(cycle.n_users + 1, dtype=np.int32)
    asked = cycle.history_of(users)
    for before, after in zip(fitted.final_scores(users, asked), loaded.final_scores(users, asked), strict=True):
        np.testing.assert_array_equal(before, after)


@every
def test_the_log_of_training_is_not_needed_after_loading(fitted: Recommender, cycle: Dataset, tmp_path):
    model = type(fitted)().fit(cycle, training=BRIEF)
    expected = model.recommend([100, None], [["item-03"], ["item-05"]], k=4)
    model.remember(cycle.select(cycle.histories.rows < 3))
    model.save(tmp_path / "model")
    loaded = Recommender.load(tmp_path / "model")
    assert loaded.train.n_events == 0
    answer = loaded.recommend([100, None], [["item-03"], ["item-05"]], k=4)
    np.testing.assert_array_equal(answer.item_index, expected.item_index)
    np.testing.assert_array_equal(answer.scores, expected.scores)


@every
def test_the_same_seed_gives_the_same_model(cls: type[Recommender], fitted: Recommender, cycle: Dataset):
    again = cls().fit(cycle, training=BRIEF).state()
    state = fitted.state()
    assert state.keys() == again.keys()
    for name, values in state.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)


@every
def test_state_is_plain_arrays(fitted: Recommender):
    for name, values in fitted.state().items():
        assert isinstance(values, np.ndarray), name
        assert values.dtype.kind in "fiub", name


@every
def test_integer_ids_come_back_as_integers(cls: type[Recommender], cycle: Dataset):
    shop = replace(cycle, items=Vocabulary(range(1000, 1000 + cycle.n_items)), users=Vocabulary(_names(cycle.n_users)))
    answers = cls().fit(shop, training=BRIEF).recommend([_names(1)[0], None], [[1003], [1005, "1006"]], k=3)
    assert all(type(item) is int and 1000 <= item < 1012 for place in range(2) for item in answers.ids(place))
    assert answers.ignored == [[], ["1006"]]


@every
def test_similar_items_never_hold_the_item_itself(fitted: Recommender):
    try:
        answers = fitted.similar_items(["item-03", "item-08"], k=20)
    except ShopkeeperError as error:
        assert "knows no similarity" in error.problem
        return
    for place, item in enumerate(("item-03", "item-08")):
        ids = answers.ids(place)
        assert ids
        assert item not in ids
        assert len(ids) == len(set(ids))
    with pytest.raises(UnknownIdError, match="mystery"):
        fitted.similar_items(["item-03", "mystery"])


@every
def test_settings_are_closed_frozen_and_documented(cls: type[Recommender]):
    config = cls.Config()
    assert cls.Config is not Recommender.Config
    with pytest.raises(ConfigError, match="unknown setting"):
        build(cls.Config, {"no_such_setting": 1})
    for name, field in cls.Config.model_fields.items():
        assert field.description, f"{cls.Config.__name__}.{name} needs a docstring"
        with pytest.raises(ValueError, match="frozen"):
            setattr(config, name, getattr(config, name))
    assert build(cls.Config, config.model_dump(mode="json")) == config


@every
def test_classes_say_what_they_are(cls: type[Recommender]):
    assert (cls.__doc__ or "").strip()
    assert recommender_class(cls.__name__.lower()) is cls


@every
def test_asked_too_early_or_wrongly_says_so(cls: type[Recommender], fitted: Recommender, cycle: Dataset):
    with pytest.raises(NotFittedError):
        cls().recommend([100])
    with pytest.raises(DataError, match="no event"):
        cls().fit(cycle.without_events())
    with pytest.raises(ShopkeeperError, match="nothing was asked"):
        fitted.recommend()
    with pytest.raises(ShopkeeperError, match="k must be"):
        fitted.recommend([100], k=0)
    with pytest.raises(ShopkeeperError, match="differ in number"):
        fitted.recommend([100], [["item-01"], ["item-02"]])


@every
def test_the_smallest_shop(cls: type[Recommender]):
    shop = Dataset(Vocabulary(["only"]), Vocabulary([5]), Histories.of_items([[1]]))
    try:
        model = cls().fit(shop, training=BRIEF)
    except DataError as error:
        assert error.remedy, "a model that cannot be trained on one event says what to do"
        return
    assert model.recommend(["only"], k=3, hide_seen=False).ids(0) == [5]
    assert model.recommend(["only"], k=3, hide_seen=True).ids(0) == []
    assert model.recommend(["other"], k=3).ids(0) == [5]


@every
def test_checkerboard_the_withheld_item_comes_first(cls: type[Recommender]):
    if cls.learns == "counts":
        pytest.skip("does not learn which items go together")
    shop, withheld = _checkerboard()
    small = {"factors": 4} if "factors" in cls.Config.model_fields else {}  # as many as items fit noise
    model = cls(cls.Config(**small)).fit(shop, training=THOROUGH)
    answers = model.recommend(shop.users.arrow.to_pylist(), k=1, hide_seen=True)
    hits = np.mean([answers.ids(place) == [item] for place, item in enumerate(withheld)])
    assert hits == 1.0


@every
def test_circle_the_next_item_comes_first(cls: type[Recommender], cycle: Dataset):
    if cls.learns != "order":
        pytest.skip("does not learn the order of items")
    model = cls().fit(cycle, training=THOROUGH)
    names = cycle.items.arrow.to_pylist()
    walks = [[names[(start + step) % 12] for step in range(4)] for start in range(12)]
    answers = model.recommend(histories=walks, k=1, hide_seen=True)
    assert [answers.ids(start)[0] for start in range(12)] == [names[(start + 4) % 12] for start in range(12)]


def _names(n: int) -> list[str]:
    return [f"shopper-{place:03d}" for place in range(n)]


def _checkerboard(size: int = 20, seed: int = 3) -> tuple[Dataset, list[int]]:
    """Even shoppers take all even items, odd shoppers all odd ones, in any order; each lacks one, which is returned."""
    generator = np.random.default_rng(seed)
    walks, withheld = [], []
    for user in range(size * 4):
        items = generator.permutation(np.arange(user % 2, size, 2)) + 1
        withheld.append(int(items[-1]))
        walks.append(items[:-1])
    return Dataset(Vocabulary(_names(size * 4)), Vocabulary(range(1, size + 1)), Histories.of_items(walks)), withheld
