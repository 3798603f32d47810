"""Settings that all sequence models share: what is read, how histories are cut, what is predicted, by which loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.recommenders.base import RecommenderConfig
from shopkeeper.search_space import Choice, Floats, SearchSpace

Share = Annotated[float, Field(ge=0, lt=1)]
"""Of values dropped in training."""


class SequenceConfig(RecommenderConfig):
    """Settings that all sequence models share."""

    embedding_size: Annotated[int, Field(ge=1)] = 64
    """Width of item embeddings and hidden states."""
    embedding_dropout: Share = 0.4
    """Share dropped of the embedded events, in training."""
    max_length: Annotated[int, Field(ge=1)] = 50
    """Events of a history that are read, the last ones."""
    overlap: Annotated[int, Field(ge=0)] = 0
    """Training cuts a longer history into windows of `max_length`; so many events before a window's first target are
    read again as its context. Each target counts once; the cuts move from epoch to epoch."""
    prefix_rows: bool = False
    """Train on each prefix of a history as a row of its own, in place of all its targets at once. Many times the work;
    the same loss where a state depends on the events before it alone."""
    alike: bool = True
    """Batches are made of histories of like length, which is faster; otherwise of any."""
    ties: Literal["skip", "shuffle", "keep"] = "skip"
    """Rows at the same time (a basket, a day) have no order but that of the export. "skip" predicts from each event one
    at random of the shopper's next time; "shuffle" puts them in a new random order each epoch and predicts the next
    one, so that a model also learns what goes together; "keep" believes the order of the rows."""
    horizon: Annotated[int, Field(ge=1)] = 1
    """The target is drawn from so many next times (baskets): what the shopper will take soon, not only next."""
    history_types: tuple[EventType, ...] = INTEREST_TYPES
    """Event types that are read and predicted; others (impressions, returns) are passed over."""
    merge_events: bool = False
    """Read each item of a history once: its first event of the strongest type. The next item is then always a new one,
    and its type says how far the shopper went with it: seen, in the cart, bought."""
    target_types: tuple[EventType, ...] | None = None
    """Event types that are predicted: after each event the target is the next event of these; None predicts all that
    are read."""
    read_types: Literal["auto"] | bool = "auto"
    """Read the type of each event, and ask for the next event by its type; "auto" does where the log has several."""
    asked_type: EventType | None = None
    """The event type that answers are about, where events are asked for by type; None takes the most frequent."""
    read_gaps: bool = False
    """Read the time since the event before."""
    read_calendar: bool = False
    """Read the hour of the day and the weekday of each event."""
    read_prices: bool = False
    """Read the price level of each item (tenths of the catalog by price)."""
    read_placements: bool = False
    """Read where on the page, or in which channel, each event happened (the column `placement` of the log)."""
    item_start: Literal["auto", "links", "random"] = "auto"
    """Item embeddings start where items that are taken near each other lie near each other ("links"), or at random
    ("random"); "auto" starts at random where much of the log is repeats, unless `content_start` is set."""
    content_start: Annotated[float, Field(ge=0)] = 0.0
    """Where embeddings start from links, items that the catalog tells to be alike start near each other too; this much
    weighs their likeness (about 10 is enough); 0 reads no catalog."""
    item_features: tuple[Path, ...] = ()
    """Folders of features (`shopkeeper features` builds them) that are read beside the embedding of each item, and
    that it is ranked by."""
    item_ids: bool = True
    """Give each item an embedding of its own; without, items are read and ranked by their features alone, one that
    nobody took yet as well as all others."""
    item_bias: Literal["auto"] | bool = "auto"
    """Give each item a bias that starts at its popularity; "auto" does where shoppers buy again."""
    repeats: Literal["auto"] | bool = "auto"
    """Learn a bonus for items of the shopper's own history, by how often and how long ago; "auto" does where shoppers
    buy again."""
    temperature: Annotated[float, Field(gt=0)] | None = None
    """Compare states and items by their cosine, divided by this; None by their inner product."""
    loss: Literal["auto", "softmax", "sampled_softmax", "bce", "gbce", "bpr", "mse"] = "auto"
    """Cross-entropy over the whole catalog or over a sample, binary cross-entropy (plain or generalized), pairwise
    ranking, squared error; "auto" is the softmax, sampled from 50,000 items on."""
    n_negatives: Annotated[int, Field(ge=1)] = 1024
    """Items drawn for each batch, for all losses but `softmax`."""
    popularity_power: Annotated[float, Field(ge=0, le=1)] = 0.0
    """They are drawn in proportion to their count to this power: 0 is uniform, 1 is popularity."""
    in_batch: bool = False
    """Take the targets of the batch in their place."""
    hardest: Annotated[int, Field(ge=1)] | None = None
    """Only so many of them, those that the model ranks highest, count for each target; None counts all."""
    calibration: Annotated[float, Field(ge=0, le=1)] = 0.75
    """Of `gbce`: 0 is plain binary cross-entropy, 1 gives calibrated probabilities."""
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each target that `softmax` spreads over the catalog (label smoothing)."""
    contrast: Annotated[float, Field(ge=0)] = 0.0
    """Weight of a contrastive loss between two views of each history that differ in their dropout."""
    chunk_megabytes: Annotated[float, Field(gt=0)] = 8.0
    """Memory of one chunk of logits, for `softmax`."""
    sparse_gradients: Literal["auto"] | bool = "auto"
    """Update only the item embeddings that a step touches (they get no weight decay); "auto" does from 200,000 items
    on with a sampled loss."""

    search: ClassVar[SearchSpace] = {
        "embedding_size": Choice((32, 64, 128)),
        "embedding_dropout": Floats(0.0, 0.6),
        "max_length": Choice((20, 50, 100, 200)),
        "horizon": Choice((1, 2, 4, 8)),
        "content_start": Choice((0.0, 4.0, 12.0)),
    }

    @model_validator(mode="after")
    def _items_are_something(self) -> Self:
        if not self.item_ids and not self.item_features:
            raise ValueError("without item_ids there must be item_features")
        return self

    @model_validator(mode="after")
    def _loss_uses_its_settings(self) -> Self:
        if self.loss not in ("auto", "softmax") and self.smoothing:
            raise ValueError(f"smoothing is of the softmax over the whole catalog, and the loss is {self.loss!r}")
        if self.loss == "softmax" and (self.in_batch or self.hardest is not None):
            raise ValueError("in_batch and hardest choose from a sample, and the loss is over the whole catalog")
        return self

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> Self:
        if self.overlap >= self.max_length:
            raise ValueError("overlap must be below max_length")
        return self

    @model_validator(mode="after")
    def _targets_are_read(self) -> Self:
        targets = self.target_types or self.history_types
        if not set(targets) <= set(self.history_types):
            raise ValueError("target_types must be among history_types")
        if self.asked_type is not None and self.asked_type not in targets:
            raise ValueError("asked_type must be among the types that are predicted")
        return self
