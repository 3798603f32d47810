"""`shopkeeper features`: what the items are, as vectors in a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli import options
from shopkeeper.cli.plain import escape
from shopkeeper.cli.progress import Bars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopkeeper.features.store import Built

STORE = Path("features")
EXTRACTOR = "features.attributes.extractor"
SPEEDS = ("texts_a_second", "images_a_second", "items_a_second")


def features(
    data: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder written by `shopkeeper prepare`.")],
    text: Annotated[
        str | None,
        typer.Option("--text", help="Encoder of texts: minilm, multilingual, static, sentence-transformers, endpoint."),
    ] = None,
    image: Annotated[
        Path | None, typer.Option("--image", metavar="FOLDER", help="Folder of the pictures that the catalog names.")
    ] = None,
    image_encoder: Annotated[
        str | None,
        typer.Option("--image-encoder", help="Of pictures: efficientnet, transformers, timm, open-clip, endpoint."),
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch pictures that the catalog names by web address.")
    ] = False,
    attributes: Annotated[
        str | None,
        typer.Option("--attributes", help="Who tells color, material, gender...: words, smollm2, gguf, endpoint."),
    ] = None,
    tabular: Annotated[
        bool, typer.Option("--tabular", help="Category, brand, price position, age, availability, popularity.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the feature store.")] = STORE,
    parts: Annotated[
        list[str], typer.Option("--part", metavar="TEMPLATE", help="Part of the text: '{title}'; may be repeated.")
    ] = [],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="For sentence-transformers name or folder, endpoint name, gguf file."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Address of an OpenAI-compatible endpoint.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the text feature in the store.")] = None,
    whole_catalog: Annotated[
        bool, typer.Option("--whole-catalog", help="Also items of the catalog that the log does not have.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="DATE", help="Tabular features look at events before; end of training if not given."
        ),
    ] = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = [],
    quiet: options.Quiet = False,
) -> None:
    """Turn texts, pictures and columns of the catalog into vectors, and keep them: nothing is made twice.

    minilm is for English; multilingual knows Chinese and fourteen more languages; static is the fastest.

    Example: shopkeeper features dataset --text minilm

    Example: shopkeeper features dataset --text multilingual --part "{title}" --part "{brand}" --tabular

    Example: shopkeeper features dataset --image pictures --set features.image.column=photo

    Example: shopkeeper features dataset --image pictures --image-encoder transformers --model models/siglip

    Example: shopkeeper features dataset --text sentence-transformers --model models/my-encoder

    --model and --url are for --text where that is given, else for --attributes, else for --image-encoder.

    Example: shopkeeper features dataset --attributes smollm2

    Example: shopkeeper features dataset --text endpoint --url http://localhost:8000/v1 --model bge-m3
    """
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.jobs.features import Wanted, build_features, moment_of, training_end

    asked = _asked(text, attributes, image_encoder)
    flags = [
        ("features.text.encoder.name", text),
        ("features.attributes.extractor.name", attributes),
        ("features.image.encoder.name", image_encoder),
        (f"{asked}.{'file' if asked == EXTRACTOR and attributes == 'gguf' else 'model'}", model),
        (f"{asked}.url", url),
        ("features.text.template.parts", list(parts) or None),
        ("features.text.feature", name),
        ("features.image.fetch.enabled", fetch or None),
    ]
    dataset = Dataset.open(data)
    settings = options.prepared_settings(dataset, config, overrides, flags)
    moment = None
    if tabular:
        moment = moment_of(as_of) if as_of is not None else training_end(dataset, settings.prepare.split)
    wanted = Wanted(text is not None, image, moment, whole_catalog, attributes is not None)
    with Bars(quiet) as bars:
        built = build_features(dataset, out, settings.features, wanted, bars)
    console = Console(highlight=False)
    console.print(_table(built))
    for result in built:
        for line in _remarks(result):
            console.print(line, soft_wrap=True)
    console.print(
        f"in {out}; look at neighbors: shopkeeper similar ITEM --data {data} --features {out}", soft_wrap=True
    )


def _asked(text: str | None, attributes: str | None, image_encoder: str | None) -> str:
    """The section whose model is named."""
    if text is None and attributes is not None:
        return EXTRACTOR
    return "features.text.encoder" if text is not None or image_encoder is None else "features.image.encoder"


def _table(built: Sequence[Built]) -> Table:
    table = Table()
    table.add_column("feature", no_wrap=True)
    for column in ("size", "items", "have it", "made now", "a second", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    for result in built:
        feature, speed = result.feature, _speed(result.feature.facts)
        table.add_row(
            escape(feature.name), f"{feature.size:,}", f"{len(feature.items):,}", f"{feature.coverage:.1%}",
            "unchanged" if result.unchanged else f"{result.n_made:,}",
            f"{speed:,.0f}" if speed and not result.unchanged else "-", f"{result.seconds:.2f}",
        )  # fmt: skip
    return table


def _speed(facts: Mapping[str, Any]) -> float | None:
    """Texts, pictures or items a second."""
    speed: float | None = next((facts[name] for name in SPEEDS if facts.get(name)), None)
    return speed


def _remarks(result: Built) -> list[str]:
    """What else is to be said of a feature, each a line."""
    facts, lines = result.feature.facts, []
    if facts.get("empty") or facts.get("wordless"):
        lines.append(
            f"{facts['empty']:,} items have no text, {facts['wordless']:,} only symbols or emoji: they are without it"
        )
    for fault, count in facts.get("faults", {}).items():
        examples = "; ".join(facts["examples"].get(fault, []))
        lines.append(escape(f"{count:,} items without a picture, {fault}" + (f": {examples}" if examples else "")))
    if facts.get("missing_columns"):
        lines.append(f"the catalog has no column {', '.join(facts['missing_columns'])}: left out of the text")
    if facts.get("cut"):
        lines.append(f"{facts['cut']:,} texts were cut at features.text.template.most_characters")
    if "valid_at_once" in facts:
        lines += _told(facts)
    usage = facts.get("usage") or {}
    if usage and not result.unchanged:
        lines.append("used: " + ", ".join(f"{value:,.6g} {name}" for name, value in usage.items()))
    lines += [f"[yellow]warning:[/] {escape(warning)}" for warning in facts.get("warnings", [])]
    return lines


def _told(facts: Mapping[str, Any]) -> list[str]:
    """What is to be said of attributes: how many answers were valid, what they tell, examples."""
    have = ", ".join(f"{name} {share:.1%}" for name, share in facts["have"].items())
    dropped = {name: count for name, count in facts["ungrounded"].items() if count}
    lines = [f"valid answers: {facts['valid']:.1%}, {facts['valid_at_once']:.1%} at first try; items with {have}"]
    if dropped:
        said = ", ".join(f"{name} {count:,}" for name, count in dropped.items())
        lines.append(f"dropped, since the text does not bear them: {said}")
    if facts["unknown_keys"]:
        lines.append(f"{facts['unknown_keys']:,} keys that nobody asked for were dropped")
    lines += [f"not valid, for example: {fault}" for fault in facts["invalid_examples"][:1]]
    for example in facts["answer_examples"]:
        values = ", ".join(f"{name} {value}" for name, value in example["values"].items())
        lines.append(f"{example['text'][:80]} -> {values}")
    return [escape(line) for line in lines]
