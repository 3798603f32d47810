"""The whole page: head, tiles, table of contents, sections; one file with everything inside, written atomically."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.document import document, masthead
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html
from shopkeeper.evaluation.report.plots import require_altair
from shopkeeper.evaluation.report.scores import Scores
from shopkeeper.evaluation.report.sections.beyond import beyond_section
from shopkeeper.evaluation.report.sections.card import card_section
from shopkeeper.evaluation.report.sections.data import data_section
from shopkeeper.evaluation.report.sections.examples import examples_section
from shopkeeper.evaluation.report.sections.goods import goods_section
from shopkeeper.evaluation.report.sections.leaderboard import leaderboard_section
from shopkeeper.evaluation.report.sections.learning import learning_section
from shopkeeper.evaluation.report.sections.new_shoppers import new_shoppers_section
from shopkeeper.evaluation.report.sections.reading import reading_section
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.sections.segments import segments_section
from shopkeeper.evaluation.report.sections.validation import validation_section
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.report.verdict import headline

SECTIONS: tuple[Callable[[ReportInputs, ReportSettings], Section], ...] = (
    leaderboard_section,
    segments_section,
    new_shoppers_section,
    beyond_section,
    examples_section,
    goods_section,
    data_section,
    validation_section,
    learning_section,
    card_section,
    reading_section,
)
"""In the order of the page: the answer first, then what it rests on."""


def write_report(inputs: ReportInputs, file: Path, settings: ReportSettings | None = None) -> None:
    """Writes the report as one HTML file that loads nothing from elsewhere.

    Args:
        inputs: What it shows.
        file: Where it goes; an earlier report there is replaced, whole or not at all.
        settings: How much of it; None takes the defaults.

    Raises:
        MissingDependencyError: Altair or vl-convert is not installed.
        DataError: The training log cannot be read.
        ArtifactError: The disk refuses.
    """
    write_text_atomic(Path(file), render_report(inputs, settings or ReportSettings()))


def render_report(inputs: ReportInputs, settings: ReportSettings) -> str:
    """The report as the text of one HTML document.

    Raises:
        MissingDependencyError: Altair or vl-convert is not installed.
        DataError: The training log cannot be read.
    """
    require_altair()
    sections = [make(inputs, settings) for make in SECTIONS]
    title = f"{settings.shop}: {settings.title}" if settings.shop else settings.title
    return document(title, _masthead(inputs, settings), sections)


def _masthead(inputs: ReportInputs, settings: ReportSettings) -> Html:
    scores = Scores.of(inputs, settings)
    said = headline(scores, tuple(inputs.baselines))
    over = " · ".join(part for part in ("Shopkeeper", settings.shop) if part)
    return masthead(over, settings.title, said, _tiles(inputs, scores))


def _tiles(inputs: ReportInputs, scores: Scores) -> list[tuple[str, str]]:
    data = inputs.dataset
    tiles = [
        ("events", wording.count(data.n_events)),
        ("shoppers", wording.count(data.n_users)),
        ("items", wording.count(data.n_items)),
    ]
    if data.n_events:
        stamps = data.histories.timestamp
        tiles.append(
            (
                f"from {wording.DASH} to",
                f"{wording.day(int(stamps.min()))} {wording.DASH} {wording.day(int(stamps.max()))}",
            )
        )
    models = scores.models()
    if models and (best := scores.find(models[0], scores.leading)):
        tiles.append((f"{wording.metric_name(scores.leading, scores.k)}, {models[0]}", wording.score(best.value)))
    return tiles
