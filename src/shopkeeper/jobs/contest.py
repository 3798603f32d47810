"""Models by name on one split: fitted with the shop's settings, and the best one chosen on the validation part."""

from __future__ import annotations

from collections.abc import Sequence

from shopkeeper.data.holdout import Split
from shopkeeper.errors import DataError, ResourceError
from shopkeeper.evaluation.contest import Fit, fit
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.progress import Progress
from shopkeeper.recommenders.validation import sample_holdout, validation_ndcg


def fit_models(
    names: Sequence[str], parts: Split, settings: ShopSettings, progress: Progress | None = None
) -> tuple[list[Fit], list[str]]:
    """Fits recommenders on the training part, with the validation part for early stopping.

    Args:
        names: Names of recommenders.
        parts: The split.
        settings: Settings of the models and of training.
        progress: Told how far it is.

    Returns:
        The fitted models in the order of the names, and for each that does not fit this log one line with the reason.

    Raises:
        ConfigError: There is no such model, or one of its settings is not valid.
    """
    fits: list[Fit] = []
    skipped: list[str] = []
    for model in [settings.recommender(name) for name in names]:
        if progress:
            progress.start(f"fitting {model.name}", None)
        try:
            fits.append(fit(model, parts, settings.training, progress))
        except (ResourceError, DataError) as error:
            skipped.append(f"{model.name} was left out: {error.problem}")
        if progress:
            progress.finish()
    return fits, skipped


def best_on_validation(fits: Sequence[Fit], parts: Split, settings: ShopSettings) -> list[Fit]:
    """The models by falling NDCG@10 on the validation part; in their own order where nobody is asked there."""
    if len(parts.validation) == 0:
        return list(fits)
    asked = sample_holdout(parts.validation, settings.training.validation_users, settings.training.seed)
    return sorted(fits, key=lambda one: -validation_ndcg(one.recommender, asked))


def with_free_names(fits: Sequence[Fit]) -> list[Fit]:
    """The same with a number behind each name that is taken."""
    named: list[Fit] = []
    for one in fits:
        taken = {other.label for other in named}
        labels = (one.label, *(f"{one.label} {number}" for number in range(2, len(fits) + 2)))
        free = next(label for label in labels if label not in taken)
        named.append(Fit(one.recommender, one.cost, one.seed, free))
    return named
