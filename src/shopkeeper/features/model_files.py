"""Models of other libraries in folders: what they hold, and loading them without bars of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shopkeeper.artifacts import file_hash


def folder_hash(folder: Path) -> str:
    """SHA-256 over names and contents of the files of a folder, in hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}:{file_hash(file)}\n".encode())
    return digest.hexdigest()


def model_identity(model: str, revision: str | None) -> str:
    """The hash of a folder's or file's content, or a name on the hub and its revision."""
    path = Path(model)
    if path.is_dir():
        return folder_hash(path)
    return file_hash(path) if path.is_file() else f"{model} {revision}"


@contextmanager
def without_bars() -> Iterator[None]:
    """Within, transformers draws no bars of its own: progress is told to whoever asked."""
    from transformers.utils import logging

    bars: Any = logging
    drawn = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            bars.enable_progress_bar()
