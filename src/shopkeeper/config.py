"""Settings: frozen typed objects, one TOML file, and `--set a.b=c` on top.

A settings class derives from `Settings`, declares each field with a type, a default and a docstring below it, and
lives beside the code it steers. Unknown keys are refused with the closest valid name. In `search` it may say which
values of its fields are worth trying when they are tuned.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from shopkeeper.errors import ConfigError, choices
from shopkeeper.search_space import Domain, SearchSpace

SettingsT = TypeVar("SettingsT", bound="Settings")


class Settings(BaseModel):
    """Base of every settings object: immutable, typed, closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    search: ClassVar[SearchSpace] = {}
    """Values to try when tuning, by name of the field; those of the base class count too."""

    def replace(self: SettingsT, **changes: Any) -> SettingsT:
        """A copy with some fields changed, checked again.

        Raises:
            ConfigError: A name or value is not valid.
        """
        return build(type(self), {**self.model_dump(), **changes})


def search_space(settings_class: type[Settings]) -> dict[str, Domain]:
    """What a settings class, its bases and its fields that are settings themselves declare, by dotted path."""
    found: dict[str, Domain] = {}
    for base in reversed(settings_class.__mro__):
        found.update(vars(base).get("search", {}))
    for name, field in settings_class.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            found.update({f"{name}.{path}": domain for path, domain in search_space(field.annotation).items()})
    return found


def build(settings_class: type[SettingsT], values: Mapping[str, Any]) -> SettingsT:
    """Makes a settings object from plain values.

    Args:
        settings_class: The class to build.
        values: Nested mapping of field names to values, as TOML or JSON give it.

    Returns:
        The checked, frozen object.

    Raises:
        ConfigError: With the path of the first offending key, what was expected there and what came.
    """
    try:
        return settings_class.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"]) or settings_class.__name__
        if first["type"] == "extra_forbidden":
            valid = _fields_at(settings_class, first["loc"][:-1])
            raise ConfigError(
                f"unknown setting {path!r} of {settings_class.__name__}",
                expected=choices(str(first["loc"][-1]), valid),
            ) from error
        raise ConfigError(
            f"setting {path!r} of {settings_class.__name__} is not valid",
            expected=first["msg"],
            got=repr(first["input"]),
        ) from error


def _fields_at(settings_class: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Names of the fields that a place inside a settings object may have, through lists and tagged choices."""
    found = [settings_class]
    for part in path:
        if isinstance(part, int):
            continue
        fields = [model.model_fields[part] for model in found if part in model.model_fields]
        if fields:
            found = [model for field in fields for model in _models_in(field.annotation)]
        else:  # not a field: the word that chose one of several classes
            found = [model for model in found if part in _tags(model)]
    return list(dict.fromkeys(name for model in found for name in model.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _tags(model: type[BaseModel]) -> set[Any]:
    return {word for field in model.model_fields.values() for word in get_args(field.annotation)}


def load_settings(
    settings_class: type[SettingsT], file: Path | None = None, overrides: Iterable[str] = ()
) -> SettingsT:
    """Reads settings from a TOML file and applies overrides.

    Args:
        settings_class: The class to build.
        file: TOML file; None takes the defaults.
        overrides: Strings ``a.b=value``; the value is read as TOML, or as a plain string where it is not TOML.

    Returns:
        The checked, frozen object.

    Raises:
        ConfigError: The file cannot be read, or a key or value is not valid.
    """
    values = read_toml(file) if file is not None else {}
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key.strip():
            raise ConfigError("an override is not of the form name=value", expected="a.b=value", got=override)
        put(values, key.strip().split("."), parse_value(text.strip()))
    return build(settings_class, values)


def read_toml(file: Path) -> dict[str, Any]:
    """Reads a TOML file into nested dictionaries.

    Raises:
        ConfigError: The file does not exist or is not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no settings file {file}", remedy="check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML", got=str(error)) from error


def parse_value(text: str) -> Any:
    """Reads one value of an override: TOML where it parses, else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def put(values: dict[str, Any], path: list[str], value: Any) -> None:
    """Sets a value deep in nested dictionaries, which are made where they are missing.

    Raises:
        ConfigError: A step of the path is a plain value.
    """
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise ConfigError(f"setting {part!r} has no fields of its own", got=".".join(path))
    values[path[-1]] = value


def to_toml(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Nested plain values as TOML, the tables after the values of their parent; None is left out, TOML has none.

    Args:
        values: Text, numbers, lists of them, and mappings, by names without dots.
        path: Names of the tables around.
    """
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}"
             for name, value in values.items() if name not in tables and value is not None]  # fmt: skip
    head = [f"[{'.'.join(path)}]"] if path and (lines or not tables) else []
    own = "\n".join([*head, *lines, ""]) if head or lines else ""
    return "\n".join(part for part in (own, *(to_toml(table, (*path, name)) for name, table in tables.items())) if part)
