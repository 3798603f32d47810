"""Semantic ids and features of the items in sequence models, by the protocol of the published tables.

Rows: models that generate the next item's semantic id (`tiger`; `tiger_dense`, which also compares with items as LIGER
does; `tiger_text`, whose ids come from titles alone), sequence models by ids only and the same with vectors of titles
beside them, and a blend of all. Protocol, settings' search and intervals are those of `sequential.py`, leave-one-out in
the order of the file. Beside the table: how many ids came out that are not on sale, when half of the catalog is not.

    python benchmarks/generative.py --data FOLDER --models tiger,tiger_dense,sasrec,sasrec_text,blend --json OUT

FOLDER holds `sequences.txt` and `catalog.parquet` with titles.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sequential import Rows, describe, load, make_split
from benchmarks.sequential_rows import FEATURED, Grid, grids
from benchmarks.sequential_tables import in_words, published, record, to_text
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.recommenders.candidates import Eligible
from shopkeeper.recommenders.tiger import TIGER
from shopkeeper.training.settings import TrainingSettings

PROTOCOL: Final = "leave_one_out"
PAIRS: Final = (
    ("sasrec_text", "sasrec_ids"), ("sasrec_text", "sasrec"), ("sasrec", "sasrec_ids"), ("hstu_text", "hstu_ids"),
    ("hstu_text", "hstu"), ("tiger_dense", "tiger"),
)  # fmt: skip
"""Rows that are compared shopper by shopper where both ran."""
K: Final = 10


def main(arguments: list[str] | None = None) -> None:
    """Runs the rows, counts what came out that should not, prints and writes the results."""
    options = _parser().parse_args(arguments)
    training = load_settings(TrainingSettings, None, options.set)
    log, _ = load(options.data)
    parts = make_split(log, PROTOCOL)
    started = time.monotonic()
    names = options.models.split(",")
    with tempfile.TemporaryDirectory() as folder:
        feature = _titles(parts.train, Path(folder), options.encoder) if set(names) & set(FEATURED) else None
        seconds = time.monotonic() - started
        rows = Rows(PROTOCOL, parts, options.seeds, training, grids(options.start) | grids_of(feature, names))
        results = _run(rows, names, options.minutes)
    facts = describe(parts)
    pairs = _pairs(rows)
    compared = pairs + [one for one in rows.comparisons() if one not in pairs]
    illegal = {name: illegal_ids(model, parts) for name, models in rows.models.items()
               for model in models[:1] if isinstance(model, TIGER)}  # fmt: skip
    print(to_text(PROTOCOL, facts, results, published(log, PROTOCOL)))
    print("".join(f"{in_words(one)}\n" for one in compared))
    print("".join(f"{name}: {found}\n" for name, found in illegal.items()))
    if options.json:
        content = record("generative.py", options.data, _flags(options), log) | {
            "protocol": facts, "training": training.model_dump(mode="json"), "encoding_seconds": seconds,
            "results": [asdict(result) for result in results], "illegal_ids": illegal,
            "paired_differences": [one.to_json() for one in compared],
        }  # fmt: skip
        text = json.dumps(content, indent=1, ensure_ascii=False).replace(f"{folder}/", "")
        write_text_atomic(options.json, text + "\n")


def grids_of(feature: Path | None, names: list[str]) -> dict[str, Grid]:
    """Settings tried for the rows of this benchmark: as wide and as much dropped as the networks of `sequential.py`."""
    usual: Grid = {"ties": ["keep"], "embedding_size": [128], "content_start": [12.0]}
    alone: Grid = {**usual, "content_start": [0.0], "dropout": [0.5], "embedding_dropout": [0.5]}
    tiger: Grid = {**usual, "dropout": [0.3], "embedding_dropout": [0.3], "codebooks": [{"levels": 2, "size": 2048}]}
    dense: Grid = {**tiger, "dropout": [0.5], "embedding_dropout": [0.5], "dense": [1.0], "own_embeddings": [True]}
    dense["dense_share"] = [0.8]
    text: Grid = {**usual, "dropout": [0.5], "embedding_dropout": [0.5], "item_features": [(str(feature),)]}
    found = {
        "sasrec_ids": alone, "hstu_ids": alone, "sasrec_text": text, "hstu_text": text,
        "tiger": tiger, "tiger_dense": dense,
        "sasrec_content": {**text, "item_ids": [False]}, "tiger_text": {**tiger, "item_features": [(str(feature),)]},
    }  # fmt: skip
    return {name: found[name] for name in names if name in found}


def illegal_ids(model: TIGER, parts: Split) -> dict[str, int]:
    """Asks for every shopper of the test part when a random half of the catalog is on sale.

    Returns:
        Shoppers, answers, answers that are not on sale or were seen, and shoppers with fewer than `K`.
    """
    n_items = parts.train.n_items
    on_sale = np.random.default_rng(0).random(n_items + 1) < 0.5
    on_sale[0] = False
    counts = {"shoppers": len(parts.test), "answers": 0, "illegal": 0, "too_few": 0}
    for start, histories in parts.test.histories.batches(model.batch_size()):
        seen = [histories.items_of(row) for row in range(len(histories))]
        users = parts.test.user_index[start : start + len(histories)]
        items = model.candidates(users, histories, K, Eligible.of(on_sale, seen)).item_index
        known = np.zeros((len(histories), n_items + 1), dtype=bool)
        known[histories.rows, histories.item_index] = True
        shown = items > 0
        wrong = shown & (~on_sale[items] | np.take_along_axis(known, items.astype(np.int64), axis=1))
        counts["answers"] += int(shown.sum())
        counts["illegal"] += int(wrong.sum())
        counts["too_few"] += int((shown.sum(axis=1) < K).sum())
    return counts


def _run(rows: Rows, names: list[str], minutes: float) -> list[Any]:
    ends, results = time.monotonic() + 60 * minutes, list[Any]()
    for place, name in enumerate(names):
        deadline = time.monotonic() + (ends - time.monotonic()) / (len(names) - place)
        results.append(rows.blend() if name == "blend" else rows.run(name, deadline))
    return results


def _pairs(rows: Rows) -> list[Comparison]:
    there = [pair for pair in PAIRS if set(pair) <= set(rows.tests)]
    found = [one for first, second in there for one in compare(rows.tests[first], rows.tests[second])]
    return [one for one in found if one.k == K]


def _titles(train: Dataset, folder: Path, encoder: str) -> Path:
    """Builds vectors of the titles, brands and categories; the folder of the feature."""
    settings = build(TextSettings, {"encoder": {"name": encoder}})
    FeatureStore(folder).text(train.items, train.catalog, settings)
    return folder / settings.feature_name


def _flags(options: argparse.Namespace) -> list[str]:
    """The command line, without where the data are and where the record goes."""
    flags = ["--models", options.models, "--seeds", str(options.seeds), "--minutes", f"{options.minutes:g}"]
    flags += ["--encoder", options.encoder, *(part for change in options.set for part in ("--set", change))]
    flags += [part for word in options.start for part in ("--start", word)]
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sequences.txt and catalog.parquet")
    parser.add_argument(
        "--models", default="tiger,tiger_dense,sasrec,sasrec_text,hstu,hstu_text,blend", help="by comma"
    )
    parser.add_argument("--encoder", default="minilm", help="of the titles: static, minilm or multilingual")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each network")
    parser.add_argument("--minutes", type=float, default=60.0, help="for choosing settings, all models together")
    parser.add_argument("--start", action="append", default=[], help="where a search begins, as in sequential.py")
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example epochs=40")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()
