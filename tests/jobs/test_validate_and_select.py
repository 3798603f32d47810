"""What validation says of a target is what a selection then does, over small logs on both sides of each bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.examples.enough import MIN_IN_A_PART
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.validation.validate import validate
from shopkeeper.errors import DataError
from shopkeeper.jobs.select_parts import make_parts
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.jobs.settings import ShopSettings

HOUR = 3_600_000_000
START = int(np.datetime64("2025-01-06T08:00:00", "us").astype(np.int64))


def log(days: int, rarely: int, target: str = "purchase", alone: bool = False, last: int | None = None) -> pa.Table:
    """Forty shoppers who look once a day; every so many looks one buys, until so many days before the end.

    Alone: the log has no other type of event.
    """
    rows = []
    for day in range(days):
        for user in range(40):
            place = day * 40 + user
            time = START + day * 24 * HOUR + user * HOUR // 4
            bought = place % rarely == 0 and (last is None or day < days - last)
            if bought or not alone:
                rows.append((f"c{user}", f"sku-{place * 7 % 13}", target if bought else "view", time))
    columns = zip(*rows, strict=True)
    return pa.table(dict(zip(("user_id", "item_id", "event_type", "timestamp"), map(list, columns), strict=True)))


def refusal(table: pa.Table, folder: Path, target: str) -> str | None:
    """What a selection of the default question says, None where it goes on."""
    dataset = prepare(Events.read(table, build(EventsSettings, {})), None, PrepareSettings(), folder)
    settings = build(BehaviorSettings, {"examples": {"target": target}, "max_examples": 500, "calibration": "none"})
    try:
        make_parts(dataset, settings, ShopSettings().prepare.split)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("table", "target", "ready"),
    [
        (log(60, 5), "purchase", True),
        (log(60, 5, alone=True), "purchase", True),  # nothing weaker beside it
        (log(60, 5), "view", True),
        (log(60, 5), "cart", False),
        (log(20, 5), "purchase", False),  # three parts take 26 days
        (log(26, 3), "purchase", False),
        (log(28, 3), "purchase", True),
        (log(60, 29), "purchase", True),  # 12 in each of the later parts
        (log(60, 45), "purchase", False),  # 8
        (log(60, 5, last=9), "purchase", False),  # none in the test part
        (log(60, 5, target="cart"), "cart", True),
    ],
)
def test_they_agree(table: pa.Table, target: str, ready: bool, tmp_path: Path) -> None:
    report = validate(Events.read(table, build(EventsSettings, {})))
    said = next(one for one in report.unlocks if one.name == f"predict_{target}")
    refused = refusal(table, tmp_path / "data", target)
    assert said.ready == (refused is None) == ready, (said, refused)


def test_they_use_the_same_words(tmp_path: Path) -> None:
    table = log(60, 45)
    said = next(
        one for one in validate(Events.read(table, build(EventsSettings, {}))).unlocks if one.name == "predict_purchase"
    )
    what = "purchase events of shoppers seen before in the"
    assert what in said.why
    assert f"needs {MIN_IN_A_PART}" in said.why
    assert what in (refusal(table, tmp_path / "data", "purchase") or "")
