"""Draws the progress of long work as bars on standard error."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn


class Bars:
    """Implements `shopkeeper.progress.Progress` with rich; use it in a `with` block.

    Args:
        quiet: Draw nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        console = Console(stderr=True, quiet=quiet)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}", style="dim"),
            TimeElapsedColumn(),
            TimeLeftColumn(),
            console=console,
        )
        self._open: list[TaskID] = []

    def start(self, title: str, total: int | None) -> None:
        """Adds a bar."""
        self._open.append(self._bars.add_task(title, total=total, facts=""))

    def advance(self, steps: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """Moves the bar begun last."""
        self._bars.update(self._open[-1], advance=steps)
        if facts is not None:
            self._bars.update(self._open[-1], facts="  ".join(f"{name} {value:.4g}" for name, value in facts.items()))

    def finish(self) -> None:
        """Completes the bar begun last."""
        task = self._open.pop()
        total = self._bars.tasks[self._bars.task_ids.index(task)].total
        self._bars.update(task, completed=total if total is not None else 1, total=total if total is not None else 1)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
