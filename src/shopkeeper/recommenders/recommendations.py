"""What a recommender answers: for each shopper items in order, with score and source, in the shop's own ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.fallback import FALLBACK
from shopkeeper.types import BoolArray, Float32Array, Id, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa


class Recommendation(NamedTuple):
    """One item of an answer."""

    item_id: Id
    score: float
    source: str
    reason: str | None = None


@dataclass(frozen=True)
class Recommendations:
    """Answers for `n` shoppers (or items, for `similar_items`).

    Attributes:
        user_ids: Who asked, length n; None for a history without a shopper.
        item_index: int32 [n, k], best first; 0 where there was nothing left to recommend. Internal: use `ids`.
        scores: float32 [n, k].
        from_fallback: bool [n, k]; the item comes from the fallback, not from the model.
        items: The vocabulary of `item_index`.
        source: Name of the model.
        fallback: Name of the fallback.
        ignored: For each shopper the ids of the given history that training has not seen.
        sources: For each shopper the name of the model that each item comes from, where several answer together; None
            where the two names above say it.
        reasons: For each shopper a sentence for each item; None where nobody asked.
        meanings: For each item that was asked about, in which sense the answer belongs to it; None for shoppers.
    """

    user_ids: Sequence[Id | None]
    item_index: Int32Array
    scores: Float32Array
    from_fallback: BoolArray
    items: Vocabulary
    source: str
    fallback: str = FALLBACK
    ignored: Sequence[Sequence[Id]] = field(default_factory=list)
    sources: Sequence[Sequence[str]] | None = None
    reasons: Sequence[Sequence[str]] | None = None
    meanings: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.user_ids)

    def ids(self, place: int) -> list[Id]:
        """Recommended ids of the shopper at this place, best first."""
        row = self.item_index[place]
        return self.items.ids(row[row > 0])

    def __getitem__(self, place: int) -> list[Recommendation]:
        """Answer for the shopper at this place, best first."""
        chosen = self.item_index[place] > 0
        ids = self.items.ids(self.item_index[place][chosen])
        reasons = self.reasons[place] if self.reasons is not None else [None] * len(ids)
        scores = self.scores[place][chosen].tolist()
        return list(map(Recommendation, ids, scores, self._sources(place), reasons))

    def _sources(self, place: int) -> Sequence[str]:
        """Who gave each item of one shopper."""
        if self.sources is not None:
            return self.sources[place]
        chosen = self.item_index[place] > 0
        return [self.fallback if fallback else self.source for fallback in self.from_fallback[place][chosen].tolist()]

    def __iter__(self) -> Iterator[list[Recommendation]]:
        return (self[place] for place in range(len(self)))

    def to_arrow(self) -> pa.Table:
        """Long table: user_id, rank (from 1), item_id, score, source; one row a recommended item."""
        import pyarrow as pa

        shopper, place = np.nonzero(self.item_index > 0)
        chosen = self.item_index[shopper, place].astype(np.int64)
        source = [name for row in range(len(self)) for name in self._sources(row)]
        return pa.table(
            {
                "user_id": pa.array(list(self.user_ids)).take(pa.array(shopper)),
                "rank": pa.array((place + 1).astype(np.int32)),
                "item_id": self.items.arrow.take(pa.array(chosen - 1)),
                "score": pa.array(self.scores[shopper, place]),
                "source": pa.array(source, pa.string()),
            }
        )
