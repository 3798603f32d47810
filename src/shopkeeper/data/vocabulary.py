"""The one map between a shop's ids and the integers inside: 1 to n, 0 for padding and for unknown.

Ids that come after training get the next integers, so that those of training mean what they meant (`extended`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.errors import DataError, UnknownIdError
from shopkeeper.types import Id, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = 0


class Vocabulary:
    """Distinct ids in ascending order; the id at place i has the index i + 1. Only those of `extended` come behind.

    Args:
        ids: Distinct ids, all integers or all strings. They are sorted here.

    Raises:
        DataError: Ids are repeated, missing, or of two kinds.
    """

    def __init__(self, ids: Iterable[Id] | NDArray[Any] | pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        array = _as_arrow(ids)
        if array.null_count:
            raise DataError("a vocabulary cannot hold a missing id", got=f"{array.null_count} missing")
        if len(array) > 1 and not pc.all(pc.less(array.slice(0, len(array) - 1), array.slice(1))).as_py():
            array = array.take(pc.array_sort_indices(array))
            if pc.any(pc.equal(array.slice(1), array.slice(0, len(array) - 1))).as_py():
                raise DataError("ids of a vocabulary must be distinct", remedy="pass each id once")
        self._ids: pa.Array = array
        self.is_integer: bool = pa.types.is_integer(array.type)

    @staticmethod
    def in_order(ids: pa.Array) -> Vocabulary:
        """A vocabulary that was written down: the id at place i keeps the index i + 1, be they ascending or not.

        Raises:
            DataError: Ids are repeated, missing, or of two kinds.
        """
        found = Vocabulary(ids)
        found._ids = _as_arrow(ids)
        return found

    def extended(self, ids: Iterable[Id] | NDArray[Any] | pa.Array) -> Vocabulary:
        """With new ids behind those that are there, in the order given; indices of the others stay.

        Args:
            ids: Distinct ids of the same kind, none of them known.

        Raises:
            DataError: Ids are known, repeated, missing, or of another kind.
        """
        import pyarrow as pa

        added = Vocabulary(ids)  # refuses what is missing or repeated
        if not len(added):
            return self
        if len(self) and added.is_integer != self.is_integer:
            raise DataError("new ids are of another kind", expected=f"{self.kind} ids", got=f"{added.kind} ids")
        known = added.arrow.filter(pa.array(self.indices(added.arrow) != UNKNOWN))
        if len(known):
            raise DataError("an id is known already", expected="new ids", got=repr(known[0].as_py()))
        longer = Vocabulary.__new__(Vocabulary)
        longer._ids = pa.concat_arrays([self._ids.cast(added.arrow.type), _as_arrow(ids)])
        longer.is_integer = added.is_integer
        if "_lookup" in vars(self):  # copying it is several times faster than making it anew
            places = enumerate(longer._ids.slice(len(self)).to_pylist(), start=len(self) + 1)
            vars(longer)["_lookup"] = self._lookup | {value: place for place, value in places}
        return longer

    def __len__(self) -> int:
        """Number of ids, padding not counted."""
        return len(self._ids)

    def __contains__(self, value: object) -> bool:
        return self.index(value) != UNKNOWN if isinstance(value, str | int) else False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and bool(self._ids.equals(other._ids))

    def __hash__(self) -> int:
        return hash((len(self), self.is_integer))

    @property
    def arrow(self) -> pa.Array:
        """The ids in the order of their indices, int64 or large_string, length n."""
        return self._ids

    @property
    def kind(self) -> str:
        """``"integer"`` or ``"string"``."""
        return "integer" if self.is_integer else "string"

    @cached_property
    def _lookup(self) -> dict[Id, int]:
        return {value: place + 1 for place, value in enumerate(self._ids.to_pylist())}

    def index(self, value: Id) -> int:
        """The index of one id, 0 where it is unknown (an integer is not the string of its digits)."""
        return self._lookup.get(value, UNKNOWN)

    def indices(self, ids: Iterable[Id] | NDArray[Any] | pa.Array) -> Int32Array:
        """The indices of many ids, int32 of the same length, 0 where unknown or missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        array = _as_arrow(ids)
        if len(array) == 0 or pa.types.is_integer(array.type) != self.is_integer:
            return np.zeros(len(array), dtype=np.int32)
        places = pc.index_in(array, value_set=self._ids)
        result: Int32Array = pc.add(pc.fill_null(places, -1), 1).to_numpy(zero_copy_only=False).astype(np.int32)
        return result

    def known_indices(self, ids: Sequence[Id]) -> Int32Array:
        """The indices of ids that must all be known, int32 of the same length.

        Raises:
            UnknownIdError: One of them is not.
        """
        indices = self.indices(ids)
        if (indices == UNKNOWN).any():
            raise UnknownIdError(
                "an id is unknown to training",
                got=repr(ids[int(np.argmax(indices == UNKNOWN))]),
                remedy="ask for one that has events in the training part",
            )
        return indices

    def ids(self, indices: Sequence[int] | NDArray[Any]) -> list[Id]:
        """The ids of many indices, as Python strings or integers.

        Raises:
            UnknownIdError: An index is 0 or beyond the last one.
        """
        places = np.asarray(indices, dtype=np.int64)
        if places.size and (places.min() < 1 or places.max() > len(self)):
            wrong = places[(places < 1) | (places > len(self))]
            raise UnknownIdError("an index has no id", expected=f"1 to {len(self)}", got=str(wrong[0]))
        values: list[Id] = self._ids.take(places - 1).to_pylist()
        return values

    def parse(self, text: str) -> Id:
        """An id written as text (a command line, a path of a URL) as this vocabulary's kind of id."""
        if self.is_integer:
            try:
                return int(text)
            except ValueError:
                return text
        return text


def _as_arrow(ids: Iterable[Id] | NDArray[Any] | pa.Array) -> pa.Array:
    import pyarrow as pa

    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if not isinstance(ids, pa.Array):
        values = ids if isinstance(ids, np.ndarray) else list(ids)
        if len(values) == 0:
            return pa.array([], pa.int64())
        try:
            ids = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError("ids are of mixed kinds", expected="all integers or all strings", got=str(error)) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise DataError("an id cannot be stored", expected="a 64-bit integer or a text", got=str(error)) from error
    if pa.types.is_dictionary(ids.type):
        ids = ids.dictionary_decode()
    if pa.types.is_integer(ids.type) or pa.types.is_null(ids.type):
        try:
            return ids.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise DataError("an id is too large", expected="64-bit integers with a sign", got=str(error)) from error
    if pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_string_view(ids.type):
        return ids.cast(pa.large_string())
    raise DataError("ids must be integers or strings", got=str(ids.type))
