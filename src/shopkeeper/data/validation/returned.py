"""Returns that no earlier purchase in the log explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopkeeper.data import schema
from shopkeeper.data.functions import smallest
from shopkeeper.data.schema import ROW, EventType
from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.settings import ValidationSettings

if TYPE_CHECKING:
    from shopkeeper.data.events import Events


def check_returns(events: Events, n_returns: int, settings: ValidationSettings) -> list[Finding]:
    """Finds returns before which the same shopper did not buy the item.

    Args:
        events: The log.
        n_returns: Returns in it; nothing is read where there are none.
        settings: Bounds.
    """
    if not n_returns:
        return []
    table, pair = events.table, [schema.USER_ID, schema.ITEM_ID]
    known = table.filter(table[schema.USER_ID].notnull() & table[schema.ITEM_ID].notnull())
    returns = known.filter(known[schema.EVENT_TYPE] == EventType.RETURN.value).select(ROW, *pair, schema.TIMESTAMP)
    bought = known.filter(known[schema.EVENT_TYPE] == EventType.PURCHASE.value).semi_join(returns, pair)
    first = bought.group_by(pair).aggregate(bought=bought[schema.TIMESTAMP].min())
    joined: Any = returns.left_join(first, pair)
    alone = (joined.bought.isnull() | (joined.bought > joined[schema.TIMESTAMP])).fill_null(True)
    found = joined.aggregate(n=alone.sum(), rows=smallest(joined[ROW], max(1, settings.examples), where=alone))
    facts = found.to_pyarrow().to_pylist()[0]
    if not facts["n"]:
        return []
    return [
        Finding(
            "return_without_purchase", Severity.INFO, "a return of an item that the shopper did not buy in this log",
            facts["n"], "bought before the log began, or by another account; prepare leaves such returns out",
            share=facts["n"] / n_returns, rows=tuple(facts["rows"]), details={"share_of": "returns"},
        )
    ]  # fmt: skip
