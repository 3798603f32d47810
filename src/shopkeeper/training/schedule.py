"""The learning rate over the steps of a run, as a pure function: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from shopkeeper.training.settings import ScheduleSettings


def rate_share(schedule: ScheduleSettings, step: int, total: int) -> float:
    """The learning rate of one step as a share of its peak.

    Args:
        schedule: Shape, warm-up and final share.
        step: From 0.
        total: Steps of the whole run.

    Returns:
        After a linear rise, 1 at the first full step, and `final_share` at the last step (for "linear" and "cosine").
    """
    warmup = math.ceil(schedule.warmup_share * total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule.name == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, total - 1 - warmup))
    falling = 1 - done if schedule.name == "linear" else (1 + math.cos(math.pi * done)) / 2
    return schedule.final_share + (1 - schedule.final_share) * falling
