"""The bundle: one folder with all that answering needs.

It holds the pipeline with its recommenders and id maps, the histories as of now, the catalog, the fitted feature
transformation, the encoder that places new items, the predictors of behavior, and the card; for the
next training also the log that it was made of, and the models as they were before they learned of the held-out parts.
It is written whole or not at all, and refused when one byte of it changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.config import build
from shopkeeper.pipeline.asking import Filters
from shopkeeper.pipeline.card import Card
from shopkeeper.pipeline.item_encoder import ItemEncoder
from shopkeeper.pipeline.kept_log import KeptLog
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.similar import SimilarKind
from shopkeeper.pipeline.trial_fit import (
    FOLDER,
    SavedTrialFit,
    TrialFit,
    read_predictors,
    write_predictors,
)
from shopkeeper.predictors.base import Predictor
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.recommendations import Recommendations
from shopkeeper.types import Id

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.transforms.transformer import FeatureTransformer

KIND = "bundle"


@dataclass(frozen=True)
class Bundle:
    """What a shop serves.

    Attributes:
        pipeline: What answers; it remembers the log as of when the bundle was made.
        card: Where it came from.
        features: The transformation of catalog columns fitted on items of the training part, or None.
        encoder: Says what an item of after training is like, by its text; or None.
        predictors: What tells how likely a shopper does something, by name of what they predict.
        log: Every row that it was made of, for the next training; None where it keeps none.
        trial: Its models as fitted on the training part; None where those that are served are fitted on no more.
    """

    pipeline: Pipeline
    card: Card
    features: FeatureTransformer | None = None
    encoder: ItemEncoder | None = None
    predictors: Mapping[str, Predictor] = field(default_factory=dict)
    log: KeptLog | None = None
    trial: TrialFit | SavedTrialFit | None = None

    @cached_property
    def tried(self) -> TrialFit:
        """The models that know nothing of the held-out parts, which figures are made of.

        Raises:
            ArtifactError: They are damaged.
        """
        if isinstance(self.trial, SavedTrialFit):
            return self.trial.open(self.pipeline.memory)
        return self.trial if self.trial is not None else TrialFit(self.pipeline, self.predictors)

    @property
    def recommender(self) -> Recommender:
        """The most important recommender of the pipeline."""
        return self.pipeline.primary

    @property
    def catalog(self) -> Catalog | None:
        """What is known of the items, or None."""
        return self.pipeline.memory.catalog

    def similar_items(
        self, item_ids: Sequence[Id], k: int = 10, kind: SimilarKind = "similar", filters: Filters | None = None,
        exclude: Sequence[Id] = (),
    ) -> Recommendations:  # fmt: skip
        """Items like each of the given ones, or bought together with them; see `Pipeline.similar_items`.

        Raises:
            UnknownIdError: An item is unknown to training.
            ShopkeeperError: Nothing knows what the items are like.
        """
        return self.pipeline.similar_items(item_ids, k, kind, filters, exclude)

    def save(self, folder: Path) -> None:
        """Writes the folder, atomically: after a failure an older bundle there is unchanged.

        Raises:
            ArtifactError: The place is taken by something else or the disk refuses.
        """
        with write_artifact(folder, KIND) as writer:
            self.pipeline.write(writer.folder("pipeline"))
            card = self.card
            if self.log is not None:
                card = card.replace(log={**card.log, **self.log.write(writer)})
            writer.json("card.json", card.model_dump(mode="json"))
            if self.features is not None:
                self.features.write(writer.folder("features"))
            if self.encoder is not None:
                self.encoder.write(writer.folder("encoder"))
            write_predictors(self.predictors, writer)
            if self.trial is not None:
                self.trial.write(writer.folder(FOLDER))

    @staticmethod
    def load(folder: Path, mapped: bool = True) -> Bundle:
        """Opens a bundle after comparing the hash of every file.

        Args:
            folder: Where it stands.
            mapped: Leave arrays on the disk as memory maps; False reads them into memory.

        Raises:
            ArtifactError: There is none, or it is truncated, edited, foreign or of another version.
        """
        from shopkeeper.data.transforms.transformer import FeatureTransformer

        reader = open_artifact(folder, KIND, mapped=mapped)
        return Bundle(
            pipeline=Pipeline.read(reader.folder("pipeline")),
            card=build(Card, reader.json("card.json")),
            features=FeatureTransformer.read(reader.folder("features")) if reader.has("features") else None,
            encoder=ItemEncoder.read(reader.folder("encoder")) if reader.has("encoder") else None,
            predictors=read_predictors(reader),
            log=KeptLog.read(reader),
            trial=SavedTrialFit.of(reader),
        )
