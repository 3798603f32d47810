"""The models of a bundle as they were before they were fitted on the whole log: on the training part alone.

Questions of later days can be put to both an old and a new bundle only where neither has learned the answers. What is
served may know them, these models do not.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data.dataset import Dataset
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.predictors.base import Predictor

FOLDER: Final = "trial"
PREDICTORS: Final = "predictors"


@dataclass(frozen=True)
class TrialFit:
    """Models that have seen nothing of the held-out parts.

    Attributes:
        pipeline: Fitted on the training part.
        predictors: By name of what they predict.
    """

    pipeline: Pipeline
    predictors: Mapping[str, Predictor] = field(default_factory=dict)

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the models and the ids that they know; their histories are those of the bundle."""
        self.pipeline.write(writer.folder("pipeline"), data=False)
        self.pipeline.train.without_events().write(writer.folder("pipeline").folder("train"))
        write_predictors(self.predictors, writer)


@dataclass(frozen=True)
class SavedTrialFit:
    """The same in an opened bundle, where it stays until it is asked for: a service never does.

    Attributes:
        reader: Of its folder.
    """

    reader: ArtifactReader

    @staticmethod
    def of(bundle: ArtifactReader) -> SavedTrialFit | None:
        """What an opened bundle holds of it, or None."""
        return SavedTrialFit(bundle.folder(FOLDER)) if bundle.has(FOLDER) else None

    def open(self, memory: Dataset) -> TrialFit:
        """Reads the models.

        Args:
            memory: The histories of the bundle.

        Raises:
            ArtifactError: They are damaged.
        """
        pipeline = Pipeline.read(self.reader.folder("pipeline"), memory=memory)
        return TrialFit(pipeline, read_predictors(self.reader))

    def write(self, writer: ArtifactWriter) -> None:
        """Copies the files."""
        shutil.copytree(self.reader.path, writer.path, dirs_exist_ok=True)


def write_predictors(predictors: Mapping[str, Predictor], writer: ArtifactWriter) -> None:
    """Writes predictors and their names into a folder of an artifact."""
    for name, predictor in predictors.items():
        predictor.write(writer.folder(f"{PREDICTORS}/{name}"))
    if predictors:
        writer.json(f"{PREDICTORS}/names.json", list(predictors))


def read_predictors(reader: ArtifactReader) -> dict[str, Predictor]:
    """What `write_predictors` wrote.

    Raises:
        ArtifactError: A predictor is damaged.
    """
    listed = f"{PREDICTORS}/names.json"
    names = reader.json(listed) if reader.has(listed) else []
    return {name: Predictor.read(reader.folder(f"{PREDICTORS}/{name}")) for name in names}
