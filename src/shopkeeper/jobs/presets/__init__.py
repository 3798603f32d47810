"""Settings to start from, for shops of a kind: one TOML file each, found on the validation part of public data.

The head of each file says on which data its values were found and how; values that are not in it are the defaults.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopkeeper.config import read_toml
from shopkeeper.errors import ConfigError, choices

FOLDER = Path(__file__).parent


def preset_names() -> list[str]:
    """The names of all presets, in alphabetical order."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def preset_values(name: str) -> dict[str, Any]:
    """The settings of a preset, nested as in a settings file.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in preset_names():
        raise ConfigError(f"there is no preset {name!r}", expected=choices(name, preset_names()))
    return read_toml(FOLDER / f"{name}.toml")
