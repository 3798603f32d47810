"""Notices that the bundle was replaced, loads the new one beside the old one, and swaps them between two requests.

A bundle that is damaged or does not fit the store is refused: it is named in the log, in the figures and at
``/readyz``, and the old one answers on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Final, Generic, TypeAlias, TypeVar

from shopkeeper.artifacts import MANIFEST
from shopkeeper.errors import ShopkeeperError
from shopkeeper.pipeline.card import now
from shopkeeper.serving.answers import RefusedOut
from shopkeeper.serving.logs import LOGGER
from shopkeeper.serving.metrics import Metrics

Loaded = TypeVar("Loaded")
_PATH: Final = re.compile(r"(?<![\w.])/[^\s'\":;,]*")
Signature: TypeAlias = tuple[tuple[str, int, int, int], ...]
"""Name, inode, length and time of change of each file."""


class Reloader(Generic[Loaded]):
    """A thread that looks after the folder of the bundle. Made before the bundle is first loaded.

    Args:
        folder: The folder.
        load: Loads what stands there; raises where it must not be served.
        put: Puts what was loaded in place of what is served.
        seconds: Between two looks.
        metrics: Told what became of each bundle.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[], Loaded],
        put: Callable[[Loaded], None],
        seconds: float,
        metrics: Metrics,
    ) -> None:
        self.folder = folder
        self._load = load
        self._put = put
        self._seconds = seconds
        self._metrics = metrics
        self._stop = Event()
        self._thread: Thread | None = None
        self.refused: RefusedOut | None = None
        """The bundle that stands in the folder and was not taken; None where it is the one that is served."""
        self._seen = signature(folder)

    def start(self) -> None:
        """Starts the thread."""
        self._thread = Thread(target=self._work, name="reload", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Loads the bundle if it is another one than at the last look."""
        found = signature(self.folder)
        if found is None or found == self._seen:
            return  # between two renames of a writer there is none for a moment
        try:
            loaded = self._load()
        except Exception as error:
            if signature(self.folder) == found:
                self._seen = found
                self._refuse(error)
            return
        if signature(self.folder) != found:
            return  # it was replaced while it was read: what was read may be of both; the next look decides
        self._put(loaded)
        self._seen, self.refused = found, None
        self._metrics.bundle("loaded")

    def _refuse(self, problem: Exception) -> None:
        text = problem.problem if isinstance(problem, ShopkeeperError) else f"{type(problem).__name__}: {problem}"
        self.refused = RefusedOut(at=now(), problem=without_paths(text))
        self._metrics.bundle("refused")
        LOGGER.error("the new bundle is refused, the old one answers on: %s", problem)

    def _work(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.look()
            except ShopkeeperError as error:  # the store is away: the next look tries again
                LOGGER.warning("the new bundle cannot be served yet: %s", error)
            except Exception:  # a thread that died would never see the next bundle
                LOGGER.exception("the new bundle cannot be served yet")


def without_paths(text: str) -> str:
    """A text for everybody: the last step of each path alone, which says what, but not where it stands."""
    return _PATH.sub(lambda found: found[0].rstrip("/").rpartition("/")[2], text)


def signature(folder: Path) -> Signature | None:
    """What tells one bundle from another without reading it; None where there is none."""
    try:
        if not (folder / MANIFEST).exists():
            return None
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        facts = [(path, path.stat()) for path in files]
    except OSError:
        return None
    return tuple((str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in facts)
