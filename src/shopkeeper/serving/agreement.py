"""Which bundle each worker serves, so that every one can say whether all serve the same."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

PREFIX: Final = "bundle-of-"


class WorkerBundles:
    """Notes of all workers in a folder that they share, one file each.

    Args:
        folder: The folder; None where there is one worker alone.
        worker: Name of this worker: its process id.
    """

    def __init__(self, folder: Path | None, worker: str) -> None:
        self._folder = folder
        self._worker = worker
        self._own = ""

    def put(self, bundle: str) -> None:
        """Notes what this worker serves from now on."""
        self._own = bundle
        if self._folder is None:
            return
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as file:
            file.write(bundle)
        Path(file.name).replace(self._folder / f"{PREFIX}{self._worker}")

    def all(self) -> dict[str, str]:
        """The bundle of each worker that lives, by the name of the worker."""
        found = {self._worker: self._own}
        for file in () if self._folder is None else self._folder.glob(f"{PREFIX}*"):
            worker = file.name.removeprefix(PREFIX)
            if worker != self._worker and _lives(worker):
                found[worker] = file.read_text(encoding="utf-8")
        return dict(sorted(found.items()))


def _lives(worker: str) -> bool:
    try:
        os.kill(int(worker), 0)
    except (OSError, ValueError):
        return False
    return True
