"""Errors say what was expected, what came and what to do, and each class has its own exit code."""

from __future__ import annotations

import pytest

from shopkeeper import errors
from shopkeeper.errors import DataError, MissingDependencyError, ShopkeeperError, choices, missing_dependency

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, ShopkeeperError) and value is not ShopkeeperError
]


def test_the_message_has_a_line_for_each_part():
    error = DataError("column 'price' is text", expected="numbers", got="'cheap'", remedy="convert it")
    assert str(error).splitlines() == [
        "column 'price' is text",
        "  expected: numbers",
        "  got: 'cheap'",
        "  to do: convert it",
    ]
    assert (error.problem, error.expected, error.got, error.remedy) == (
        "column 'price' is text", "numbers", "'cheap'", "convert it",
    )  # fmt: skip


def test_parts_that_are_not_given_are_left_out():
    assert str(DataError("no rows")) == "no rows"
    assert DataError("no rows").remedy is None


def test_exit_codes_are_distinct_and_none_means_success():
    codes = [kind.exit_code for kind in CLASSES]
    assert len(CLASSES) >= 7
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 126 for code in codes)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_can_be_caught_as_the_base(kind):
    with pytest.raises(ShopkeeperError, match="it broke"):
        raise kind("it broke")
    assert kind.__doc__


def test_choices_name_the_closest():
    assert choices("veiw", ["view", "cart"]) == "one of: view, cart (did you mean 'view'?)"
    assert choices("xyz", iter(["view", "cart"])) == "one of: view, cart"
    assert choices("xyz", []) == "one of: "


def test_a_missing_library_comes_with_the_command_that_installs_it():
    error = missing_dependency("torch", "torch", "SASRec")
    assert isinstance(error, MissingDependencyError)
    assert "SASRec needs the library 'torch'" in str(error)
    assert "pip install 'shopkeeper[torch]'" in str(error)
