"""Items: how many, which are no products, and how log and catalog fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.non_products import find_non_products
from shopkeeper.data.schema import ITEM_ID, ROW
from shopkeeper.data.validation.findings import PLACEHOLDERS, Finding, Severity, graded, placeholder_finding
from shopkeeper.data.validation.settings import ValidationSettings

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.data.events import Events

LISTED: Final = 50
"""Ids named in the details of a finding."""


@dataclass(frozen=True)
class ItemFacts:
    """What was counted.

    Attributes:
        items: Distinct items in the log.
        titled: Items of the log whose title is known.
        priced: Items of the log whose price the catalog knows.
        categorized: Items of the log whose category is known.
        findings: Non-products, unusual ids, and gaps between log and catalog.
    """

    items: int
    titled: int
    priced: int
    categorized: int
    findings: list[Finding]


def check_items(events: Events, catalog: Catalog | None, rows: int, settings: ValidationSettings) -> ItemFacts:
    """Looks at the items of the log, by the catalog where there is one, else by the log's own item columns.

    Args:
        events: The log.
        catalog: What is known of the items, or None.
        rows: Number of rows of the log.
        settings: Bounds.
    """
    import pyarrow.compute as pc

    from shopkeeper.data.vocabulary import Vocabulary

    table = events.table.filter(events.table[ITEM_ID].notnull())
    grouped = table.group_by(ITEM_ID).aggregate(events=table.count(), row=table[ROW].min())
    items = grouped.order_by(ITEM_ID).to_pyarrow()
    known = catalog
    if known is None and events.item_columns and events.detail is not None:
        known = Catalog.from_events(events)
    facts = known.aligned(Vocabulary(items.column(ITEM_ID))) if known is not None else None
    title = known.title_column if known is not None else None
    titles = facts.column(title).combine_chunks() if facts is not None and title is not None else None
    return ItemFacts(
        items=items.num_rows,
        titled=0 if titles is None else len(titles) - titles.null_count,
        priced=_known(facts, schema.PRICE),
        categorized=_known(facts, schema.CATEGORY),
        findings=[
            *_placeholders(items, rows),
            *_non_products(items, titles, rows, settings),
            *_against_catalog(items, catalog, rows, settings, pc),
        ],
    )


def _known(facts: pa.Table | None, column: str) -> int:
    if facts is None or column not in facts.column_names:
        return 0
    return int(facts.num_rows - facts.column(column).null_count)


def _placeholders(items: pa.Table, rows: int) -> Iterator[Finding]:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_lower(pc.utf8_trim_whitespace(items.column(ITEM_ID).cast(pa.string())))
    found = items.filter(pc.is_in(words, value_set=pa.array(PLACEHOLDERS))).to_pydict()
    if found[ITEM_ID]:
        yield placeholder_finding("item", found[ITEM_ID], sum(found["events"]), rows, found["row"])


def _non_products(items: pa.Table, titles: Any, rows: int, settings: ValidationSettings) -> Iterator[Finding]:
    found = find_non_products(items.column(ITEM_ID), titles)
    shape = f"; usual ids look like {found.pattern}" if found.pattern else ""
    out = "prepare leaves them out (prepare.drop_non_products); --set prepare.drop_non_products=false keeps them"
    look = "look at them; what is no product goes with --set prepare.drop_items=[...]"
    titles_of = {
        "non_products": (Severity.WARNING, "no product: postage, fees, adjustments, vouchers, tests", out),
        "unusual_item_ids": (Severity.INFO, f"the item's id does not look like the others{shape}", look),
    }
    for code, ids in (("non_products", tuple(found.reasons)), ("unusual_item_ids", found.unusual)):
        if not ids:
            continue
        severity, title, remedy = titles_of[code]
        named = _of_ids(items, ids, titles)
        listed = [
            {"item_id": row[ITEM_ID], "title": row["title"], "events": row["events"],
             **({"reason": found.reasons[row[ITEM_ID]]} if row[ITEM_ID] in found.reasons else {})}
            for row in named[:LISTED]
        ]  # fmt: skip
        count = sum(row["events"] for row in named)
        yield Finding(
            code, severity, f"events of {len(ids)} items: {title}", count, remedy, share=count / rows,
            rows=_first_rows(named, settings),
            details={"items": len(ids), "listed": listed, "usual_ids": found.pattern},
        )  # fmt: skip


def _of_ids(items: pa.Table, ids: Sequence[Any], titles: Any) -> list[dict[str, Any]]:
    """The rows of these items with their titles, those with most events first."""
    import pyarrow as pa
    import pyarrow.compute as pc

    titled = items.append_column("title", pa.nulls(items.num_rows, pa.string()) if titles is None else titles)
    chosen = titled.filter(pc.is_in(items.column(ITEM_ID), value_set=pa.array(ids, items.column(ITEM_ID).type)))
    return list(chosen.sort_by([("events", "descending"), (ITEM_ID, "ascending")]).to_pylist())


def _first_rows(named: Sequence[dict[str, Any]], settings: ValidationSettings) -> tuple[int, ...]:
    return tuple(row["row"] for row in named[: settings.examples])


def _against_catalog(
    items: pa.Table, catalog: Catalog | None, rows: int, settings: ValidationSettings, pc: Any
) -> Iterator[Finding]:
    if catalog is None:
        return
    ids, listed = items.column(ITEM_ID), catalog.table.column(ITEM_ID)
    if not ids.type.equals(listed.type) and len(ids) and len(listed) and _is_integer(ids) != _is_integer(listed):
        yield Finding(
            "id_kinds_differ", Severity.ERROR, f"item ids are {ids.type} in the log and {listed.type} in the catalog",
            items.num_rows, "write them alike in both: no item of the log can be found in the catalog", unit="items",
        )  # fmt: skip
        return
    unknown = items.filter(pc.invert(pc.is_in(ids, value_set=listed.cast(ids.type))))
    if unknown.num_rows:
        worst = unknown.sort_by([("events", "descending"), (ITEM_ID, "ascending")]).slice(0, LISTED).to_pylist()
        count = int(pc.sum(unknown.column("events")).as_py())
        yield Finding(
            "items_not_in_catalog", graded(count, rows), f"events of {unknown.num_rows} items without a catalog row",
            count, "complete the catalog: these items have no title, price or category", share=count / rows,
            rows=_first_rows(worst, settings),
            details={"items": unknown.num_rows, "listed": [row[ITEM_ID] for row in worst]},
        )  # fmt: skip
    silent = listed.filter(pc.invert(pc.is_in(listed.cast(ids.type), value_set=ids)))
    if len(silent):
        yield Finding(
            "items_without_events", Severity.INFO, "items of the catalog that nobody touched", len(silent),
            "new or dead stock: only models that know the goods (text, image) can recommend them", unit="items",
            share=len(silent) / len(listed), details={"listed": silent.slice(0, LISTED).to_pylist()},
        )  # fmt: skip
    if catalog.facts.get("duplicate_rows"):
        yield Finding(
            "duplicate_catalog_rows", Severity.WARNING, "a catalog row whose item has an earlier row",
            catalog.facts["duplicate_rows"], "the first row of an item counts; is the id that of the product and not "
            "of the variant?", unit="catalog rows", share=catalog.facts["duplicate_rows"] / catalog.facts["rows"],
            details={"listed": list(catalog.facts["duplicate_ids"])},
        )  # fmt: skip


def _is_integer(values: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(values.type))
