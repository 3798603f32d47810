"""What a selection leaves in its folder: the leaderboard, the chosen predictor, and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import to_toml
from shopkeeper.jobs.select import BOARD, Selection, times_asked
from shopkeeper.jobs.select_models import TRAINING

PREDICTOR: Final = "predictor"
BEST: Final = "best.toml"


def write_selection(found: Selection, folder: Path) -> None:
    """Writes `leaderboard.json`, `best.toml`, and the chosen predictor as an artifact folder.

    Raises:
        ArtifactError: The disk refuses.
    """
    found.kept[found.verdict.chosen].predictor.save(folder / PREDICTOR)
    write_text_atomic(folder / BEST, best_toml(found))
    found.board.save(folder / BOARD, **verdict_json(found), times_test_was_asked=times_asked(folder) + 1)


def selection_json(found: Selection) -> dict[str, Any]:
    """The leaderboard, the verdict and what it rests on, as plain values."""
    return found.board.to_json() | verdict_json(found)


def verdict_json(found: Selection) -> dict[str, Any]:
    """The verdict, paired differences, and how the search ended, as plain values."""
    one = found.verdict
    return {
        "verdict": {
            "chosen": one.chosen, "best_on_validation": one.best, "as_good": list(one.equals), "words": list(one.words)
        },
        "paired_differences": [row.to_json() for row in found.comparisons],
        "left_out": dict(found.left_out),
        "search_ended": found.why,
    }  # fmt: skip


def best_toml(found: Selection) -> str:
    """The settings of the chosen predictor, for `--config`, under a comment that says where they come from."""
    name = found.verdict.chosen
    one = found.kept[name]
    config = {path: value for path, value in one.trial.values.items() if not path.startswith(TRAINING)}
    training: dict[str, Any] = {}
    for path, value in one.trial.values.items():
        if path.startswith(TRAINING):
            group, _, last = path.removeprefix(TRAINING).rpartition(".")
            (training.setdefault(group, {}) if group else training)[last] = value
    behavior: dict[str, Any] = {
        "models": [name], "calibration": found.settings.calibration,
        "examples": found.settings.examples.model_dump(mode="json", exclude_defaults=True),
        "predictors": {name: config},
    }  # fmt: skip
    if training:
        behavior["training"] = training
    said = f"# {name}: trial {one.trial.number} of {one.trials}, chosen on the validation part.\n"
    return f"{said}\n{to_toml({'behavior': behavior})}"
