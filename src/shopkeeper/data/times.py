"""Times of any common writing become timestamps in UTC; what cannot be read becomes null and is counted, not guessed.

Numbers are seconds, milli-, micro- or nanoseconds since 1970 (told by their magnitude) or dates such as 20240131. Text
is ISO 8601, a number, or one of the formats below; where a sample fits two of these (is 03/04 in March or in April?)
the caller must say.
"""

from __future__ import annotations

from typing import Any, Final, Literal
from zoneinfo import available_timezones

from shopkeeper.config import Settings
from shopkeeper.data.functions import parse_time, timestamp_of_micros, utc_of_local, without_zone
from shopkeeper.errors import ConfigError, DataError, choices

TimeUnit = Literal["auto", "s", "ms", "us", "ns", "yyyymmdd"]

MICROSECONDS: Final = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}
LAST_SECOND: Final = 253_402_300_799.0
"""End of the year 9999: numbers beyond it are no times."""
SAMPLE: Final = 20_000
FORMATS: Final = tuple(
    f"{date}{time}"
    for date in ("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%d.%m.%y", "%m-%d-%Y", "%d-%m-%Y",
                 "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d/%b/%Y")
    for time in ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ":%H:%M:%S %z", "T%H%M%S")
)  # fmt: skip


class TimeSettings(Settings):
    """How times are read."""

    unit: TimeUnit = "auto"
    """Unit of times written as numbers; "auto" tells it from their magnitude."""
    zone: str = "UTC"
    """Zone of times that name none, such as "Europe/London"."""
    format: str | None = None
    """Format of times written as text, such as "%d/%m/%Y %H:%M"; None finds it."""

    def check(self) -> None:
        """Refuses a zone that does not exist.

        Raises:
            ConfigError: The zone is not known.
        """
        if self.zone != "UTC" and self.zone not in (known := available_timezones()):
            raise ConfigError(f"unknown time zone {self.zone!r}", expected=choices(self.zone, sorted(known))[-200:])


def timestamps(value: Any, settings: TimeSettings) -> tuple[Any, str]:
    """The expression of a column's times.

    Args:
        value: Ibis column of numbers, text, dates or timestamps.
        settings: How to read them.

    Returns:
        Ibis value of type timestamp, in UTC, null where unreadable; and how it was read, for reports.

    Raises:
        DataError: The type cannot hold times, or the format of text is unknown or ambiguous.
        ConfigError: The zone is not known.
    """
    settings.check()
    kind = value.type()
    if kind.is_timestamp():
        if kind.timezone is not None:
            return without_zone(value), "timestamps with a zone"
        return _to_utc(value.cast("timestamp"), settings.zone), f"timestamps in {settings.zone}"
    if kind.is_date():
        return _to_utc(value.cast("timestamp"), settings.zone), f"dates in {settings.zone}"
    if kind.is_integer() or kind.is_floating() or kind.is_decimal():
        return _from_numbers(value.cast("float64") if not kind.is_integer() else value, settings)
    if kind.is_string():
        return _from_text(value, settings)
    raise DataError("the column for timestamp cannot hold times", expected="numbers, text or timestamps", got=str(kind))


def _from_numbers(value: Any, settings: TimeSettings) -> tuple[Any, str]:
    import ibis

    unit = settings.unit if settings.unit != "auto" else _unit(value)
    if unit == "yyyymmdd":
        read = parse_time(value.cast("int64").cast("string"), "%Y%m%d")
        return _to_utc(read, settings.zone), "dates written as numbers (yyyymmdd)"
    scale = MICROSECONDS[unit]
    limit = LAST_SECOND * 1e6 / scale
    exact = value.type().is_integer() and unit != "ns"
    micros = (value * int(scale)) if exact else (value * scale).floor()
    known = ibis.ifelse(value.cast("float64").abs() <= limit, micros, None)
    return timestamp_of_micros(known.cast("int64")), f"numbers of unit {unit} since 1970"


def _unit(value: Any) -> str:
    """The unit that puts the median of a sample between 1973 and 2200; seconds for small numbers."""
    sample = value.cast("float64").name("value").as_table()
    median = (
        sample.filter(sample.value.notnull() & ~sample.value.isnan()).limit(SAMPLE).value.median().to_pyarrow().as_py()
    )
    if median is None:
        return "s"
    if 19_000_101 <= median <= 21_001_231:
        return "yyyymmdd"
    return next((unit for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17)) if abs(median) < limit), "ns")


def _from_text(value: Any, settings: TimeSettings) -> tuple[Any, str]:
    if settings.format is not None:
        return _formatted(value, settings.format, settings.zone), f"text of the format {settings.format}"
    sample = value.name("text").as_table().filter(value.notnull() & (value != "")).limit(SAMPLE)
    number, iso = sample.text.try_cast("float64").notnull(), _iso(sample.text, "UTC").notnull()
    facts = sample.aggregate(rows=sample.count(), number=number.sum(), iso=iso.sum(), example=sample.text.min())
    found = facts.to_pyarrow().to_pylist()[0]
    if found["rows"] and found["number"] >= found["rows"] / 2:
        return _from_numbers(value.try_cast("int64").cast("float64").coalesce(value.try_cast("float64")), settings)
    if not found["rows"] or found["iso"] >= found["rows"] / 2:
        return _iso(value, settings.zone), f"ISO 8601, in {settings.zone} where no zone is written"
    fits = {text_format: _formatted(sample.text, text_format, "UTC").notnull().sum() for text_format in FORMATS}
    counts = sample.aggregate(**fits).to_pyarrow().to_pylist()[0]
    best = _best_format(counts, found["rows"], found["example"])
    return _formatted(value, best, settings.zone), f"text of the format {best}, in {settings.zone}"


def _best_format(fits: dict[str, int], rows: int, example: str) -> str:
    best = max(fits.values())
    if best < rows / 2:
        raise DataError(
            "the times cannot be read",
            expected="ISO 8601, Unix time, or a common date format",
            got=repr(example),
            remedy="give the format: --set events.time.format='%d/%m/%Y %H:%M'",
        )
    candidates = [text_format for text_format, n in fits.items() if n == best]
    if len({text_format.replace("%y", "%Y") for text_format in candidates}) > 1:
        raise DataError(
            "the times fit more than one format",
            got=f"{example!r} and the others fit {' and '.join(candidates[:3])}",
            remedy=f"say which: --set events.time.format='{candidates[0]}'",
        )
    return next((text_format for text_format in candidates if "%y" in text_format), candidates[0])


def _iso(value: Any, zone: str) -> Any:
    import ibis
    import ibis.expr.datatypes as dt

    absolute = value.try_cast(dt.Timestamp(timezone="UTC")).cast("timestamp")
    if zone == "UTC":
        return absolute
    names_zone = value.re_search(r"(Z|[+-]\d{2}(:?\d{2})?)$") & value.contains(":")
    return ibis.ifelse(names_zone, absolute, _to_utc(absolute, zone))


def _formatted(value: Any, text_format: str, zone: str) -> Any:
    return _to_utc(parse_time(value, text_format), "UTC" if "%z" in text_format else zone)


def _to_utc(value: Any, zone: str) -> Any:
    return value if zone == "UTC" else utc_of_local(value, zone)
