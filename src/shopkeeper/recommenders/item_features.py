"""What is known of the items, as networks read it: features from the store, one beside the other, in our order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.errors import DataError
from shopkeeper.features.feature import Feature
from shopkeeper.types import Float32Array

SMALLEST = 1e-12


def item_feature_vectors(train: Dataset, folders: Sequence[Path]) -> Float32Array:
    """Features of the items of a training part.

    Args:
        train: Says which items; one that a feature lacks has zeros there.
        folders: Of features, as `shopkeeper features` builds them; at least one.

    Returns:
        float32 [n_items + 1, sum of sizes]; the vectors of each feature have a mean length of 1; row 0 is zeros.

    Raises:
        ArtifactError: There is no feature in a folder, or it is damaged.
        DataError: A feature knows none of the items.
    """
    parts = []
    for folder in folders:
        feature = Feature.open(Path(folder)).aligned(train.items)
        if not feature.known.any():
            raise DataError(
                f"the feature {feature.name!r} knows none of the items",
                expected="a feature of this catalog", got=str(folder),
                remedy="build it for this log: shopkeeper features DATASET --text minilm",
            )  # fmt: skip
        vectors = np.array(feature.matrix, dtype=np.float32)
        lengths = np.linalg.norm(vectors[feature.known], axis=1)
        parts.append(vectors / np.float32(max(float(lengths.mean()), SMALLEST)))
    return np.concatenate(parts, axis=1)
