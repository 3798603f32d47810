"""Which attributes are wanted of an item, each of a type, and the JSON schema that says so to a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from shopkeeper.config import Settings

Kind = Literal["text", "choice", "choices", "number", "boolean"]
Value: TypeAlias = str | float | bool | list[str]
"""Of a text or choice, a number, a boolean, of choices."""
YES, NO = "yes", "no"
"""Names of the values of a boolean, where words are given for them."""
GROUNDED: Final = frozenset({"text", "choice", "choices", "number"})
"""Kinds whose values must stand in the text where nothing else is said."""
NAME: Final = r"^[a-z][a-z0-9_]*$"


def _with_words(values: Any) -> Any:
    """A list of values as a mapping of values to other words for them, of which it has none."""
    return dict.fromkeys(values, ()) if isinstance(values, list | tuple) else values


class Attribute(Settings):
    """One attribute of an item."""

    kind: Kind = "text"
    """text; choice, one of the values; choices, several of them; number; boolean."""
    description: str = ""
    """What it is, in words for a model."""
    values: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_with_words)] = Field(default_factory=dict)
    """Allowed values of a choice, as a list, or each with a list of other words that say the same. For a boolean: the
    words that say "yes" and those that say "no"."""
    pattern: str = ""
    """A regular expression that finds the value of a text or a number: for rules, which know no other way."""
    grounded: bool | None = None
    """Whether a value counts only if the text has it, or another word for it; None: for all kinds but boolean."""
    minimum: float | None = None
    """Of a number."""
    maximum: float | None = None
    """Of a number."""
    most_characters: Annotated[int, Field(ge=1, le=1000)] = 60
    """Of a text."""

    @model_validator(mode="after")
    def _consistent(self) -> Attribute:
        if self.kind in ("choice", "choices") and not self.values:
            raise ValueError(f"a {self.kind} needs values to choose from")
        if self.kind in ("text", "number") and self.values:
            raise ValueError(f"a {self.kind} has no values to choose from; make it a choice")
        if self.kind == "boolean" and set(self.values) - {YES, NO}:
            raise ValueError(f'the values of a boolean are "{YES}" and "{NO}", each with words that say so')
        lowered = [value.casefold() for value in self.values]
        if len(set(lowered)) < len(lowered) or any(not value.strip() or "\n" in value for value in lowered):
            raise ValueError("values must differ, also without case, and be one line of text each")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from error
        return self

    @property
    def must_stand_in_text(self) -> bool:
        """Whether a value counts only if the text bears it."""
        return self.kind in GROUNDED if self.grounded is None else self.grounded

    @property
    def json_schema(self) -> dict[str, Any]:
        """What a value may be, null included."""
        choice = {"type": "string", "enum": list(self.values)}
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        kinds: dict[Kind, dict[str, Any]] = {
            "text": {"type": "string", "maxLength": self.most_characters},
            "choice": choice,
            "choices": {"type": "array", "items": choice},
            "number": {"type": "number", **{name: bound for name, bound in bounds.items() if bound is not None}},
            "boolean": {"type": "boolean"},
        }
        described = {"description": self.description} if self.description else {}
        return {"anyOf": [kinds[self.kind], {"type": "null"}], **described}


Wanted: TypeAlias = Mapping[str, Attribute]
"""Attributes by name, in the order of columns."""


def json_schema(wanted: Wanted) -> dict[str, Any]:
    """The JSON schema of an answer: each attribute by its name, null where nothing is known, and nothing else."""
    return {
        "type": "object",
        "properties": {name: attribute.json_schema for name, attribute in wanted.items()},
        "required": list(wanted),
        "additionalProperties": False,
    }


def default_attributes() -> dict[str, Attribute]:
    """What most shops ask of a product: color, material, gender, size and style."""
    return {
        "color": Attribute(kind="choice", description="main color", values=dict(COLORS)),
        "material": Attribute(kind="choice", description="what it is made of", values=dict(MATERIALS)),
        "gender": Attribute(kind="choice", description="who it is made for", values=dict(GENDERS)),
        "size": Attribute(description="size or amount with its unit", pattern=SIZES, most_characters=30),
        "style": Attribute(kind="choice", description="occasion or style", values=dict(STYLES)),
    }


COLORS: Final[dict[str, tuple[str, ...]]] = {
    "black": ("onyx",), "white": ("off white", "ivory"), "grey": ("gray", "charcoal", "graphite"),
    "blue": ("navy", "turquoise", "teal", "aqua"), "red": ("maroon", "burgundy", "crimson", "scarlet"),
    "green": ("olive", "khaki", "mint"), "yellow": ("mustard",), "orange": ("coral",),
    "pink": ("magenta", "fuchsia", "rose", "peach"), "purple": ("violet", "lavender", "plum"),
    "brown": ("tan", "chocolate", "coffee", "bronze", "copper"), "beige": ("cream", "nude", "taupe"),
    "gold": ("golden",), "silver": (), "multicolor": ("multi", "multicoloured", "multicolored", "rainbow"),
}  # fmt: skip
MATERIALS: Final[dict[str, tuple[str, ...]]] = {
    "cotton": (), "leather": ("suede",), "wool": ("cashmere", "merino"), "silk": ("satin",), "linen": (),
    "denim": (), "polyester": ("nylon", "microfiber"), "wood": ("wooden", "bamboo"), "glass": (),
    "metal": ("steel", "stainless steel", "aluminum", "aluminium", "iron"), "plastic": ("acrylic",),
    "ceramic": ("porcelain",), "paper": ("cardboard",), "rubber": ("silicone",),
}  # fmt: skip
GENDERS: Final[dict[str, tuple[str, ...]]] = {
    "men": ("man", "male", "gents", "gentlemen"), "women": ("woman", "female", "lady", "ladies"),
    "boys": ("boy",), "girls": ("girl",), "unisex": (), "baby": ("babies", "infant", "toddler"),
}  # fmt: skip
STYLES: Final[dict[str, tuple[str, ...]]] = {
    "casual": (), "formal": ("office", "business"), "sports": ("sport", "sporty", "running", "training", "athletic"),
    "party": ("evening",), "vintage": ("retro",), "ethnic": ("traditional",), "classic": (), "modern": (),
}  # fmt: skip
SIZES: Final = (
    r"(?i)(?<![\w.])(?:\d+(?:\.\d+)?|\.\d+)\s?-?"
    r"(?:fluid ounces?|fl\.? ?oz|ounces?|oz|ml|cl|l|liters?|litres?|g|kg|grams?|lbs?|mm|cm|m|"
    r"inch(?:es)?|in|counts?|pcs|pieces?|pack)\b|\b(?:XXS|XS|XXXL|XXL|XL|size \w+)\b"
)
