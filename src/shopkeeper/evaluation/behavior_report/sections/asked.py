"""Whether chances hold as they are asked for: the whole question of the test part, by tenths of what was said."""

from __future__ import annotations

from shopkeeper.evaluation.behavior.as_asked import AsAsked, AskedDecile
from shopkeeper.evaluation.behavior.leaderboard import asked_words
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html, join, paragraph, table
from shopkeeper.evaluation.report.sections.section import Section, subsection


def asked_section(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Section | None:
    """Said and come of all pairs, of every model, the chosen one first; None where it was not asked."""
    del settings
    entries = [] if inputs.board is None else list(inputs.board.entries)
    found = {entry.name: entry.as_asked for entry in sorted(entries, key=lambda one: one.name != inputs.name)
             if entry.as_asked is not None}  # fmt: skip
    if not found:
        return None
    meaning = paragraph(
        f"Of the test part {asked_words(entries)}. Above 1 more was said than came. "
        f"Brackets are 95{wording.THIN}% intervals over shoppers.",
        class_="meaning",
    )
    head = ["Model", "said", "came", "said / came", "worst tenth"]
    body = [[name, *_sums(one), _ratio(one), _number(one.worst)] for name, one in found.items()]
    parts = [meaning, table(head, body, numeric=range(1, len(head)))]
    parts += [subsection(name, _tenths(one)) for name, one in found.items()]
    return Section("asked", "How true they are as asked", join(parts))


def _tenths(asked: AsAsked) -> Html:
    head = ["tenth of what was said", "pairs", "said", "came", "said / came"]
    body = [
        [str(place), wording.count(one.pairs), *_sums(one), _ratio(one)]
        for place, one in enumerate(asked.deciles, start=1)
    ]
    return table(head, body, numeric=range(1, len(head)))


def _sums(one: AsAsked | AskedDecile) -> list[str]:
    return [f"{one.said:,.1f}", f"{one.came:,.0f}"]


def _ratio(one: AsAsked | AskedDecile) -> str:
    ends = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
    return f"{_number(one.ratio)}{ends}"


def _number(value: float | None) -> str:
    return wording.DASH if value is None else f"{value:.2f}"
