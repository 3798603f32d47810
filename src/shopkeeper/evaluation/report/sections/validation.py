"""What validation found: the findings that matter most, with count and remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from shopkeeper.evaluation.report import wording
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.markup import Html, join, note, paragraph, tag
from shopkeeper.evaluation.report.sections.section import Section
from shopkeeper.evaluation.report.settings import ReportSettings

SEVERITIES = ("error", "warning", "info")
SHOWN = 8


def validation_section(inputs: ReportInputs, settings: ReportSettings) -> Section:
    """Headline of the validation report."""
    report = inputs.validation
    if report is None:
        body = note(
            "The log was not validated in this run; ", tag("code", "shopkeeper validate"), " looks for faults in it."
        )
    else:
        body = join([_findings(list(report.get("findings", []))), _unlocks(list(report.get("unlocks", [])))])
    return Section("validation", "What validation found", body)


def _findings(findings: list[Mapping[str, Any]]) -> Html:
    if not findings:
        return paragraph("Validation looked for faults and found none.")
    findings = sorted(findings, key=lambda one: (_rank(one), -int(one.get("count") or 0)))
    numbers = Counter(str(one.get("severity", "info")) for one in findings)
    words = [wording.plural(numbers[name], name) for name in SEVERITIES if numbers[name]]
    lead = paragraph(f"Validation names {wording.plural(len(findings), 'finding')}: {wording.listing(words)}.")
    shown = tag("ul", *(_entry(one) for one in findings[:SHOWN]), class_="findings")
    rest = len(findings) - SHOWN
    more = note(f"and {wording.plural(rest, 'further finding')} in the validation report.") if rest > 0 else Html()
    return join([lead, shown, more])


def _unlocks(unlocks: list[Mapping[str, Any]]) -> Html:
    """What the data are good for, and what not yet."""
    if not unlocks:
        return Html()
    entries = [
        tag(
            "li",
            tag("span", "yes" if one.get("ready") else "not yet", class_=f"badge {'good' if one.get('ready') else ''}"),
            tag("div", tag("span", one.get("title", "")), tag("small", one.get("why", ""))),
            tag("span", class_="num"),
        )
        for one in unlocks
    ]
    n_ready = sum(bool(one.get("ready")) for one in unlocks)
    summary = f"The data suffice for {n_ready} of {wording.plural(len(unlocks), 'use')}"
    return tag("details", tag("summary", summary), tag("ul", *entries, class_="findings"))


def _entry(finding: Mapping[str, Any]) -> Html:
    return tag(
        "li",
        tag("span", finding.get("severity", "info"), class_=f"badge {_class(finding)}"),
        tag("div", tag("span", _what(finding)), tag("small", finding.get("remedy") or "")),
        tag("span", _how_many(finding), class_="num"),
    )


def _how_many(finding: Mapping[str, Any]) -> str:
    """The count with its unit, and the share of the whole where it is known."""
    if finding.get("count") is None:
        return ""
    unit = str(finding.get("unit") or "rows")
    said = wording.plural(int(finding["count"]), unit.removesuffix("s"), unit)
    share = finding.get("share")
    return said if share is None else f"{said}, {wording.percent(float(share))}"


def _rank(finding: Mapping[str, Any]) -> int:
    name = str(finding.get("severity", "info"))
    return SEVERITIES.index(name) if name in SEVERITIES else len(SEVERITIES)


def _class(finding: Mapping[str, Any]) -> str:
    return SEVERITIES[min(_rank(finding), len(SEVERITIES) - 1)]


def _what(finding: Mapping[str, Any]) -> str:
    title = finding.get("title")
    return str(title) if title else wording.sentence(wording.words(str(finding.get("code", "finding"))))
