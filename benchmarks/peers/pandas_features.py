"""Features as of the moment in pandas, as a careful user would write them; peer of `benchmarks/point_in_time.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DAY = 86_400_000_000
KINDS = {"views": 2, "carts": 4, "purchases": 5}
SMOOTHING = 20.0


def features_of(folder: Path) -> dict[str, Any]:
    """For each event of a prepared log what was known strictly before it; no two events have the same time.

    Returns:
        Columns, float32 [events], in the order of the log.
    """
    frame = read(folder)
    out: dict[str, Any] = {}
    for name, key in (("user", "user"), ("item", "item"), ("pair", ["user", "item"])):
        out |= histories(frame, name, key)
    for name, key in (("user", "user"), ("item", "item")):
        out |= windows(frame, name, key)
    out |= of_users(frame, out)
    out |= of_items(frame, out)
    out |= of_pairs(frame, out)
    out |= context(frame)
    return {name: values.sort_index().to_numpy() for name, values in out.items()}


def read(folder: Path) -> pd.DataFrame:
    """The events in the order of time, with the facts of their items."""
    columns = {name: np.load(folder / f"{name}.npy") for name in ("event_type", "timestamp", "price", "quantity")}
    item, offsets = np.load(folder / "item_index.npy"), np.load(folder / "offsets.npy")
    frame = pd.DataFrame(columns)
    frame["item"] = item
    frame["user"] = np.repeat(np.arange(len(offsets) - 1, dtype="int32"), np.diff(offsets))
    catalog = pd.read_parquet(folder / "catalog.parquet", columns=["brand", "category", "price"])
    frame["listed"] = catalog["price"].to_numpy()[item - 1]
    words = {"brand": catalog["brand"], "category": catalog["category"]}
    words["department"] = catalog["category"].str.split(" > ").str[0]
    for name, values in words.items():
        frame[name] = pd.factorize(values)[0].astype("int32")[item - 1]
    for name, code in KINDS.items():
        frame[name] = (frame["event_type"] == code).astype("int32")
    return frame.drop(columns="event_type").sort_values("timestamp")


def narrow(values: Any) -> Any:
    """Four bytes a number."""
    return values.astype("float32")


def histories(frame: pd.DataFrame, name: str, key: Any) -> dict[str, Any]:
    """Counts before, by type, and the days since the last event."""
    groups = frame.groupby(key, sort=False)
    out = {f"{name}_events": narrow(groups.cumcount())}
    for kind in KINDS:
        out[f"{name}_{kind}"] = narrow(groups[kind].cumsum() - frame[kind])
    out[f"{name}_days_since_last"] = narrow((frame["timestamp"] - groups["timestamp"].shift()) / DAY)
    return out


def windows(frame: pd.DataFrame, name: str, key: str) -> dict[str, Any]:
    """Counts of the last 7 and 30 days: those before now less those before the window."""
    seen = frame.groupby(key, sort=False).cumcount()
    events = pd.DataFrame({"timestamp": frame["timestamp"], key: frame[key], "until": seen + 1})
    out = {}
    for days in (7, 30):
        asked = pd.DataFrame({"timestamp": frame["timestamp"] - days * DAY, key: frame[key]})
        found = pd.merge_asof(asked, events, on="timestamp", by=key, allow_exact_matches=False)
        before = found["until"].fillna(0).to_numpy()
        out[f"{name}_events_{days}d"] = narrow(seen - before)
    return out


def of_users(frame: pd.DataFrame, out: dict[str, Any]) -> dict[str, Any]:
    """Recency, value and concentration of the shopper."""
    groups, found = frame.groupby("user", sort=False), {}
    first = groups["timestamp"].transform("first")
    found["user_days_since_first"] = narrow(((frame["timestamp"] - first) / DAY).where(out["user_events"] > 0))
    bought = frame["timestamp"].where(frame["purchases"] == 1)
    last = bought.groupby(frame["user"], sort=False).ffill().groupby(frame["user"], sort=False).shift()
    found["user_days_since_purchase"] = narrow((frame["timestamp"] - last) / DAY)
    paid = (frame["price"].astype("float64") * frame["quantity"]).where(frame["purchases"] == 1, 0.0)
    found["user_spent"] = narrow(paid.groupby(frame["user"], sort=False).cumsum() - paid)
    price = frame["price"].astype("float64")
    found["user_mean_price"] = narrow((price.groupby(frame["user"], sort=False).cumsum() - price) / out["user_events"])
    new = (out["pair_events"] == 0).astype("int32")
    found["user_items"] = narrow(new.groupby(frame["user"], sort=False).cumsum() - new)
    for name in ("category", "brand"):
        growth = 2 * frame.groupby(["user", name], sort=False).cumcount() + 1
        squares = growth.groupby(frame["user"], sort=False).cumsum() - growth
        found[f"user_{name}_concentration"] = narrow(squares / out["user_events"].astype("float64") ** 2)
    return found


def of_items(frame: pd.DataFrame, out: dict[str, Any]) -> dict[str, Any]:
    """Age, price and its place, conversion so far."""
    groups, found = frame.groupby("item", sort=False), {}
    first = groups["timestamp"].transform("first")
    found["item_age_days"] = narrow(((frame["timestamp"] - first) / DAY).where(out["item_events"] > 0))
    price = groups["price"].shift().astype("float64").fillna(frame["listed"])
    found["item_price"] = narrow(price)
    logarithm: Any = np.log(frame["price"].astype("float64"))
    seen = pd.Series(np.arange(len(frame)), index=frame.index)
    found["item_price_to_shop"] = narrow(np.log(price) - (logarithm.cumsum() - logarithm) / seen)
    by_category = logarithm.groupby(frame["category"], sort=False)
    n = frame.groupby("category", sort=False).cumcount()
    found["item_price_to_category"] = narrow(np.log(price) - (by_category.cumsum() - logarithm) / n)
    for before, after in (("views", "carts"), ("views", "purchases"), ("carts", "purchases")):
        whole = [frame[kind].astype("int64").cumsum() - frame[kind] for kind in (before, after)]
        usual = (whole[1] / whole[0]).where(whole[0] > 0)
        own = [out[f"item_{kind}"].astype("float64") for kind in (before, after)]
        found[f"item_{after[:-1]}_per_{before[:-1]}"] = narrow((own[1] + SMOOTHING * usual) / (own[0] + SMOOTHING))
    return found


def of_pairs(frame: pd.DataFrame, out: dict[str, Any]) -> dict[str, Any]:
    """The brand, category and department of the item among what the shopper saw."""
    found: dict[str, Any] = {}
    for name in ("brand", "category", "department"):
        groups = frame.groupby(["user", name], sort=False)
        found[f"pair_{name}_share"] = narrow((groups.cumcount() / out["user_events"]).where(out["user_events"] > 0))
        found[f"pair_{name}_days_since_last"] = narrow((frame["timestamp"] - groups["timestamp"].shift()) / DAY)
    with np.errstate(divide="ignore", invalid="ignore"):
        found["pair_price_to_usual"] = narrow(np.log(out["item_price"] / out["user_mean_price"]))
    return found


def context(frame: pd.DataFrame) -> dict[str, Any]:
    """Hour and weekday on circles."""
    days: Any = pd.to_datetime(frame["timestamp"], unit="us").dt
    hours = (frame["timestamp"] % DAY) / (DAY / 24)
    out = {}
    for name, turn in (("hour", hours / 24), ("weekday", days.dayofweek / 7)):
        out[f"{name}_sin"], out[f"{name}_cos"] = narrow(np.sin(2 * np.pi * turn)), narrow(np.cos(2 * np.pi * turn))
    return out
