"""What the page about a selection shows: every predictor that was kept, the chosen one first."""

from __future__ import annotations

from typing import Any

from shopkeeper._version import __version__
from shopkeeper.data.dataset import Dataset
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.jobs.select import Selection


def selection_inputs(found: Selection, dataset: Dataset, command: str = "") -> BehaviorReportInputs:
    """All that the page shows.

    Args:
        found: What the selection found.
        dataset: The log that it was made on.
        command: What was typed, for the record.
    """
    order = sorted(found.kept, key=lambda name: name != found.verdict.chosen)
    card: dict[str, Any] = {
        "command": command,
        "run": {"version": __version__, "data": dataset.data_hash, "search ended": found.why,
                "trials": {name: one.trials for name, one in found.kept.items()}, "left out": dict(found.left_out)},
        "settings": found.settings.model_dump(mode="json", exclude={"report"}),
    }  # fmt: skip
    return BehaviorReportInputs(
        dataset, found.parts.test, {name: found.kept[name].predictor for name in order}, board=found.board,
        words=found.verdict.words, card=card,
    )  # fmt: skip
