"""`shopkeeper recommend`: one shopper, a history, a file of shoppers, or all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import typer
from rich.console import Console

from shopkeeper.cli import options
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars
from shopkeeper.cli.tables import recommendation_table
from shopkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopkeeper.jobs.recommend import Hidden
    from shopkeeper.pipeline.bundle import Bundle
    from shopkeeper.types import Id

SimilarKind: TypeAlias = Literal["similar", "together"]
KIND: Final = "What can stand in for the item (similar), or what goes with it (together)."


def recommend(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder written by `shopkeeper train`.")],
    user: Annotated[str | None, typer.Option("--user", help="Id of one shopper.")] = None,
    history: Annotated[str | None, typer.Option("--history", help="Item ids by comma, oldest first.")] = None,
    users_file: Annotated[Path | None, typer.Option("--users-file", help="Text file, one shopper a line.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every shopper of the log.")] = False,
    similar_to: Annotated[str | None, typer.Option("--similar-to", help="Items like this one instead.")] = None,
    kind: Annotated[SimilarKind, typer.Option("--kind", help=KIND)] = "similar",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Parquet file, for --users-file and --all.")] = None,
    k: options.ListLength = 10,
    exclude: Annotated[str | None, typer.Option("--exclude", help="Item ids by comma that must not come out.")] = None,
    hide: Annotated[
        str | None, typer.Option("--hide", metavar="WHAT", help="Of the shopper's own items: bought, seen or none.")
    ] = None,
    hide_after: Annotated[
        float | None, typer.Option("--hide-after", min=0, metavar="DAYS", help="Days until they may come out again.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Recommend items, with title, score, the model that each comes from, and the reason.

    Examples: shopkeeper recommend bundle --user 1042; shopkeeper recommend bundle --history 17,4,99 --k 5;
    shopkeeper recommend bundle --all --out recommendations.parquet
    """
    from shopkeeper.data.hiding import hide_of
    from shopkeeper.jobs.recommend import Hidden
    from shopkeeper.pipeline.bundle import Bundle

    asked = [user is not None or history is not None, users_file is not None, everyone, similar_to is not None]
    if sum(asked) != 1:
        raise ConfigError(
            "say for whom", expected="one of --user, --history, --users-file, --all, --similar-to",
            got=f"{sum(asked)} of them",
        )  # fmt: skip
    if similar_to is not None and (hide is not None or hide_after is not None):
        raise ConfigError("--hide does not go with --similar-to", remedy="leave one of them out")
    said = Hidden(hide_of(hide, None), hide_after)
    loaded = Bundle.load(bundle)
    if similar_to is not None:
        show_similar(loaded, similar_to, k, kind, _item_ids(loaded, exclude))
    elif users_file is not None or everyone:
        _to_file(loaded, users_file, out, k, exclude, said, quiet)
    else:
        _to_screen(loaded, user, history, exclude, said, k)


def _to_file(
    bundle: Bundle, users_file: Path | None, out: Path | None, k: int, exclude: str | None, said: Hidden, quiet: bool
) -> None:
    from shopkeeper.jobs.recommend import read_user_ids, recommend_to_file, unknown_users

    if out is None:
        raise ConfigError("recommendations for many shoppers go to a file", expected="--out FILE.parquet")
    users = read_user_ids(users_file, bundle.recommender) if users_file is not None else None
    with Bars(quiet) as bars:
        rows = recommend_to_file(bundle.pipeline, users, k, out, bars, _item_ids(bundle, exclude), said)
    console = Console(highlight=False)
    console.print(f"{rows:,} recommendations in {out}")
    unknown = [] if users is None else unknown_users(bundle.pipeline, users)
    if unknown and users is not None:
        first = escape(repr(unknown[0]))
        console.print(
            f"{len(unknown):,} of {len(users):,} users are not in the log, answered as new ones; the first is {first}"
        )


def show_similar(bundle: Bundle, item: str, k: int, kind: SimilarKind, exclude: Sequence[Id] = ()) -> None:
    """Prints the items that are like one, or go with it, and what answered."""
    answer = bundle.similar_items([bundle.pipeline.train.items.parse(item)], k, kind, exclude=exclude)
    console = Console(highlight=False)
    console.print(
        recommendation_table(
            answer[0], bundle.catalog, f"{kind} to {item}" if kind == "similar" else f"together with {item}"
        )
    )
    for meaning in answer.meanings or ():
        console.print(escape(meaning), soft_wrap=True)


def _to_screen(
    bundle: Bundle, user: str | None, history: str | None, exclude: str | None, said: Hidden, k: int
) -> None:
    recommender = bundle.pipeline
    console = Console(highlight=False)
    given = None if history is None else [_item_ids(bundle, history)]
    who = None if user is None else [recommender.memory.users.parse(user)]
    excluded = _item_ids(bundle, exclude)
    answer = recommender.recommend(
        who, given, k=k, exclude=excluded, hide=said.hide, hide_after=said.days, explain=True
    )
    title = f"for shopper {user}" if user is not None else "for this history"
    console.print(recommendation_table(answer[0], bundle.catalog, title))
    if who is not None and history is None and who[0] not in recommender.memory.users:
        console.print("the log does not know this user: the answer is that for a new one")
    if answer.ignored[0]:
        console.print(f"items unknown to training, ignored: {escape(', '.join(map(str, answer.ignored[0])))}")


def _item_ids(bundle: Bundle, text: str | None) -> list[Id]:
    """Item ids separated by commas."""
    parse = bundle.recommender.train.items.parse
    return [parse(part.strip()) for part in (text or "").split(",") if part.strip()]
