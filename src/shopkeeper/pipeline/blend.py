"""Weights of the recommenders of a pipeline, chosen on the validation part.

One recommender after the other is offered a share of the list, and gets the one by which NDCG@10 is highest, or none
(forward selection as in Caruana et al., "Ensemble selection from libraries of models", ICML 2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopkeeper.data.holdout import Holdout
from shopkeeper.recommenders.validation import sample_holdout, validation_ndcg

if TYPE_CHECKING:
    from shopkeeper.pipeline.pipeline import Pipeline

SHARES = (0.1, 0.2, 0.3, 0.5, 0.7)
"""Shares that a recommender may get of the list."""
MOST_SHOPPERS = 1000
"""So many shoppers decide."""


def choose_weights(pipeline: Pipeline, validation: Holdout, seed: int = 0) -> list[float]:
    """The weights, which sum to 1; those that the pipeline has are tried first and are changed while it is tried.

    Args:
        pipeline: Complete but for its weights.
        validation: Questions that no recommender was fitted on.
        seed: Which shoppers are asked, where there are more than a thousand.
    """
    asked = sample_holdout(validation, MOST_SHOPPERS, seed)
    weights = list(pipeline.weights)
    best = validation_ndcg(pipeline, asked)
    for place in range(1, len(weights)):
        kept = weights
        for share in SHARES:
            pipeline.weights = [weight * (1 - share) for weight in kept]
            pipeline.weights[place] = share
            reached = validation_ndcg(pipeline, asked)
            if reached > best:
                best, weights = reached, list(pipeline.weights)
        pipeline.weights = weights
    return weights
