"""The report: one self-contained HTML page from plain facts. See `write_report`."""

from shopkeeper.evaluation.report.board import Board, ModelCost
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.report.page import render_report, write_report
from shopkeeper.evaluation.report.settings import ReportSettings

__all__ = ["Board", "ModelCost", "ReportInputs", "ReportSettings", "render_report", "write_report"]
