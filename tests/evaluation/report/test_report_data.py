"""Sums over the log for plots, and the sentences under them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.evaluation.report import ReportInputs, ReportSettings
from shopkeeper.evaluation.report import summary as s
from shopkeeper.evaluation.report.sections.data import data_section
from shopkeeper.evaluation.report.sections.learning import learning_section, loss_caption, metric_caption, read_log

DAY = s.MICROSECONDS_A_DAY


def log_of(days: list[int], codes: list[int] | None = None) -> Histories:
    n = len(days)
    types = np.array(codes or [EventType.VIEW.code] * n, dtype=np.uint8)
    return Histories(np.array([0, n]), np.ones(n, np.int32), types, np.array(days, dtype=np.int64) * DAY + 5)


def test_a_timeline_counts_each_type_in_its_bin() -> None:
    view, buy = EventType.VIEW.code, EventType.PURCHASE.code
    found = s.timeline(log_of([10, 10, 11, 13], [view, buy, view, view]))
    assert found is not None
    assert found.bin_name == "day"
    assert found.types == (EventType.VIEW, EventType.PURCHASE)
    assert found.counts.tolist() == [[1, 1], [1, 0], [0, 0], [1, 0]]
    assert (found.starts // DAY).tolist() == [10, 11, 12, 13]
    assert s.timeline(log_of([])) is None


@given(st.lists(st.integers(-20_000, 40_000), min_size=1, max_size=40))
def test_a_timeline_keeps_every_event_in_few_bins(days: list[int]) -> None:
    found = s.timeline(log_of(days))
    assert found is not None
    assert found.counts.sum() == len(days)
    assert len(found.starts) <= max(s.MOST_BINS, (max(days) - min(days)) // 365 + 2) + 1


def test_chunks_do_not_change_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = s.timeline(log_of(list(range(50))))
    monkeypatch.setattr(s, "CHUNK", 7)
    parts = s.timeline(log_of(list(range(50))))
    assert whole is not None
    assert parts is not None
    assert (whole.counts == parts.counts).all()


def test_bins_of_the_histogram_double() -> None:
    low, high, number = s.log_histogram(np.array([0, 1, 2, 3, 4, 7, 8]))
    assert low.tolist() == [1, 2, 4, 8]
    assert high.tolist() == [1, 3, 7, 15]
    assert number.tolist() == [1, 2, 2, 1]
    assert [len(part) for part in s.log_histogram(np.zeros(3, np.int64))] == [0, 0, 0]


def test_the_rank_curve_and_the_top_share() -> None:
    counts = np.array([0, 5, 90, 5, 0])
    ranks, events = s.rank_curve(counts)
    assert dict(zip(ranks.tolist(), events.tolist(), strict=True)) == {1: 90, 2: 5, 3: 5}
    assert s.share_of_top(counts) == 0.9
    assert s.share_of_top(np.zeros(3, np.int64)) == 0.0
    assert len(s.rank_curve(np.zeros(3, np.int64))[0]) == 0
    assert len(s.rank_curve(np.arange(100_000))[0]) <= 160


def test_data_sentences_carry_the_numbers(full: ReportInputs, settings: ReportSettings) -> None:
    body = data_section(full, settings).body
    assert "1,800 events from 1 Jan 1970 to 1 Jan 1970: all of type view" in body
    assert "Half of the 200 shoppers have at most 9 events" in body
    assert "tenth of the 30 items" in body
    assert "Preparation set 1,241 rows aside" in body
    assert "“missing user” (1,234)" in body
    assert "missing user: No shopper is named" in body


def test_no_rejected_row_and_no_event_are_said(bare: ReportInputs) -> None:
    body = data_section(replace(bare, rejected={"bot": 0}), ReportSettings()).body
    assert "Preparation rejected no row" in body
    nothing = bare.dataset.select(np.zeros(bare.dataset.n_events, dtype=bool))
    assert "holds no event" in data_section(replace(bare, dataset=nothing), ReportSettings()).body


def test_the_training_log_is_read(log: Path, full: ReportInputs, settings: ReportSettings) -> None:
    curves = read_log(log)
    assert curves["loss"] == [(1, 3.5), (2, 2.25), (3, 2.0), (4, 1.75)]
    assert curves["validation"] == [(1, 0.1), (2, 0.3), (4, 0.25)]
    assert loss_caption(curves["loss"]) == "The loss fell from 3.500 after epoch 1 to 1.750 after epoch 4."
    assert "best after epoch 2 with 0.3000 and 0.2500 at the end" in metric_caption(curves["validation"])
    assert "longer training may still help" in metric_caption([(1, 0.1), (2, 0.2)])
    assert loss_caption([(1, 2.0)]) == "After one epoch the loss is 2.000."
    assert "after epoch 2" in learning_section(full, settings).body


def test_a_learning_curve_goes_before_the_log(full: ReportInputs, settings: ReportSettings) -> None:
    records = [{"epoch": 1, "loss": 9.0, "validation": 0.5}, {"epoch": 2, "loss": 8.5, "validation": None}]
    body = learning_section(replace(full, learning_curve=records), settings).body
    assert "fell from 9.000 after epoch 1 to 8.500 after epoch 2" in body
    assert "best at the last epoch validated (1) with 0.5000" in body


def test_a_bad_training_log_is_refused(tmp_path: Path, bare: ReportInputs) -> None:
    file = tmp_path / "log.csv"
    with pytest.raises(DataError, match="cannot be read"):
        read_log(file)
    file.write_text("step,loss\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="a column epoch"):
        read_log(file)
    file.write_text("epoch,loss,validation\n", encoding="utf-8")
    assert "no finished epoch" in learning_section(replace(bare, training_log=file), ReportSettings()).body
