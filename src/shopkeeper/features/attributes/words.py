"""Words of a schema in a text: to see whether a text bears a value, and as rules that need no model."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from shopkeeper.config import Settings
from shopkeeper.features.attributes.extractor import Asked
from shopkeeper.features.attributes.schema import NO, YES, Attribute, Value, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopkeeper.features.attributes.prompt import Example

UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters of scripts that put no space between words, or endings onto them: Thai, Japanese, Chinese, Korean."""
ENDING: Final = "(?:['\u2019]?s)?"
"""A plural or a possessive counts as the word."""
VERSION: Final = "words 1"
"""Part of the identity of what rules find: changes when the same text gives other values."""


def plain(text: str) -> str:
    """A text without case and variants of letters, one space for any white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class ValueWords:
    """The words of one attribute.

    Args:
        attribute: A choice or choices, or a boolean with words.
    """

    def __init__(self, attribute: Attribute) -> None:
        self._values = {
            plain(word): value for value, others in attribute.values.items() for word in (*others, value)
        }  # a value's own name comes last, and is its own even where it is another word for some other value

    def value_of(self, word: str) -> str | None:
        """The value that a word stands for, None for no value."""
        return self._values.get(plain(word))

    def found(self, text: str) -> list[str]:
        """The values that a text names, each once, in its order; of words in one place the longest counts."""
        return list(dict.fromkeys(self._matches(plain(text))))

    def _matches(self, text: str) -> Iterator[str]:
        if self._values:
            for match in self._pattern.finditer(text):
                yield self._by_pattern[str(match.lastgroup)]

    @cached_property
    def _longest_first(self) -> list[str]:
        return sorted(self._values, key=len, reverse=True)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?P<w{n}>{_pattern_of(word)})" for n, word in enumerate(self._longest_first)))

    @cached_property
    def _by_pattern(self) -> dict[str, str]:
        return {f"w{n}": self._values[word] for n, word in enumerate(self._longest_first)}


def _pattern_of(word: str) -> str:
    """A word as a pattern in a plain text: whole, but where its script does not part words."""
    parts = r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", word) if part)
    return parts if UNSPACED.search(word) else rf"(?<!\w){parts}{ENDING}(?!\w)"


class NamedValues:
    """The values that a text names, by attribute, for those attributes whose values must stand in it.

    Args:
        wanted: The attributes; texts and numbers without a pattern are left out: they may be anything.
    """

    def __init__(self, wanted: Wanted) -> None:
        bound = {name: attribute for name, attribute in wanted.items() if attribute.must_stand_in_text}
        self._words = {name: ValueWords(attribute) for name, attribute in bound.items() if attribute.values}
        self._patterns = {name: re.compile(attribute.pattern) for name, attribute in bound.items() if attribute.pattern}

    def of(self, text: str) -> dict[str, list[str]]:
        """Values by attribute, in the order of the text; none where the text names none."""
        found = {name: words.found(text) for name, words in self._words.items()}
        for name, pattern in self._patterns.items():
            said = (match.group(match.re.groups and 1) for match in pattern.finditer(text))
            found[name] = list(dict.fromkeys(" ".join(one.split()) for one in said if one and one.strip()))
        return found


class WordsSettings(Settings):
    """Rules: the values of the schema and the other words for them, where a text has them. Free and fast."""

    name: Literal["words"] = "words"
    """Chooses this extractor."""

    def open(self, wanted: Wanted, examples: Sequence[Example]) -> WordRules:
        """The extractor."""
        return WordRules(wanted)


class WordRules:
    """Implements `Extractor`: of several values that a text names, a choice takes the first.

    Args:
        wanted: The attributes.
    """

    name = "words"
    at_once = 1

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._words = {name: ValueWords(attribute) for name, attribute in wanted.items()}

    @property
    def identity(self) -> str:
        """The version of the rules."""
        return VERSION

    @property
    def usage(self) -> Mapping[str, float]:
        """Nothing but time."""
        return {}

    def load(self) -> None:
        """Nothing: there is nothing here to read."""

    def answer(self, asked: Asked) -> str:
        """What the rules find, as JSON."""
        return json.dumps({name: self._value(name, asked.text) for name in self._wanted}, ensure_ascii=False)

    def _value(self, name: str, text: str) -> Value | None:
        attribute = self._wanted[name]
        if attribute.kind in ("text", "number"):
            return _by_pattern(attribute, text)
        found = self._words[name].found(text)
        if attribute.kind == "choices":
            return found or None
        if attribute.kind == "boolean":
            return {YES: True, NO: False}[found[0]] if found else None
        return found[0] if found else None


def _by_pattern(attribute: Attribute, text: str) -> str | float | None:
    match = re.search(attribute.pattern, text) if attribute.pattern else None
    if match is None:
        return None
    said = str((match.group(1) if match.re.groups else match.group(0)) or "")
    if attribute.kind == "text":
        return said.strip()[: attribute.most_characters] or None
    try:
        number = float(said.replace(",", "."))
    except ValueError:
        return None
    inside = (attribute.minimum is None or number >= attribute.minimum) and (
        attribute.maximum is None or number <= attribute.maximum
    )
    return number if inside else None
