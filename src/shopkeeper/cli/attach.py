"""`shopkeeper attach`: puts fitted predictors into a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def attach(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder written by `shopkeeper train`.")],
    predictors: Annotated[
        list[Path], typer.Argument(metavar="PREDICTOR...", help="Folders of predictors, such as `select` writes.")
    ],
) -> None:
    """Put predictors of behavior into a bundle, so that the service answers `POST /predictions` from them.

    One that predicts the same as an earlier one takes its place. A service that runs takes the new bundle over itself.

    Example: shopkeeper attach bundles/sasrec purchase/predictor
    """
    from shopkeeper.jobs.predictors import attach as attach_to
    from shopkeeper.pipeline.predictions import horizon_of

    changed = attach_to(bundle, predictors)
    console = Console(highlight=False)
    for name, predictor in changed.predictors.items():
        console.print(f"{bundle} predicts {name} {horizon_of(predictor)}: {predictor.name}", soft_wrap=True)
