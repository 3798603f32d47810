"""`shopkeeper train`: fits one recommender on a prepared log and writes the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars

if TYPE_CHECKING:
    from shopkeeper.jobs.estimate import TrainingEstimate


def train(
    data: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder written by `shopkeeper prepare`.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Which recommender: sasrec, transitions, ease ...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle.")] = Path("bundle"),
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", help="Folder of checkpoints and logs; the same command resumes.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over the data.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of everything random.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Train even where the estimate says that memory does not suffice.")
    ] = False,
    refit: options.Refit = False,
    preset: options.Preset = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Train a recommender and write a bundle: model, id maps, histories, catalog, index and card.

    Prints what it will take before it starts, and refuses what would not fit in memory.

    Example: shopkeeper train dataset --model sasrec --checkpoints runs/sasrec --set models.sasrec.dropout=0.2

    Example: shopkeeper train dataset --model ease --preset small-shop
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.jobs.estimate import refuse_too_large
    from shopkeeper.jobs.train import train as train_bundle

    flags = [
        ("training.checkpoint_folder", checkpoints),
        ("training.epochs", epochs),
        ("training.seed", seed),
        ("training.device", device),
    ]
    dataset = Dataset.open(data)
    settings = options.prepared_settings(dataset, config, overrides, flags, preset)
    console = Console(highlight=False)

    def told(estimate: TrainingEstimate) -> None:
        console.print(_in_words(estimate) + (", and as long again for the whole log" if refit else ""), soft_wrap=True)
        if not force:
            refuse_too_large(estimate)

    with Bars(quiet) as bars:
        trained = train_bundle(dataset, model, settings, bars, told, refit)
    trained.bundle.save(out)
    for setting, decided in trained.bundle.card.decided.items():
        console.print(escape(f"{setting}: {decided}"), soft_wrap=True)
    for evaluation in trained.evaluations:
        row = evaluation.row("ndcg", 10)
        console.print(f"validation NDCG@10 {row.value:.4f} over {row.n_users:,} shoppers: {evaluation.model}")
    card = trained.bundle.card
    if card.not_measured:
        console.print(f"not measured: {card.not_measured}", soft_wrap=True)
    learned = f"fitted on the {card.fitted_on['served']['part']} in {card.seconds:.1f} s"
    console.print(f"{card.model} in {out}, {learned}", soft_wrap=True)


def _in_words(estimate: TrainingEstimate) -> str:
    """Time and memory in one line."""
    seconds = estimate.seconds
    if seconds is None:
        time = "time not told"
    elif seconds < 90:
        time = f"about {max(1, round(seconds))} s"
    else:
        time = f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
    free = "" if estimate.free is None else f" of {estimate.free / 1e9:.1f} GB free"
    models = " and ".join(estimate.estimates)
    return f"estimate: {models} take {time}, and {estimate.bytes / 1e9:.2f} GB{free}"
