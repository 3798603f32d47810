"""Who is best and by how much, in plain sentences computed from the figures."""

from __future__ import annotations

from collections.abc import Sequence

from shopkeeper.evaluation.compare import Comparison
from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.scores import Scores, overlap, ratio
from shopkeeper.evaluation.rows import MetricRow


def headline(scores: Scores, baselines: tuple[str, ...]) -> str | None:
    """The one sentence that matters: how often the best model hits, and how much better that is than a baseline."""
    models = scores.models()
    figures = (scores.find(models[0], name) for name in ("hit_rate", "recall")) if models else ()
    best = next((figure for figure in figures if figure is not None), None)
    if best is None:
        return None
    k = "ten" if scores.k == 10 else str(scores.k)
    if best.metric == "hit_rate":
        said = f"{best.model} finds a held-out item in its top {k} for {wording.percent(best.value)} of shoppers"
    else:
        said = (
            f"{best.model} finds {wording.percent(best.value)} of a shopper's held-out items in its top {k} on average"
        )
    baseline = next((name for name in baselines if name in models and name != best.model), None)
    if baseline is None:
        return said + "."
    share = ratio(best, scores.find(baseline, best.metric))
    return said + (f", {wording.times(share)} as often as {baseline}." if share is not None else ".")


def comparison(
    found: Sequence[MetricRow], baselines: tuple[str, ...], name: str, paired: Sequence[Comparison] = ()
) -> str:
    """The sentence under a plot: the best, how it stands to a baseline, whether the next one is really behind it.

    Args:
        found: One figure of every model.
        baselines: Names of the models that need no learning.
        name: Name of the figure.
        paired: Comparisons over shoppers; without one of the two best models their intervals are compared.
    """
    ranked = sorted(found, key=lambda score: -score.value)
    best = ranked[0]
    said = f"{best.model} is first with {name} {wording.score(best.value)}"
    if best.low is not None and best.high is not None:
        said += f" (95 % interval {wording.score(best.low)} to {wording.score(best.high)})"
    baseline = next((score for score in ranked[1:] if score.model in baselines), None)
    share = ratio(best, baseline)
    if share is not None and baseline is not None:
        said += f", {wording.times(share)} as high as {baseline.model}"
    if len(ranked) == 1:
        return said + "."
    return (
        f"{said}. Next is {ranked[1].model} with {wording.score(ranked[1].value)}{_settled(best, ranked[1], paired)}."
    )


def _settled(best: MetricRow, second: MetricRow, paired: Sequence[Comparison]) -> str:
    """Whether the order of two models is settled: by the paired comparison where there is one, else by intervals."""
    key = (best.model, second.model, best.metric, best.k)
    for one in paired:
        if (one.a, one.b, one.metric, one.k) == key:
            ends = f"{wording.score(one.low)} to {wording.score(one.high)}"
            verdict = "so the order is settled" if one.clear else "which holds zero, so the order is not settled"
            return f"; by shopper the difference is {wording.score(one.difference)} (95 % interval {ends}), {verdict}"
    touching = overlap(best, second)
    if touching is None:
        return ""
    return "; their intervals overlap" if touching else "; their intervals do not overlap"
