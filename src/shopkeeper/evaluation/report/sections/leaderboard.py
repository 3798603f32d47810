"""The leaderboard: stamps of the protocol, dots with intervals, the table with costs, all lengths of list."""

from __future__ import annotations

from collections.abc import Sequence

from shopkeeper.evaluation.leaderboard import Protocol
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.board import Board, ModelCost
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, strong, table, tag
from shopkeeper.evaluation.report.plots import figure
from shopkeeper.evaluation.report.scores import Scores
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.evaluation.report.sections.whiskers import whiskers
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.report.verdict import comparison
from shopkeeper.evaluation.rows import MetricRow

TITLE = "Which model knows best"
SPLITS = {
    "global_time": "split at one moment for all shoppers",
    "leave_one_out": "last event of each shopper held out",
    "ratio": "last events of each shopper held out",
    "session": "last sessions held out",
    "user": "some shoppers held out whole",
}

MAIN_METRICS = 4
"""Columns of the main table, so that costs stand beside; the others are in the table of all lengths."""


def leaderboard_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """Which model hits best, and what it costs."""
    board = inputs.board
    if board is None or not board.rows:
        return Section("leaderboard", TITLE, note("No model was evaluated in this run."))
    scores = Scores.of(inputs, settings)
    models = scores.models()
    parts = [stamps(board.protocol)]
    for metric in settings.metrics:
        found = [score for model in models if (score := scores.find(model, metric))]
        if found:
            parts.append(_plot(metric, found, board, tuple(inputs.baselines)))
    parts.append(subsection("All figures", _table(scores, board, inputs.baselines)))
    if scores.lengths()[1:] or scores.hit_metrics()[MAIN_METRICS:]:
        parts.append(_other_lengths(scores))
    return Section("leaderboard", TITLE, join(parts))


def stamps(protocol: Protocol) -> Html:
    """How it was measured, as a row of short labels; what weakens a figure is marked."""
    marks = [
        ("full ranking of the catalog", "good"),
        ("ties get the average rank", "good"),
        (SPLITS.get(protocol.split_kind, wording.words(protocol.split_kind)), ""),
        ("leaks the future", "bad") if protocol.leaks_future else ("no leak of the future", "good"),
        (f"{protocol.hiding or 'what is hidden differs by model'} ({_repeats(protocol)})", ""),
        (f"{wording.percent(protocol.unseen_share)} of targets unreachable", ""),
        (f"{wording.plural(protocol.n_users, 'shopper')} asked, "
         f"{wording.plural(protocol.n_targets, 'item')} held out ({protocol.part})", ""),
    ]  # fmt: skip
    cold = [(protocol.cold_items, "item"), (protocol.cold_users, "shopper")]
    if kept := [wording.plural(count, noun) for count, noun in cold if count]:
        marks.append((f"{wording.listing(kept)} kept from training as new", ""))
    if protocol.hidden_share > 0:
        marks.append((f"{wording.percent(protocol.hidden_share)} of targets are among the hidden items", "bad"))
    return tag("ul", *(tag("li", words, class_=f"stamp {kind}".strip()) for words, kind in marks), class_="stamps")


def _repeats(protocol: Protocol) -> str:
    words = f"{wording.percent(protocol.repeat_share)} of events are repeats"
    if protocol.purchase_repeat_share is None:
        return words
    return f"{words}, {wording.percent(protocol.purchase_repeat_share)} of purchases"


def _plot(metric: str, found: list[MetricRow], board: Board, baselines: tuple[str, ...]) -> Html:
    name = wording.metric_name(metric, found[0].k)
    best = max(found, key=lambda score: score.value).model
    caption = comparison(found, baselines, name, board.comparisons)
    meaning = paragraph(wording.sentence(wording.METRIC_MEANINGS.get(metric, "")), class_="meaning")
    drawn = figure(lambda width: whiskers(found, name, best, width), caption, f"{name} of each model with intervals")
    return subsection(name, meaning, drawn)


def _table(scores: Scores, board: Board, baselines: Sequence[str]) -> Html:
    metrics = scores.hit_metrics()[:MAIN_METRICS]
    models = scores.models()
    best = {metric: max((s.value for m in models if (s := scores.find(m, metric))), default=None) for metric in metrics}
    head = ["Model", *(wording.metric_name(name, scores.k) for name in metrics), "Fit", "Answer", "Size", "Seeds"]
    rows = []
    for model in models:
        cost = board.costs.get(model, ModelCost())
        label = join([model, " ", tag("span", "baseline", class_="badge")]) if model in baselines else text_of(model)
        cells = [cell(scores.find(model, name), best[name]) for name in metrics]
        seeds = ", ".join(map(str, cost.seeds)) or wording.DASH
        spent = [
            wording.seconds(cost.fit_seconds),
            wording.seconds(cost.score_seconds),
            wording.megabytes(cost.megabytes),
        ]
        rows.append([label, *cells, *spent, seeds])
    said = note(
        "Small numbers are 95 % bootstrap intervals over shoppers. The best figure of each column is bold. "
        "“Fit” is the time to learn, “answer” the time to rank the catalog for all shoppers asked."
    )
    return join([table(head, rows, numeric=range(1, len(head))), said])


def text_of(model: str) -> Html:
    """The name of a model as markup."""
    return join([model])


def cell(score: MetricRow | None, best: float | None = None) -> Html:
    """A figure with its interval below it, bold where it is the best."""
    if score is None:
        return join([wording.DASH])
    shown = wording.metric_value(score.metric, score.value)
    figure_ = strong(shown) if best is not None and score.value == best else join([shown])
    if score.low is None or score.high is None:
        return figure_
    low, high = (wording.metric_value(score.metric, end, unit=False) for end in (score.low, score.high))
    return join([figure_, tag("small", f"{low} {wording.DASH} {high}")])


def _other_lengths(scores: Scores) -> Html:
    lengths = scores.lengths()
    metrics = scores.hit_metrics()
    columns = [
        (metric, k) for metric in metrics for k in lengths if any(scores.find(m, metric, k) for m in scores.models())
    ]
    rows = [[model, *(cell_of(scores.find(model, metric, k)) for metric, k in columns)] for model in scores.models()]
    head = ["Model", *(wording.metric_name(metric, k) for metric, k in columns)]
    inside = table(head, rows, numeric=range(1, len(head)))
    return tag("details", tag("summary", "Every metric at every length of list"), inside)


def cell_of(score: MetricRow | None) -> str:
    """A figure without its interval."""
    return wording.metric_value(score.metric, score.value) if score else wording.DASH
