"""Examples whose truth is known, and what models of several qualities say of them."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation
from shopkeeper.evaluation.behavior.figures import figures_of
from shopkeeper.evaluation.behavior.leaderboard import BehaviorEntry, BehaviorLeaderboard, BehaviorProtocol, sizes_of
from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.evaluation.behavior.settings import BehaviorEvaluationSettings
from shopkeeper.evaluation.cost import Cost
from shopkeeper.types import Float64Array

QUICK = BehaviorEvaluationSettings(n_bootstrap=200)


def true_examples(
    n: int = 3000, n_shoppers: int = 200, rate: float = 1.0, seed: int = 0
) -> tuple[Examples, Float64Array]:
    """Examples of known chances; of those without the target only a share is there. Chances of all, float64."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 6, n)
    label = (rng.random(n) < chance).astype(np.float32)
    events = rng.integers(0, 30, n).astype(np.float64)
    met = rng.integers(0, 2, n).astype(np.float64)
    columns = {"user_events": events, "pair_events": met, "pair_views": met, "pair_carts": met * (events > 20)}
    whole = Examples(
        rng.integers(1, n_shoppers + 1, n).astype(np.int32), np.ones(n, dtype=np.int32),
        np.arange(n, dtype=np.int64), label, rate, settings=ExampleSettings(), features=FeatureTable.of(columns, n),
    )  # fmt: skip
    kept = np.flatnonzero((label > 0) | (rng.random(n) < rate))
    return whole.take(kept), chance[kept]


def blurred(chance: Float64Array, noise: float, seed: int = 1) -> Float64Array:
    """The chances with noise on their log-odds."""
    odds = np.log(chance / (1 - chance)) + np.random.default_rng(seed).normal(0, noise, len(chance))
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)


def evaluation(
    model: str, examples: Examples, said: Float64Array, speed: float = 1e5, part: str = "test"
) -> BehaviorEvaluation:
    """What somebody who says so reached."""
    figures = figures_of(Scored.of(examples, said), QUICK.n_bootstrap, QUICK.seed)
    return BehaviorEvaluation(model, part, (), figures, part, float(examples.label.mean()), speed, 1.0, QUICK)


def board(examples: Examples, evaluations: list[BehaviorEvaluation], seconds: list[float]) -> BehaviorLeaderboard:
    """These side by side."""
    protocol = BehaviorProtocol(
        ExampleSettings(),
        "test",
        {"test": ("2025-01-01", "2025-02-01")},
        sizes_of({"test": examples}),
        0.1,
        "0" * 64,
        0,
    )
    return BehaviorLeaderboard(
        protocol, tuple(BehaviorEntry(one, Cost(cost, 10.0)) for one, cost in zip(evaluations, seconds, strict=True))
    )
