"""The card: data hash, settings, seeds, versions, command. All that is needed to do it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, tag
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.settings import ReportSettings


def card_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """Where the figures come from."""
    if not inputs.card:
        return Section("card", "How to do it again", note("This run wrote no card."))
    card = dict(inputs.card)
    command = card.pop("command", None)
    parts = [command_of(command)] if command else []
    plain = {name: value for name, value in card.items() if not isinstance(value, Mapping)}
    groups = {name: value for name, value in card.items() if isinstance(value, Mapping)}
    if plain:
        parts.append(_list(plain))
    for name, group in groups.items():
        parts.append(tag("details", tag("summary", wording.words(name).capitalize()), _list(group)))
    return Section("card", "How to do it again", join(parts))


def command_of(command: object) -> Html:
    """The command as it was typed."""
    words = " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)
    return join([paragraph("This page comes from the command"), tag("pre", tag("code", words))])


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as pairs of a dotted name and a text."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{before}{name}", ", ".join(map(str, value)) or wording.DASH
        elif isinstance(value, bool) or value is None:
            yield f"{before}{name}", {True: "yes", False: "no", None: wording.DASH}[value]
        else:
            yield f"{before}{name}", str(value)


def _list(values: Mapping[str, Any]) -> Html:
    pairs = [tag("div", tag("dt", wording.words(name)), tag("dd", tag("code", value))) for name, value in flat(values)]
    return tag("dl", *pairs, class_="card")
