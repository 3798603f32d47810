"""The report: one self-contained HTML page from plain facts. See `write_report`."""

from shopkeeper.evaluation.report.inputs import Cost, Protocol, ReportInputs, Score
from shopkeeper.evaluation.report.page import render_report, write_report
from shopkeeper.evaluation.report.settings import ReportSettings

__all__ = ["Cost", "Protocol", "ReportInputs", "ReportSettings", "Score", "render_report", "write_report"]
