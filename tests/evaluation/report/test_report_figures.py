"""What the page says equals what came in: tables, sentences, stamps, costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shopkeeper.errors import DataError
from shopkeeper.evaluation.compare import Comparison
from shopkeeper.evaluation.leaderboard import Leaderboard
from shopkeeper.evaluation.report import Board, ModelCost, ReportInputs, ReportSettings
from shopkeeper.evaluation.report import wording as w
from shopkeeper.evaluation.report.scores import Scores
from shopkeeper.evaluation.report.sections.beyond import apart, beyond_section
from shopkeeper.evaluation.report.sections.card import card_section, flat
from shopkeeper.evaluation.report.sections.leaderboard import cell, leaderboard_section, stamps
from shopkeeper.evaluation.report.sections.new_shoppers import new_shoppers_section
from shopkeeper.evaluation.report.sections.segments import segments_section
from shopkeeper.evaluation.report.sections.validation import validation_section
from shopkeeper.evaluation.report.verdict import comparison, headline
from shopkeeper.evaluation.rows import MetricRow


def row(model: str, value: float, metric: str = "ndcg", width: float | None = None) -> MetricRow:
    low, high = (None, None) if width is None else (value - width, value + width)
    return MetricRow(model, "test", metric, 10, value, low, high, 100)


def test_the_table_shows_every_figure_of_the_leaderboard(
    full: ReportInputs, measured: Leaderboard, settings: ReportSettings
) -> None:
    body = leaderboard_section(full, settings).body
    for entry in measured.entries:
        for metric in ("ndcg", "recall", "hit_rate", "mrr"):
            found = entry.evaluation.row(metric, 5)
            assert found.low is not None
            assert f"{found.value:.4f}" in body
            assert f"<small>{found.low:.4f} \u2013 {found.high:.4f}</small>" in body
        assert f"{entry.evaluation.value('map', 3):.4f}" in body.partition("Every metric at every length")[2]
        assert w.megabytes(entry.evaluation.model_megabytes) in body
    assert body.index("<td>Transitions</td>") < body.index('MostPopular <span class="badge">baseline')


def test_segments_and_catalog_metrics_are_shown(
    full: ReportInputs, measured: Leaderboard, settings: ReportSettings
) -> None:
    segments, beyond = segments_section(full, settings).body, beyond_section(full, settings).body
    rows = [row for row in measured.metric_rows() if row.group != "all" and (row.metric, row.k) == ("recall", 5)]
    assert rows
    for found in rows:
        assert found.segment in segments
        assert f"{found.value:.4f}" in segments
    for entry in measured.entries:
        assert w.percent(entry.evaluation.value("coverage", 5)) in beyond
        assert f"{entry.evaluation.value('novelty', 5):.1f}{w.THIN}bits" in beyond


def test_stamps_say_what_weakens_a_figure(measured: Leaderboard) -> None:
    protocol = replace(
        measured.protocol, unseen_share=0.159, repeat_share=0.5, hiding="items are hidden", hidden_share=0.25
    )
    said = stamps(protocol)
    assert '<li class="stamp bad">leaks the future</li>' in said
    assert f"15.9{w.THIN}% of targets unreachable" in said
    assert f"items are hidden (50.0{w.THIN}% of events are repeats)" in said
    assert f"25.0{w.THIN}% of targets are among the hidden items" in said
    assert "full ranking" in said
    assert "ties get the average rank" in said
    honest = stamps(replace(protocol, leaks_future=False, hidden_share=0.0, hiding=None))
    assert "no leak of the future" in honest
    assert "bad" not in honest
    assert "as new" not in honest
    assert "2 items and 1 shopper kept from training as new" in stamps(replace(protocol, cold_items=2, cold_users=1))
    assert "differs by model" in honest


def test_the_headline_is_computed() -> None:
    rows = [row(m, v, n) for m, n, v in [("A", "ndcg", 0.1), ("B", "ndcg", 0.2), ("A", "hit_rate", 0.061),
                                         ("B", "hit_rate", 0.0856)]]  # fmt: skip
    said = headline(Scores(rows, "ndcg", 10), ("A",))
    assert said == f"B finds a held-out item in its top ten for 8.6{w.THIN}% of shoppers, 1.4 times as often as A."
    assert headline(Scores(rows, "ndcg", 10), ()) == said.partition(",")[0] + "."
    assert headline(Scores(rows, "ndcg", 5), ("A",)) is None
    recall = headline(Scores([row("A", 0.5, "recall")], "ndcg", 10), ())
    assert recall == f"A finds 50.0{w.THIN}% of a shopper's held-out items in its top ten on average."


def test_a_comparison_says_whether_the_order_is_settled() -> None:
    near = [row("B", 0.2, width=0.02), row("A", 0.19, width=0.02)]
    far = [row("B", 0.2, width=0.02), row("A", 0.1, width=0.02)]
    assert "their intervals overlap" in comparison(near, (), "NDCG@10")
    assert "their intervals do not overlap" in comparison(far, (), "NDCG@10")
    assert "2.0 times as high as A" in comparison(far, ("A",), "NDCG@10")
    assert comparison([row("A", 0.1)], (), "NDCG@10") == "A is first with NDCG@10 0.1000."
    settled = Comparison("B", "A", "ndcg", 10, 0.01, 0.005, 0.015, 0.001, 100)
    assert "so the order is settled" in comparison(near, (), "NDCG@10", [settled])
    assert "not settled" in comparison(near, (), "NDCG@10", [replace(settled, low=-0.005)])


def test_costs_have_units(full: ReportInputs, settings: ReportSettings) -> None:
    assert full.board is not None
    costs = {"Transitions": ModelCost(221.0, 5.3, 1234.0, (0, 1, 2)), "MostPopular": ModelCost()}
    body = leaderboard_section(replace(full, board=replace(full.board, costs=costs)), settings).body
    for shown in (f"3{w.THIN}min 41{w.THIN}s", f"5.3{w.THIN}s", f"1.2{w.THIN}GB", "0, 1, 2"):
        assert shown in body


def test_a_board_from_a_file_has_the_same_figures(measured: Leaderboard, full: ReportInputs) -> None:
    import json

    read = Board.from_json(json.loads(measured.to_json()))
    assert full.board is not None
    assert list(read.rows) == list(full.board.rows)
    assert read.costs == full.board.costs
    assert read.protocol == full.board.protocol
    assert {(one.a, one.b, one.metric) for one in full.board.comparisons} == {
        ("Transitions", "MostPopular", "ndcg"),
        ("Transitions", "MostPopular", "recall"),
    }
    with pytest.raises(DataError, match="no leaderboard"):
        Board.from_json({"rows": []})


def test_a_cell_is_bold_where_it_is_the_best() -> None:
    assert cell(row("A", 0.5), best=0.5) == "<strong>0.5000</strong>"
    assert cell(row("A", 0.4), best=0.5) == "0.4000"
    assert cell(None) == w.DASH


def test_validation_shows_the_gravest_first(full: ReportInputs, settings: ReportSettings) -> None:
    findings = [
        {"severity": "info", "title": "small", "count": 9, "unit": "users", "share": 0.25},
        {"severity": "error", "title": "grave"},
    ]
    body = validation_section(replace(full, validation={"findings": findings}), settings).body
    assert body.index("grave") < body.index("small")
    assert "2 findings: 1 error and 1 info" in body
    assert f"9 users, 25.0{w.THIN}%" in body
    many = [{"severity": "info", "title": "x", "count": 1}] * 10
    assert "and 2 further findings" in validation_section(replace(full, validation={"findings": many}), settings).body
    assert "found none" in validation_section(replace(full, validation={"findings": []}), settings).body


def test_validation_shows_what_the_data_unlock(full: ReportInputs, settings: ReportSettings) -> None:
    unlocks = [
        {"title": "Popularity", "ready": True, "why": "9 events"},
        {"title": "SASRec", "ready": False, "why": "w"},
    ]
    body = validation_section(replace(full, validation={"findings": [], "unlocks": unlocks}), settings).body
    assert "The data suffice for 1 of 2 uses" in body
    assert body.index("yes") < body.index("Popularity") < body.index("not yet") < body.index("SASRec")


def test_the_card_is_flat_and_complete(full: ReportInputs, settings: ReportSettings) -> None:
    assert dict(flat({"a": {"b": [1, 2], "c": None}, "d": True})) == {"a.b": "1, 2", "a.c": w.DASH, "d": "yes"}
    body = card_section(full, settings).body
    assert "<dt>hash</dt><dd><code>abc</code></dd>" in body
    assert "<dt>seeds</dt><dd><code>1, 2</code></dd>" in body


def test_labels_of_the_trade_off_do_not_cover_each_other() -> None:
    assert apart([(0, 0.5), (0, 1.0), (0.1, 0.5), (0, 0.0)]) == [0.5, 1.0, 0.56, 0.0]
    assert apart([(0, 0.5), (0.9, 0.5)]) == [0.5, 0.5]
    assert apart([]) == []
    assert apart([(0, 0.0), (0, 0.0)]) == [0.0, 0.0]


def test_a_segment_plot_speaks_of_the_best_model_first(full: ReportInputs, settings: ReportSettings) -> None:
    assert full.board is not None
    rows = [
        MetricRow(
            f"M{place}", "test", "recall", 5, place / 100 if group == "all" else 0.5, None, None, 9, group, segment
        )
        for place in range(6)
        for group, segment in (("all", ""), ("items", "head"), ("items", "tail"))
    ]
    inputs = replace(full, board=replace(full.board, rows=rows), baselines=("M0",))
    body = segments_section(inputs, settings.replace(metrics=("recall",))).body
    assert "M5 does best for head items" in body
    legend = body[: body.index("figcaption")]
    assert all(f">{name}<" in legend for name in ("M5", "M4", "M3", "M0"))
    assert ">M2<" not in legend


def test_what_each_event_is_worth_is_drawn_and_told(full: ReportInputs, settings: ReportSettings) -> None:
    body = new_shoppers_section(full, settings).body
    for row in full.curve:
        if row.metric == "ndcg":
            assert f"{row.value:.4f}" in body
    assert '<th class="num">1 event</th><th class="num">3 events</th><th class="num">all events</th>' in body
    assert f"and 100{w.THIN}% of that with one event" in body
