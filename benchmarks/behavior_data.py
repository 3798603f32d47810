"""The logs of the benchmark of predictors, prepared from the files of their folders.

RetailRocket is `events.csv` (user, item, behaviour, timestamp in Unix seconds). Online Retail is
`online_retail.parquet`, all sales of a British gift shop; postage and the like are no products and are left out.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from shopkeeper.artifacts import file_hash
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.jobs.select_parts import part_moments
from shopkeeper.jobs.select_settings import BehaviorSettings

FILES: dict[str, dict[str, Any]] = {
    "events.csv": {"columns": {"user_id": "user", "item_id": "item", "event_type": "behaviour"}},
    "online_retail.parquet": {
        "columns": {
            "user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "session_id": "InvoiceNo",
            "quantity": "Quantity", "price": "UnitPrice",
        },
        "item_columns": {"title": "Description"}, "event_type": "purchase",
    },
}  # fmt: skip
"""File of a folder, and how it is read."""


def load(folder: Path, work: Path, settings: BehaviorSettings) -> tuple[Dataset, dict[str, Any]]:
    """Prepares the log of a folder, so that cleaning looks at nothing beyond the end of training.

    Args:
        folder: Holds one of `FILES`.
        work: Where the prepared log goes.
        settings: What is predicted: the horizon says when training ends.

    Returns:
        The log, and what the record says of it: name, hash, sizes.

    Raises:
        DataError: The folder holds none of the files, or its log is too short.
    """
    name = next((file for file in FILES if (folder / file).exists()), None)
    if name is None:
        raise DataError("there is nothing to read in the folder", expected=" or ".join(FILES))
    log = Events.read(folder / name, build(EventsSettings, FILES[name]))
    catalog = Catalog.from_events(log) if log.item_columns else None
    first = prepare(log, catalog, PrepareSettings(), work)
    moments, _ = part_moments(first, settings, SplitSettings())
    split = SplitSettings(train_until=_moment(moments["train"][1]), validation_until=_moment(moments["test"][0]))
    dataset = prepare(log, catalog, PrepareSettings(split=split), work)
    facts = {
        "name": folder.resolve().name, "sha256": {name: file_hash(folder / name)},
        "users": dataset.n_users, "items": dataset.n_items, "events": dataset.n_events,
    }  # fmt: skip
    return dataset, facts


def _moment(microseconds: int) -> datetime:
    return datetime.fromisoformat(moment_text(microseconds))
