"""What a text names, in any script, whole words alone; and rules that need no model."""

from __future__ import annotations

import json

import pytest

from shopkeeper.features.attributes.extractor import Asked
from shopkeeper.features.attributes.schema import Attribute, default_attributes
from shopkeeper.features.attributes.words import NamedValues, ValueWords, WordRules

COLORS = ValueWords(
    Attribute(kind="choice", values={"red": ("crimson", "红色"), "blue": ("navy blue",), "navy": (), "rose gold": ()})
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A Crimson dress", ["red"]),
        ("red, RED and crimson", ["red"]),
        ("covered bored redder", []),
        ("navy blue coat", ["blue"]),
        ("navy coat, blue belt", ["navy", "blue"]),
        ("Rose-Gold ring / rose  gold chain", ["rose gold"]),
        ("夏季红色连衣裙", ["red"]),
        ("the Reds' shirt, red's", ["red"]),
        ("\uff32\uff25\uff24 shoe", ["red"]),
        ("", []),
        ("(red)", ["red"]),
    ],
)
def test_whole_words_are_found_in_the_order_of_the_text(text: str, values: list[str]):
    assert COLORS.found(text) == values


def test_rules_read_every_kind():
    wanted = {
        "color": Attribute(kind="choice", values={"red": (), "blue": ()}),
        "colors": Attribute(kind="choices", values={"red": (), "blue": ()}),
        "dry": Attribute(kind="boolean", values={"yes": ("waterproof",), "no": ("not waterproof",)}),
        "pack": Attribute(kind="number", pattern=r"pack of (\d+)", minimum=2),
        "size": Attribute(pattern=r"\d+ ml"),
        "brand": Attribute(),
    }
    rules = WordRules(wanted)

    def told(text: str) -> dict[str, object]:
        return json.loads(rules.answer(Asked(text)))

    assert told("blue and red, waterproof, pack of 3, 50 ml, 60 ml") == {
        "color": "blue", "colors": ["blue", "red"], "dry": True, "pack": 3.0, "size": "50 ml", "brand": None,
    }  # fmt: skip
    assert told("not waterproof, pack of 1")["dry"] is False
    assert set(told("nothing of it, pack of 1").values()) == {None}


def test_the_usual_attributes_of_a_title():
    rules = WordRules(default_attributes())
    told = json.loads(rules.answer(Asked("Nike Ladies Running Shoes, Charcoal Leather, size 9")))
    assert told == {"color": "grey", "material": "leather", "gender": "women", "size": "size 9", "style": "sports"}
    assert json.loads(rules.answer(Asked("Vanilla Cream 0.5-Fluid Ounce")))["size"] == "0.5-Fluid Ounce"


def test_values_to_choose_from_are_those_that_must_stand_in_the_text():
    wanted = {
        "color": Attribute(kind="choice", values={"red": (), "blue": ()}),
        "style": Attribute(kind="choice", values={"casual": ()}, grounded=False),
        "size": Attribute(pattern=r"(\d+) ml"),
        "brand": Attribute(),
    }
    assert NamedValues(wanted).of("blue, 5 ml or 6 ml") == {"color": ["blue"], "size": ["5", "6"]}


@pytest.mark.parametrize(
    ("title", "size"),
    [
        ("Gel Nail Polish .25 Oz", ".25 Oz"),
        ("Shampoo, 13.5 Fluid Ounce (Pack of 3)", "13.5 Fluid Ounce"),
        ("Masque 100ml", "100ml"),
        ("Model A12 oz", None),
        ("V1.5 ml", None),
    ],
)
def test_the_usual_sizes_keep_all_their_digits(title: str, size: str | None):
    rules = WordRules({"size": default_attributes()["size"]})
    answer = json.loads(rules.answer(Asked(title)))
    assert answer.get("size") == size
