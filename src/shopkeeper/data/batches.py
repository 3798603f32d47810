"""Training batches of sequence models, in NumPy: windows of histories, grouped so that each step has as many targets.

Every event of a window is an input, and what follows it is its target. Batches hold windows of like length, so that
little is padded, and about equal numbers of *targets*: with a mean over each batch, batches of equal numbers of
shoppers would weigh the targets of short histories many times over. Rows are padded on the right: under causal
attention no real event ever sees the padding, and no padding mask is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.types import Int32Array, Int64Array

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
class SequenceBatch:
    """One batch of a sequence model.

    For windows ``[3 5 2]`` and ``[7 4]``: items ``[[3, 5], [7, 0]]``, places ``[0, 1, 2]``, targets ``[5, 2, 4]``.

    Attributes:
        items: int64 [b, length]; inputs, padded with 0 on the right.
        places: int64 [n]; flat places in `items` whose target counts.
        targets: int64 [n]; the items that follow them.
    """

    items: Int64Array
    places: Int64Array
    targets: Int64Array


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


def group_windows(
    windows: Windows, batch_targets: int, generator: Generator, max_targets: int | None = None
) -> list[Int64Array]:
    """Groups windows of like length into batches of about equal numbers of targets, in random order.

    Args:
        windows: What `cut_windows` gave.
        batch_targets: Targets in one batch, about; a window is never divided.
        generator: Decides the order and, among windows of one length, the company.
        max_targets: Take a random part of the windows with about so many targets; None takes all.

    Returns:
        For each batch the places of its windows, int64.
    """
    order = generator.permutation(len(windows))
    if max_targets is not None:
        order = order[: max(1, np.searchsorted(np.cumsum(windows.n_targets[order]), max_targets, side="right"))]
    if len(order) == 0:
        return []
    order = order[np.argsort(windows.n_inputs[order], kind="stable")]
    targets = windows.n_targets[order]
    total = int(targets.sum())
    n_batches = max(1, round(total / batch_targets))
    middle = np.cumsum(targets) - targets / 2
    batch = np.minimum((middle * n_batches / total).astype(np.int64), n_batches - 1)
    groups = np.split(order, np.flatnonzero(np.diff(batch)) + 1)
    return [groups[place] for place in generator.permutation(len(groups))]


def collate(
    items: Int32Array, windows: Windows, chosen: Int64Array, follow: Callable[[Int64Array], Int64Array]
) -> SequenceBatch:
    """Copies the events of some windows into one padded batch.

    Args:
        items: int32 [events]; item index of every event, flat.
        windows: All windows.
        chosen: int64 [b]; places of the windows that make the batch.
        follow: Gives for places of events (int64 [n]) the places of their targets.

    Returns:
        The batch; its length is that of its longest window.
    """
    start, n_inputs, n_targets = windows.start[chosen], windows.n_inputs[chosen], windows.n_targets[chosen]
    steps = np.arange(int(n_inputs.max()))
    real = steps < n_inputs[:, None]
    counts = real & (steps >= (n_inputs - n_targets)[:, None])
    events = np.where(real, start[:, None] + steps, 0)
    places = np.flatnonzero(counts)
    return SequenceBatch(
        items=np.where(real, items[events], 0).astype(np.int64),
        places=places,
        targets=np.asarray(items[follow(events.ravel()[places])], dtype=np.int64),
    )


def pad_right(histories: Histories, max_length: int) -> tuple[Int64Array, Int64Array]:
    """The most recent events of each shopper as one padded table.

    Args:
        histories: Of b shoppers.
        max_length: Most events of each, the last ones.

    Returns:
        Items int64 [b, longest], oldest first and 0 on the right, and the number of events int64 [b].
    """
    lengths = np.minimum(histories.lengths, max_length)
    first = np.asarray(histories.offsets[1:]) - lengths
    steps = np.arange(max(1, int(lengths.max(initial=0))))
    real = steps < lengths[:, None]
    items = np.zeros(real.shape, dtype=np.int64)
    items[real] = np.asarray(histories.item_index)[(first[:, None] + steps)[real]]
    return items, lengths
