"""The learning curve on disk: `log.csv`, and TensorBoard where it is asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.errors import ConfigError, missing_dependency
from shopkeeper.training.run_state import EpochRecord
from shopkeeper.training.settings import TrainingSettings

LOG = "log.csv"


def write_csv(folder: Path, history: Sequence[EpochRecord]) -> None:
    """Writes `log.csv` anew with one line an epoch, so that a resumed run leaves no line twice."""
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(EpochRecord)], lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(record) for record in history)
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomic(folder / LOG, text.getvalue())


def tensorboard_writer(settings: TrainingSettings) -> Any | None:
    """A TensorBoard writer below the checkpoint folder, or None where it is not asked for.

    Raises:
        ConfigError: There is no checkpoint folder.
        MissingDependencyError: TensorBoard is not installed.
    """
    if not settings.tensorboard:
        return None
    if settings.checkpoint_folder is None:
        raise ConfigError("TensorBoard logs need a place", expected="checkpoint_folder", got="none")
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise missing_dependency("tensorboard", "tensorboard", "writing TensorBoard logs") from error
    return SummaryWriter(str(settings.checkpoint_folder / "tensorboard"))


def write_tensorboard(writer: Any, record: EpochRecord) -> None:
    """Adds one epoch; an epoch written again replaces the earlier point in TensorBoard's view."""
    for name, value in asdict(record).items():
        if name != "epoch" and value is not None:
            writer.add_scalar(name, value, record.epoch)
    writer.flush()
