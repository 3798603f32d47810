"""Plots of a search: the score by trial, the importance of settings, the score by value, learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.markup import Html
from shopkeeper.evaluation.report.plots import ACCENT, QUIET, figure, rows
from shopkeeper.search_space import Choice, Domain
from shopkeeper.training.trials import Trial

HEIGHT = 240
BAR = 26


def history_plot(done: Sequence[Trial], metric: str) -> Html:
    """The score of each complete trial, and the best so far as a line."""
    import altair as alt

    best = np.maximum.accumulate([trial.score or 0.0 for trial in done]).tolist()
    data = [{"trial": trial.number, "score": trial.score, "best": top} for trial, top in zip(done, best, strict=True)]

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            x=alt.X("trial:Q", title="trial", axis=alt.Axis(format="d", tickMinStep=1, grid=False))
        )
        line = base.mark_line(color=ACCENT, interpolate="step-after").encode(y=_score_axis("best", metric))
        dots = base.mark_point(color=QUIET, size=46, opacity=0.9).encode(y=_score_axis("score", metric))
        return alt.layer(line, dots).properties(height=HEIGHT)

    last = max(done, key=lambda trial: (trial.score or 0.0, -trial.number)).number
    caption = (
        f"Each dot is a finished trial, the line is the best so far. {wording.plural(len(done), 'trial')} finished; "
        f"the best one is trial {last}."
    )
    return figure(draw, caption, f"{metric} by trial")


def importance_plot(importances: Mapping[str, float], metric: str) -> Html:
    """A bar a setting, the most important first."""
    import altair as alt

    data = [{"setting": name, "share": part, "shown": wording.percent(part, 0)} for name, part in importances.items()]
    widest = min(1.0, 1.15 * max(importances.values()) or 1.0)

    def draw(width: int) -> Any:
        base = alt.Chart(rows(data)).encode(
            y=alt.Y("setting:N", sort=list(importances), title=None),
            x=alt.X("share:Q", title="share of the variance explained", axis=alt.Axis(format="%", tickCount=4),
                    scale=alt.Scale(domain=[0, widest], nice=False)),
        )  # fmt: skip
        bars = base.mark_bar(color=ACCENT, height=BAR * 0.6)
        text = base.mark_text(align="left", dx=5, fontSize=11).encode(text="shown:N")
        return alt.layer(bars, text).properties(height=BAR * len(data))

    top = next(iter(importances))
    caption = (
        f"Within the values searched, {top} explains {wording.percent(importances[top], 0)} of how {metric} varies."
    )
    return figure(draw, caption, "Importance of each setting")


def setting_plot(done: Sequence[Trial], name: str, domain: Domain, metric: str) -> Html:
    """The score by the value of one setting."""
    import altair as alt

    data = [
        {"value": str(trial.values[name]) if isinstance(domain, Choice) else trial.values[name], "score": trial.score}
        for trial in done
    ]
    best = max(data, key=lambda row: row["score"] or 0.0)["value"]

    def draw(width: int) -> Any:
        dots = alt.Chart(rows(data)).mark_point(color=ACCENT, size=46, opacity=0.8)
        return dots.encode(x=_value_axis(name, domain), y=_score_axis("score", metric)).properties(height=160)

    value = f"{best:g}" if isinstance(best, float) else best
    return figure(draw, f"The best trial has {value}.", f"{metric} by {name}")


def curves_plot(trials: Sequence[Trial], best: Trial | None) -> Html:
    """NDCG@10 by epoch, the best trial in the accent color."""
    import altair as alt

    data = [
        {
            "trial": str(trial.number), "epoch": epoch, "value": value,
            "tone": ACCENT if best is not None and trial.number == best.number else QUIET,
            "depth": 1.0 if best is not None and trial.number == best.number else 0.45,
        }
        for trial in trials
        for epoch, value in trial.curve.items()
    ]  # fmt: skip

    def draw(width: int) -> Any:
        lines = alt.Chart(rows(data)).mark_line(strokeWidth=1.6)
        return lines.encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1, grid=False)),
            y=_score_axis("value", "validation NDCG@10"),
            detail="trial:N",
            color=alt.Color("tone:N", scale=None),
            opacity=alt.Opacity("depth:Q", scale=None),
        ).properties(height=HEIGHT)

    return figure(
        draw, "NDCG@10 after each epoch; trials that end early were given up.", "Learning curves of the trials"
    )


def _score_axis(field: str, title: str) -> Any:
    import altair as alt

    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))


def _value_axis(name: str, domain: Domain) -> Any:
    import altair as alt

    if isinstance(domain, Choice):
        order = [str(option) for option in domain.options]
        return alt.X("value:N", title=name, sort=order, axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(type="log" if domain.log else "linear", domain=[domain.low, domain.high], nice=False)
    return alt.X("value:Q", title=name, scale=scale, axis=alt.Axis(tickCount=5, grid=False, format="~g"))
