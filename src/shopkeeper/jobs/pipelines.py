"""Puts a fitted recommender into a pipeline, with others fitted beside it."""

from __future__ import annotations

from shopkeeper.data.holdout import Split
from shopkeeper.errors import DataError, ResourceError
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender


def make_pipeline(
    recommender: Recommender, parts: Split, settings: ShopSettings, progress: Progress | None = None
) -> Pipeline:
    """A pipeline around a fitted recommender, with those that `pipeline.also` names.

    A recommender that does not fit this log is left out.

    Args:
        recommender: Fitted on the training part.
        parts: The split; its validation part decides the weights.
        settings: Settings of the pipeline and of the other recommenders.
        progress: Told how far it is.

    Raises:
        ConfigError: There is no recommender of such a name.
    """
    members = [recommender]
    for name in settings.pipeline.also:
        beside = settings.recommender(name)
        if beside.name in {member.name for member in members}:
            continue
        try:
            members.append(beside.fit(parts.train, parts.validation, settings.training, progress))
        except (DataError, ResourceError):
            continue
    return pipeline_of(members, parts, settings)


def pipeline_of(members: list[Recommender], parts: Split, settings: ShopSettings) -> Pipeline:
    """A pipeline of recommenders that are all fitted, the most important first."""
    return Pipeline.of_fitted(members, settings.pipeline, parts.validation if len(parts.validation) else None)
