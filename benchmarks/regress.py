"""Headline figures on small data, made again and compared with those on file: does a change take one of them down?

    python benchmarks/regress.py                        households of the package that the demo reads
    python benchmarks/regress.py --data FOLDER          public data too
    python benchmarks/regress.py --only SASRec --set SASRec.item_start=links
    python benchmarks/regress.py --write                puts what came on file

Every figure is NDCG@10 on the test part, and every shopper's value is on file, so that old and new are compared shopper
by shopper. A figure has fallen where it lies below the interval on file, or where the interval of the paired difference
lies below zero by more than `MARGIN` of the figure: processors, library versions and seeds move it by less. Then the
command ends with 1. Where another number of shoppers is asked than on file, only the intervals can tell.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import configs_by_model, versions
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.holdout import Split
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.schema import USER_ID, EventType
from shopkeeper.data.split import split
from shopkeeper.evaluation.bootstrap import intervals
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.jobs.demo import DEMO_SETTINGS
from shopkeeper.jobs.grocery import grocery_tables
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.types import Float32Array

ON_FILE: Final = Path(__file__).parent / "results" / "regress.json"
MEASURED: Final = EvaluationSettings(
    ks=(10,), metrics=("ndcg",), n_bootstrap=0, segments=False, max_users=1000
)  # fmt: skip
RESAMPLES, SEED = 1000, 0
MARGIN: Final = 0.02
"""Share of a figure that it may lose without having fallen: seeds move a network's by less."""
HOUSEHOLDS: Final = 600
"""So many of the 2,469 are drawn."""


@dataclass(frozen=True)
class Figure:
    """A headline figure.

    Attributes:
        log: Name of the log.
        model: Name of the recommender.
        training: Training settings, over those of the log.
    """

    log: str
    model: str
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called on file."""
        return f"{self.log}/{self.model}"


@dataclass(frozen=True)
class Measured:
    """A figure, made on this machine or read from the file.

    Attributes:
        values: float32 [n]; NDCG@10 of each shopper.
        data_hash: Of the training part.
        seconds: Fitting and asking.
    """

    values: Float32Array
    data_hash: str
    seconds: float

    @property
    def value(self) -> float:
        """The mean over shoppers."""
        return float(self.values.mean(dtype=np.float64))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % over shoppers."""
        return _interval(self.values)


@dataclass(frozen=True)
class Verdict:
    """A figure beside the one on file.

    Attributes:
        name: Of the figure.
        filed: That on file; None where there is none.
        made: That of now.
        low: Lower end of the 95 % interval of the difference, paired where as many shoppers are asked.
        high: Upper end.
    """

    name: str
    filed: Measured | None
    made: Measured
    low: float = 0.0
    high: float = 0.0

    @property
    def fell(self) -> bool:
        """Whether the figure is surely lower than it was."""
        if self.filed is None:
            return False
        return self.made.value < self.filed.interval[0] or self.high < -MARGIN * self.filed.value

    @property
    def words(self) -> str:
        """What came of it."""
        if self.filed is None:
            return "not on file"
        found = "FELL" if self.fell else "rose" if self.low > MARGIN * self.filed.value else "holds"
        return found if self.filed.data_hash == self.made.data_hash else f"{found} (the training part is another)"


def beside(name: str, filed: Measured | None, made: Measured) -> Verdict:
    """Compares a figure with the one on file: shopper by shopper where as many were asked (the same, by one split)."""
    if filed is None:
        return Verdict(name, None, made)
    if len(filed.values) == len(made.values):
        return Verdict(name, filed, made, *_interval(made.values - filed.values))
    half = float(np.hypot(*(np.subtract(*one.interval) / 2 for one in (filed, made))))
    difference = made.value - filed.value
    return Verdict(name, filed, made, difference - half, difference + half)


def _interval(values: Float32Array) -> tuple[float, float]:
    low, high = intervals(values[:, None], RESAMPLES, SEED)
    return float(low[0]), float(high[0])


# Logs


@dataclass(frozen=True)
class Log:
    """A log with the settings that its figures start from."""

    parts: Split
    settings: ShopSettings


