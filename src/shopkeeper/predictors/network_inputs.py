"""Examples as a network reads them: features scaled, ids as codes that were learned, the past cut and grouped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.of_pairs import HOURS, THURSDAY, WEEK
from shopkeeper.data.schema import READ_CODES
from shopkeeper.predictors.scaling import Scaling
from shopkeeper.types import Float32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from shopkeeper.nn.behavior.batch import ExampleBatch

PLACEMENTS: Final = 255
CONTEXTS: Final = (HOURS, WEEK, PLACEMENTS)
"""Words of the hour and the weekday in UTC, and of the placement."""
N_KINDS: Final = READ_CODES
AGE_STEPS: Final = 2
"""Codes of age for each doubling of the hours."""
N_AGES: Final = 36


@dataclass(frozen=True)
class NetworkInputs:
    """What was fitted on the training examples.

    Attributes:
        scaling: Of features.
        words: For each attribute of items its name and the words that have a code.
        max_length: At most so many latest events of a history.
        contexts: For hour, weekday and placement the codes that training had; others are unknown.
    """

    scaling: Scaling
    words: tuple[tuple[str, pa.Array], ...]
    max_length: int
    contexts: tuple[tuple[int, ...], ...]

    @staticmethod
    def fitted(values: Float32Array, train: Examples, max_length: int, least_count: int) -> NetworkInputs:
        """On training examples.

        Args:
            values: float32 [n, d]; their features.
            train: The examples.
            max_length: At most so many latest events.
            least_count: A word has a code where so many examples or events before them have it.
        """
        import pyarrow as pa

        words = []
        items = _seen_items(train)
        for attribute in train.attributes:
            counts = np.bincount(attribute.codes, items, minlength=len(attribute.words) + 1)[1:]
            words.append((attribute.name, attribute.words.filter(pa.array(counts >= least_count))))
        contexts = tuple(tuple(np.unique(column).tolist()) for column in context_codes(train).T)
        return NetworkInputs(Scaling.fitted(values), tuple(words), max_length, contexts)

    @property
    def n_values(self) -> int:
        """Width of scaled features."""
        return len(self.scaling.mean) + int(self.scaling.gaps.sum())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Words of each attribute."""
        return tuple(len(words) for _, words in self.words)

    def write(self, writer: ArtifactWriter) -> None:
        """Writes words; the scaling goes with the state."""
        import pyarrow as pa

        names = [name for name, _ in self.words]
        writer.json(
            "inputs.json", {"attributes": names, "max_length": self.max_length, "contexts": list(self.contexts)}
        )
        for name, words in self.words:
            writer.table(f"{name}.parquet", pa.table({"word": words}))

    @staticmethod
    def read(
        reader: ArtifactReader,
    ) -> tuple[tuple[tuple[str, pa.Array], ...], int, tuple[tuple[int, ...], ...]]:
        """Words, `max_length` and contexts, as `write` wrote them.

        Raises:
            ArtifactError: The artifact is damaged.
        """
        facts = reader.json("inputs.json")
        words = [
            (name, reader.table(f"{name}.parquet").column("word").combine_chunks()) for name in facts["attributes"]
        ]
        contexts = tuple(tuple(int(code) for code in codes) for codes in facts["contexts"])
        return tuple(words), int(facts["max_length"]), contexts


