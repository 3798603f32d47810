"""The bundle: one folder with all that answering needs.

It holds the recommender with its id maps, the histories as of now, the catalog, the fitted feature transformation, the
item index and the card. It is written whole or not at all, and refused when a byte of it has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.pipeline.card import Card
from shopkeeper.pipeline.index import ItemIndex
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.recommendations import Recommendations
from shopkeeper.types import Id

if TYPE_CHECKING:
    from shopkeeper.data.transforms.transformer import FeatureTransformer

KIND = "bundle"


@dataclass(frozen=True)
class Bundle:
    """What a shop serves.

    Attributes:
        recommender: The fitted model; it remembers the log as of when the bundle was made.
        card: Where it came from.
        catalog: What is known of the items, or None.
        features: The transformation of catalog columns fitted on items of the training part, or None.
        index: Nearest items by cosine, or None where the model has no item vectors.
    """

    recommender: Recommender
    card: Card
    catalog: Catalog | None = None
    features: FeatureTransformer | None = None
    index: ItemIndex | None = None

    def similar_items(self, item_ids: Sequence[Id], k: int = 10) -> Recommendations:
        """Items similar to each of the given ones: by the index where there is one, else by the model.

        Raises:
            UnknownIdError: An item is unknown to training.
            ShopkeeperError: The model knows no similarity of items.
        """
        if self.index is None:
            return self.recommender.similar_items(item_ids, k)
        items = self.recommender.train.items
        chosen, scores = self.index.similar(items.known_indices(item_ids), min(k, len(items)))
        nothing = np.zeros(chosen.shape, dtype=bool)
        return Recommendations(list(item_ids), chosen, scores, nothing, items, self.recommender.name)

    def save(self, folder: Path) -> None:
        """Writes the folder, atomically: after a failure an older bundle there is unchanged.

        Raises:
            ArtifactError: The place is taken by something else or the disk refuses.
        """
        with write_artifact(folder, KIND) as writer:
            self.recommender.write(writer.folder("recommender"))
            writer.json("card.json", self.card.model_dump(mode="json"))
            if self.catalog is not None:
                writer.table("catalog.parquet", self.catalog.table)
            if self.features is not None:
                self.features.write(writer.folder("features"))
            if self.index is not None:
                self.index.write(writer.folder("index"))

    @staticmethod
    def load(folder: Path) -> Bundle:
        """Opens a bundle after comparing the hash of every file.

        Raises:
            ArtifactError: There is none, or it is truncated, edited, foreign or of another version.
        """
        from shopkeeper.data.transforms.transformer import FeatureTransformer

        reader = open_artifact(folder, KIND)
        return Bundle(
            recommender=Recommender.read(reader.folder("recommender")),
            card=build(Card, reader.json("card.json")),
            catalog=Catalog(reader.table("catalog.parquet")) if reader.has("catalog.parquet") else None,
            features=FeatureTransformer.read(reader.folder("features")) if reader.has("features") else None,
            index=ItemIndex.read(reader.folder("index")) if reader.has("index") else None,
        )
