"""The page of a search for settings: how it went, which settings matter, every trial, and what to do with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.document import document, masthead
from shopkeeper.evaluation.report.markup import join, note, paragraph, tag
from shopkeeper.evaluation.report.markup import table as html_table
from shopkeeper.evaluation.report.plots import require_altair
from shopkeeper.evaluation.report.sections.card import command_of
from shopkeeper.evaluation.report.sections.section import Section, subsection
from shopkeeper.evaluation.report.tuning_plots import curves_plot, history_plot, importance_plot, setting_plot
from shopkeeper.search_space import Domain, Floats, Integers, Value
from shopkeeper.training.trials import Trial, best_of

STRONGEST = 4
"""So many of the settings that matter most have a plot of their own."""
MOST_ROWS = 60
"""So many best trials are in the table; the file has all."""

OUTCOMES = {"pruned": "given\N{NO-BREAK SPACE}up", "failed": "failed", "cut": "stopped"}


@dataclass(frozen=True)
class TuningInputs:
    """What the page shows.

    Attributes:
        model: Name of the recommender.
        metric: As it is written in tables: ``NDCG@10``.
        trials: In their order.
        space: What was searched, by the names that the page shows.
        importances: Share of the variance of the score that each setting explains; empty where unknown.
        toml: The settings to use.
        n_users: Shoppers asked.
        why: Why the search ended.
        command: What was typed.
    """

    model: str
    metric: str
    trials: Sequence[Trial]
    space: Mapping[str, Domain]
    importances: Mapping[str, float]
    toml: str
    n_users: int
    why: str
    command: str


def render_tuning(inputs: TuningInputs) -> str:
    """The page as the text of one HTML document.

    Raises:
        MissingDependencyError: Altair or vl-convert is not installed.
    """
    require_altair()
    title = f"Good settings for {inputs.model}"
    sections = [_settings(inputs), _history(inputs), _importance(inputs), _trials(inputs), _reading(inputs)]
    return document(title, masthead("Shopkeeper", title, _lead(inputs), _tiles(inputs)), sections)


def verdict(trials: Sequence[Trial], metric: str) -> str:
    """What the search brought, in a sentence."""
    best, first = best_of(trials), next((trial for trial in trials if trial.number == 0), None)
    if best is None:
        return "No trial was finished."
    reached = f"{metric} on the validation part is {wording.score(best.score)} in trial {best.number}"
    if first is None or first.score is None:
        return f"{reached}; the settings that the search began with were not finished."
    if best.number == 0:
        return f"The settings that the search began with are the best of those tried: {reached}."
    gain = (best.score or 0.0) / first.score - 1 if first.score else math.inf
    return f"{reached}, {wording.percent(gain)} more than the {wording.score(first.score)} that the search began with."


def _lead(inputs: TuningInputs) -> str:
    return verdict(inputs.trials, inputs.metric)


def _tiles(inputs: TuningInputs) -> list[tuple[str, str]]:
    states = [trial.state for trial in inputs.trials]
    best = best_of(inputs.trials)
    seconds = sum(trial.seconds for trial in inputs.trials if math.isfinite(trial.seconds))
    return [
        (f"{inputs.metric}, best", wording.score(best.score if best else None)),
        ("trials", wording.count(len(states))),
        ("given up early", wording.count(states.count("pruned"))),
        ("failed", wording.count(states.count("failed"))),
        ("time in trials", wording.seconds(seconds)),
        ("shoppers asked", wording.count(inputs.n_users)),
    ]


def _settings(inputs: TuningInputs) -> Section:
    said = paragraph("As a settings file for ", tag("code", "shopkeeper train --config"), ":")
    return Section("settings", "The best settings", join([said, tag("pre", tag("code", inputs.toml))]))


def _history(inputs: TuningInputs) -> Section:
    done = [trial for trial in inputs.trials if trial.score is not None]
    parts = [history_plot(done, inputs.metric)]
    curves = [trial for trial in inputs.trials if len(trial.curve) > 1]
    if curves:
        parts.append(subsection("Learning curves", curves_plot(curves, best_of(inputs.trials))))
    return Section("history", "How the search went", join(parts))


def _importance(inputs: TuningInputs) -> Section:
    title = "Which settings matter"
    if not inputs.importances:
        return Section("importance", title, note("Too few trials were finished to tell."))
    done = [trial for trial in inputs.trials if trial.score is not None and not trial.reason]
    plots = [
        subsection(name, setting_plot(done, name, inputs.space[name], inputs.metric))
        for name in list(inputs.importances)[:STRONGEST]
    ]
    return Section("importance", title, join([importance_plot(inputs.importances, inputs.metric), *plots]))


def _trials(inputs: TuningInputs) -> Section:
    """The best ones first, then those without a score."""
    ordered = sorted(inputs.trials, key=lambda trial: (-(trial.score or -1.0), trial.number))
    names = list(inputs.space)
    head = ["trial", "ended", inputs.metric, "time", *names]
    rows = [
        [
            trial.number, _outcome(trial), wording.score(trial.score), wording.seconds(_finite(trial.seconds)),
            *(shown(trial.values.get(name)) for name in names),
        ]
        for trial in ordered[:MOST_ROWS]
    ]  # fmt: skip
    numeric = [0, 2, 3, *(4 + at for at, name in enumerate(names) if isinstance(inputs.space[name], Floats | Integers))]
    parts = [html_table(head, rows, numeric)]
    if len(ordered) > MOST_ROWS:
        parts.append(note(f"The other {len(ordered) - MOST_ROWS:,} are in trials.csv."))
    failed = [trial.reason for trial in inputs.trials if trial.state == "failed"]
    parts += [note(f"{failed.count(reason)} failed: {reason}") for reason in dict.fromkeys(failed)]
    return Section("trials", "Every trial", join(parts))


def _reading(inputs: TuningInputs) -> Section:
    said = [
        f"Every trial was fitted on the training part and asked by {wording.plural(inputs.n_users, 'shopper')} of the "
        f"validation part. The search ended because {inputs.why}; the same command goes on.",
        "The best of many trials is better on the validation part than it will be elsewhere, the more so the more "
        "trials there were. The test part was not looked at: ask it once, with the settings chosen.",
        "Trials of a network are given up where their learning curve lies below the median of the others at the same "
        "epoch. The importance of a setting is the share of the variance of the score that it explains over the "
        "values searched (fANOVA); a setting may matter little here and much beyond these bounds.",
    ]
    return Section("reading", "How to read this", join([*map(paragraph, said), command_of(inputs.command)]))


def shown(value: Value) -> str:
    """A value of a setting as it is read."""
    if value is None:
        return wording.DASH
    return f"{value:g}" if isinstance(value, float) else str(value)


def _outcome(trial: Trial) -> str:
    if trial.state == "complete":
        return (trial.reason or "done").replace(" ", "\N{NO-BREAK SPACE}")
    return OUTCOMES[trial.state]


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
