"""Checks an answer against the schema and against the text: what is wrong is refused, what is not borne is dropped."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shopkeeper.features.attributes.schema import NO, YES, Attribute, Value, Wanted
from shopkeeper.features.attributes.words import ValueWords, plain

NOTHING: Final = frozenset({"", "unknown", "none", "null", "n/a", "na", "-", "not specified", "not mentioned"})
"""Words that models write where they should write null."""
LONGEST: Final = 20_000
"""Characters of an answer; no sensible one comes near."""


@dataclass(frozen=True)
class Checked:
    """What an answer is worth.

    Attributes:
        values: What counts: valid, and borne by the text where it must be. Empty where anything is against the schema.
        faults: What is against the schema, in words; empty for a valid answer.
        unknown: Keys that the schema does not have, dropped.
        ungrounded: Attributes with a valid value that the text does not bear, dropped.
    """

    values: Mapping[str, Value]
    faults: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    ungrounded: tuple[str, ...] = ()


class WrongValueError(Exception):
    """A value is against the schema; never leaves this package."""


class AnswerChecker:
    """Checks answers.

    Args:
        wanted: The attributes.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._words = {name: ValueWords(attribute) for name, attribute in wanted.items()}

    def check(self, answer: str, text: str) -> Checked:
        """What of an answer counts.

        Args:
            answer: As a model gave it.
            text: What the model read.
        """
        try:
            given = parsed(answer)
        except WrongValueError as error:
            return Checked({}, (str(error),))
        unknown = tuple(sorted(str(key) for key in given if key not in self._wanted))
        values, faults = dict[str, Value](), list[str]()
        for name in self._wanted:
            try:
                value = self._typed(name, given)
            except WrongValueError as error:
                faults.append(f"{name}: {error}")
            else:
                if value is not None:
                    values[name] = value
        if faults:
            return Checked({}, tuple(faults), unknown)
        borne = {name: found for name, value in values.items() if (found := self._borne(name, value, text)) is not None}
        return Checked(borne, (), unknown, tuple(name for name in values if borne.get(name) != values[name]))

    def _typed(self, name: str, given: Mapping[str, Any]) -> Value | None:
        """The value in its type, None for no value."""
        if name not in given:
            raise WrongValueError("is missing; write null where nothing is known")
        attribute, value = self._wanted[name], given[name]
        if value is None or self._says_nothing(name, value):
            return None
        if attribute.kind == "number":
            return _number(attribute, value)
        if attribute.kind == "boolean":
            return bool(_instance(value, bool, "true or false"))
        if attribute.kind == "text":
            return _short(attribute, str(_instance(value, str, "a text")))
        if attribute.kind == "choice":
            return self._choice(name, value)
        listed = _instance(value, list, "a list of values")
        return list(dict.fromkeys(self._choice(name, one) for one in listed)) or None

    def _says_nothing(self, name: str, value: Any) -> bool:
        """Whether a text stands for null; one that is a value of the schema does not."""
        return isinstance(value, str) and plain(value) in NOTHING and self._words[name].value_of(value) is None

    def _choice(self, name: str, value: Any) -> str:
        """The value of the schema that is meant."""
        meant = self._words[name].value_of(_instance(value, str, "a text"))
        if meant is None:
            allowed = ", ".join(self._wanted[name].values)
            raise WrongValueError(f"{value[:40]!r} is none of: {allowed}")
        return meant

    def _borne(self, name: str, value: Value, text: str) -> Value | None:
        """The value, or what of it the text bears; None for nothing."""
        attribute = self._wanted[name]
        if not attribute.must_stand_in_text:
            return value
        if attribute.kind == "choice":
            return value if value in self._words[name].found(text) else None
        if isinstance(value, list):
            there = self._words[name].found(text)
            return [one for one in value if one in there] or None
        if attribute.kind == "text":
            return value if _has_words(text, str(value)) else None
        if attribute.kind == "number":
            return value if any(math.isclose(number, float(value)) for number in _numbers(text)) else None
        return value if (YES if value else NO) in self._words[name].found(text) else None


def parsed(answer: str) -> dict[str, Any]:
    """The JSON object of an answer; a fence or a sentence around it is passed over.

    Raises:
        WrongValueError: There is none.
    """
    begin, end = answer.find("{"), answer.rfind("}")
    if len(answer) > LONGEST or begin < 0 or end < begin:
        raise WrongValueError("the answer is no JSON object")
    try:
        found = json.loads(answer[begin : end + 1])
    except (ValueError, RecursionError) as error:
        raise WrongValueError(f"the answer is no JSON object: {str(error)[:80]}") from error
    return dict(found)


def _instance(value: Any, kind: type, said: str) -> Any:
    if not isinstance(value, kind):
        raise WrongValueError(f"must be {said}, not {type(value).__name__}")
    return value


def _short(attribute: Attribute, value: str) -> str:
    tidy = " ".join(value.split())
    if len(tidy) > attribute.most_characters:
        raise WrongValueError(f"has more than {attribute.most_characters} characters")
    return tidy


def _number(attribute: Attribute, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValueError(f"must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    low, high = attribute.minimum, attribute.maximum
    if not math.isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
        raise WrongValueError(f"must be a finite number from {low} to {high}")
    return number


def _has_words(text: str, words: str) -> bool:
    """Whether a text has the words in this order, whatever stands between letters and digits."""
    wanted = re.findall(r"[^\W_]+", plain(words))
    there = re.findall(r"[^\W_]+", plain(text))
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(there)} "


def _numbers(text: str) -> list[float]:
    """The numbers that a text has."""
    return [float(said.replace(",", ".")) for said in re.findall(r"\d+(?:[.,]\d+)?", plain(text))]
