"""Puts fitted predictors of behavior into a bundle, so that the service answers from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.predictions import Predictions, by_name
from shopkeeper.predictors.base import Predictor

ATTACHED: Final = "it was attached as it is; the page of its selection has its figures"


def attach(bundle: Path, predictors: Sequence[Path]) -> Bundle:
    """Writes a bundle anew with predictors; one of what is predicted already takes the place of the earlier one.

    Args:
        bundle: Folder of the bundle; replaced as a whole or not at all.
        predictors: Folders of saved predictors.

    Raises:
        ArtifactError: A folder is damaged, or a predictor does not fit the log of the bundle.
        DataError: Two predictors predict the same.
    """
    given = by_name([Predictor.load(folder) for folder in predictors])
    changed = with_predictors(Bundle.load(bundle), given)
    told = {name: {"model": predictor.name, "not_measured": ATTACHED} for name, predictor in given.items()}
    changed = replace(changed, card=changed.card.replace(predictors={**changed.card.predictors, **told}))
    changed.save(bundle)
    return changed


def with_predictors(bundle: Bundle, predictors: Mapping[str, Predictor]) -> Bundle:
    """The bundle with these predictors beside its own.

    Raises:
        ArtifactError: One does not fit its log.
    """
    if not predictors:
        return bundle
    together = {**bundle.predictors, **predictors}
    Predictions(together, bundle.pipeline.memory)
    return replace(bundle, predictors=together)
