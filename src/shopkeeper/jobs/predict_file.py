"""Predictions for many pairs into one Parquet file; memory grows with the block, not with the pairs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from shopkeeper.errors import ArtifactError
from shopkeeper.jobs.predict import Asker
from shopkeeper.jobs.predict_pairs import Block
from shopkeeper.predictors.wording import sentences
from shopkeeper.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

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
        file: Written whole or not at all: ids as they went in, `probability` (or `amount`), and `reasons`.
        explain: Add the strongest reasons in words.
        progress: Told after each block.

    Returns:
        Number of rows written.

    Raises:
        DataError: The pairs cannot be read.
        ArtifactError: The file cannot be written; an earlier one is unchanged.
    """
    temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
    if progress:
        progress.start("predicting", len(pairs))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = _write(asker, pairs, temporary, explain, progress)
        if rows:
            temporary.replace(file)
    except OSError as error:
        raise ArtifactError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    finally:
        with suppress(OSError):  # the folder may be none
            temporary.unlink()
    if progress:
        progress.finish()
    return rows


def _write(asker: Asker, pairs: Iterable[Block], file: Path, explain: bool, progress: Progress | None) -> int:
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for block in pairs:
            if len(block.user):
                table = answered(asker, block, explain)
                writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
                writer.write_table(table.cast(writer.schema))
                rows += table.num_rows
            if progress:
                progress.advance(block.asked)
    finally:
        if writer is not None:
            writer.close()
    return rows


def answered(asker: Asker, block: Block, explain: bool) -> pa.Table:
    """The ids of a block with the answers."""
    import pyarrow as pa

    examples = asker.examples(block.user, block.item, block.time)
    name = "amount" if asker.predictor.of_amounts else "probability"
    table = block.ids.append_column(name, pa.array(asker.predictor.predict(examples), pa.float64()))
    if explain:
        words = [
            sentences(reasons)[:REASONS]
            for start in range(0, len(examples), EXPLAINED)
            for reasons in asker.predictor.explain(examples.take(slice(start, start + EXPLAINED)), 2 * REASONS)
        ]
        table = table.append_column("reasons", pa.array(words, pa.list_(pa.string())))
    return table
