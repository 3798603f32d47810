"""`shopkeeper similar`: the nearest neighbors of an item by a feature or a bundle, for a person to judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli import options
from shopkeeper.cli.features import STORE
from shopkeeper.cli.plain import escape
from shopkeeper.cli.recommend import KIND, SimilarKind, show_similar
from shopkeeper.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopkeeper.jobs.features import Near


def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of an item.")],
    data: Annotated[Path, typer.Option("--data", help="Folder written by `shopkeeper prepare`.")] = Path("dataset"),
    store: Annotated[Path, typer.Option("--features", help="Folder written by `shopkeeper features`.")] = STORE,
    feature: Annotated[
        str | None, typer.Option("--feature", help="Which feature; one of texts where none is named.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Folder written by `shopkeeper train`: ask it, and not a feature.")
    ] = None,
    kind: Annotated[SimilarKind, typer.Option("--kind", help=f"With --bundle. {KIND}")] = "similar",
    k: options.ListLength = 10,
) -> None:
    """Print the items that lie nearest to one by a feature, with title, category and cosine; or by a bundle.

    Example: shopkeeper similar 00003 --data dataset --feature text-minilm

    Example: shopkeeper similar 00003 --bundle bundle --kind together
    """
    if bundle is not None:
        from shopkeeper.pipeline.bundle import Bundle

        show_similar(Bundle.load(bundle), item, k, kind)
        return
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.features.store import FeatureStore
    from shopkeeper.jobs.features import items_near

    features = FeatureStore(store)
    names = features.names()
    if feature is None and not names:
        raise ArtifactError(f"{store} has no feature", remedy=f"build one: shopkeeper features {data} --text minilm")
    usual = next((name for name in names if name.startswith("text")), names[0] if names else "")
    found = features.open(feature if feature is not None else usual)
    Console(highlight=False).print(_table(items_near(found, Dataset.open(data), item, k), found.name))


def _table(rows: Sequence[Near], name: str) -> Table:
    table = Table(title=f"near by {escape(name)}")
    for column in ("", "item", "title", "category"):
        table.add_column(column)
    table.add_column("cosine", justify="right", no_wrap=True)
    for place, row in enumerate(rows):
        table.add_row(
            str(place or ""), escape(str(row.item)), escape(row.title or ""), escape(row.category or ""),
            f"{row.cosine:.3f}" if place else "-", style="bold" if not place else None,
        )  # fmt: skip
    return table
