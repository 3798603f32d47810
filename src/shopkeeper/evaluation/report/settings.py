"""How the page is made: what is shown and how much of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shopkeeper.config import Settings


class ReportSettings(Settings):
    """Settings of one report."""

    title: str = "How well do we know our shoppers?"
    """Headline of the page."""
    shop: str = ""
    """Name of the shop or data set, shown over the headline."""
    k: Annotated[int, Field(ge=1)] = 10
    """Length of the list that the plots and sentences speak of."""
    metrics: tuple[str, ...] = ("ndcg", "recall")
    """Metrics with a plot of their own, the one that orders the table first."""
    examples: Annotated[int, Field(ge=0)] = 4
    """Number of example shoppers; half of them (rounded up) with a hit, where there are so many."""
    example_history: Annotated[int, Field(ge=1)] = 8
    """Most recent events shown of each example shopper."""
    example_seed: int = 0
    """Seed that draws the example shoppers."""
    map_items: Annotated[int, Field(ge=0)] = 2000
    """Items on the map of the catalog, drawn at random; 0 leaves the map out."""
    id_examples: Annotated[int, Field(ge=0)] = 6
    """Groups of items shown whose semantic ids begin alike."""
    sheet_items: Annotated[int, Field(ge=0)] = 5
    """Items whose neighbors are shown."""
    sheet_neighbors: Annotated[int, Field(ge=1)] = 6
    """Neighbors shown of each, by text, by picture and by both."""
    sheet_bytes: Annotated[int, Field(ge=0)] = 2_000_000
    """What all pictures together may add to the page."""
    currency: str = ""
    """Sign written before prices, for example ``"$"``; without one the currency of the catalog stands behind them."""
