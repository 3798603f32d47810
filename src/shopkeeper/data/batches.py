"""Batches of sequence models, in NumPy: windows of histories, packed one after the other without padding.

Every event of a window is an input, and what follows it is its target. Batches hold about equal numbers of *targets*:
with a mean over each batch, batches of equal numbers of shoppers would weigh the targets of short histories many times
over. A batch names places in the flat event arrays; who reads it takes from there the columns that it wants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Windows:
    """Parts of histories to learn from; each target of each history counts in exactly one of them.

    Attributes:
        start: int64 [n]; place of the first input event in the flat event arrays.
        n_inputs: int64 [n]; the window reads so many events from there; the target of each is what follows it.
        n_targets: int64 [n]; only the last so many targets count, the inputs before them are context.
    """

    start: Int64Array
    n_inputs: Int64Array
    n_targets: Int64Array

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class PackedWindows:
    """Some windows, one after the other.

    For windows over the events 0, 1, 2 and 4, 5: events ``[0, 1, 2, 4, 5]``, lengths ``[3, 2]``, and where each event
    counts, places ``[0, 1, 2, 3, 4]``.

    Attributes:
        events: int64 [n]; places of the inputs in the flat event arrays.
        lengths: int64 [b]; inputs of each window, at least 1.
        places: int64 [m]; places in `events` whose target counts.
    """

    events: Int64Array
    lengths: Int64Array
    places: Int64Array


def cut_windows(
    offsets: Int64Array,
    n_targets: Int64Array,
    max_length: int,
    overlap: int = 0,
    generator: Generator | None = None,
) -> Windows:
    """Cuts histories into windows of at most `max_length` inputs.

    A history with at most `max_length` targets is one window. A longer one is cut every `max_length - overlap`
    events, and each window starts `overlap` events (or more, for the last one) before its first target. With a
    generator the cuts of each history move by a random number of events, so that over the epochs every target is seen
    with short and with long context.

    Args:
        offsets: int64 [n_users + 1]; as in `Histories`.
        n_targets: int64 [n_users]; the first so many events of each shopper have a target.
        max_length: Most inputs of a window.
        overlap: Inputs that serve as context only, in windows after the first; below `max_length`.
        generator: Moves the cuts; None starts them at the oldest event.

    Returns:
        The windows, in the order of the histories; shoppers without a target have none.
    """
    starts, totals = np.asarray(offsets[:-1]), n_targets
    stride = max_length - overlap
    shift = np.zeros(len(totals), dtype=np.int64)
    if generator is not None:
        shift = np.where(totals > max_length, generator.integers(0, stride, len(totals)), 0)
    step = np.where(totals > max_length, stride, max_length)
    counts = np.where(totals > 0, (totals - 1 + shift) // step + 1, 0)
    rows = np.repeat(np.arange(len(totals)), counts)
    block = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.maximum(block * step[rows] - shift[rows], 0)
    end = np.minimum((block + 1) * step[rows] - shift[rows], totals[rows])
    begin = np.maximum(end - max_length, 0)
    return Windows(start=starts[rows] + begin, n_inputs=end - begin, n_targets=end - first)


def prefix_windows(offsets: Int64Array, n_targets: Int64Array, max_length: int) -> Windows:
    """One window for each target: the events before it, at most `max_length`.

    Args:
        offsets: int64 [n_users + 1]; as in `Histories`.
        n_targets: int64 [n_users]; the first so many events of each shopper have a target.
        max_length: Most inputs of a window.
    """
    starts = np.repeat(np.asarray(offsets[:-1]), n_targets)
    ends = np.arange(len(starts)) - np.repeat(np.cumsum(n_targets) - n_targets, n_targets) + 1
    n_inputs = np.minimum(ends, max_length)
    return Windows(start=starts + ends - n_inputs, n_inputs=n_inputs, n_targets=np.ones_like(n_inputs))


def group_windows(
    windows: Windows,
    batch_targets: int,
    generator: Generator,
    max_targets: int | None = None,
    alike: bool = True,
) -> list[Int64Array]:
    """Groups windows into batches of about equal numbers of targets, in random order.

    Args:
        windows: What `cut_windows` gave.
        batch_targets: Targets in one batch, about; a window is never divided.
        generator: Decides the order and, among windows of one length, the company.
        max_targets: Take a random part of the windows with about so many targets; None takes all.
        alike: Windows of like length make a batch, which spares attention the padding; else any do.

    Returns:
        For each batch the places of its windows, int64.
    """
    order = generator.permutation(len(windows))
    if max_targets is not None:
        order = order[: max(1, np.searchsorted(np.cumsum(windows.n_targets[order]), max_targets, side="right"))]
    if len(order) == 0:
        return []
    if alike:
        order = order[np.argsort(windows.n_inputs[order], kind="stable")]
    targets = windows.n_targets[order]
    total = int(targets.sum())
    n_batches = max(1, round(total / batch_targets))
    middle = np.cumsum(targets) - targets / 2
    batch = np.minimum((middle * n_batches / total).astype(np.int64), n_batches - 1)
    groups = np.split(order, np.flatnonzero(np.diff(batch)) + 1)
    return [groups[place] for place in generator.permutation(len(groups))]


def pack_windows(windows: Windows, chosen: Int64Array) -> PackedWindows:
    """Puts some windows one after the other.

    Args:
        windows: All windows.
        chosen: int64 [b]; places of those that make the batch.
    """
    lengths, n_targets = windows.n_inputs[chosen], windows.n_targets[chosen]
    before = np.cumsum(lengths) - lengths
    steps = np.arange(int(lengths.sum())) - np.repeat(before, lengths)
    context = np.repeat(lengths - n_targets, lengths)
    return PackedWindows(
        events=np.repeat(windows.start[chosen], lengths) + steps,
        lengths=lengths,
        places=np.flatnonzero(steps >= context),
    )


def pack_last(histories: Histories, rows: Int64Array, max_length: int) -> PackedWindows:
    """The most recent events of some shoppers, one shopper after the other.

    Args:
        histories: Of many shoppers.
        rows: int64 [b]; which of them; each has an event.
        max_length: Most events of each, the last ones.

    Returns:
        The windows; only the last event of each counts.
    """
    lengths = np.minimum(histories.lengths[rows], max_length)
    ends = np.cumsum(lengths)
    first = np.asarray(histories.offsets)[rows + 1] - lengths
    return PackedWindows(
        events=np.repeat(first - (ends - lengths), lengths) + np.arange(int(lengths.sum())),
        lengths=lengths,
        places=ends - 1,
    )
