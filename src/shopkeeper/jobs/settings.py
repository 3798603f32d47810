"""All settings of the offline line in one object: one TOML file, one section a step."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from shopkeeper.config import Settings, build
from shopkeeper.data.catalog import CatalogSettings
from shopkeeper.data.events import EventsSettings
from shopkeeper.data.prepare import PrepareSettings
from shopkeeper.data.validation.settings import ValidationSettings
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.features.settings import ItemFeatureSettings
from shopkeeper.jobs.newcomers import NewcomerSettings
from shopkeeper.jobs.retrain.settings import RetrainSettings
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.pipeline.settings import PipelineSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.serving.settings import ServiceSettings
from shopkeeper.training.settings import TrainingSettings


class ShopSettings(Settings):
    """One shop's settings; each section may be left out."""

    events: EventsSettings = EventsSettings()
    """How the log is read."""
    catalog: CatalogSettings = CatalogSettings()
    """How the catalog is read."""
    validation: ValidationSettings = ValidationSettings()
    """Bounds of the checks."""
    prepare: PrepareSettings = PrepareSettings()
    """Cleaning, and the split that it must not look beyond."""
    features: ItemFeatureSettings = ItemFeatureSettings()
    """How items become vectors."""
    newcomers: NewcomerSettings = NewcomerSettings()
    """How items that come after training are placed."""
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of recommenders, by name: `[models.sasrec]`."""
    pipeline: PipelineSettings = PipelineSettings()
    """What stands around the model when it is served."""
    training: TrainingSettings = TrainingSettings()
    """How networks are trained."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """What is measured."""
    behavior: BehaviorSettings = BehaviorSettings()
    """What a shopper will do, and how the predictor of it is chosen."""
    retrain: RetrainSettings = RetrainSettings()
    """What a new bundle must show before it replaces the old one."""
    service: ServiceSettings = ServiceSettings()
    """How the service runs."""

    def recommender(self, name: str) -> Recommender:
        """An unfitted recommender with its settings from `models`.

        Raises:
            ConfigError: There is no such recommender, or one of its settings is not valid.
        """
        model = recommender_class(name)
        given = {recommender_class(key): values for key, values in self.models.items()}
        return model(build(model.Config, given.get(model, {})))
