"""The benchmark of new items on a small log in which the newest products are told by their titles alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.cold_start import main

KINDS = ("shampoo for dry hair", "nail polish red", "olive oil soap bar")
PRODUCTS, SHOPPERS = 20, 90


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Each shopper stays within one kind; the last three products of each kind are bought from the fifth day on."""
    titles = [f"{kind} {number}" for kind in KINDS for number in range(PRODUCTS)]
    items = list(range(len(titles)))
    pq.write_table(pa.table({"item_id": items, "title": titles}), tmp_path / "catalog.parquet")
    users, bought, days = [], [], []
    for user in range(SHOPPERS):
        first = PRODUCTS * (user % 3)
        old = [first + (user + step) % (PRODUCTS - 3) for step in range(6)]
        new = [first + PRODUCTS - 3 + (user // 3 + step) % 3 for step in range(3)]
        users += [user] * 9
        bought += old + new
        days += [*range(6), 10, 11, 12]
    table = {"user_id": users, "item_id": bought, "timestamp": [86_400 * day for day in days],
             "position": [place % 9 for place in range(len(users))]}  # fmt: skip
    pq.write_table(pa.table(table), tmp_path / "events.parquet")
    lines = [" ".join(map(str, [u, *bought[9 * u : 9 * u + 9]])) for u in range(SHOPPERS)]
    (tmp_path / "sequences.txt").write_text("\n".join(lines))
    return tmp_path


def test_models_that_are_told_of_new_items_find_them_and_others_cannot(folder: Path) -> None:
    words = ["--data", str(folder), "--models", "ids,content,transitions", "--encoder", "static", "--share", "0.15"]
    main([*words, "--set", "epochs=3", "--json", str(folder / "out.json")])
    content = json.loads((folder / "out.json").read_text())
    assert content["sizes"]["new_items"] == 9 and content["sizes"]["new_targets"] == SHOPPERS
    found = content["results"]
    assert found["ids, without"]["sight: unseen"]["recall"]["value"] == 0
    chance = found["chance"]["sight: unseen"]["recall"]["value"]
    for name in ("ids", "content", "transitions", "blend"):
        assert found[name]["among new: unseen"]["recall"]["value"] == 1.0  # nine are fewer than ten
        assert found[name]["sight: unseen"]["recall"]["value"] > chance
    assert str(folder.parent) not in json.dumps(content)
