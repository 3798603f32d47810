"""The validation report as one HTML page: no script, nothing loaded from outside, every text escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.unlocks import Unlock

if TYPE_CHECKING:
    from shopkeeper.data.validation.report import ValidationReport

WIDTH, HEIGHT = 720, 120
MOST_BARS: Final = 180
STYLE: Final = """
:root { --ink:#1d2733; --soft:#5d6b7a; --line:#e3e8ee; --paper:#fff; --ground:#f5f7f9; --accent:#2f6f8f;
  --error:#b3261e; --warning:#a15c00; --info:#3a6ea5; --ok:#2e7d4f; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6ebf0; --soft:#9aa7b4; --line:#2c3640; --paper:#182028;
  --ground:#10161c; --accent:#6fb3d2; --error:#f2938c; --warning:#f0b45a; --info:#8fb8e6; --ok:#7fcf9f; } }
* { box-sizing:border-box } body { margin:0; background:var(--ground); color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif; }
main { max-width:960px; margin:0 auto; padding:32px 20px 64px } h1 { font-size:26px; margin:0 0 4px }
h2 { font-size:18px; margin:36px 0 12px } p.source { color:var(--soft); margin:0 0 20px; overflow-wrap:anywhere }
section.card, details { background:var(--paper); border:1px solid var(--line); border-radius:10px; padding:16px 18px;
  margin:0 0 10px } .tiles { display:grid; grid-template-columns:repeat(auto-fit,minmax(130px,1fr)); gap:10px }
.tile { background:var(--paper); border:1px solid var(--line); border-radius:10px; padding:12px 16px }
.tile b { display:block; font-size:20px; font-variant-numeric:tabular-nums } .tile span, small { color:var(--soft);
  font-size:13px } summary { cursor:pointer; display:grid; grid-template-columns:90px 1fr minmax(110px,auto); gap:12px;
  align-items:baseline; list-style:none } summary::-webkit-details-marker { display:none }
summary:hover { color:var(--accent) }
.badge { font-size:12px; font-weight:600; border:1px solid currentColor; border-radius:99px; padding:1px 10px;
  text-align:center } .error { color:var(--error) } .warning { color:var(--warning) } .info { color:var(--info) }
.ok { color:var(--ok) } .no { color:var(--soft) } .num { font-variant-numeric:tabular-nums; white-space:nowrap;
  text-align:right } .remedy { margin:8px 0 0; padding-left:12px; border-left:3px solid var(--accent) }
.scroll { overflow-x:auto; margin-top:10px } table { border-collapse:collapse; width:100%; font-size:13px }
th { text-align:left; color:var(--soft); font-weight:500 } th,td { padding:5px 12px 5px 0; vertical-align:top;
  border-bottom:1px solid var(--line); white-space:nowrap } td.wide { white-space:normal }
.bar { height:8px; margin-top:6px; border-radius:4px; background:var(--accent); min-width:2px }
svg { display:block; width:100%;
  height:auto } svg rect { fill:var(--accent) } svg text { fill:var(--soft); font-size:11px }
"""


def page(report: ValidationReport) -> str:
    """The whole page.

    Args:
        report: What validation found.

    Returns:
        HTML text.
    """
    parts = [
        f"<h1>What is in the log, and what is wrong with it</h1><p class=source>{_text(report.source)}</p>",
        _tiles(report.overview),
        "<h2>Findings</h2>", _verdict(report.findings), *map(_finding, report.findings),
        "<h2>What the data unlock</h2>", _unlocks(report.unlocks),
        "<h2>Event types</h2>", _event_types(report),
        "<h2>Activity</h2>", _activity(report.activity),
        "<h2>Columns</h2>", _columns(report),
    ]  # fmt: skip
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Validation</title>'
    head = f"{meta}<style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>\n'


def _text(value: Any) -> str:
    return escape("" if value is None else str(value))


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:,.0f}"  # noqa: RUF001


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return "< 0.01 %" if 0 < share < 0.0001 else f"{share * 100:.2f} %" if share < 0.1 else f"{share * 100:.1f} %"


def _tiles(facts: Mapping[str, Any]) -> str:
    span = f"{facts['first_time'][:10]} to {facts['last_time'][:10]}" if facts["first_time"] else "no times"
    tiles = [
        (_number(facts["rows"]), "rows"), (_number(facts["users"]), "shoppers"), (_number(facts["items"]), "items"),
        (_number(facts["days"]), f"days, {span}"),
    ]  # fmt: skip
    if facts["sessions"] is not None:
        tiles.append((_number(facts["sessions"]), "sessions"))
    if facts["catalog_items"] is not None:
        tiles.append((_number(facts["catalog_items"]), "items in the catalog"))
    cells = "".join(f"<div class=tile><b>{_text(value)}</b><span>{_text(name)}</span></div>" for value, name in tiles)
    return f"<div class=tiles>{cells}</div>"


def _verdict(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<section class=card>Nothing wrong was found.</section>"
    counts = Counter(finding.severity for finding in findings)
    words = ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity if counts[severity])
    return f"<p><small>{_text(words)}. Open one for example rows.</small></p>"


def _finding(finding: Finding) -> str:
    count = f"{_number(finding.count)} {_text(finding.unit)}"
    share = f"<br><small>{_percent(finding.share)}</small>" if finding.share is not None else ""
    return (
        f"<details><summary><span class='badge {finding.severity.value}'>{finding.severity.value}</span>"
        f"<span>{_text(finding.title)}</span><span class=num>{count}{share}</span></summary>"
        f"<p class=remedy>{_text(finding.remedy)}</p>{_table(finding.examples)}{_details(finding.details)}</details>"
    )


def _details(details: Mapping[str, Any]) -> str:
    parts = []
    for name, value in details.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            parts.append(_table(value))
        elif value is not None:
            plain = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            parts.append(f"<p><small>{_text(name.replace('_', ' '))}: {_text(plain)}</small></p>")
    return "".join(parts)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_text(row.get(name))}</td>" for name in names) + "</tr>" for row in rows)
    return f"<div class=scroll><table><tr>{head}</tr>{body}</table></div>"


def _unlocks(unlocks: Sequence[Unlock]) -> str:
    rows = "".join(
        f"<tr><td class={'ok' if one.ready else 'no'}>{'ready' if one.ready else 'not yet'}</td>"
        f"<td>{_text(one.title)}</td><td class=wide><small>{_text(one.why)}</small></td></tr>"
        for one in unlocks
    )
    return f"<section class=card><table>{rows}</table></section>"


def _event_types(report: ValidationReport) -> str:
    rows = "".join(
        f"<tr><td>{_text(entry['type'])}</td><td class=num>{_number(entry['rows'])}</td>"
        f"<td class=num>{_percent(entry['share'])}</td>"
        f"<td style='width:50%'><div class=bar style='width:{entry['share'] * 100:.1f}%'></div></td></tr>"
        for entry in report.event_types
    )
    unknown = [word for word in report.words if word["meaning"] is None]
    told = ", ".join(f"{word['word']!r} ({word['rows']:,})" for word in unknown[:20])
    note = f"<p><small>not understood: {_text(told)}</small></p>" if unknown else ""
    return f"<section class=card><table>{rows}</table>{note}</section>"


def _activity(activity: Mapping[str, Any]) -> str:
    days, hours = activity.get("days", []), activity.get("hours", [])
    if not days:
        return "<section class=card>No event has a possible time.</section>"
    step = -(-len(days) // MOST_BARS)
    bars = [sum(n for _, n in days[place : place + step]) for place in range(0, len(days), step)]
    unit = "day" if step == 1 else f"{step} days with events"
    by_hour = _bars(hours, ["0", "23"])
    return (
        f"<section class=card><small>events by {unit}</small>{_bars(bars, [days[0][0], days[-1][0]])}</section>"
        f"<section class=card><small>events by hour of the day, UTC</small>{by_hour}</section>"
    )


def _bars(values: Sequence[int], ends: Sequence[str]) -> str:
    top, width = max(values) or 1, WIDTH / len(values)
    bars = "".join(_rect(place * width, width, value / top * HEIGHT) for place, value in enumerate(values))
    labels = (
        f'<text x="0" y="{HEIGHT + 16}">{_text(ends[0])}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 16}" text-anchor="end">{_text(ends[-1])}</text>'
    )
    name = f"bars from {_text(ends[0])} to {_text(ends[-1])}, highest {top:,}"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 22}" role="img" aria-label="{name}">{bars}{labels}</svg>'


def _rect(x: float, width: float, height: float) -> str:
    gap = min(2.0, width * 0.2)
    return f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{width - gap:.1f}" height="{height:.1f}"/>'


def _columns(report: ValidationReport) -> str:
    names: Iterable[str] = report.missing
    rows = "".join(
        f"<tr><td>{_text(name)}</td><td>{_text(report.columns.get(name, '–'))}</td>"  # noqa: RUF001
        f"<td class=num>{_number(report.missing[name]['rows'])}</td>"
        f"<td class=num>{_percent(report.missing[name]['share'])}</td></tr>"
        for name in names
    )
    note = f"<p><small>times read as {_text(report.overview.get('time_read_as') or 'given')}</small></p>"
    head = "<tr><th>ours</th><th>in the source</th><th class=num>missing</th><th class=num>share</th></tr>"
    return f"<section class=card><table>{head}{rows}</table>{note}</section>"
