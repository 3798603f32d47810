"""How to read the page: the words that are not everyday ones."""

from __future__ import annotations

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import tag
from shopkeeper.evaluation.report.scores import Scores
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.settings import ReportSettings

WORDS = {
    "Held out": "events that were hidden from the models and that they are asked to foresee",
    "Full ranking": "the model orders all of the catalog for each shopper; a sample would make figures look better",
    "Interval": "where the figure would fall in 95 of 100 cases, had other shoppers like these been asked",
    "Unreachable": "a held-out item that had no event before, so that a model of ids alone cannot know it",
    "Leaks the future": "training saw events later than some questions; good for published tables, not for a decision",
    "Baseline": "a simple answer that a model must beat to be worth its cost",
}


def reading_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """A short glossary, with the metrics that this page has."""
    scores = Scores.of(inputs, settings)
    meanings = {
        wording.metric_name(name, settings.k): wording.METRIC_MEANINGS[name]
        for name in scores.hit_metrics()
        if name in wording.METRIC_MEANINGS
    }
    pairs = [tag("div", tag("dt", word), tag("dd", meaning + ".")) for word, meaning in {**meanings, **WORDS}.items()]
    return Section("reading", "Words on this page", tag("dl", *pairs, class_="glossary"))
