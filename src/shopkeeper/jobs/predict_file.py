"""Predictions for many pairs into one Parquet file; memory grows with the block, not with the pairs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.vocabulary import UNKNOWN
from shopkeeper.errors import ArtifactError
from shopkeeper.evaluation.behavior.leaderboard import target_words
from shopkeeper.jobs.predict import Asker
from shopkeeper.jobs.predict_pairs import Block
from shopkeeper.predictors.wording import sentences
from shopkeeper.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

KNOWN: Final = "known"
"""The column that says whether the log knows the user of a row."""
REASONS = 3
"""So many reasons of a pair go into a file."""
EXPLAINED = 4096
"""Pairs that are explained at once."""


class Pairs(Protocol):
    """Blocks of a known number of pairs."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Block]: ...


def predict_to_file(
    asker: Asker, pairs: Pairs, file: Path, explain: bool = False, progress: Progress | None = None
) -> int:
    """Writes predictions.

    Args:
        asker: Whom to ask.
        pairs: About what.
        file: Written whole or not at all: ids as they went in, `probability` (or `amount`), `known`, whether the log
            knows the user, and `reasons`. What was asked, and at which moments, is in the metadata of its schema under
            `shopkeeper`, as JSON. Rows that cannot be answered are written beside it, with their reason
            (`rejected_file`).
        explain: Add the strongest reasons in words.
        progress: Told after each block.

    Returns:
        Number of rows written.

    Raises:
        DataError: The pairs cannot be read.
        ArtifactError: The file cannot be written; an earlier one is unchanged.
    """
    if progress:
        progress.start("predicting", len(pairs))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _Parquet(file) as written, _Parquet(rejected_file(file)) as rejected:
            for block in pairs:
                if len(block.user):
                    written.add(answered(asker, block, explain))
                if block.rejected is not None and block.rejected.num_rows:
                    rejected.add(block.rejected)
                if progress:
                    progress.advance(block.asked)
    except OSError as error:
        raise ArtifactError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    if not rejected.rows:
        rejected_file(file).unlink(missing_ok=True)  # of an earlier run
    if progress:
        progress.finish()
    return written.rows


def rejected_file(file: Path) -> Path:
    """Where the rows go that cannot be answered: beside the predictions, with their reasons."""
    return file.with_name(f"{file.stem}.rejected.parquet")


class _Parquet:
    """A Parquet file that is there whole after the context, or not at all; without a row an earlier one stays."""

    def __init__(self, file: Path) -> None:
        self.rows = 0
        self._file = file
        self._temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> _Parquet:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
                if error is None:
                    self._temporary.chmod(0o600)
                    self._temporary.replace(self._file)
        finally:
            with suppress(OSError):  # the folder may be none
                self._temporary.unlink()

    def add(self, table: pa.Table) -> None:
        """Writes rows; the first ones tell the columns."""
        import pyarrow.parquet as pq

        self._writer = self._writer or pq.ParquetWriter(self._temporary, table.schema, compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))
        self.rows += table.num_rows


def answered(asker: Asker, block: Block, explain: bool) -> pa.Table:
    """The ids of a block with the answers."""
    import pyarrow as pa

    examples = asker.examples(block.user, block.item, block.time)
    name = "amount" if asker.predictor.of_amounts else "probability"
    table = block.ids.append_column(name, pa.array(asker.predictor.predict(examples), pa.float64()))
    table = table.append_column(KNOWN, pa.array(np.asarray(block.user) != UNKNOWN))
    if explain:
        words = [
            sentences(reasons)[:REASONS]
            for start in range(0, len(examples), EXPLAINED)
            for reasons in asker.predictor.explain(examples.take(slice(start, start + EXPLAINED)), 2 * REASONS)
        ]
        table = table.append_column("reasons", pa.array(words, pa.list_(pa.string())))
    return table.replace_schema_metadata({"shopkeeper": json.dumps(_question(asker))})


def _question(asker: Asker) -> dict[str, str]:
    """What a file answers."""
    settings = asker.settings
    return {
        "predictor": asker.predictor.name, "target": target_words(settings), "moment": settings.moment,
        "at": moment_text(asker.at),
    }  # fmt: skip
