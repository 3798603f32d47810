"""The engine that runs the expressions: DuckDB in this process, spilling to disk beyond its share of memory.

Everything that reads rows is written in Ibis; only this module and the sources know that DuckDB is below. Two things
belong to an engine: a limit of memory, and a temporary folder for spilled and staged rows that is deleted with it.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import DataError, ResourceError
from shopkeeper.machine import memory

STAGING: Final = "staging"
"""Name of the database, on disk in the temporary folder, that holds rows copied from text files and servers."""
MEMORY_SHARE: Final = 0.6
"""Share of the machine's memory that the engine may use before it spills to disk."""
UNKNOWN_MEMORY: Final = 8 << 30
"""Bytes that a machine is taken to have where it does not say."""


class EngineSettings(Settings):
    """What the engine may use."""

    memory_limit: str | None = None
    """Memory before it spills to disk, such as "8GB"; None takes 60 % of the machine's (or the container's)."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads; None takes one a core."""
    temp_directory: Path | None = None
    """Where the folder for spilled and staged rows is made; None takes the system's temporary directory."""


def open_engine(settings: EngineSettings | None = None) -> Any:
    """Opens an engine of its own.

    Args:
        settings: What it may use.

    Returns:
        An Ibis backend on DuckDB whose session runs in UTC. Its temporary folder goes when it is no longer used.

    Raises:
        ResourceError: The temporary folder cannot be made, or a limit is not understood.
    """
    import duckdb

    from shopkeeper.data.backend import backend_class

    settings = settings or EngineSettings()
    folder = _temporary_folder(settings.temp_directory)
    options: dict[str, Any] = {"memory_limit": settings.memory_limit or f"{_default_memory() // 2**20}MiB"}
    if settings.threads:
        options["threads"] = settings.threads
    try:
        backend = backend_class()().connect(temp_directory=str(folder / "spill"), **options)
        backend.raw_sql("SET TimeZone = 'UTC'")
        backend.raw_sql(f"ATTACH {text_literal(str(folder / 'staging.duckdb'))} AS {STAGING}")
    except duckdb.Error as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ResourceError(
            "the engine cannot start", got=first_line(error), remedy="check memory_limit and temp_directory"
        ) from error
    weakref.finalize(backend, shutil.rmtree, folder, ignore_errors=True)
    return backend


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns the engine's errors into ours while rows of a source are read.

    Args:
        name: The source, as the reader knows it.

    Raises:
        DataError: The source is damaged or does not fit what is asked of it.
        ResourceError: Memory or disk ran out.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise ResourceError(
            f"memory or temporary disk ran out while reading {name}",
            got=first_line(error),
            remedy="raise memory_limit, or name a temp_directory with more room",
        ) from error
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise ResourceError(f"the disk is full while reading {name}", got=first_line(error)) from error
        raise DataError(
            f"{name} cannot be read",
            got=first_line(error),
            remedy="check that the file is whole and of the kind that its name says, or export it again",
        ) from error


def first_line(error: Exception) -> str:
    """The part of an engine's message that names the fault, without its long list of advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3])[:400]


def text_literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name of a column or table as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _temporary_folder(parent: Path | None) -> Path:
    try:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="shopkeeper-", dir=parent))
    except OSError as error:
        raise ResourceError(
            "no temporary folder can be made", got=str(error), remedy="name a temp_directory that can be written"
        ) from error


def _default_memory() -> int:
    total, _ = memory()
    return int((total or UNKNOWN_MEMORY) * MEMORY_SHARE)
