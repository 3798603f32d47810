"""`shopkeeper report`: one self-contained HTML page about bundles and their log."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.evaluate import Baselines, Bundles, Data, baseline_names
from shopkeeper.cli.progress import Bars


def report(
    bundles: Bundles,
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file.")] = Path("report.html"),
    validation: Annotated[
        Path | None, typer.Option("--validation", help="JSON that `shopkeeper validate` wrote, for its findings.")
    ] = None,
    baselines: Baselines = None,
    features: Annotated[
        Path | None,
        typer.Option("--features", metavar="FOLDER", help="Written by `shopkeeper features`: a map of the goods."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="FOLDER", help="Pictures that the catalog names, for a contact sheet."),
    ] = None,
    shop: Annotated[str, typer.Option("--shop", help="Name of the shop, for the headline.")] = "",
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Write a page with the data at a glance, the leaderboard, segments, learning curves and example shoppers.

    Example: shopkeeper report bundle --data dataset --validation validation.json --out report.html

    Example: shopkeeper report bundle --data dataset --features features --images pictures
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.evaluation.report.page import write_report
    from shopkeeper.evaluation.report.settings import ReportSettings
    from shopkeeper.jobs.evaluate import evaluate_bundles
    from shopkeeper.jobs.report import event_curves, read_validation, report_inputs, with_goods
    from shopkeeper.pipeline.bundle import Bundle

    dataset = Dataset.open(data)
    findings = read_validation(validation) if validation is not None else None
    settings = options.prepared_settings(dataset, config, overrides)
    with Bars(quiet) as bars:
        loaded = [Bundle.load(bundle) for bundle in bundles]
        done = evaluate_bundles(loaded, dataset, settings, "test", baseline_names(baselines), bars)
        curve = event_curves(done.leaderboard, done.fits, done.split, settings.evaluation, progress=bars)
    command = shlex.join(["shopkeeper", *sys.argv[1:]])
    inputs = report_inputs(dataset, done.split, done.leaderboard, done.fits, loaded[0].card, findings, command, curve)
    if features is not None:
        inputs = with_goods(inputs, features, images, settings.features.image)
    write_report(inputs, out, ReportSettings(shop=shop))
    Console(highlight=False).print(f"report in {out}")
