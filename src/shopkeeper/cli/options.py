"""Options that several commands share, and what they become."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopkeeper.config import build, parse_value, put, read_toml
from shopkeeper.errors import ConfigError

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.data.events import Events
    from shopkeeper.jobs.settings import ShopSettings

EventsSource = Annotated[
    str, typer.Argument(metavar="EVENTS", help="The event log: a CSV, JSON lines or Parquet path, a glob, a folder, or "
                        "a database address such as sqlite:///shop.db?table=events.")
]  # fmt: skip
CatalogSource = Annotated[str | None, typer.Option("--catalog", help="The product feed, in any of the same forms.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]
Preset = Annotated[
    str | None, typer.Option("--preset", help="Settings to start from: fashion, grocery, sessions, small-shop.")
]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="A.B=VALUE", help="One setting over the file; may be repeated.")
]
ColumnMap = Annotated[
    list[str], typer.Option("--map", metavar="OURS=THEIRS", help="Column of the log; may be repeated.")
]
CatalogMap = Annotated[
    list[str], typer.Option("--catalog-map", metavar="OURS=THEIRS", help="Column of the catalog; may be repeated.")
]
ItemColumn = Annotated[
    list[str],
    typer.Option("--item-column", metavar="OURS=THEIRS", help="Column of the log that describes the item, "
                 "where there is no catalog: --item-column title=Description."),
]  # fmt: skip
OneEventType = Annotated[
    str | None, typer.Option("--event-type", help="What every row is, for a log of one type: purchase, view ...")
]
EventTypeMap = Annotated[
    list[str], typer.Option("--event-type-map", metavar="WORD=TYPE", help="Meaning of a word of the log.")
]
TimeZone = Annotated[str | None, typer.Option("--time-zone", help="Zone of times that name none: Europe/London.")]
Refit = Annotated[
    bool,
    typer.Option("--refit/--no-refit", help="Fit what is served once more, on the whole log; figures are of before."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
ListLength = Annotated[int, typer.Option("--k", min=1, help="Items in a list.")]


def shop_settings(config: Path | None, overrides: Sequence[str], flags: Sequence[tuple[str, Any]] = ()) -> ShopSettings:
    """The settings of a command: the file, then its own flags, then `--set`.

    Args:
        config: TOML file or None.
        overrides: Strings ``a.b=value``.
        flags: Paths of settings and the values of flags; None stands for a flag that was not given.

    Raises:
        ConfigError: A key or value is not valid.
    """
    return _merged(read_toml(config) if config is not None else {}, overrides, flags)


def prepared_settings(
    dataset: Dataset,
    config: Path | None,
    overrides: Sequence[str],
    flags: Sequence[tuple[str, Any]] = (),
    preset: str | None = None,
) -> ShopSettings:
    """The settings of a command that works on a prepared log: its cleaning and split are those recorded with it.

    A `[prepare]` section of the file is passed over, since that is done; `--set prepare.split...` counts as far as the
    log was prepared for it. The file goes over the preset.

    Raises:
        ConfigError: A key or value is not valid, or there is no such preset.
    """
    values = read_toml(config) if config is not None else {}
    if preset is not None:
        from shopkeeper.jobs.presets import preset_values

        values = _over(preset_values(preset), _by_class(values))
    values["prepare"] = deepcopy(dataset.facts.get("settings", {}))
    return _merged(values, overrides, flags)


def settings_over(
    values: dict[str, Any], config: Path | None, overrides: Sequence[str], flags: Sequence[tuple[str, Any]] = ()
) -> ShopSettings:
    """The settings of a command that has its own to begin with: those of the file go over them, then flags and `--set`.

    Raises:
        ConfigError: A key or value is not valid.
    """
    return _merged(_over(values, read_toml(config) if config is not None else {}), overrides, flags)


def _over(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Nested values, each replaced by the other one of its place where there is one."""
    both = {
        name: _over(values[name], other) if isinstance(other, dict) and isinstance(values.get(name), dict) else other
        for name, other in others.items()
    }
    return values | both


def _merged(values: dict[str, Any], overrides: Sequence[str], flags: Sequence[tuple[str, Any]]) -> ShopSettings:
    from shopkeeper.jobs.settings import ShopSettings

    values = _by_class(values)
    for path, value in flags:
        if value is not None and value != {}:
            put(values, path.split("."), value)
    for override in overrides:
        key, value = pair(override, "--set a.b=value")
        steps = key.split(".")
        if steps[0] == "models" and len(steps) > 1:
            steps[1] = _class_name(steps[1])
        put(values, steps, parse_value(value))
    return build(ShopSettings, values)


def _by_class(values: dict[str, Any]) -> dict[str, Any]:
    """The same with models under the names of their classes, so that two spellings of one name are one place."""
    models = values.get("models")
    if not isinstance(models, dict):
        return values
    named: dict[str, Any] = {}
    for name, given in models.items():
        named = _over(named, {_class_name(name): given})
    return values | {"models": named}


def _class_name(name: str) -> str:
    from shopkeeper.recommenders.registry import recommender_class

    return recommender_class(name).__name__


def pairs(texts: Sequence[str], form: str) -> dict[str, str]:
    """``["a=b"]`` as ``{"a": "b"}``.

    Raises:
        ConfigError: A text is not of the form.
    """
    return dict(pair(text, form) for text in texts)


def pair(text: str, form: str) -> tuple[str, str]:
    """``"a=b"`` as ``("a", "b")``.

    Raises:
        ConfigError: The text is not of the form.
    """
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise ConfigError("an option is not of the form name=value", expected=form, got=text)
    return name.strip(), value.strip()


def reading_flags(
    columns: Sequence[str],
    catalog_columns: Sequence[str],
    item_columns: Sequence[str],
    event_type: str | None,
    event_type_map: Sequence[str],
    time_zone: str | None,
) -> list[tuple[str, Any]]:
    """The flags that say how the log and the catalog are read, as paths of settings and values."""
    words = pairs(event_type_map, "--event-type-map WORD=TYPE")
    return [
        ("events.columns", pairs(columns, "--map user_id=COLUMN")),
        ("catalog.columns", pairs(catalog_columns, "--catalog-map item_id=COLUMN")),
        ("events.item_columns", pairs(item_columns, "--item-column title=COLUMN")),
        ("events.event_type", event_type),
        ("events.event_type_map", words),
        ("events.time.zone", time_zone),
    ]


def read_inputs(events: str, catalog: str | None, settings: ShopSettings) -> tuple[Events, Catalog | None]:
    """Reads the log and the catalog; without one, what the log itself says of the items.

    Raises:
        DataError: One of them cannot be read.
    """
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.events import Events

    log = Events.read(events, settings.events)
    if catalog is not None:
        return log, Catalog.read(catalog, settings.catalog)
    return log, Catalog.from_events(log) if log.item_columns else None
