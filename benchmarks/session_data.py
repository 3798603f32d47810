"""Sessions as the papers of SR-GNN and GCE-GNN prepared them, in parts: training, validation carved from it, test.

`train_sessions.csv` has one session a line, oldest first, items separated by spaces; `test_prefix_target.csv` has one
question a line, `item item ...,target`, all prefixes of a session below each other. The files tell no times: sessions
are taken a minute apart and their events a second, which keeps their order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int64Array

TRAIN, TEST = "train_sessions.csv", "test_prefix_target.csv"
MINUTE = 60_000_000
"""Microseconds."""


@dataclass(frozen=True)
class Sessions:
    """Sessions or beginnings of sessions, one after the other.

    Attributes:
        offsets: int64 [n + 1].
        items: int64 [events]; ids as the file writes them.
    """

    offsets: Int64Array
    items: Int64Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @staticmethod
    def of(texts: list[str]) -> Sessions:
        """From lines of ids separated by spaces."""
        lengths = [text.count(" ") + 1 for text in texts]
        return Sessions(np.concatenate([[0], np.cumsum(lengths)]), np.fromstring(" ".join(texts), np.int64, sep=" "))

    def part(self, start: int, stop: int) -> Sessions:
        """Sessions start to stop."""
        first, last = self.offsets[start], self.offsets[stop]
        return Sessions(self.offsets[start : stop + 1] - first, self.items[first:last])

    def take(self, places: Int64Array) -> Sessions:
        """The sessions at these places."""
        lengths = np.diff(self.offsets)[places]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        events = np.arange(offsets[-1]) + np.repeat(self.offsets[places] - offsets[:-1], lengths)
        return Sessions(offsets, self.items[events])

    def where(self, keep: BoolArray) -> Sessions:
        """Only some events; sessions that have fewer than two left are dropped."""
        counts = np.concatenate([[0], np.cumsum(keep)])[self.offsets]
        kept = np.diff(counts) > 1
        lengths = np.diff(counts)[kept]
        events = keep & np.repeat(kept, np.diff(self.offsets))
        return Sessions(np.concatenate([[0], np.cumsum(lengths)]), self.items[events])

    def histories(self, vocabulary: Vocabulary, first_minute: int) -> Histories:
        """In indices, a minute apart; items that the vocabulary lacks are left out."""
        indices = vocabulary.indices(self.items)
        found = Histories.of_items([]) if len(self) == 0 else Histories.of_items([indices])
        place = np.arange(len(indices)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))
        minute = np.repeat(np.arange(len(self)) + first_minute, np.diff(self.offsets))
        found = replace(found, offsets=self.offsets, timestamp=minute * MINUTE + place * 1_000_000)
        return found.where(indices > 0)


@dataclass(frozen=True)
class Questions:
    """Beginnings of sessions, and the item that came next.

    Attributes:
        prefixes: What was asked.
        targets: int64 [n]; ids.
        session: int64 [n]; equal for questions from one session.
        first_minute: When the first of them was asked, after the sessions known then.
    """

    prefixes: Sessions
    targets: Int64Array
    session: Int64Array
    first_minute: int

    def holdout(self, items: Vocabulary) -> Holdout:
        """In the indices of a training part; a target that it lacks has index 0, which no model can reach."""
        n = len(self.targets)
        asked = self.prefixes.histories(items, self.first_minute)
        target = Histories(
            offsets=np.arange(n + 1),
            item_index=items.indices(self.targets),
            event_type=np.full(n, asked.event_type[0], dtype=np.uint8),
            timestamp=np.full(n, (self.first_minute + n) * MINUTE),
        )
        ignored = int(self.prefixes.offsets[-1]) - asked.n_events
        users = pa.array(np.arange(n))
        return Holdout(users, np.zeros(n, dtype=np.int32), asked, target, ignored_history_events=ignored)

    def sample(self, n: int, seed: int = 0) -> Questions:
        """At most so many of them, a fixed random sample, in their order."""
        if n >= len(self.targets):
            return self
        places = np.sort(np.random.default_rng(seed).choice(len(self.targets), n, replace=False))
        session = np.unique(self.session[places], return_inverse=True)[1]
        return Questions(self.prefixes.take(places), self.targets[places], session, self.first_minute)

    def repeat_share(self) -> float:
        """Share of the targets that the question holds already."""
        rows = np.repeat(np.arange(len(self.targets)), np.diff(self.prefixes.offsets))
        return len(np.unique(rows[self.prefixes.items == self.targets[rows]])) / len(self.targets)


@dataclass(frozen=True)
class Parts:
    """One folder.

    Attributes:
        train: The training sessions without the last ones.
        validation: Every beginning of the last training sessions.
        everything: All training sessions.
        test: As the file asks.
    """

    train: Dataset
    validation: Questions
    everything: Dataset
    test: Questions


def load(folder: Path, validation_share: float) -> Parts:
    """Reads a folder and carves the validation part from the end of its training sessions.

    Raises:
        DataError: A file is missing, or a part would be empty.
    """
    for name in (TRAIN, TEST):
        if not (folder / name).exists():
            raise DataError(f"there is no {name} in the folder", expected="sessions, one a line, oldest first")
    sessions = Sessions.of((folder / TRAIN).read_text(encoding="ascii").split("\n")[:-1])
    n_train = len(sessions) - round(validation_share * len(sessions))
    if not 0 < n_train < len(sessions):
        raise DataError("training or validation would be empty", remedy="give validation another share")
    train = _dataset(sessions.part(0, n_train))
    held = sessions.part(n_train, len(sessions))
    # As in the test file: events of items that training lacks are no part of a session.
    held = held.where(train.items.indices(held.items) > 0)
    return Parts(train, _beginnings(held, n_train), _dataset(sessions), _test(folder / TEST, len(sessions)))


def _dataset(sessions: Sessions) -> Dataset:
    items = Vocabulary(np.unique(sessions.items))
    return Dataset(Vocabulary(np.arange(len(sessions))), items, sessions.histories(items, 0))


def _beginnings(sessions: Sessions, first_minute: int) -> Questions:
    """Every event after the first of its session is asked for."""
    lengths = np.diff(sessions.offsets)
    place = np.arange(len(sessions.items)) - np.repeat(sessions.offsets[:-1], lengths)
    targets = np.flatnonzero(place > 0)
    offsets = np.concatenate([[0], np.cumsum(place[targets])])
    events = np.arange(offsets[-1]) + np.repeat(targets - place[targets] - offsets[:-1], place[targets])
    session = np.repeat(np.arange(len(sessions)), lengths)[targets]
    return Questions(Sessions(offsets, sessions.items[events]), sessions.items[targets], session, first_minute)


def _test(file: Path, first_minute: int) -> Questions:
    """As the file asks; a question that is the one above without its last item is of the same session."""
    lines = [line.rsplit(",", 1) for line in file.read_text(encoding="ascii").splitlines() if line]
    prefixes = [prefix for prefix, _ in lines]
    same = [here == above.rpartition(" ")[0] for above, here in zip(["", *prefixes[:-1]], prefixes, strict=True)]
    session = np.cumsum(~np.array(same)) - 1
    targets = np.array([target for _, target in lines], dtype=np.int64)
    return Questions(Sessions.of(prefixes), targets, session, first_minute)
