"""Answers are checked: against the schema, for any JSON there is; against the text, for what it does not say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.features.attributes.checking import AnswerChecker
from shopkeeper.features.attributes.schema import Attribute

WANTED = {
    "color": Attribute(kind="choice", values={"red": ("crimson",), "blue": ()}),
    "tags": Attribute(kind="choices", values={"soft": (), "warm": ()}, grounded=False),
    "pack": Attribute(kind="number", minimum=1, maximum=100),
    "dry": Attribute(kind="boolean"),
    "size": Attribute(most_characters=10),
}
CHECKER = AnswerChecker(WANTED)
NOTHING: dict[str, Any] = dict.fromkeys(WANTED)
TEXT = "A crimson shirt, pack of 3, 0,5 l / XL"

right = st.fixed_dictionaries({
    "color": st.sampled_from(["red", "blue", "Crimson", None]),
    "tags": st.lists(st.sampled_from(["soft", "warm"]), max_size=4) | st.none(),
    "pack": st.integers(1, 100) | st.floats(1, 100) | st.none(),
    "dry": st.booleans() | st.none(),
    "size": st.text(max_size=10) | st.none(),
})  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(right, st.text(max_size=60))
def test_what_the_schema_allows_is_valid_and_typed(answer: dict[str, Any], text: str):
    checked = CHECKER.check(json.dumps(answer), text)
    assert checked.faults == ()
    assert set(checked.values) <= set(WANTED)
    assert checked.values.get("color") in ("red", "blue", None)
    assert set(checked.values.get("tags", [])) <= {"soft", "warm"}


@given(st.dictionaries(st.sampled_from([*WANTED, "other"]), anything), st.text(max_size=60))
def test_whatever_comes_what_counts_is_of_its_type(answer: dict[str, Any], text: str):
    checked = CHECKER.check(json.dumps(answer), text)
    assert not (checked.faults and checked.values)
    kinds = {"color": str, "tags": list, "pack": float, "dry": bool, "size": str}
    assert all(isinstance(value, kinds[name]) for name, value in checked.values.items())
    assert checked.unknown == (("other",) if "other" in answer else ())


@given(st.text(max_size=200))
def test_no_text_ends_the_check(answer: str):
    assert isinstance(CHECKER.check(answer, TEXT).faults, tuple)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"color": "green"}, "color: 'green' is none of: red, blue"),
        ({"color": ["red"]}, "must be a text, not list"),
        ({"tags": "soft"}, "must be a list of values, not str"),
        ({"tags": ["soft", 1]}, "not int"),
        ({"pack": "3"}, "must be a number, not str"),
        ({"pack": True}, "not bool"),
        ({"pack": 101}, "from 1.0 to 100.0"),
        ({"pack": 10**400}, "finite"),
        ({"dry": "yes"}, "true or false"),
        ({"size": "x" * 11}, "more than 10 characters"),
    ],
)
def test_a_wrong_type_is_refused_and_nothing_of_the_answer_counts(change: dict[str, Any], says: str):
    checked = CHECKER.check(json.dumps({**NOTHING, "color": "red", **change}), TEXT)
    assert says in checked.faults[0]
    assert checked.values == {}


@pytest.mark.parametrize(
    "answer", ["", "no", "[1]", "{", '{"color": }', "}{", "[" * 5000 + "{" * 5000 + "}", "{" + " " * 30_000 + "}"]
)
def test_what_is_no_json_object_is_a_fault(answer: str):
    assert "no JSON object" in CHECKER.check(answer, TEXT).faults[0]


def test_missing_keys_are_faults_and_others_are_dropped():
    checked = CHECKER.check('{"color": "red", "weight": 3}', TEXT)
    assert checked.unknown == ("weight",)
    assert [fault.split(":")[0] for fault in checked.faults] == ["tags", "pack", "dry", "size"]


def test_a_fence_or_a_sentence_around_it_does_not_matter():
    answer = f"Here you are:\n```json\n{json.dumps({**NOTHING, 'color': 'RED'})}\n```"
    assert CHECKER.check(answer, TEXT).values == {"color": "red"}


@pytest.mark.parametrize("nothing", [None, "unknown", "N/A", "", "None"])
def test_words_for_nothing_are_nothing(nothing: str | None):
    checked = CHECKER.check(json.dumps(dict.fromkeys(WANTED, nothing)), TEXT)
    assert (checked.values, checked.faults) == ({}, ())


def test_values_that_the_text_does_not_bear_are_dropped():
    borne = {"color": "red", "tags": ["warm"], "pack": 3, "dry": True, "size": "xl"}
    assert CHECKER.check(json.dumps(borne), TEXT).values == borne
    assert CHECKER.check(json.dumps({**NOTHING, "pack": 3.0}), TEXT).values == {"pack": 3}
    other = {"color": "blue", "tags": ["warm"], "pack": 4, "dry": True, "size": "X"}
    checked = CHECKER.check(json.dumps(other), TEXT)
    assert checked.faults == ()
    assert checked.values == {"tags": ["warm"], "dry": True}
    assert checked.ungrounded == ("color", "pack", "size")


def test_of_a_list_only_what_is_borne_stays():
    checker = AnswerChecker({"colors": Attribute(kind="choices", values={"red": (), "blue": ()})})
    checked = checker.check('{"colors": ["blue", "red"]}', "a red shirt")
    assert checked.values == {"colors": ["red"]}
    assert checked.ungrounded == ("colors",)


def test_a_boolean_can_be_asked_to_be_borne():
    checker = AnswerChecker({"dry": Attribute(kind="boolean", values={"yes": ("waterproof",)}, grounded=True)})
    assert checker.check('{"dry": true}', "a waterproof coat").values == {"dry": True}
    assert checker.check('{"dry": false}', "a waterproof coat").values == {}
