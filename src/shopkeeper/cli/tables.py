"""Tables for the terminal, from what the library returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from shopkeeper.cli.plain import escape

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.evaluation.leaderboard import Leaderboard
    from shopkeeper.recommenders.recommendations import Recommendation

SHOWN = ("ndcg@10", "recall@10")
"""Columns of the leaderboard on the screen, narrow enough for 80 characters; the JSON and the report have all."""


def leaderboard_table(board: Leaderboard, shown: Sequence[str] = SHOWN) -> Table:
    """Models with figures and 95 % intervals; the best NDCG@10 is bold."""
    records = sorted(board.rows(), key=lambda record: -float(record.get("ndcg@10", 0)))
    columns = [column for column in shown if any(column in record for record in records)]
    table = Table(title=f"{board.protocol.part}, 95 % intervals over {board.protocol.n_users:,} shoppers")
    table.add_column("model", no_wrap=True)
    for column in (*columns, "fit s", "ask s", "MB"):
        table.add_column(column, justify="right", no_wrap=True)
    for place, record in enumerate(records):
        cells = [_interval(record, column) for column in columns]
        cost = [_number(record.get(name)) for name in ("fit_seconds", "score_seconds", "model_megabytes")]
        table.add_row(escape(str(record["model"])), *cells, *cost, style="bold" if place == 0 else None)
    return table


def comparison_lines(board: Leaderboard) -> list[str]:
    """The best model beside the next one by NDCG@10, paired over shoppers, in words."""
    if len(board.entries) < 2:
        return []
    order = sorted(board.entries, key=lambda entry: -entry.evaluation.value("ndcg", 10))
    rows = [
        row for row in board.comparisons(order[1].name)
        if (row.a, row.metric, row.k) == (order[0].name, "ndcg", 10)
    ]  # fmt: skip
    return [
        f"{row.a} beside {row.b}: NDCG@10 {row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}], "
        f"p = {row.p_value:.2g} (paired)"
        for row in rows
    ]


def recommendation_table(answer: Sequence[Recommendation], catalog: Catalog | None, title: str) -> Table:
    """One answer with titles."""
    table = Table(title=escape(title))
    table.add_column("", justify="right")
    table.add_column("item")
    if catalog is not None:
        table.add_column("title")
    table.add_column("score", justify="right")
    table.add_column("from")
    explained = any(item.reason for item in answer)
    if explained:
        table.add_column("why")
    titles = catalog.titles([item.item_id for item in answer]) if catalog is not None else []
    for place, item in enumerate(answer):
        name = [escape(titles[place] or "")] if catalog is not None else []
        why = [escape(item.reason or "")] if explained else []
        table.add_row(str(place + 1), escape(str(item.item_id)), *name, f"{item.score:.4g}", escape(item.source), *why)
    return table


def _interval(record: Mapping[str, Any], column: str) -> str:
    if column not in record:
        return "-"
    if f"{column}_low" not in record:
        return f"{record[column]:.4f}"
    half = (record[f"{column}_high"] - record[f"{column}_low"]) / 2
    return f"{record[column]:.4f}±{half:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