def grocery(folder: Path, data: Path) -> Log:
    """Some households of the demo's log, by the demo's settings; items that they seldom buy are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    settings = load_settings(ShopSettings, DEMO_SETTINGS, ["prepare.k_core.min_item_events=15"])
    events, products = grocery_tables()
    users = np.sort(pc.unique(events[USER_ID]).to_numpy(zero_copy_only=False))
    drawn = np.random.default_rng(SEED).permutation(users)[:HOUSEHOLDS]
    log = Events.read(
        events.filter(pc.is_in(events[USER_ID], value_set=pa.array(drawn))),
        EventsSettings(event_type=EventType.PURCHASE),
    )
    return _log(log, Catalog.read(products), settings, folder)


def retailrocket(folder: Path, data: Path) -> Log:
    """Views, carts and purchases of a shop of everything."""
    columns = {"user_id": "user", "item_id": "item", "event_type": "behaviour"}
    reading = build(EventsSettings, {"columns": columns})
    return _log(Events.read(str(data / "retailrocket" / "events.csv"), reading), None, ShopSettings(), folder)


def movielens(folder: Path, data: Path) -> Log:
    """Ratings of films: nothing comes again."""
    from pyarrow import csv

    table = csv.read_csv(data / "ml-100k" / "ml-100k.inter", parse_options=csv.ParseOptions(delimiter="\t"))
    table = table.rename_columns([name.split(":")[0] for name in table.column_names]).drop_columns(["rating"])
    return _log(Events.read(table, EventsSettings(event_type=EventType.LIKE)), None, ShopSettings(), folder)


def beauty(folder: Path, data: Path) -> Log:
    """Amazon Beauty, the last item of each shopper."""
    from benchmarks.sequential import load, make_split

    return Log(make_split(load(data / "amazon-beauty")[0], "leave_one_out"), ShopSettings())


def _log(events: Events, catalog: Catalog | None, settings: ShopSettings, folder: Path) -> Log:
    dataset = prepare(events, catalog, settings.prepare or PrepareSettings(), folder)
    return Log(split(dataset, settings.prepare.split), settings)


SHIPPED: Final[Mapping[str, Callable[[Path, Path], Log]]] = {"grocery": grocery}
"""Logs that the packages of the demo hold."""
PUBLIC: Final[Mapping[str, Callable[[Path, Path], Log]]] = {
    "retailrocket": retailrocket, "ml-100k": movielens, "beauty": beauty,
}  # fmt: skip
"""Logs in the folder of public data."""
FIGURES: Final = (
    *(Figure("grocery", name) for name in ("PersonalFrequency", "Transitions", "EASE", "ALS")),
    Figure("grocery", "SASRec", training={"max_targets_per_epoch": 40_000}),
    Figure("retailrocket", "Transitions"),
    Figure("retailrocket", "SASRec", training={"epochs": 2, "max_targets_per_epoch": 40_000}),
    Figure("ml-100k", "EASE"),
    Figure("ml-100k", "SASRec", training={"epochs": 3}),
    Figure("beauty", "Transitions"),
    Figure("beauty", "SASRec", training={"epochs": 2}),
)


def measure(figure: Figure, log: Log, changes: Mapping[str, Any]) -> Measured:
    """Fits the model and asks it for the test part.

    Args:
        figure: Which one.
        log: Its data.
        changes: Settings of the model, over all others.
    """
    started = time.perf_counter()
    training = build(type(log.settings.training), log.settings.training.model_dump() | dict(figure.training))
    start = log.settings.recommender(figure.model).config.model_dump()
    model_class = recommender_class(figure.model)
    model = model_class(build(model_class.Config, start | dict(changes)))
    model.fit(log.parts.train, log.parts.validation, training)
    found = evaluate(model, log.parts.test, MEASURED, part="test").per_shopper[("ndcg", 10)]
    return Measured(found, log.parts.train.data_hash, time.perf_counter() - started)


def on_file(file: Path) -> dict[str, Measured]:
    """The figures of a file; none where there is no file."""
    if not file.exists():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))["figures"]
    return {
        name: Measured(np.array(one["values"], dtype=np.float32), one["data_hash"], one["seconds"])
        for name, one in found.items()
    }


def write(file: Path, figures: Mapping[str, Measured]) -> None:
    """Puts figures on file, with what ran on what."""
    rows = {}
    for name, one in figures.items():
        low, high = one.interval
        rows[name] = {
            "value": round(one.value, 4), "low": round(low, 4), "high": round(high, 4), "n_users": len(one.values),
            "seconds": round(one.seconds, 1), "data_hash": one.data_hash,
            "values": [round(float(value), 4) for value in one.values],
        }  # fmt: skip
    lines = ",\n".join(f'  "{name}": {json.dumps(row)}' for name, row in rows.items())
    write_text_atomic(file, f'{{"versions": {json.dumps(versions())},\n"figures": {{\n{lines}\n}}}}\n')


def run(
    figures: Sequence[Figure],
    logs: Mapping[str, Callable[[Path, Path], Log]],
    filed: Mapping[str, Measured],
    data: Path = Path(),
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Verdict]:
    """Makes figures again, a log at a time, and prints each beside the one on file."""
    found = []
    for name in dict.fromkeys(figure.log for figure in figures):
        with tempfile.TemporaryDirectory() as folder:
            log = logs[name](Path(folder) / "dataset", data)
            for figure in figures:
                if figure.log == name:
                    own = (changes or {}).get(figure.model.lower(), {})
                    verdict = beside(figure.name, filed.get(figure.name), measure(figure, log, own))
                    print(in_words(verdict), flush=True)
                    found.append(verdict)
    return found


def in_words(verdict: Verdict) -> str:
    """A line of the table."""
    filed, made = verdict.filed, verdict.made
    line = f"{verdict.name:30} {made.value:.4f} ({made.seconds:.0f} s)"
    if filed is not None:
        low, high = filed.interval
        line += f", on file {filed.value:.4f} [{low:.4f}, {high:.4f}], difference {made.value - filed.value:+.4f} "
        line += f"[{verdict.low:+.4f}, {verdict.high:+.4f}]"
    return f"{line}: {verdict.words}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the figures again; ends with 1 where one has fallen."""
    options = _parser().parse_args(arguments)
    logs = SHIPPED if options.data is None else {**SHIPPED, **PUBLIC}
    figures = [one for one in FIGURES if one.log in logs and options.only.lower() in one.name.lower()]
    filed = on_file(options.file)
    if not filed and not options.write:
        sys.exit(f"no figure is on file in {options.file}: put them there with --write")
    found = run(figures, logs, filed, options.data or Path(), configs_by_model(options.set))
    if options.write:
        write(options.file, filed | {one.name: one.made for one in found})
        return
    fallen = [one.name for one in found if one.fell]
    if fallen:
        sys.exit(f"fallen: {', '.join(fallen)}. Mend the change, or say in its commit why it is right and use --write.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of public data sets")
    parser.add_argument("--only", default="", help="figures whose name (log/model) holds this")
    parser.add_argument("--set", action="append", default=[], help="a setting of a model: SASRec.item_start=links")
    parser.add_argument("--file", type=Path, default=ON_FILE, help="figures to compare with")
    parser.add_argument("--write", action="store_true", help="put what came on file; nothing is compared")
    return parser


if __name__ == "__main__":
    main()
