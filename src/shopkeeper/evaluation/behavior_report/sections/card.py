"""Where the figures come from, and the words that are not everyday ones."""

from __future__ import annotations

from collections.abc import Mapping

from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import join, tag
from shopkeeper.evaluation.report.sections.card import command_of, flat
from shopkeeper.evaluation.report.sections.section import Section

WORDS = {
    "AUC": "the chance that one with the target stands before one without; one half is a draw at random, 1 is perfect",
    "PR-AUC": "mean precision while all with the target are found one after the other; compare it with their share",
    "Group AUC": "the AUC within each shopper, averaged: whether the items of one shopper are in order",
    "Log loss": "how little the model expected what came; smaller is better, and true chances are rewarded",
    "ECE": "expected calibration error: how far chances are from what came, on average",
    "Lift": "how many times their share of the target the best-scored tenth holds",
    "Log-odds": "the logarithm of chance against counter-chance; effects add up there, and 0.7 more doubles the odds",
    "Interval": "where the figure would fall in 95 of 100 cases, had other shoppers like these been asked",
}


def card_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section:
    """Settings of the chosen model and of the examples, the command, versions."""
    model = inputs.model
    card: dict[str, object] = dict(inputs.card)
    command = card.pop("command", None)
    parts = [command_of(command)] if command else []
    card |= {"model": {"name": model.name, **model.config.model_dump(mode="json")}}
    if model.settings is not None:
        card["examples"] = model.settings.model_dump(mode="json")
    card["page"] = settings.model_dump(mode="json")
    for name, group in card.items():
        values = group if isinstance(group, Mapping) else {name: group}
        pairs = [
            tag("div", tag("dt", wording.words(key)), tag("dd", tag("code", value))) for key, value in flat(values)
        ]
        summary = tag("summary", wording.words(name).capitalize())
        parts.append(tag("details", summary, tag("dl", *pairs, class_="card")))
    return Section("card", "How to do it again", join(parts))


def reading_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section:
    """A short glossary."""
    pairs = [tag("div", tag("dt", word), tag("dd", meaning + ".")) for word, meaning in WORDS.items()]
    return Section("reading", "Words on this page", tag("dl", *pairs, class_="glossary"))
