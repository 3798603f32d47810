"""Attributes say what they allow, in settings and as a JSON schema."""

from __future__ import annotations

import pytest

from shopkeeper.config import build
from shopkeeper.errors import ConfigError
from shopkeeper.features.attributes.schema import Attribute, default_attributes, json_schema
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.settings import ItemFeatureSettings


def test_values_may_be_a_list_or_have_words():
    listed = build(Attribute, {"kind": "choice", "values": ["red", "blue"]})
    worded = build(Attribute, {"kind": "choice", "values": {"red": ["crimson"], "blue": []}})
    assert list(listed.values) == list(worded.values) == ["red", "blue"]
    assert worded.values["red"] == ("crimson",)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "choice"}, "needs values"),
        ({"kind": "text", "values": ["a"]}, "make it a choice"),
        ({"kind": "boolean", "values": ["maybe"]}, '"yes" and "no"'),
        ({"kind": "choice", "values": ["Red", "red"]}, "must differ"),
        ({"kind": "choice", "values": ["a\nb"]}, "one line"),
        ({"pattern": "("}, "regular expression"),
        ({"kind": "colour"}, "choice"),
        ({"valeus": []}, "values"),
    ],
)
def test_an_attribute_that_makes_no_sense_is_refused(wrong: dict[str, object], says: str):
    with pytest.raises(ConfigError, match=says):
        build(Attribute, wrong)


@pytest.mark.parametrize("name", ["Color", "valid", "1st", "a b", ""])
def test_names_become_columns(name: str):
    with pytest.raises(ConfigError, match="small letters"):
        build(AttributesSettings, {"wanted": {name: {}}})


def test_own_attributes_replace_the_usual_ones():
    given = {"attributes": {"wanted": {"waterproof": {"kind": "boolean"}}}}
    assert list(build(ItemFeatureSettings, given).attributes.wanted) == ["waterproof"]
    assert list(build(ItemFeatureSettings, {}).attributes.wanted) == ["color", "material", "gender", "size", "style"]


def test_the_json_schema_wants_every_attribute_and_allows_null():
    schema = json_schema({
        "color": Attribute(kind="choice", values={"red": (), "blue": ()}, description="main color"),
        "parts": Attribute(kind="number", minimum=1),
    })  # fmt: skip
    assert schema["required"] == ["color", "parts"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["color"] == {
        "anyOf": [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}], "description": "main color",
    }  # fmt: skip
    assert schema["properties"]["parts"]["anyOf"][0] == {"type": "number", "minimum": 1}


def test_the_usual_words_stand_for_one_value_each():
    for name, attribute in default_attributes().items():
        words = [word for value, others in attribute.values.items() for word in (value, *others)]
        assert len(set(words)) == len(words), name
