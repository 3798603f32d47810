"""Numbers and names as a person reads them: separators, units, signs, plain names of metrics."""

from __future__ import annotations

import math
from datetime import UTC, datetime

THIN = "\u202f"
"""Narrow space that does not break, between a number and its unit."""
DASH = "\u2013"
"""Stands where there is no figure, and between the ends of a range."""

METRIC_NAMES = {
    "ndcg": "NDCG",
    "recall": "Recall",
    "hit_rate": "Hit rate",
    "precision": "Precision",
    "mrr": "MRR",
    "map": "MAP",
    "coverage": "Coverage",
    "novelty": "Novelty",
    "diversity": "Diversity",
    "vector_diversity": "Diversity (vectors)",
    "popularity": "Popularity",
    "gini": "Gini index",
    "revenue": "Revenue",
}

METRIC_MEANINGS = {
    "ndcg": "how many held-out items are in the list, those near its top counting more; 1 is perfect",
    "recall": "share of the held-out items that are in the list",
    "hit_rate": "share of shoppers with at least one held-out item in the list",
    "precision": "share of the list that was held out",
    "mrr": "one over the place of the first hit, on average",
    "map": "precision at each hit, averaged",
    "coverage": "share of the catalog that is recommended to somebody",
    "novelty": "how rare the recommended items are, in bits: one more means half as popular",
    "diversity": "share of the pairs within a list that are of different categories",
    "vector_diversity": "how far apart the vectors of the items within a list are; 0 is all alike",
    "popularity": "events in training of a recommended item, on average",
    "gini": "how unevenly recommendations fall on the catalog; 0 is evenly, 1 is all on one item",
    "revenue": "worth of the held-out purchases that are in the list",
}


def count(value: float) -> str:
    """A whole number with separators: ``1,469,307``."""
    return f"{round(value):,}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """A number and its noun: ``1 shopper``, ``2,469 shoppers``."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def percent(share: float, digits: int = 1) -> str:
    """A share in percent: ``8.6 %``; what is above zero never reads as zero, what is below all never as all."""
    if math.isnan(share):
        return DASH
    smallest = 10.0**-digits
    if 0 < share * 100 < smallest:
        return f"under {smallest:g}{THIN}%"
    if 100 - smallest < share * 100 < 100:
        return f"over {100 - smallest:.{digits}f}{THIN}%"
    return f"{share * 100:.{digits}f}{THIN}%"


def score(value: float | None) -> str:
    """A metric with four digits: ``0.0527``; a dash where there is none; fewer digits where it is large."""
    if value is None or not math.isfinite(value):
        return DASH
    if abs(value) >= 1000:
        return count(value)
    return f"{value:.4f}" if abs(value) < 1.5 else f"{value:.2f}"


def metric_value(metric: str, value: float | None, unit: bool = True) -> str:
    """A metric, with its unit where asked: coverage in percent, novelty in bits, popularity in events, others plain."""
    if value is None or not math.isfinite(value):
        return DASH
    if metric == "coverage":
        return percent(value)
    if metric == "novelty":
        return f"{value:.1f}" + (f"{THIN}bits" if unit else "")
    if metric == "popularity":
        return f"{value:,.{0 if value >= 10 else 1}f}" + (f"{THIN}events" if unit else "")
    if metric == "revenue":
        return f"{value:,.2f}"
    return score(value)


def seconds(value: float | None) -> str:
    """A duration: ``0.04 s``, ``12 s``, ``3 min 41 s``."""
    if value is None:
        return DASH
    if value < 0.01:
        return f"under 0.01{THIN}s"
    if value < 10:
        return f"{value:.2g}{THIN}s"
    if value < 60:
        return f"{value:.0f}{THIN}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest}{THIN}s"
    return f"{minutes // 60}{THIN}h {minutes % 60}{THIN}min"


def megabytes(value: float | None) -> str:
    """A size given in 10^6 bytes: ``0.05 MB``, ``12 MB``, ``1.2 GB``."""
    if value is None:
        return DASH
    if value < 0.01:
        return f"under 0.01{THIN}MB"
    if value < 10:
        return f"{value:.2g}{THIN}MB"
    return f"{value:,.0f}{THIN}MB" if value < 1000 else f"{value / 1000:.1f}{THIN}GB"


def times(ratio: float) -> str:
    """A ratio before "as often as" and the like: ``1.4 times``, ``0.44 times``, ``about`` where it is near one."""
    if 0.95 <= ratio < 1.05:
        return "about"
    return f"{ratio:.1f} times" if ratio >= 1 else f"{ratio:.2f} times"


def day(microseconds: int) -> str:
    """A moment (Unix microseconds, UTC) as a date: ``3 Feb 2024``; years beyond the calendar read as a dash."""
    try:
        moment = datetime.fromtimestamp(microseconds / 1e6, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return DASH
    return f"{moment.day} {moment:%b %Y}"


def metric_name(metric: str, k: int | None = None) -> str:
    """A metric as it is written in tables: ``NDCG@10``."""
    name = METRIC_NAMES.get(metric, metric.replace("_", " ").capitalize())
    return name if k is None else f"{name}@{k}"


def words(name: str) -> str:
    """A name of a setting or reason as words: ``not_in_catalog`` reads ``not in catalog``."""
    return name.replace("_", " ").replace("-", " ").strip()


def listing(names: list[str]) -> str:
    """Names in a sentence: ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def sentence(phrase: str) -> str:
    """A phrase with a capital and a full stop; nothing stays nothing."""
    return f"{phrase[0].upper()}{phrase[1:]}." if phrase else ""
