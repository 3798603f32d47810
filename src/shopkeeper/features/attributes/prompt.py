"""How a model is asked: as a chat that is answered in JSON, or as a text of examples to go on with, a line a value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.features.attributes.extractor import Asked
from shopkeeper.features.attributes.schema import NO, YES, Attribute, Wanted

VERSION: Final = "prompt 1"
"""Part of the identity of every answer: changes when the same item is asked about in other words."""
UNKNOWN: Final = "unknown"
MOST_CHOICES: Final = 5
"""Values of a list that a line may have."""
TASK: Final = (
    "You read what a shop writes of one product and give its attributes as one JSON object, without any other word. "
    "Use only what is written or seen there; an attribute that is not known is null."
)


class Example(Settings):
    """A text and what is right for it."""

    text: str = Field(min_length=1)
    """What is written of an item."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Its attributes by name; those that are not named are not known."""


DEFAULT_EXAMPLES: Final = (
    Example(text="Nike Women Striped Navy Blue Running Shoes",
            values={"color": "blue", "gender": "women", "style": "sports"}),
    Example(text="Lavender & Honey Hand Cream, 250 ml", values={"size": "250 ml"}),
    Example(text="Kids Planet Boys Charcoal Grey Cotton Shorts",
            values={"color": "grey", "gender": "boys", "material": "cotton"}),
    Example(text="Red Tape Men Brown Leather Formal Shoes",
            values={"color": "brown", "gender": "men", "material": "leather", "style": "formal"}),
    Example(text="Herbal Shampoo for Dry Hair - 12 oz (Pack of 2)", values={"size": "12 oz"}),
    Example(text="Barbie Girls Casual Sandals", values={"gender": "girls", "style": "casual"}),
)  # fmt: skip


def chat_messages(wanted: Wanted, examples: Sequence[Example], asked: Asked) -> list[dict[str, Any]]:
    """The messages of a chat: the task, examples, the item, and what was wrong before.

    Args:
        wanted: The attributes.
        examples: Shown as earlier turns of the chat.
        asked: The item.

    Returns:
        As an OpenAI-compatible endpoint takes them.
    """
    lines = [f"{name} ({_kind(attribute)}): {attribute.description}".rstrip(": ") for name, attribute in wanted.items()]
    messages: list[dict[str, Any]] = [{"role": "system", "content": "\n".join([TASK, "Attributes:", *lines])}]
    for example in examples:
        answer = json.dumps({name: example.values.get(name) for name in wanted}, ensure_ascii=False)
        messages += [{"role": "user", "content": example.text}, {"role": "assistant", "content": answer}]
    messages.append({"role": "user", "content": _content(asked)})
    if asked.faults:
        wrong = f"That is not valid: {'; '.join(asked.faults)}. Answer again with one JSON object."
        messages += [{"role": "assistant", "content": asked.answer}, {"role": "user", "content": wrong}]
    return messages


def _kind(attribute: Attribute) -> str:
    values = ", ".join(attribute.values)
    words = {
        "choice": f"one of: {values}", "choices": f"a list of: {values}", "boolean": "true or false",
        "text": f"text of at most {attribute.most_characters} characters", "number": "number",
    }  # fmt: skip
    return words[attribute.kind]


def _content(asked: Asked) -> str | list[dict[str, Any]]:
    if asked.picture is None:
        return asked.text
    picture = {"type": "image_url", "image_url": {"url": asked.picture}}
    return [{"type": "text", "text": asked.text}, picture]


def text_prompt(wanted: Wanted, examples: Sequence[Example], text: str) -> str:
    """A text that goes on with the values of an item, a line each, the first line begun.

    Small models are far better at this than at JSON. All that comes before the item is the same for every item.

    Args:
        wanted: The attributes.
        examples: Items that are done.
        text: What is written of the item.
    """
    head = [f"{_label(name)} ({attribute.description or name}): {_options(attribute)}"
            for name, attribute in wanted.items()]  # fmt: skip
    done = [
        "\n".join([f"Product: {example.text}", *(_line(name, example.values.get(name)) for name in wanted)])
        for example in examples
    ]
    begun = f"Product: {' '.join(text.split())}\n{_label(next(iter(wanted)))}:"
    return "\n\n".join(["Attributes of products.\n" + "\n".join(head), *done, begun])


def values_of_lines(wanted: Wanted, lines: str) -> dict[str, Any]:
    """What a model wrote after `text_prompt`, as values by name; a line that is not there or not of its kind is left
    as it is, for the check to refuse."""  # noqa: D205, D209
    written = dict(zip(wanted, lines.split("\n"), strict=False))
    return {name: _read(wanted[name], line.removeprefix(f"{_label(name)}:").strip()) for name, line in written.items()}


def grammar(wanted: Wanted, named: Mapping[str, Sequence[str]]) -> str:
    """What may come after `text_prompt`, in llama.cpp's notation GBNF.

    Args:
        wanted: The attributes.
        named: For some attributes the only values to choose from; for the others all that the schema allows.
    """
    rules, lines = [], []
    for place, (name, attribute) in enumerate(wanted.items()):
        before = " " if place == 0 else f"\n{_label(name)}: "
        lines.append(f"{_quoted(before)} v{place}")
        possible = _rule(attribute) if name not in named else _any_of(attribute, named[name])
        rules.append(f"v{place} ::= {' | '.join(filter(None, [possible, _quoted(UNKNOWN)]))}")
    return "\n".join([f"root ::= {' '.join(lines)}", *rules])


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _options(attribute: Attribute) -> str:
    named = {"boolean": f"{YES}, {NO}", "text": "as written", "number": "a number"}
    return f"{named.get(attribute.kind) or ', '.join(attribute.values)} or {UNKNOWN}"


def _line(name: str, value: Any) -> str:
    if value is None or value == []:
        said = UNKNOWN
    elif isinstance(value, bool):
        said = YES if value else NO
    else:
        said = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{_label(name)}: {said}"


def _read(attribute: Attribute, said: str) -> Any:
    if said == UNKNOWN:
        return None
    if attribute.kind == "choices":
        return [one.strip() for one in said.split(",")]
    if attribute.kind == "boolean":
        return {YES: True, NO: False}.get(said, said)
    if attribute.kind == "number":
        try:
            return float(said)
        except ValueError:
            return said
    return said


def _rule(attribute: Attribute) -> str:
    if attribute.kind == "text":
        return rf"[^\n ] [^\n]{{0,{attribute.most_characters - 1}}}"
    if attribute.kind == "number":
        return '"-"? [0-9]{1,9} ("." [0-9]{1,4})?'
    return _any_of(attribute, (YES, NO) if attribute.kind == "boolean" else tuple(attribute.values))


def _any_of(attribute: Attribute, values: Sequence[str]) -> str:
    one = f"({' | '.join(map(_quoted, values))})" if values else ""
    return one if not values or attribute.kind != "choices" else f'{one} (", " {one}){{0,{MOST_CHOICES - 1}}}'


def _quoted(text: str) -> str:
    """A text as GBNF quotes it."""
    return json.dumps(text, ensure_ascii=False)


def prompt_identity(wanted: Wanted, examples: Sequence[Example]) -> str:
    """All of a question beside the item."""
    attributes: Mapping[str, Any] = {name: attribute.model_dump(mode="json") for name, attribute in wanted.items()}
    shown = [example.model_dump(mode="json") for example in examples]
    return json.dumps([VERSION, attributes, shown], ensure_ascii=False)
