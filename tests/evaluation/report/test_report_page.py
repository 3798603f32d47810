"""The whole page: well formed, alone in the world, and with nothing of the data as markup."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from outline import Outline

from shopkeeper.errors import ArtifactError, MissingDependencyError
from shopkeeper.evaluation.report import ReportInputs, ReportSettings, render_report, write_report
from shopkeeper.evaluation.report.sections.examples import examples_section

SECTIONS = [
    "leaderboard", "segments", "new-shoppers", "beyond", "examples", "goods", "data", "validation", "learning", "card",
    "reading",
]  # fmt: skip


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    return found


def test_every_element_is_closed_in_order_and_ids_are_distinct(page: str, outline: Outline) -> None:
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))


def test_it_loads_nothing_and_runs_nothing(page: str, outline: Outline) -> None:
    assert not {"script", "link", "img", "iframe", "image", "object", "embed", "base"} & set(outline.names)
    assert {tag for tag, _ in outline.links} == {"a"}
    assert all(target.startswith("#") for _, target in outline.links)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert set(re.findall(r"https?://[^\"'<> ]*", page)) <= {"http://www.w3.org/2000/svg"}


def test_text_of_the_data_never_becomes_markup(page: str) -> None:
    assert "<script" not in page
    for place in ("Report", "odd", "shopkeeper report"):  # title, reasons and findings, command
        assert re.search(rf"{place} &lt;script&gt;alert", page), place
    assert "&lt;script&gt;alert(&#x27;tea &amp; cake&#x27;)&lt;/script&gt; 1" in page  # a product


def test_all_sections_are_there_and_linked(outline: Outline) -> None:
    assert [target for _, target in outline.links] == [f"#{name}" for name in SECTIONS]
    assert set(SECTIONS) <= set(outline.ids)


def test_plots_are_svg_for_two_widths_with_colors_that_follow_the_mode(page: str) -> None:
    plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    wide, narrow = page.count('class="plot wide"'), page.count('class="plot narrow"')
    assert wide == narrow == len(plots) / 2 >= 10
    for plot in plots:
        ET.fromstring(plot)  # noqa: S314 - our own text
        assert "var(--" in plot
        assert not re.search(r'(fill|stroke)="(#|black|white)', plot), "a color that does not follow the mode"


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 600_000


def test_without_anything_it_says_what_is_missing(bare: ReportInputs) -> None:
    page = render_report(replace(bare, dataset=replace(bare.dataset, catalog=None)), ReportSettings())
    for sentence in (
        "No model was evaluated",
        "not measured by segment",
        "asked with a shorter history",
        "were not measured in this run",
        "No model was given",
        "No features of items were given",
        "not known which rows preparation rejected",
        "was not validated",
        "no learning curve",
        "wrote no card",
    ):
        assert sentence in page, sentence


def test_without_a_catalog_examples_show_ids(full: ReportInputs, settings: ReportSettings) -> None:
    page = examples_section(replace(full, dataset=replace(full.dataset, catalog=None)), settings).body
    assert '<span class="title">item-' in page


def test_writing_is_atomic(bare: ReportInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "folder" / "report.html"
    inputs = replace(bare, dataset=bare.dataset.select(np.zeros(bare.dataset.n_events, dtype=bool)))
    write_report(inputs, file)
    before = file.read_text(encoding="utf-8")
    assert before.endswith("</html>\n")

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(ArtifactError, match="No space left"):
        write_report(inputs, file, ReportSettings(title="Another"))
    assert [path.name for path in file.parent.iterdir()] == ["report.html"]
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("library", ["altair", "vl_convert"])
def test_a_missing_plotting_library_is_named(
    bare: ReportInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependencyError, match=library) as caught:
        write_report(bare, tmp_path / "report.html")
    assert "shopkeeper[report]" in str(caught.value)
    assert not list(tmp_path.iterdir())
