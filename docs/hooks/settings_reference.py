"""Writes the settings reference from the settings classes: one table a class, where the page has its marker.

MkDocs calls `on_page_markdown`; the tests call `settings_classes` and `reference`.
"""

from __future__ import annotations

import html
import importlib
import pkgutil
import re
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

import shopkeeper
from shopkeeper.config import Settings
from shopkeeper.errors import MissingDependencyError

MARKER = "<!-- settings reference -->"
WITHOUT_SETTINGS = ("shopkeeper.cli", "shopkeeper.nn")
BASES = ("Settings", "RecommenderConfig", "PredictorConfig")
BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "min_length": "length ≥", "max_length": "length ≤"}
CONSTRAINED = re.compile(r"Annotated\[([^,\[\]]+(?:\[[^\[\]]*\])?), Field\(([^)]*)\)\]")


def settings_classes() -> list[type[Settings]]:
    """All settings classes of the package, by module and name. Modules that need a missing library are passed over."""
    for module in pkgutil.walk_packages(shopkeeper.__path__, "shopkeeper."):
        if not module.name.startswith(WITHOUT_SETTINGS):
            try:
                importlib.import_module(module.name)
            except MissingDependencyError:
                continue
            except ModuleNotFoundError as error:
                if (error.name or "").startswith("shopkeeper"):
                    raise
    found, waiting = set(), [Settings]
    while waiting:
        children = waiting.pop().__subclasses__()
        waiting += children
        found |= {child for child in children if child.__module__.startswith("shopkeeper.")}
    return sorted(found, key=lambda each: (each.__module__, each.__name__))


def reference(classes: list[type[Settings]]) -> str:
    """The tables of these classes as Markdown, one heading a module."""
    parts: list[str] = []
    module = None
    for each in classes:
        if each.__name__ in BASES:
            continue
        if each.__module__ != module:
            module = each.__module__
            parts.append(f"## {module}\n")
        parts.append(section(each))
    return "\n".join(parts)


def section(settings_class: type[Settings]) -> str:
    """Heading, first line of the docstring and table of one class."""
    name = settings_class.__name__
    lines = [f"### {name} {{ #{name.lower()} }}", "", (settings_class.__doc__ or "").strip().splitlines()[0], ""]
    if not settings_class.model_fields:
        return "\n".join([*lines, "No settings of its own.", ""])
    lines += ["| setting | type | default | meaning |", "|---|---|---|---|"]
    for field_name, field in settings_class.model_fields.items():
        kind = _cell(_type_of(settings_class, field_name))
        meaning = _cell(" ".join((field.description or "").split()), code=False)
        lines.append(f"| `{field_name}` | {kind} | {_default(field)} | {meaning} |")
    return "\n".join([*lines, ""])


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Hook of MkDocs: replaces the marker."""
    return markdown.replace(MARKER, reference(settings_classes())) if MARKER in markdown else markdown


def _type_of(settings_class: type[Settings], field_name: str) -> str:
    """The annotation as it is written in the source, its bounds in signs."""
    for base in settings_class.__mro__:
        text = vars(base).get("__annotations__", {}).get(field_name)
        if text is not None:
            annotation = settings_class.model_fields[field_name].annotation
            if get_origin(annotation) is Literal:  # also where the source names it by an alias
                return " or ".join(map(repr, get_args(annotation)))
            return CONSTRAINED.sub(_with_bounds, str(text)).replace(" | ", " or ")
    raise KeyError(field_name)


def _with_bounds(match: re.Match[str]) -> str:
    bounds = (part.partition("=") for part in match[2].split(","))
    words = [f"{BOUNDS.get(name.strip(), name.strip())} {value.strip()}" for name, _, value in bounds]
    return f"{match[1]} ({', '.join(words)})"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Settings):
        return f"[{type(value).__name__}](#{type(value).__name__.lower()})"
    inner = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, tuple) else []
    if inner and all(isinstance(part, Settings) for part in inner):
        named = ", ".join(f"`{name}`" for name in value) if isinstance(value, dict) else f"{len(inner)}"
        return f"{named}, each [{type(inner[0]).__name__}](#{type(inner[0]).__name__.lower()})"
    if isinstance(value, tuple | frozenset | list) and all(isinstance(part, Enum) for part in value) and value:
        return _cell(", ".join(str(part.value) for part in value))
    return _cell(repr(value.value if isinstance(value, Enum) else value))


def _cell(text: str, *, code: bool = True) -> str:
    """Text for a cell of a table; a bar would end the cell, in code even behind a backslash."""
    if "|" not in text:
        return f"`{text}`" if code else text
    whole = html.escape(text, quote=False).replace("|", "&#124;")
    return f"<code>{whole}</code>" if code else whole
