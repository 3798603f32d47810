"""Semantic ids on a real catalog: how many items collide, how much of the codebooks is used, whether like begins alike.

For each kind of vectors (a text encoder over the titles alone; where there is a log, what is taken near each other in
it) the purity of nearest neighbors, as in `features.py`, and then ids by residual k-means and by RQ-VAE, of several
shapes: digits x values of each. Collisions are told before the last digit, which tells items with equal digits apart.
Purity of a beginning is the share of items in the most frequent category of their beginning; since small groups are
pure by themselves, beside it stands the purity of the same groups with the categories dealt out anew.

    python benchmarks/semantic_ids.py --data FOLDER --json OUT

FOLDER holds `catalog.parquet` with item_id, title and category, and perhaps `sequences.txt` (see `sequential.py`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.features import DEPTHS, K, labels, purities, read
from benchmarks.figures import versions
from benchmarks.sequential import load
from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.config import build
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.features.feature import Feature
from shopkeeper.features.semantic_ids import CodebookSettings, SemanticIds, quality
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.recommenders.item_codes import ItemCodes
from shopkeeper.recommenders.start_vectors import start_vectors
from shopkeeper.types import Float32Array, Int64Array

LOG: Final = "log"
KINDS: Final = ("static", "minilm", "multilingual", LOG)
QUANTIZERS: Final = ("kmeans", "rqvae")
SHAPES: Final = "3x256,4x256,3x512,2x1024"
SHOWN: Final = "third step"
"""Depth of the categories whose purity the table shows; the JSON has all."""
LOG_SIZE: Final = 128
SEED: Final = 0


def main(arguments: list[str] | None = None) -> None:
    """Makes the vectors, measures ids of every kind, quantizer and shape, prints and writes the table."""
    options = _parser().parse_args(arguments)
    catalog, items = read(options)
    results: dict[str, Any] = {}
    for kind in options.kinds.split(","):
        feature = _vectors(kind, options, catalog, items)
        if feature is None:
            print(f"{kind}: there is no sequences.txt", file=sys.stderr)
            continue
        results[kind] = {
            "size": feature.size, "items": int(feature.known.sum()),
            "neighbors": purities(feature, catalog, feature.items), "ids": measured(feature, catalog, options),
        }  # fmt: skip
    files = [options.data / name for name in ("catalog.parquet", "sequences.txt")]
    content = {
        "command": _command(options), "versions": versions(), "beside": options.note, "k": K, "results": results,
        "data": {"sha256": {file.name: file_hash(file) for file in files if file.exists()}, "items": len(items)},
    }  # fmt: skip
    print(table(content))
    if options.json:
        write_text_atomic(options.json, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def measured(feature: Feature, catalog: Any, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Ids of one kind of vectors by every quantizer and shape."""
    known = np.flatnonzero(feature.known)
    vectors = np.asarray(feature.matrix)[known]
    category = {name: labels(catalog, feature.items, depth)[known] - 1 for name, depth in DEPTHS.items()}
    found = []
    for quantizer in options.quantizers.split(","):
        for shape in options.shapes.split(","):
            levels, size = map(int, shape.split("x"))
            one = {"quantizer": quantizer, "shape": shape, **_ids(vectors, quantizer, levels, size, category)}
            print(f"{feature.name}: {one}", file=sys.stderr, flush=True)
            found.append(one)
    return found


def _ids(
    vectors: Float32Array, quantizer: Any, levels: int, size: int, category: dict[str, Int64Array]
) -> dict[str, Any]:
    """Figures of one set of ids, and the seconds to fit codebooks and to code all vectors with them."""
    settings = CodebookSettings(levels=levels, size=size)
    begin = time.perf_counter()
    codes = ItemCodes.fit(np.concatenate([np.zeros_like(vectors[:1]), vectors]), quantizer, settings)
    fitted = time.perf_counter()
    codes.books.code(codes.vectors[1:])
    coded = time.perf_counter()
    dealt = {name: np.random.default_rng(SEED).permutation(of_items) for name, of_items in category.items()}
    whole = quality(codes.ids)
    return {
        "collisions": round(whole.collisions, 4), "largest_group": whole.largest_group,
        "used": [round(share, 4) for share in whole.used],
        "perplexity": [round(value, 1) for value in whole.perplexity],
        "purity": {name: _pure(codes.ids, of_items) for name, of_items in category.items()},
        "purity_dealt_anew": {name: _pure(codes.ids, of_items) for name, of_items in dealt.items()},
        "seconds": {"fitting": round(fitted - begin, 2), "coding": round(coded - fitted, 3)},
    }  # fmt: skip


