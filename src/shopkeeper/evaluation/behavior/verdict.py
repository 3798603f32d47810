"""Which predictor to take, by rules, and in words.

Best is the smallest log loss over all pairs on validation (RMSE for amounts): what is used are probabilities. As good
as that one is who is clearly worse in none of the figures that are printed (AUC, PR-AUC, log loss), neither on
validation nor on the test, and on validation not far below it either: where a target is rare, an interval that
contains zero says only that there was too little to tell, and AUC is decided by pairs that nobody would act on. The
cheapest of them is chosen. The test part can only forbid: no choice and no sentence stands against a difference that
is printed beside it, unless validation says clearly the opposite, and then the words say both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shopkeeper.evaluation.behavior.compare import BehaviorComparison, compare_predictors
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation
from shopkeeper.evaluation.behavior.figures import LARGER_IS_BETTER
from shopkeeper.evaluation.behavior.leaderboard import HEADS, BehaviorEntry, BehaviorLeaderboard

CHANCE_METRICS = ("log_loss", "pr_auc", "auc")
AMOUNT_METRICS = ("rmse",)
FEW_POSITIVES = 200
"""With fewer examples with the target on the test part, nothing is sure."""


@dataclass(frozen=True)
class Verdict:
    """What to take.

    Attributes:
        chosen: Name of the predictor.
        best: Name of the best one on validation.
        equals: Names of those that are as good as that and that none of these beats; the best one is among them unless
            one that is as good on validation clearly beats it on the test part.
        words: The reasons, a sentence each.
    """

    chosen: str
    best: str
    equals: tuple[str, ...]
    words: tuple[str, ...]


def verdict(board: BehaviorLeaderboard, validation: Sequence[BehaviorEvaluation], margin: float = 0.05) -> Verdict:
    """Chooses by validation, and says what the test shows of it.

    Args:
        board: The predictors on the test part.
        validation: The same predictors on the validation part.
        margin: Who is as good is on validation below the best by at most this share of the figure, or of what it lacks
            to 1, if that is less.
    """
    metrics = metrics_of(validation[0])
    held_out = {one.model: one for one in validation}
    parts = (held_out, {entry.name: entry.evaluation for entry in board.entries})
    rules = _Rules(parts, metrics, margin)
    best = min(held_out, key=lambda name: held_out[name].value(metrics[0]))
    good = [name for name in held_out if name == best or rules.as_good(name, best)]
    equals = tuple(name for name in good if not any(rules.beats(other, name) for other in good)) or (best,)
    chosen = min((board.entry(name) for name in equals), key=lambda entry: entry.seconds)
    words = [_choice(rules, chosen, board.entry(best), equals), *_cheaper(rules, board, chosen, equals)]
    words += _tested(board, chosen, metrics)
    positives = board.protocol.sizes[board.protocol.part]["positives"]
    if positives < FEW_POSITIVES:
        words.append(f"Only {positives:,.0f} examples of the {board.protocol.part} part have the target: take care.")
    return Verdict(chosen.name, best, equals, tuple(words))


def metrics_of(one: BehaviorEvaluation) -> tuple[str, ...]:
    """The figures that a verdict rests on, the decisive one first; comparisons of these are printed."""
    return AMOUNT_METRICS if "rmse" in one.figures.names else CHANCE_METRICS


@dataclass(frozen=True)
class _Rules:
    """Who is clearly better than whom.

    Attributes:
        parts: Evaluations by name, of validation and of the test.
        metrics: The figures that count.
        margin: As of `verdict`.
    """

    parts: tuple[dict[str, BehaviorEvaluation], dict[str, BehaviorEvaluation]]
    metrics: Sequence[str]
    margin: float

    def _compared(self, one: str, other: str) -> Iterator[BehaviorComparison]:
        for part in self.parts:
            for metric in self.metrics:
                yield compare_predictors(part[one], part[other], metric)

    def beats(self, one: str, other: str) -> bool:
        """Whether it is clearly better in some figure of some part, be it worse elsewhere or not."""
        return one != other and any(found.clear and found.better for found in self._compared(one, other))

    def near(self, one: str, other: str, part: int = 0) -> bool:
        """Whether it is on a part, validation or 1, the test, worse by no more than the margin in all figures."""
        for metric in self.metrics:
            figure = self.parts[part][other].value(metric)
            lost = figure - self.parts[part][one].value(metric)
            lost = lost if metric in LARGER_IS_BETTER else -lost
            scale = min(figure, 1 - figure) if metric in LARGER_IS_BETTER else figure
            if lost > self.margin * scale:
                return False
        return True

    def as_good(self, one: str, best: str) -> bool:
        """Whether nothing speaks for the best one against it."""
        return self.near(one, best) and not self.beats(best, one)


def _choice(rules: _Rules, chosen: BehaviorEntry, best: BehaviorEntry, equals: Sequence[str]) -> str:
    """The first sentence; it claims no more than the comparisons of both parts allow."""
    decisive = HEADS[rules.metrics[0]]
    if len(rules.parts[0]) == 1:
        return f"{chosen.name} is the only one that was tried."
    if best.name not in equals:
        why = f"{best.name} has the best {decisive} on validation, but others as good there clearly beat it."
    elif chosen.name != best.name:
        times = best.seconds / chosen.seconds
        cheaper = f"{times:.0f} times" if times >= 2 else f"{times:.1f} times"
        why = f"it is as good as {best.name} on your data and {cheaper} cheaper."
    else:
        why = _best_of_all(rules, best.name, decisive, len(equals))
    return f"Take {chosen.name}: {why}"


def _best_of_all(rules: _Rules, name: str, decisive: str, n_equal: int) -> str:
    """What can be said of the best one on validation where it is chosen."""
    others = [one for one in rules.parts[0] if one != name]
    if any(rules.beats(other, name) for other in others):
        return f"it has the best {decisive} on validation, though not everything speaks for it."
    if all(rules.beats(name, other) for other in others):
        return "it is better than all others on your data."
    if n_equal > 1:
        return "none is better on your data, and none of those that are as good is cheaper."
    return f"it has the best {decisive} on validation, and none is clearly better."


def _cheaper(rules: _Rules, board: BehaviorLeaderboard, chosen: BehaviorEntry, equals: Sequence[str]) -> Iterator[str]:
    """Of those that are hardly worse on both parts the cheapest, where the choice costs a multiple of it."""
    others = [entry for entry in board.entries if entry.name not in equals]
    near = [one for one in others if all(rules.near(one.name, chosen.name, part) for part in (0, 1))]
    one = min(near, key=lambda entry: entry.seconds, default=None)
    if one is not None and chosen.seconds >= 2 * one.seconds:
        yield (
            f"{one.name} is worse by less than {rules.margin:.0%} in every figure and "
            f"{chosen.seconds / one.seconds:.0f} times cheaper."
        )


def _tested(board: BehaviorLeaderboard, chosen: BehaviorEntry, metrics: Sequence[str]) -> list[str]:
    """What the test part says: the figures of the choice, and who is clearly better there."""
    part = board.protocol.part
    figures = ", ".join(f"{HEADS[metric]} {chosen.evaluation.value(metric):.4g}" for metric in metrics)
    better = [found for found in board.comparisons(chosen.name, metrics) if found.better and found.clear]
    return [
        f"On the {part} part it reaches {figures}.",
        *(
            f"There {found.a} is better in {HEADS[found.metric]} by {abs(found.difference):.3g} "
            f"[{_ends(found)}]: look at it again with more data."
            for found in better
        ),
    ]


def _ends(found: BehaviorComparison) -> str:
    low, high = (found.low, found.high) if found.metric in LARGER_IS_BETTER else (-found.high, -found.low)
    return f"{low:.3g}, {high:.3g}"
