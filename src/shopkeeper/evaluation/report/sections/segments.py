"""Metrics by segment: new, light and heavy shoppers; head, middle and tail items."""

from __future__ import annotations

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, table
from shopkeeper.evaluation.report.plots import figure
from shopkeeper.evaluation.report.scores import ALL, Scores
from shopkeeper.evaluation.report.sections.leaderboard import cell
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.evaluation.report.sections.whiskers import segment_whiskers
from shopkeeper.evaluation.report.settings import ReportSettings
from shopkeeper.evaluation.rows import MetricRow

TITLES = {
    "shoppers": "By how much the shopper did before",
    "known events": "By how many events of the shopper were known",
    "items": "By popularity of the held-out item",
    "sight": "By whether training has seen the held-out item",
    "among new": "New items among themselves",
}
MEANINGS = {
    "shoppers": "New: nothing in training. Light: at most as many events as the median shopper. Heavy: more.",
    "known events": "Different shoppers in each group; what more events of the same shoppers bring is told "
    "further down.",
    "items": "Head: the most popular items that together take a fifth of all events. Tail: those of the last fifth. "
    "Middle: those between.",
    "sight": "Unseen: no event in training. Few-shot: fewer events than it takes to learn from them alone. Seen: more.",
    "among new": "Only items without an event in training are ranked: how well what they are tells them apart.",
}
NOUNS = {
    "shoppers": "{} shoppers",
    "known events": "shoppers with {} events known",
    "sight": "{} items",
    "items": "{} items",
    "among new": "{} items",
}
MOST_MODELS = 4
METRICS = ("recall", "hit_rate", "ndcg")


def segments_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """For whom, and for which goods, the models work."""
    scores = Scores.of(inputs, settings)
    groups = list(dict.fromkeys(row.group for row in scores.rows if row.group != ALL))
    parts = [part for group in groups if (part := _group(scores, group, tuple(inputs.baselines))) is not None]
    body = join(parts) if parts else note("The models were not measured by segment in this run.")
    return Section("segments", "For whom it works, and for which goods", body)


def _group(scores: Scores, group: str, baselines: tuple[str, ...]) -> Html | None:
    segments = scores.segments(group)
    known = {row.metric for row in scores.rows if row.group == group}
    metric = next((name for name in METRICS if name in known), None)
    if metric is None:
        return None
    shown = _shown(scores, baselines)
    found = [s for name in segments for model in shown if (s := scores.find(model, metric, group=group, segment=name))]
    if not found:
        return None
    name = wording.metric_name(metric, scores.k)
    drawn = figure(
        lambda width: segment_whiskers(found, segments, shown, name),
        _caption(found, shown[0], name, group),
        f"{name} by segment",
    )
    about = [paragraph(MEANINGS[group], class_="meaning")] if group in MEANINGS else []
    return subsection(
        TITLES.get(group, wording.words(group).capitalize()), *about, drawn, _table(scores, metric, group)
    )


def _shown(scores: Scores, baselines: tuple[str, ...]) -> list[str]:
    """The best models and the first baseline, best first: a plot with all of them cannot be read."""
    models = scores.models()
    baseline = next((name for name in baselines if name in models), None)
    first = [name for name in models if name != baseline][: MOST_MODELS - 1]
    return [name for name in models if name in first or name == baseline]


def _caption(found: list[MetricRow], model: str, name: str, group: str) -> str:
    own = sorted((score for score in found if score.model == model), key=lambda score: -score.value)
    if not own:
        return f"{name} by segment."
    most, least = own[0], own[-1]
    whom = NOUNS.get(group, "{}").format
    if most is least:
        return f"{model} reaches {name} {wording.score(most.value)} for {whom(most.segment)}."
    return (
        f"{model} does best for {whom(most.segment)} ({name} {wording.score(most.value)}) and least well for "
        f"{whom(least.segment)} ({wording.score(least.value)})."
    )


def _table(scores: Scores, metric: str, group: str) -> Html:
    segments = scores.segments(group)
    rows = []
    for model in scores.models():
        cells = [cell(scores.find(model, metric, group=group, segment=name)) for name in segments]
        rows.append([model, *cells])
    sizes = {row.segment: row.n_users for row in scores.rows if row.group == group and row.n_users is not None}
    head = [
        "Model",
        *(f"{name} ({wording.plural(sizes[name], 'shopper')})" if name in sizes else name for name in segments),
    ]
    return table(head, rows, numeric=range(1, len(head)))
