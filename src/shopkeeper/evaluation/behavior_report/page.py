"""The whole page of behavior: one HTML file with everything inside, written atomically."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.evaluation.behavior.leaderboard import HEADS
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.behavior_report.sections.asked import asked_section
from shopkeeper.evaluation.behavior_report.sections.card import card_section, reading_section
from shopkeeper.evaluation.behavior_report.sections.decision import decision_section
from shopkeeper.evaluation.behavior_report.sections.dependence import dependence_section
from shopkeeper.evaluation.behavior_report.sections.examples import examples_section
from shopkeeper.evaluation.behavior_report.sections.funnel import funnel_section
from shopkeeper.evaluation.behavior_report.sections.importance import importance_section
from shopkeeper.evaluation.behavior_report.sections.leaderboard import leaderboard_section
from shopkeeper.evaluation.behavior_report.sections.learning import learning_section
from shopkeeper.evaluation.behavior_report.sections.order import order_section
from shopkeeper.evaluation.behavior_report.sections.truth import truth_section
from shopkeeper.evaluation.behavior_report.settings import BehaviorReportSettings
from shopkeeper.evaluation.behavior_report.wording import chance
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.document import document, masthead
from shopkeeper.evaluation.report.markup import Html
from shopkeeper.evaluation.report.plots import require_altair
from shopkeeper.evaluation.report.sections.section import Section

SECTIONS: tuple[Callable[[BehaviorReportInputs, BehaviorReportSettings], Section | None], ...] = (
    leaderboard_section,
    order_section,
    truth_section,
    asked_section,
    decision_section,
    importance_section,
    dependence_section,
    examples_section,
    funnel_section,
    learning_section,
    card_section,
    reading_section,
)
"""In the order of the page; None leaves a section out."""


def write_behavior_report(
    inputs: BehaviorReportInputs, file: Path, settings: BehaviorReportSettings | None = None
) -> None:
    """Writes the page as one HTML file that loads nothing from elsewhere.

    Args:
        inputs: What it shows.
        file: Where it goes; an earlier page there is replaced, whole or not at all.
        settings: Costs, and how much is shown; None takes the defaults.

    Raises:
        MissingDependencyError: Altair or vl-convert is not installed.
        ArtifactError: The disk refuses.
    """
    write_text_atomic(Path(file), render_behavior_report(inputs, settings or BehaviorReportSettings()))


def render_behavior_report(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> str:
    """The page as the text of one HTML document.

    Raises:
        MissingDependencyError: Altair or vl-convert is not installed.
    """
    require_altair()
    sections = [section for make in SECTIONS if (section := make(inputs, settings)) is not None]
    title = f"{settings.shop}: {settings.title}" if settings.shop else settings.title
    return document(title, _masthead(inputs, settings), sections)


def _masthead(inputs: BehaviorReportInputs, settings: BehaviorReportSettings) -> Html:
    over = " · ".join(part for part in ("Shopkeeper", settings.shop, inputs.target) if part)
    lead = " ".join(inputs.words) or None
    test = inputs.test
    rate = float(np.average(test.label, weights=test.weight))
    tiles = [
        ("examples asked", wording.count(len(test))),
        ("shoppers", wording.count(len(np.unique(test.user_index)))),
        (("mean amount", f"{rate:,.2f}") if inputs.amounts else (f"{inputs.noun}s with {inputs.event}", chance(rate))),
        ("model", inputs.name),
    ]
    if inputs.board is not None:
        metric = "rmse" if inputs.amounts else "auc"
        tiles.append((HEADS[metric], f"{inputs.board.entry(inputs.name).evaluation.value(metric):.4g}"))
    return masthead(over, settings.title, lead, tiles)
