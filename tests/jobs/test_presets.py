"""Presets are valid, say where they come from, and what is given beside them goes over them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shop import write_shop
from shopkeeper.cli import options
from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.errors import ConfigError
from shopkeeper.jobs.presets import FOLDER, preset_names, preset_values
from shopkeeper.jobs.settings import ShopSettings

DOCS = Path(__file__).parents[2] / "docs/presets.md"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("shop")
    events, _ = write_shop(folder)
    columns = {"user_id": "customer", "timestamp": "time"}
    log = Events.read(str(events), build(EventsSettings, {"columns": columns, "event_type": "purchase"}))
    return prepare(log, None, PrepareSettings(), folder / "data")


def test_the_four_are_there() -> None:
    assert preset_names() == ["fashion", "grocery", "sessions", "small-shop"]
    with pytest.raises(ConfigError, match="did you mean 'fashion'"):
        preset_values("fashon")


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_valid_changes_each_model_it_names_and_says_where_it_comes_from(name: str) -> None:
    values = preset_values(name)
    settings = build(ShopSettings, values)
    assert set(values) <= {"models", "training"}
    for model in settings.models:
        recommender = settings.recommender(model)
        assert recommender.name == model
        assert recommender.config != type(recommender.config)(), model
    head = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert "# Data: " in head
    assert "# Found " in head
    assert f"## {name}\n" in DOCS.read_text(encoding="utf-8")


def test_file_and_flags_go_over_a_preset_setting_by_setting(dataset: Dataset, tmp_path: Path) -> None:
    preset = build(ShopSettings, preset_values("small-shop")).recommender("transitions").config
    (tmp_path / "shop.toml").write_text("[models.transitions]\nbackward = 0.5\n")
    over = ["models.TRANSITIONS.window=3"]
    settings = options.prepared_settings(dataset, tmp_path / "shop.toml", over, preset="small-shop")
    assert settings.recommender("Transitions").config == preset.replace(window=3, backward=0.5)
    plain = options.prepared_settings(dataset, tmp_path / "shop.toml", over)
    assert plain.recommender("Transitions").config == type(preset)(window=3, backward=0.5)
    assert settings.prepare == plain.prepare
