"""Every search space that settings declare can be searched, from the defaults on."""

from __future__ import annotations

import pytest

from shopkeeper.config import build, put, search_space
from shopkeeper.recommenders.registry import recommender_classes
from shopkeeper.search_space import Choice, Domain, Floats, Integers, Value
from shopkeeper.training.settings import TrainingSettings

CLASSES = {
    **{name: found.Config for name, found in recommender_classes().items()},
    "TrainingSettings": TrainingSettings,
}


def extremes(domain: Domain) -> tuple[Value, ...]:
    return domain.options if isinstance(domain, Choice) else (domain.low, domain.high)


@pytest.mark.parametrize("name", CLASSES)
def test_spaces_hold_the_default_and_valid_values_only(name: str) -> None:
    settings_class = CLASSES[name]
    for path, domain in search_space(settings_class).items():
        default = settings_class()
        for part in path.split("."):
            default = getattr(default, part)
        assert domain.including(default) == domain, path
        for value in extremes(domain):
            given: dict[str, object] = {}
            put(given, path.split("."), value)
            build(settings_class, given)
            assert value is not None or default is None, f"{path}: TOML cannot say None"


def test_spaces_of_bases_and_of_settings_within_settings_count() -> None:
    found = search_space(CLASSES["SASRec"])
    assert {"dropout", "n_layers", "embedding_size"} <= set(found)
    assert "weights.view" in search_space(CLASSES["Transitions"])
    assert {"batch_targets", "optimizer.learning_rate"} <= set(search_space(TrainingSettings))


def test_a_domain_widens_for_a_value_where_it_can() -> None:
    assert Floats(0.1, 1.0).including(3) == Floats(0.1, 3)
    assert Floats(0.1, 1.0, log=True).including(0.0) is None
    assert Integers(2, 8).including(1) == Integers(1, 8)
    assert Integers(2, 8).including(None) is None
    assert Choice((1, 2)).including(3) == Choice((3, 1, 2))


def test_numbers_are_tried_with_few_digits_and_within_their_bounds() -> None:
    assert Floats(0.0, 1.0).rounded(0.123456789) == 0.1235
    assert Floats(0.123449, 1.0).rounded(0.123449) == 0.123449