def _pure(ids: SemanticIds, category: Int64Array) -> list[float]:
    return [round(value, 4) for value in quality(ids, category).purity]


def _vectors(kind: str, options: argparse.Namespace, catalog: Any, items: Any) -> Feature | None:
    """Vectors of one kind; None where there is no log to take them from."""
    if kind == LOG:
        return _of_log(options.data)
    settings = build(TextSettings, {"encoder": {"name": kind}, "template": {"parts": ["{title}"]}})
    with tempfile.TemporaryDirectory(prefix="shopkeeper-ids-") as folder:
        feature = FeatureStore(options.store or Path(folder)).text(items, catalog, settings).feature
        return Feature(kind, items, np.array(feature.matrix), feature.known)


def _of_log(data: Path) -> Feature | None:
    """Vectors in which items that shoppers take near each other lie near each other, of the training part alone."""
    if not (data / "sequences.txt").exists():
        return None
    train = split(load(data)[0], SplitSettings(kind="leave_one_out")).train
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        vectors = start_vectors(train, LOG_SIZE)
    return Feature(LOG, train.items, vectors, np.asarray(vectors.any(axis=1)))


def table(content: dict[str, Any]) -> str:
    """The figures in lines; purity of beginnings of one digit, two digits and so on."""
    lines = []
    for kind, found in content["results"].items():
        near = ", ".join(f"{name} {value:.4f}" for name, value in found["neighbors"].items())
        lines += [f"{kind}: {found['items']:,} items; of the {K} nearest of the same category: {near}"]
        lines += [f"  {'ids':16s}{'collisions':>11s}{'largest':>8s}{'use':>7s}{'perplexity':>26s}{'seconds':>9s}"
                  f"  purity at the {SHOWN} (of groups dealt anew)"]  # fmt: skip
        lines += [_line(one) for one in found["ids"]]
    return "\n".join(lines)


def _line(one: dict[str, Any]) -> str:
    pure = zip(one["purity"][SHOWN], one["purity_dealt_anew"][SHOWN], strict=True)
    perplexity = " ".join(f"{value:.0f}" for value in one["perplexity"])
    return (
        f"  {one['quantizer'] + ' ' + one['shape']:16s}{one['collisions']:11.2%}{one['largest_group']:8d}"
        f"{min(one['used']):7.0%}{perplexity:>26s}{one['seconds']['fitting']:9.1f}  "
        + " ".join(f"{real:.3f} ({dealt:.3f})" for real, dealt in pure)
    )


def _command(options: argparse.Namespace) -> str:
    """How to run it again, without folders of this machine."""
    text = f"python benchmarks/semantic_ids.py --data {options.data.name} --kinds {options.kinds}"
    text += f" --quantizers {options.quantizers} --shapes {options.shapes}"
    return text + (f" --titles {options.titles}" if options.titles else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with catalog.parquet, perhaps sequences.txt")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of vectors, by comma")
    parser.add_argument("--quantizers", default=",".join(QUANTIZERS), help="by comma")
    parser.add_argument("--shapes", default=SHAPES, help="digits x values of each, by comma")
    parser.add_argument("--titles", type=int, help="only the first so many")
    parser.add_argument("--store", type=Path, help="keep what encoders gave in this folder")
    parser.add_argument("--note", default="", help="what else the machine does, for the record")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser


if __name__ == "__main__":
    main()
