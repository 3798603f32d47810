"""Which predictor to take, by rules, and in words.

Chosen is on validation: of all that are as good as the best one there, the cheapest. As good means that the paired
interval of the difference contains zero in AUC and in PR-AUC (RMSE for amounts), or that the difference is too small
to matter. The test part has no say; where it speaks against the choice, the words say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shopkeeper.evaluation.behavior.compare import BehaviorComparison, compare_predictors
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation
from shopkeeper.evaluation.behavior.figures import LARGER_IS_BETTER
from shopkeeper.evaluation.behavior.leaderboard import HEADS, BehaviorEntry, BehaviorLeaderboard

CHANCE_METRICS = ("auc", "pr_auc")
AMOUNT_METRICS = ("rmse",)
FEW_POSITIVES = 200
"""With fewer examples with the target on the test part, nothing is sure."""


@dataclass(frozen=True)
class Verdict:
    """What to take.

    Attributes:
        chosen: Name of the predictor.
        best: Name of the best one on validation.
        equals: Names of those that are as good as that, the best one included.
        words: The reasons, a sentence each.
    """

    chosen: str
    best: str
    equals: tuple[str, ...]
    words: tuple[str, ...]


def verdict(board: BehaviorLeaderboard, validation: Sequence[BehaviorEvaluation], margin: float = 0.02) -> Verdict:
    """Chooses by validation, and says what the test shows of it.

    Args:
        board: The predictors on the test part.
        validation: The same predictors on the validation part.
        margin: Differences do not matter below this share of the figure, or of what it lacks to 1, if that is less.
    """
    metrics = AMOUNT_METRICS if "rmse" in validation[0].figures.names else CHANCE_METRICS
    best = min(validation, key=lambda one: _loss(one, metrics))
    equals = tuple(one.model for one in validation if one is best or _as_good(one, best, metrics, margin))
    chosen = min((board.entry(name) for name in equals), key=lambda entry: entry.seconds)
    words = [_choice(chosen, board.entry(best.model), len(equals), len(validation))]
    words += _tested(board, chosen, metrics, margin)
    positives = board.protocol.sizes[board.protocol.part]["positives"]
    if positives < FEW_POSITIVES:
        words.append(f"Only {positives:,.0f} examples of the {board.protocol.part} part have the target: take care.")
    return Verdict(chosen.name, best.model, equals, tuple(words))


def _loss(one: BehaviorEvaluation, metrics: Sequence[str]) -> float:
    return one.value("rmse" if metrics == AMOUNT_METRICS else "sampled_log_loss")


def _as_good(one: BehaviorEvaluation, best: BehaviorEvaluation, metrics: Sequence[str], margin: float) -> bool:
    """Whether a predictor is not worse than the best one in any of the figures."""
    return all(_not_worse(compare_predictors(one, best, metric), best.value(metric), margin) for metric in metrics)


def _not_worse(found: BehaviorComparison, figure: float, margin: float) -> bool:
    return found.better or not found.clear or abs(found.difference) <= margin * _scale(found.metric, figure)


def _scale(metric: str, figure: float) -> float:
    return abs(figure) if metric in AMOUNT_METRICS else min(figure, 1 - figure)


def _choice(chosen: BehaviorEntry, best: BehaviorEntry, n_equal: int, n_models: int) -> str:
    if n_models == 1:
        return f"{chosen.name} is the only one that was tried."
    if chosen.name != best.name:
        times = best.seconds / chosen.seconds
        cheaper = f"{times:.0f} times" if times >= 2 else f"{times:.1f} times"
        return f"Take {chosen.name}: it is as good as {best.name} on your data and {cheaper} cheaper."
    if n_equal > 1:
        return f"Take {chosen.name}: none is better on your data, and none of those that are as good is cheaper."
    return f"Take {chosen.name}: it is better than all others on your data."


def _tested(board: BehaviorLeaderboard, chosen: BehaviorEntry, metrics: Sequence[str], margin: float) -> list[str]:
    """What the test part says: the figures of the choice, and who is clearly better there."""
    part = board.protocol.part
    figures = ", ".join(f"{HEADS[metric]} {chosen.evaluation.value(metric):.4g}" for metric in metrics)
    words = [f"On the {part} part it reaches {figures}."]
    for found in board.comparisons(chosen.name, metrics):
        figure = chosen.evaluation.value(found.metric)
        if found.better and found.clear and abs(found.difference) > margin * _scale(found.metric, figure):
            words.append(
                f"There {found.a} is better in {HEADS[found.metric]} by {abs(found.difference):.3g} "
                f"[{_ends(found)}]: look at it again with more data."
            )  # fmt: skip
    return words


def _ends(found: BehaviorComparison) -> str:
    low, high = (found.low, found.high) if found.metric in LARGER_IS_BETTER else (-found.high, -found.low)
    return f"{low:.3g}, {high:.3g}"