class ReadyExamples:
    """Examples in the terms of the inputs of a network; rows of them become batches.

    Args:
        inputs: What was fitted.
        values: float32 [n, d]; features in the order of the fit.
        examples: The examples.
        placements: int64 [256]; for each code of a placement the one that training had.
        keep: Scale all features at once, which training asks for again and again.
    """

    def __init__(
        self,
        inputs: NetworkInputs,
        values: Float32Array,
        examples: Examples,
        placements: Int64Array | None = None,
        keep: bool = False,
    ) -> None:
        self._inputs = inputs
        self._placements = placements
        self._examples = examples
        self._values = values
        self._scaled: Float32Array | None = self._scale(values) if keep else None

    def __len__(self) -> int:
        return len(self._examples)

    @cached_property
    def group(self) -> Int64Array:
        """The same number for examples of one shopper at one moment, int64 [n]."""
        return moments_of(self._examples)

    @cached_property
    def codes(self) -> Int64Array:
        """Codes of the attributes of all items of the dataset, int64 [n_items + 1, attributes]."""
        found = {attribute.name: attribute for attribute in self._examples.attributes}
        n = 1 + (int(self._examples.item_index.max()) if len(self._examples) else 0)
        n = len(self._examples.attributes[0].codes) if self._examples.attributes else n
        columns = [
            found[name].translated(words) if name in found else np.zeros(n, dtype=np.int64)
            for name, words in self._inputs.words
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((n, 0), dtype=np.int64)

    @cached_property
    def context(self) -> Int64Array:
        """Codes of hour, weekday and placement, int64 [n, 3]; 0 for what training had not."""
        codes = context_codes(self._examples)
        if self._placements is not None:
            codes[:, 2] = self._placements[codes[:, 2]]
        for column, known in zip(codes.T, self._inputs.contexts, strict=True):
            column[~np.isin(column, known)] = 0
        return codes

    def batch(self, rows: Int64Array, device: torch.device) -> ExampleBatch:
        """Some examples (int64) as tensors."""
        import torch

        from shopkeeper.nn.behavior.batch import ExampleBatch
        from shopkeeper.training.reading import as_tensor

        values = self._scale(self._values[rows]) if self._scaled is None else self._scaled[rows]
        item = self.codes[self._examples.item_index[rows]]
        _, first, whose = np.unique(self.group[rows], return_index=True, return_inverse=True)
        events, kinds, ages, lengths = self._histories(rows[first])
        columns = (item, self.context[rows], events, kinds, ages, lengths, whose)
        return ExampleBatch(torch.from_numpy(values).to(device), *(as_tensor(column, device) for column in columns))

    def _scale(self, values: Float32Array) -> Float32Array:
        return self._inputs.scaling(values).astype(np.float32)

    def _histories(self, rows: Int64Array) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Int64Array]:
        """Attributes, types and ages of the latest events of some examples, each history behind its begin; lengths."""
        past = self._examples.past
        n_attributes = self.codes.shape[1]
        if past is None:
            nothing = np.zeros(len(rows), dtype=np.int64)
            return np.zeros((len(rows), n_attributes), dtype=np.int64), nothing, nothing, nothing + 1
        latest = past.take(rows).latest(self._inputs.max_length)
        lengths = latest.stop - latest.start + 1
        ends = np.cumsum(lengths)
        begins = ends - lengths
        places = np.arange(int(lengths.sum())) - np.repeat(begins, lengths) + np.repeat(latest.start - 1, lengths)
        places[begins] = 0  # the event there is taken back below
        item, kind = latest.item[places], latest.kind[places].astype(np.int64)
        kind[kind >= N_KINDS] = 0  # of a type that networks have no row for
        ages = _age_codes(np.repeat(self._examples.timestamp[rows], lengths) - latest.time[places])
        events = self.codes[item]
        events[begins], kind[begins], ages[begins] = 0, 0, 0
        return events, kind, ages, lengths


def context_codes(examples: Examples) -> Int64Array:
    """Codes from 1 of the hour and the weekday in UTC, and the code of the placement, 0 if not known; int64 [n, 3]."""
    time, placement = examples.timestamp, examples.placement
    hour = time // (MICROSECONDS_A_DAY // HOURS) % HOURS + 1
    weekday = (time // MICROSECONDS_A_DAY + THURSDAY) % WEEK + 1
    place = np.zeros(len(time), dtype=np.int64) if placement is None else placement.astype(np.int64)
    return np.stack([hour, weekday, place], axis=1)


def moments_of(examples: Examples) -> Int64Array:
    """The same number for examples of one shopper at one moment, int64 [n]."""
    order = np.lexsort((examples.timestamp, examples.user_index))
    user, time = examples.user_index[order], examples.timestamp[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (user[1:] != user[:-1]) | (time[1:] != time[:-1])
    if examples.past is not None:
        stop, start = examples.past.stop[order], examples.past.start[order]
        new[1:] |= (stop[1:] != stop[:-1]) | (start[1:] != start[:-1])
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return number


def _age_codes(age: Int64Array) -> Int64Array:
    """How long ago as a code from 1, by doublings of an hour; ages in microseconds, not below 0."""
    hours = np.maximum(age, 0) / (MICROSECONDS_A_DAY / HOURS)
    return np.minimum(1 + (AGE_STEPS * np.log2(1 + hours)).astype(np.int64), N_AGES - 1)


def _seen_items(train: Examples) -> Int64Array:
    """How often each item is asked about or stands in a past of these examples, int64 [n_items + 1]."""
    n = len(train.attributes[0].codes) if train.attributes else int(train.item_index.max()) + 1
    counts = np.bincount(train.item_index, minlength=n)
    if train.past is not None and len(train.past):
        changes = np.zeros(len(train.past.item) + 1, dtype=np.int64)
        starts, which = np.unique(train.past.start, return_inverse=True)
        stops = np.zeros(len(starts), dtype=np.int64)
        np.maximum.at(stops, which, train.past.stop)
        np.add.at(changes, starts, 1)
        np.add.at(changes, stops, -1)
        seen = np.cumsum(changes[:-1]) > 0
        counts = counts + np.bincount(train.past.item[seen], minlength=n)
    counts[0] = 0
    return counts.astype(np.int64)
