"""The tables of the training benchmark, and whether its goals are met."""

from __future__ import annotations

from statistics import median
from typing import Any

OURS = "shopkeeper"
GOAL_EPOCH, GOAL_BOUND, GOAL_QUALITY, GOAL_EVALUATION, GOAL_MEMORY = 30.0, 2.5, 20.0, 5.0, 2.0
"""How many times as fast as either peer; most times the bound; times as fast to the same NDCG; times as fast at
evaluating; times as little memory."""

Run = dict[str, Any]
Figures = dict[str, float | None]


def bound_lines(bound: Run) -> list[str]:
    """The lower bound of an epoch, and where it comes from."""
    operations = bound["operations"]
    best = {name: max(rate[name] for rate in bound["rates"]) for name in ("square", "logits")}
    parts = ", ".join(f"{name} {count:.2e}" for name, count in operations.items())
    return [
        f"\nmatrix products of an epoch: {sum(operations.values()):.2e} operations ({parts})",
        f"measured: {best['square']:.1f} GFLOPS on square matrices, {best['logits']:.1f} on products of the shape of "
        f"the logits; at the higher of the two they take {bound['seconds']:.2f} s",
    ]


def epoch_lines(runs: dict[str, list[Run]], bound_seconds: float) -> list[str]:
    """A row a side, medians over its runs, and the goals."""
    figures = {side: summary(side_runs) for side, side_runs in runs.items()}
    head = f"{'':12}{'targets':>9}{'epoch s':>9}{'x bound':>9}{'peak MB':>9}{'eval s':>8}{'eval MB':>9}{'NDCG@10':>9}"
    lines = ["\none epoch and one evaluation of all shoppers (median of runs)", head]
    for side, row in figures.items():
        seconds = row["seconds"] or 0.0
        cells = [_cell(seconds, 9, 2), _cell(seconds / bound_seconds, 9, 2), _cell(row["peak_megabytes"], 9, 0)]
        cells += [_cell(row["evaluation_seconds"], 8, 2), _cell(row["evaluation_peak_megabytes"], 9, 0)]
        lines.append(f"{side:12}{runs[side][0]['ready']['targets']:>9,}{''.join(cells)}{_cell(row['ndcg'], 9, 4)}")
    if OURS not in figures:
        return lines
    ours = figures[OURS]
    lines += [_ratios(side, row, ours) for side, row in figures.items() if side != OURS]
    times = (ours["seconds"] or 0.0) / bound_seconds
    return [*lines, f"ours / bound: {times:.2f}, goal at most {GOAL_BOUND:g}: {_word(times <= GOAL_BOUND)}"]


def summary(runs: list[Run]) -> Figures:
    """Medians of the first epochs of some runs; and the larger one of the two peaks."""
    epochs = [run["epochs"][0] for run in runs]
    names = ("seconds", "peak_megabytes", "evaluation_seconds", "evaluation_peak_megabytes", "ndcg")
    found = {name: _median([epoch[name] for epoch in epochs]) for name in names}
    peaks = (found["peak_megabytes"], found["evaluation_peak_megabytes"])
    return {**found, "whole_peak_megabytes": None if None in peaks else max(peak for peak in peaks if peak is not None)}


def quality_lines(goal: float, runs: dict[str, Run]) -> list[str]:
    """Seconds of each side until it had the NDCG@10: of training alone, and with the evaluation after each epoch."""
    lines = [f"\nseconds to NDCG@10 {goal:.4f} on validation", f"{'':12}{'epochs':>8}{'train s':>10}{'all s':>10}"]
    times = {side: to_goal(run, goal) for side, run in runs.items()}
    for side, time in times.items():
        cells = f"{'not reached':>28}" if time is None else f"{time[0]:>8}{time[1]:>10.1f}{time[2]:>10.1f}"
        lines.append(f"{side:12}{cells}")
    ours = times.get(OURS)
    for side, time in times.items():
        if side != OURS and ours is not None and time is not None:
            ratio = time[1] / ours[1]
            lines.append(f"{side} / ours: {ratio:.1f}, goal {GOAL_QUALITY:g}: {_word(ratio >= GOAL_QUALITY)}")
    return lines


def to_goal(run: Run, goal: float) -> tuple[int, float, float] | None:
    """Epochs, seconds of training and seconds in all until an epoch ended at the goal; None where none did."""
    training, whole = 0.0, 0.0
    for epoch in run["epochs"]:
        training += epoch["seconds"]
        whole += epoch["seconds"] + epoch["evaluation_seconds"]
        if epoch["ndcg"] >= goal:
            return epoch["epoch"], training, whole
    return None


def memory_line(case: Run) -> str:
    """The bound of a case before it runs, or what it has taken."""
    name = f"{case['loss']} softmax, {case['items']:>9,} items, {case['batch_targets']:,} targets a step"
    if case["event"] == "bound":
        return (
            f"{name}: bound {case['bound_megabytes']:,.0f} MB (before training {case['resident_megabytes']:,.0f} MB; "
            f"one copy of targets x items would be {case['targets_x_items_megabytes']:,.0f} MB)"
        )
    peak = _cell(case["peak_megabytes"], 0, 0)
    return f"{name}: peak {peak} MB after {case['seconds']:.1f} s, within the bound: {_word(case['kept'])}"


def _ratios(side: str, theirs: Figures, ours: Figures) -> str:
    """How many times what we take a peer takes, beside the goals."""
    wanted: tuple[tuple[str, str, float], ...] = (
        ("epoch", "seconds", GOAL_EPOCH),
        ("evaluation", "evaluation_seconds", GOAL_EVALUATION),
        ("peak of training", "peak_megabytes", GOAL_MEMORY),
        ("peak of both", "whole_peak_megabytes", GOAL_MEMORY),
    )
    cells = []
    for word, name, goal in wanted:
        their, our = theirs[name], ours[name]
        if their is not None and our:
            cells.append(f"{word} {their / our:.1f} (goal {goal:g}: {_word(their / our >= goal)})")
    return f"{side} / ours: {', '.join(cells)}"


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _cell(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width},.{digits}f}"


def _word(met: bool | None) -> str:
    return "unknown" if met is None else "yes" if met else "NO"
