"""New items: what models find of items that training has not seen, and what finding them costs on the others.

The items that appeared last (a tenth, by their first event) are kept from training. Models are fitted without them and
then told of them (`with_newcomers`): a model of ids takes a new item for those whose titles are most like its own, one
that reads features reads its vector, a generative one codes it by its frozen codebooks. All shoppers of the test part
are asked, seen items are hidden; figures for targets that are new, few-shot and seen among all items, and for new ones
among the new ones alone. `without` is the model of ids that never heard of them; `chance` is what a random order finds.

    python benchmarks/cold_start.py --data FOLDER --json OUT

FOLDER holds `sequences.txt`, `events.parquet` with timestamps and `catalog.parquet` with titles.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sequential import in_file_order, load
from benchmarks.sequential_tables import record
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import questions_for, split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.table import table
from shopkeeper.features.feature import Feature
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.pipeline.item_encoder import ItemEncoder
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.blend import Blend
from shopkeeper.recommenders.item_features import item_feature_vectors
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.settings import TrainingSettings

K: Final = 10
MEASURED: Final = EvaluationSettings(ks=(K,), metrics=("recall", "ndcg"), hide_seen=True, n_bootstrap=1000)
COLUMNS: Final = (("sight", "unseen"), ("among new", "unseen"), ("sight", "few-shot"), ("sight", "seen"), ("all", ""))
WIDE: Final = {"ties": "keep", "embedding_size": 128, "dropout": 0.5, "embedding_dropout": 0.5}
TIGER: Final = {**WIDE, "dropout": 0.3, "embedding_dropout": 0.3, "content_start": 12.0}


def rows(feature: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Model and settings of each row."""
    text = {**WIDE, "item_features": (str(feature),)}
    return {
        "ids": ("SASRec", WIDE), "ids, content start": ("SASRec", {**WIDE, "content_start": 12.0}),
        "content": ("SASRec", {**text, "item_ids": False}), "ids and content": ("SASRec", text),
        "generative": ("TIGER", TIGER), "generative, titles": ("TIGER", {**TIGER, "item_features": (str(feature),)}),
        "content kNN": ("ContentKNN", {"history_decay": 0.6}), "transitions": ("Transitions", {}),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Fits every row without the new items, tells it of them, asks, prints and writes the figures."""
    options = _parser().parse_args(arguments)
    training = load_settings(TrainingSettings, None, options.set)
    log = in_file_order(load(options.data)[0])
    settings = SplitSettings(kind="leave_one_out", cold_items=options.share)
    parts = split(log, settings)
    with tempfile.TemporaryDirectory() as folder:
        text = build(TextSettings, {"encoder": {"name": options.encoder}})
        FeatureStore(Path(folder)).text(log.items, log.catalog, text)
        path = Path(folder) / text.feature_name
        new = newcomers(parts.train, log, path, text)
        found: dict[str, Any] = {"chance": _chance(new)}
        fitted: dict[str, Recommender] = {}
        wanted = options.models.split(",") if options.models else list(rows(path))
        for name in wanted:
            model, config = rows(path)[name]
            started = time.monotonic()
            fitted[name] = recommender_class(model)(build(recommender_class(model).Config, config))
            fitted[name].fit(parts.train, parts.validation, training)
            print(f"{name}: fitted in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        fitted["blend"] = _blend(fitted, parts.validation)
        asked = questions_for(log, settings, "test", parts.train.users, new.dataset.items)
        for name, one in fitted.items():
            if name == wanted[0]:
                found[f"{name}, without"] = figures(evaluate(one, parts.test, MEASURED, part="test"))
            found[name] = figures(evaluate(one.with_newcomers(new), asked, MEASURED, part="test"))
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    sizes = {"items": new.n_known, "new_items": len(new), "shoppers": len(asked), "share": options.share,
             "new_targets": int((asked.targets.item_index > new.n_known).sum())}  # fmt: skip
    print(text_of(sizes, found))
    if options.json:
        content = record("cold_start.py", options.data, _flags(options), log) | {
            "sizes": sizes, "split": parts.facts, "training": training.model_dump(mode="json"), "k": K,
            "settings": {name: rows(Path("feature"))[name] for name in wanted}, "results": found,
        }  # fmt: skip
        write_text_atomic(options.json, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def newcomers(train: Dataset, log: Dataset, feature: Path, text: TextSettings) -> Newcomers:
    """Items of the catalog that training lacks, and the items of training whose texts are most like theirs."""
    ids = [one for one in log.items.arrow.to_pylist() if one not in train.items]
    longer = train.with_items(ids)
    known = Feature.open(feature).aligned(train.items)
    encoder = ItemEncoder.of(known, text)
    vectors = Feature.open(feature).aligned(longer.items).matrix[train.n_items + 1 :]
    neighbors, weights = encoder.neighbors(np.asarray(vectors, dtype=np.float32))
    return Newcomers(longer, neighbors, weights, item_feature_vectors(longer, [feature])[train.n_items + 1 :])


def figures(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Recall and NDCG with intervals of each kind of target, by the name of its column."""
    wanted = {f"{group}: {segment}" if segment else group: (group, segment) for group, segment in COLUMNS}
    return {
        name: {row.metric: asdict(row) for row in evaluation.rows if (row.group, row.segment) == key}
        for name, key in wanted.items()
    }


def text_of(sizes: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The table: recall / NDCG."""
    head = ["model", *(f"{group} {segment}".strip() for group, segment in COLUMNS)]
    body = [[name, *(_cell(columns.get(_name(column))) for column in COLUMNS)] for name, columns in found.items()]
    return f"{sizes}, recall@{K} / NDCG@{K}\n" + table(head, body)


def _name(column: tuple[str, str]) -> str:
    return f"{column[0]}: {column[1]}" if column[1] else column[0]


def _cell(values: Mapping[str, Any] | None) -> str:
    if not values:
        return "-"
    return " / ".join(f"{values[metric]['value']:.4f}" for metric in ("recall", "ndcg") if metric in values)


def _chance(new: Newcomers) -> dict[str, Any]:
    """Recall of a random order: among all items, and among the new ones."""
    everything = {"recall": {"value": K / new.dataset.n_items}}
    return {"sight: unseen": everything, "among new: unseen": {"recall": {"value": K / max(len(new), 1)}}}


def _blend(fitted: Mapping[str, Recommender], validation: Any) -> Blend:
    blend = Blend.of_fitted(list(fitted.values()))
    blend.fit_weights(validation)
    return blend


def _flags(options: argparse.Namespace) -> list[str]:
    """The command line, without where the data are and where the record goes."""
    flags = ["--share", f"{options.share:g}", "--encoder", options.encoder]
    flags += ["--models", options.models] if options.models else []
    flags += [part for change in options.set for part in ("--set", change)]
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sequences, events and catalog")
    parser.add_argument("--share", type=float, default=0.1, help="of the items that are kept from training")
    parser.add_argument("--encoder", default="minilm", help="of the titles: static, minilm or multilingual")
    parser.add_argument("--models", default="", help="rows by comma; empty for all")
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example epochs=40")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()
