"""`shopkeeper predict`: how likely shoppers do something with items: one pair, a file of pairs, or all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars
from shopkeeper.data.examples.settings import Moment
from shopkeeper.errors import ConfigError, DataError

if TYPE_CHECKING:
    from shopkeeper.jobs.predict import Asker
    from shopkeeper.jobs.predict_pairs import Rejected
    from shopkeeper.types import Id

SHOWN_REASONS = 5


def predict(
    data: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder written by `shopkeeper prepare`.")],
    predictor: Annotated[Path, typer.Option("--predictor", "-p", help="Folder of a predictor: selection/predictor.")],
    user: Annotated[str | None, typer.Option("--user", help="Id of one shopper.")] = None,
    item: Annotated[str | None, typer.Option("--item", help="Id of one item.")] = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help="CSV or Parquet file with user_id, item_id and perhaps timestamp.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every active shopper with every available item.")] = False,
    items: Annotated[
        str | None, typer.Option("--items", help="With --all: ids by comma, or a text file, one a line.")
    ] = None,
    popular: Annotated[
        int | None, typer.Option("--popular", min=1, help="With --all: only so many most popular items.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Parquet file, for --pairs and --all.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="As of this moment (UTC): 2025-03-01 or 2025-03-01T12:00.")
    ] = None,
    placement: Annotated[
        str | None, typer.Option("--placement", help="Where the items are shown, for logs that say it.")
    ] = None,
    moment: Annotated[
        Moment, typer.Option("--moment", help="What that moment is: any, or a visit of the shoppers asked about.")
    ] = "any",
    explain: Annotated[bool, typer.Option("--explain", help="Say why, in words.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Predict what shoppers will do, with a predictor that `shopkeeper select` has chosen.

    Answers are as of the end of the log, or --at a moment: what came later is not looked at. Ids come back as they
    went in. Rows of a file that cannot be answered, those with a time after --at among them, are counted, and written
    with their reasons beside the predictions; if no row is left, that is an error.

    A predictor of visits (`select --moment visit`) answers with --moment visit alone, where the shoppers are in the
    shop at that moment.

    Example: shopkeeper predict dataset --predictor selection/predictor --user c001 --item 00003 --explain

    Example: shopkeeper predict dataset --predictor selection/predictor --pairs pairs.csv --out predictions.parquet

    Example: shopkeeper predict dataset --predictor selection/predictor --all --popular 100 --out predictions.parquet
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.jobs.predict import load_asker

    asked = [user is not None or item is not None, pairs is not None, everyone]
    if sum(asked) != 1:
        raise ConfigError(
            "say what to predict", expected="one of --user with --item, --pairs, --all", got=f"{sum(asked)} of them"
        )
    if not everyone and (items is not None or popular is not None):
        raise ConfigError("--items and --popular go with --all", remedy="name one item with --item")
    asker = load_asker(predictor, Dataset.open(data), None if at is None else _moment(at), placement, moment)
    if user is not None or item is not None:
        _to_screen(asker, user, item, explain)
        return
    if out is None:
        raise ConfigError("predictions for many pairs go to a file", expected="--out FILE.parquet")
    with Bars(quiet) as bars:
        if pairs is not None:
            _file_to_file(asker, pairs, out, explain, bars)
        else:
            _all_to_file(asker, items, popular, out, explain, bars)


def _to_screen(asker: Asker, user: str | None, item: str | None, explain: bool) -> None:
    from shopkeeper.data.cutoffs import moment_text
    from shopkeeper.evaluation.behavior.leaderboard import target_words
    from shopkeeper.predictors.wording import sentences

    if user is None:
        raise ConfigError("a prediction is about a shopper", expected="--user ID beside --item")
    dataset = asker.dataset
    parsed = None if item is None else dataset.items.parse(item)
    found = asker.one(dataset.users.parse(user), parsed, 2 * SHOWN_REASONS if explain else 0)
    title = "" if parsed is None or dataset.catalog is None else dataset.catalog.titles([parsed])[0] or ""
    what = f"{found.value:,.4g}" if asker.predictor.of_amounts else f"{100 * found.value:.3g} %"
    who = f"shopper {user}" + ("" if item is None else f", item {item}" + (f" ({title})" if title else ""))
    console = Console(highlight=False)
    console.print(escape(f"{target_words(asker.settings)}: {what}"), style="bold", soft_wrap=True)
    how = f"as of {moment_text(asker.at)[:19]}, {asker.settings.moment_words}, by {asker.predictor.name}"
    console.print(escape(f"{who}, {how}"), soft_wrap=True)
    if not found.known:
        console.print("the log does not know this shopper: the answer is that for a new one")
    if asker.inactive_words:
        console.print(asker.inactive_words, soft_wrap=True)
    for words in sentences(found.reasons)[:SHOWN_REASONS]:
        console.print(escape(f"- {words}"), soft_wrap=True)


def _file_to_file(asker: Asker, pairs: Path, out: Path, explain: bool, bars: Bars) -> None:
    from shopkeeper.jobs.predict_file import predict_to_file, rejected_file
    from shopkeeper.jobs.predict_pairs import FileOfPairs

    opened = FileOfPairs.open(pairs, asker)
    rows = predict_to_file(asker, opened, out, explain, bars)
    rejected = _rejections(opened.rejected)
    if not rows:
        raise DataError(
            f"no row of {pairs} could be answered: {out} was not written",
            expected="rows of a shopper, an item that is known, and a time up to --at" if asker.of_items else None,
            got="; ".join(rejected) or "no row", remedy="mend the rows, or the moment",
        )  # fmt: skip
    console = Console(highlight=False)
    console.print(escape(f"{rows:,} predictions in {out}, {asker.settings.moment_words}"), soft_wrap=True)
    if opened.new_shoppers:
        console.print(
            f"{opened.new_shoppers:,} of them are of shoppers that the log does not know, answered as new ones"
        )
    if opened.after_log:
        console.print(
            f"{opened.after_log:,} of them are of times after the end of the log, answered as if nothing came between",
            soft_wrap=True,
        )
    if asker.inactive_words:
        console.print(asker.inactive_words, soft_wrap=True)
    for words in rejected:
        console.print(escape(words), soft_wrap=True)
    if rejected:
        console.print(escape(f"rejected rows with reasons in {rejected_file(out)}"), soft_wrap=True)


def _rejections(rejected: Rejected) -> list[str]:
    """A line for each reason."""
    first = {reason: row for row, reason in rejected.examples}
    return [
        f"{count:,} rejected: {reason}" + (f", the first is row {first[reason]:,}" if reason in first else "")
        for reason, count in rejected.counts.items()
    ]


def _all_to_file(asker: Asker, items: str | None, popular: int | None, out: Path, explain: bool, bars: Bars) -> None:
    import numpy as np

    from shopkeeper.jobs.predict_file import predict_to_file
    from shopkeeper.jobs.predict_pairs import Crossed

    users = asker.active_users()
    chosen = np.zeros(0, dtype=np.int32)
    if asker.of_items:
        chosen = asker.candidate_items(None if items is None else _ids(asker, items), popular)
    elif items is not None or popular is not None:
        raise ConfigError(f"the predictor of {asker.settings.target} is about shoppers", remedy="leave out the items")
    pairs = Crossed(asker, users, chosen)
    rows = predict_to_file(asker, pairs, out, explain, bars)
    of = f" x {len(chosen):,} items" if asker.of_items else ""
    console = Console(highlight=False)
    who = f"{len(users):,} active shoppers{of}, {asker.settings.moment_words}"
    console.print(escape(f"{rows:,} predictions in {out}: {who}"), soft_wrap=True)
    if pairs.left_out:
        console.print(f"{pairs.left_out:,} pairs left out: not {asker.settings.given_words}", soft_wrap=True)
    if unsold := asker.n_without_event(chosen) if asker.of_items else 0:
        words = "of the items had no event before: nothing of the kind was learned from, take these answers with care"
        console.print(f"{unsold:,} {words}", soft_wrap=True)


def _ids(asker: Asker, text: str) -> list[Id]:
    """Item ids by comma, or of a file with one a line."""
    file = Path(text)
    try:
        parts = file.read_text(encoding="utf-8").splitlines() if file.is_file() else text.split(",")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {text}", expected="a text file, one item id a line", got=str(error)) from error
    return [asker.dataset.items.parse(part.strip()) for part in parts if part.strip()]


def _moment(text: str) -> int:
    """Unix microseconds of ISO 8601 text, UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no moment", expected="2025-03-01 or 2025-03-01T12:00") from error
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
