"""Settings: closed, frozen, from one TOML file and overrides; a fault is named with its path."""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from shopkeeper.config import Settings, build, load_settings, parse_value, put, read_toml, to_toml
from shopkeeper.errors import ConfigError


class Rate(Settings):
    kind: Literal["rate"] = "rate"
    learning_rate: Annotated[float, Field(gt=0)] = 0.1


class Steps(Settings):
    kind: Literal["steps"] = "steps"
    n_steps: int = 3


class Inner(Settings):
    rate: Rate = Rate()
    words: tuple[str, ...] = ()
    optional: Rate | None = None


class Outer(Settings):
    inner: Inner = Inner()
    seed: int = 0
    parts: tuple[Annotated[Rate | Steps, Field(discriminator="kind")], ...] = ()


def test_defaults_hold_where_nothing_is_said():
    assert load_settings(Outer) == Outer()
    assert build(Outer, {"inner": {"words": ["a"]}}) == Outer(inner=Inner(words=("a",)))


def test_settings_cannot_change():
    with pytest.raises(ValidationError, match="frozen"):
        Outer().seed = 3


def test_replace_gives_a_checked_copy():
    first = Outer(inner=Inner(words=("a",)))
    second = first.replace(seed=7)
    assert (first.seed, second.seed, second.inner) == (0, 7, first.inner)
    assert isinstance(second.inner.rate, Rate)
    with pytest.raises(ConfigError, match="'sed'"):
        first.replace(sed=7)
    with pytest.raises(ConfigError, match="'seed'"):
        first.replace(seed="many")


@pytest.mark.parametrize(
    ("values", "path", "closest"),
    [
        ({"sead": 1}, "sead", "seed"),
        ({"inner": {"word": []}}, "inner.word", "words"),
        ({"inner": {"rate": {"learning_rat": 1}}}, "inner.rate.learning_rat", "learning_rate"),
        ({"inner": {"optional": {"learning_rat": 1}}}, "inner.optional.learning_rat", "learning_rate"),
        ({"parts": [{"kind": "rate"}, {"kind": "steps", "n_step": 1}]}, "parts.1.steps.n_step", "n_steps"),
    ],
)
def test_an_unknown_key_is_refused_with_the_closest_valid_name(values, path, closest):
    with pytest.raises(ConfigError) as caught:
        build(Outer, values)
    assert f"unknown setting '{path}' of Outer" in str(caught.value)
    assert f"did you mean '{closest}'?" in str(caught.value)


def test_only_names_that_are_valid_at_that_place_are_offered():
    with pytest.raises(ConfigError) as caught:
        build(Outer, {"parts": [{"kind": "steps", "learning_rate": 1}]})
    assert caught.value.expected == "one of: kind, n_steps"


@pytest.mark.parametrize(
    ("values", "path", "got"),
    [
        ({"seed": "many"}, "seed", "'many'"),
        ({"inner": {"rate": {"learning_rate": -1}}}, "inner.rate.learning_rate", "-1"),
        ({"inner": 3}, "inner", "3"),
        ({"parts": [{"kind": "nothing"}]}, "parts.0", "nothing"),
    ],
)
def test_a_wrong_value_is_named_with_what_came(values, path, got):
    with pytest.raises(ConfigError) as caught:
        build(Outer, values)
    assert f"setting '{path}' of Outer is not valid" in str(caught.value)
    assert got in str(caught.value.got)


def test_overrides_lie_on_top_of_the_file(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('seed = 1\n[inner]\nwords = ["a"]\n[inner.rate]\nlearning_rate = 0.5\n', encoding="utf-8")
    loaded = load_settings(Outer, file, ["seed=2", "inner.rate.learning_rate = 0.25"])
    assert loaded == Outer(seed=2, inner=Inner(words=("a",), rate=Rate(learning_rate=0.25)))
    assert load_settings(Outer, None, ['inner.words=["x", "y"]']).inner.words == ("x", "y")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("3.5", 3.5),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ('"3"', "3"),
        ("plain words", "plain words"),
        ("a=b", "a=b"),
        ("", ""),
        ("cuda:1", "cuda:1"),
    ],
)
def test_a_value_is_toml_or_the_text_itself(text, value):
    assert parse_value(text) == value


@pytest.mark.parametrize("override", ["seed", "=3", " =3"])
def test_an_override_needs_a_name_and_a_value(override):
    with pytest.raises(ConfigError, match=r"a\.b=value"):
        load_settings(Outer, None, [override])


def test_a_plain_value_has_no_fields(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("seed = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="'seed' has no fields of its own"):
        load_settings(Outer, file, ["seed.deep.er=3"])
    values: dict = {}
    put(values, ["a", "b", "c"], 1)
    assert values == {"a": {"b": {"c": 1}}}


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no settings file .*nowhere\.toml"):
        read_toml(tmp_path / "nowhere.toml")
    for content in (b"seed = = 3", b"\xff\xfe"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"bad\.toml is not valid TOML"):
            read_toml(tmp_path / "bad.toml")


def test_every_field_takes_its_docstring_as_description():
    class Documented(Settings):
        seed: int = 0
        """The seed."""

    assert Documented.model_fields["seed"].description == "The seed."


def test_what_is_written_as_toml_is_read_back() -> None:
    values = {
        "name": 'a "b" \\ ü',
        "models": {"EASE": {"regularization": 1e-07, "repeats": "log", "big": 3.0}, "Empty": {}},
        "training": {"epochs": 3, "resume": True, "optimizer": {"betas": [0.9, 0.999]}},
    }
    assert tomllib.loads(to_toml(values)) == values
    assert to_toml({"a": {"left_out": None, "b": 1}}) == "[a]\nb = 1\n"
