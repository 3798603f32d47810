"""The log that a bundle keeps for its next training: every row that it was made of, with the shop's ids.

Histories hold only events of items that the models know, and what cleaning has left. From these rows a later
training starts where this one did, so that nothing is forgotten and a return takes back the same purchase again.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.log_rows import write_rows

FILE: Final = "log.parquet"


@dataclass(frozen=True)
class KeptLog:
    """Rows of events.

    Attributes:
        source: A prepared log, or a Parquet file with canonical columns.
    """

    source: Dataset | Path

    @property
    def file(self) -> Path | None:
        """Where the rows stand; None where they were not written yet."""
        return self.source if isinstance(self.source, Path) else None

    def write(self, writer: ArtifactWriter) -> dict[str, int]:
        """Writes the rows into a folder of an artifact; gives their number (`events`) and the `bytes` of the file."""
        import pyarrow.parquet as pq

        target = writer.path / FILE
        if isinstance(self.source, Path):
            shutil.copyfile(self.source, target)
        else:
            write_rows(self.source, target)
        return {"events": pq.read_metadata(target).num_rows, "bytes": target.stat().st_size}

    @staticmethod
    def read(reader: ArtifactReader) -> KeptLog | None:
        """The rows of an opened artifact, which stay on the disk; None where it keeps none."""
        return KeptLog(reader.path / FILE) if reader.has(FILE) else None
