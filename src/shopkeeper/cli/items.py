"""`shopkeeper items`: goods that come, change and go, over the API of a service or straight into its event store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.events import opened
from shopkeeper.config import parse_value
from shopkeeper.errors import ConfigError, missing_dependency

if TYPE_CHECKING:
    from shopkeeper.jobs.item_changes import Items

app = typer.Typer(
    no_args_is_help=True, help="Add, change and remove items without retraining; write them as a catalog."
)
Database = Annotated[
    str | None,
    typer.Option("--database", envvar="SHOPKEEPER_DATABASE", help="The event store: a path, sqlite:///shop.db or "
                 "postgresql://user@host/name."),
]  # fmt: skip
Url = Annotated[str | None, typer.Option("--url", help="Or the address of a service that runs: http://localhost:8080.")]
Key = Annotated[str | None, typer.Option("--api-key", envvar="SHOPKEEPER_API_KEY", help="Its API key, with --url.")]
Title = Annotated[str | None, typer.Option("--title", help="Its title.")]
Description = Annotated[str | None, typer.Option("--description", help="Its description.")]
Brand = Annotated[str | None, typer.Option("--brand", help="Its brand.")]
Category = Annotated[str | None, typer.Option("--category", help="Its category: 'Garden > Tools'.")]
Price = Annotated[float | None, typer.Option("--price", min=0, help="Its price.")]
Image = Annotated[str | None, typer.Option("--image", help="Address of its picture.")]
Available = Annotated[bool | None, typer.Option("--available/--sold-out", help="Whether it is on sale.")]
Attributes = Annotated[
    list[str], typer.Option("--attribute", metavar="NAME=VALUE", help="A column of your own; may be repeated.")
]


@contextmanager
def _items(database: str | None, url: str | None, key: str | None) -> Iterator[Items]:
    """Where items are changed: the service where its address is given, else the store."""
    if url is None and database is None:
        raise ConfigError("say where the items are", expected="--database shop.db or --url http://localhost:8080")
    try:
        from shopkeeper.jobs.item_changes import ServedItems, StoredItems
    except ImportError as error:
        raise missing_dependency("sqlalchemy", "serve", "items of a service") from error
    if url is not None:
        yield ServedItems(url, key)
    else:
        with opened(str(database)) as store:
            yield StoredItems(store)


@app.command(no_args_is_help=True)
def add(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Rows of a catalog in any of the forms that prepare reads.")
    ] = None,
    item: Annotated[str | None, typer.Option("--id", help="One item: its id.")] = None,
    title: Title = None,
    description: Description = None,
    brand: Brand = None,
    category: Category = None,
    price: Price = None,
    image: Image = None,
    available: Available = None,
    attributes: Attributes = [],
    database: Database = None,
    url: Url = None,
    api_key: Key = None,
    catalog_columns: options.CatalogMap = [],
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
) -> None:
    """Add items, or change and bring back those that are there. They can be recommended within a second.

    Example: shopkeeper items add new.csv --database shop.db

    Example: shopkeeper items add --id sku-900 --title "Garden spade" --price 14.5 --url http://localhost:8080
    """
    if (file is None) == (item is None):
        raise ConfigError("give either a file or --id", expected="shopkeeper items add FILE, or --id ID --title ...")
    facts = _facts(title, description, brand, category, price, image, available, attributes)
    with _items(database, url, api_key) as items:
        from shopkeeper.data.catalog import Catalog
        from shopkeeper.jobs.item_changes import items_of

        if file is not None:
            flags = [("catalog.columns", options.pairs(catalog_columns, "--catalog-map item_id=COLUMN"))]
            settings = options.shop_settings(config, overrides, flags)
            given = list(items_of(Catalog.read(file, settings.catalog)))
        else:
            given = [{"item_id": item} | facts]
        items.add(given)
    Console(highlight=False).print(f"{len(given):,} {'item' if len(given) == 1 else 'items'} added or changed")


@app.command("set", no_args_is_help=True)
def change(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The id of the item.")],
    title: Title = None,
    description: Description = None,
    brand: Brand = None,
    category: Category = None,
    price: Price = None,
    image: Image = None,
    available: Available = None,
    attributes: Attributes = [],
    database: Database = None,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Change facts of an item; what is left out stays as it is. Price and stock count in the next answer.

    Example: shopkeeper items set sku-004 --price 3.5 --sold-out --database shop.db
    """
    facts = _facts(title, description, brand, category, price, image, available, attributes)
    with _items(database, url, api_key) as items:
        items.change(item, facts)
    Console(highlight=False).print(f"changed {', '.join(sorted(facts))}")


@app.command(no_args_is_help=True)
def remove(
    items_to_remove: Annotated[list[str], typer.Argument(metavar="ITEM...", help="The ids of the items.")],
    database: Database = None,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Take items out of the shop: they come out no more, until they are added again. Histories stay.

    Example: shopkeeper items remove sku-004 sku-005 --url http://localhost:8080
    """
    with _items(database, url, api_key) as items:
        for item in items_to_remove:
            items.remove(item)
    Console(highlight=False).print(f"removed {len(items_to_remove):,}")


@app.command()
def export(
    database: Database = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file.")] = Path("items.parquet"),
) -> None:
    """Write what was said of items as rows of a catalog, for a training from files. `shopkeeper retrain` needs it not.

    Example: shopkeeper items export --database shop.db --out items.parquet
    """
    if database is None:
        raise ConfigError("say where the items are", expected="--database shop.db")
    with opened(database) as store:
        from shopkeeper.jobs.item_changes import export_items

        n_items = export_items(store, out)
    Console(highlight=False).print(f"{n_items:,} items in {out}", soft_wrap=True)


def _facts(
    title: str | None, description: str | None, brand: str | None, category: str | None, price: float | None,
    image: str | None, available: bool | None, attributes: list[str],
) -> dict[str, Any]:  # fmt: skip
    """What was given, as the API takes it."""
    facts: dict[str, Any] = {
        "title": title, "description": description, "brand": brand, "category": category, "price": price,
        "image": image, "available": available,
    }  # fmt: skip
    found = {name: value for name, value in facts.items() if value is not None}
    pairs = options.pairs(attributes, "--attribute name=value")
    return found | ({"attributes": {name: parse_value(value) for name, value in pairs.items()}} if pairs else {})
