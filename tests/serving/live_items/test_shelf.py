"""A bundle with changed items in one process: where they stand, and what happens when the encoder fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from server import shop_dataset

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.histories import Histories
from shopkeeper.errors import EndpointError
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.pipeline.asking import Ask
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.item_encoder import ItemEncoder
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.live_items import places
from shopkeeper.serving.live_items.live_items import ItemRequest, LiveItems
from shopkeeper.serving.live_items.shelf import Outcome, Stand
from shopkeeper.serving.live_items.states import ItemState
from shopkeeper.serving.problems import NotFoundError
from shopkeeper.types import Float32Array, Id

TITLE = "Thing 3 <b>&</b> co"


def posted(item: Id, **facts: Any) -> ItemChange:
    return ItemChange(item, 2**52, {REMOVED: False, **facts})


class Shop:
    """Live items over a bundle, and what they put in place last."""

    def __init__(self, bundle: Bundle, store: EventStore) -> None:
        self.stands: list[Stand] = []
        self.items = LiveItems(bundle, store, self.stands.append)

    def post(self, *changes: ItemChange, known: bool = False) -> list[Outcome]:
        return self.items.change([ItemRequest(changes, known)])[0]

    def after(self, *history: str) -> list[Id]:
        pipeline = self.stands[-1].bundle.pipeline
        items = pipeline.train.items
        row = Histories.of_items([items.indices(list(history))])
        (answer,) = pipeline.answer([Ask(0, row, k=30)])
        return items.ids(answer.item_index)


def test_the_bundle_itself_stays_as_it_is(bundle: Bundle, store: EventStore) -> None:
    shop = Shop(bundle, store)
    assert shop.items.stand().bundle is bundle
    shop.post(posted("new", title=TITLE), posted("sku-001", price=77.0))
    assert "new" in shop.after("sku-002")
    assert "new" not in bundle.pipeline.train.items
    assert bundle.pipeline.facts.price(2) == 2.0
    assert shop.stands[-1].bundle.pipeline.facts.price(2) == 77.0


def test_many_changes_pile_nothing_up(bundle: Bundle, store: EventStore) -> None:
    shop = Shop(bundle, store)
    for step in range(30):
        shop.post(posted("new", title=f"Thing {step % 5} <b>&</b> co"), posted("sku-001", price=float(step)))
    stand = shop.stands[-1]
    assert (len(shop.stands), stand.n_new) == (30, 1)
    catalog = stand.bundle.catalog
    assert catalog is not None
    assert (len(catalog), catalog.table.column("title").num_chunks) == (13, 1)
    models = stand.bundle.pipeline.recommenders
    assert [getattr(model, "model", model) for model in models] == bundle.pipeline.recommenders


def test_another_process_reads_the_vector_instead_of_encoding(
    bundle: Bundle, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Shop(bundle, store), Shop(bundle, store)
    (first,) = one.post(posted("new", title=TITLE, category="Garden > Tools"))

    def refuse(*_: Any) -> Float32Array:
        raise AssertionError("encoded again")

    monkeypatch.setattr(ItemEncoder, "encode", refuse)
    other.items.follow()
    assert other.after("sku-002") == one.after("sku-002")
    assert first.place is not None
    assert first.place.how == "text"
    one.post(posted("new", price=5.0))  # the text is the same
    assert one.stands[-1].bundle.pipeline.facts.price(13) == 5.0


def test_an_encoder_that_is_away_is_not_waited_for_and_tried_again(
    bundle: Bundle, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(bundle, store)
    asked = []

    def away(*_: Any) -> Float32Array:
        asked.append(1)
        raise EndpointError("the model is away")

    with monkeypatch.context() as patch:
        patch.setattr(ItemEncoder, "encode", away)
        (first, second) = shop.post(
            posted("new", title=TITLE, category="Garden > Tools"), posted("bare", title="Thing 4 <b>&</b> co")
        )
        shop.post(posted("third", title="Thing 5"))
        shop.items.follow()
    assert len(asked) == 1
    assert first.place is not None
    assert second.place is not None
    assert (first.place.how, second.place.how) == ("category", "nothing")
    assert first.place.note == second.place.note == "the model is away"
    monkeypatch.setattr(places, "RETRY_SECONDS", 0.0)
    shop.items._shelf._places._retry_at = 0.0
    shop.items.follow()
    assert shop.items._shelf.outcome("new").place.how == "text"
    assert not shop.items._shelf.waiting


def test_a_model_that_gives_vectors_of_another_length_leaves_items_in_their_category(
    bundle: Bundle, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(bundle, store)
    assert bundle.encoder is not None
    with monkeypatch.context() as patch:
        patch.setattr(type(bundle.encoder._encoder), "encode", lambda _, texts: np.ones((len(texts), 3), np.float32))
        (outcome,) = shop.post(posted("new", title=TITLE, category="Garden > Tools"))
    assert outcome.place is not None
    assert outcome.place.how == "category"
    assert "other vectors" in str(outcome.place.note)
    assert "new" in shop.after("sku-002")
    assert [stored.change.vector for stored in ItemChanges(store).every()] == [None]


def test_where_nothing_can_be_encoded_nothing_is_tried_again_and_again(bundle: Bundle, store: EventStore) -> None:
    assert bundle.encoder is not None
    shop = Shop(replace(bundle, encoder=replace(bundle.encoder, identity="another version")), store)
    (outcome,) = shop.post(posted("new", title=TITLE, category="Garden > Tools"))
    assert outcome.place is not None
    assert (outcome.place.how, "another version" in str(outcome.place.note)) == ("category", True)
    served = len(shop.stands)
    for _ in range(3):
        shop.items.follow()
    assert len(shop.stands) == served


def test_a_change_that_could_not_be_put_in_place_is_put_there_later(bundle: Bundle, store: EventStore) -> None:
    shop, broken = Shop(bundle, store), [True]

    def put(stand: Stand) -> None:
        if broken:
            raise RuntimeError("no")
        shop.stands.append(stand)

    shop.items._put = put
    with pytest.raises(RuntimeError):
        shop.post(posted("new", title=TITLE))
    broken.clear()
    shop.items.follow()
    assert "new" in shop.after("sku-002")


def test_an_unknown_item_is_neither_changed_nor_made(bundle: Bundle, store: EventStore) -> None:
    shop = Shop(bundle, store)
    with pytest.raises(NotFoundError):
        shop.post(ItemChange("typo", 1, {"price": 1.0}), known=True)
    ItemChanges(store).add([ItemChange("typo", 1, {"price": 1.0}), ItemChange("gone", 1, {REMOVED: True})])
    shop.items.follow()
    assert shop.stands[-1].n_new == 0
    assert len(shop.stands[-1].removed) == 0
    assert "sku-003" in shop.after("sku-002")


def test_items_that_nobody_took_are_offered_where_asked(bundle: Bundle, store: EventStore) -> None:
    unsold = pa.table({"item_id": ["spade", "stone"], "title": [TITLE, None], "price": [2.5, 1.0]})
    catalog = bundle.catalog
    assert catalog is not None
    listed = catalog.updated(Catalog(unsold))
    with_unsold = replace(bundle, pipeline=bundle.pipeline.with_catalog(listed))
    assert LiveItems(with_unsold, store, lambda _: None).stand().n_new == 0
    stands: list[Stand] = []
    items = LiveItems(with_unsold, store, stands.append, unsold=True)
    assert items.stand().n_new == 2
    items.change(
        [ItemRequest([ItemChange("spade", 2**52, {"price": 9.0}), ItemChange("stone", 1, {REMOVED: True})], True)]
    )
    served = stands[-1].bundle.pipeline
    spade, stone = served.train.items.known_indices(["spade", "stone"]).tolist()
    assert (stands[-1].n_new, stands[-1].removed.tolist()) == (2, [stone])
    assert served.facts.price(spade) == 9.0
    (answer,) = served.answer([Ask(0, Histories.of_items([[3]]), k=30)])
    assert spade in answer.item_index
    assert stone not in answer.item_index


def test_the_middle_of_a_category_is_neither_its_best_nor_its_worst(bundle: Bundle, store: EventStore) -> None:
    shop = Shop(replace(bundle, encoder=None), store)
    (pot, deep, odd) = shop.post(
        posted("pot", category="Kitchen > Pots"),
        posted("deep", category="Kitchen > Pots > Copper > Old"),
        posted("odd", category="Cars"),
    )
    for placed in (pot, deep):
        assert placed.place is not None
        assert placed.place.how == "category"
        known = placed.place.neighbors[placed.place.neighbors > 0]
        assert set(bundle.pipeline.train.items.ids(known)) == {f"sku-{place:03d}" for place in range(6, 12)}
        np.testing.assert_allclose(placed.place.weights[: len(known)], 1 / 6)
    assert odd.place is not None
    assert odd.place.how == "nothing"


def test_a_model_that_reads_features_reads_those_of_the_new_item(tmp_path: Path, store: EventStore) -> None:
    dataset = shop_dataset(tmp_path / "data")
    text = build(TextSettings, {"encoder": {"name": "static"}})
    FeatureStore(tmp_path / "features").text(dataset.items, dataset.catalog, text)
    sasrec = {"embedding_size": 16, "n_layers": 1, "n_heads": 1, "item_features": [tmp_path / "features/text-static"]}
    training = {"epochs": 2, "device": "cpu"}
    settings = build(ShopSettings, {"training": training, "models": {"sasrec": sasrec}})
    trained = train(dataset, "sasrec", settings).bundle
    assert trained.encoder is not None
    assert trained.encoder.feeds_models
    shop = Shop(trained, store)
    row = dataset.catalog.aligned(dataset.items).to_pylist()[3]  # type: ignore[union-attr]
    shop.post(posted("twin", title=row["title"], category=row["category"]))
    network = shop.stands[-1].bundle.pipeline.primary
    vectors = network.state()["items.vectors"]
    np.testing.assert_allclose(vectors[13], vectors[4], atol=1e-3)
    assert "twin" in shop.after("sku-002")


def test_vectors_of_texts_that_items_no_longer_have_are_dropped(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bundle.encoder is not None
    monkeypatch.setattr(places, "SPARE", 2)
    stands = places.Places(bundle)
    for step in range(12):
        state = ItemState("new", posted=True)
        stands.put(pa.table({"item_id": ["new"], "title": [f"Thing {step}"]}), [state])
    assert len(stands._vectors) <= 5
    assert stands["new"].how == "text" and stands.vectors(["new"]).any()
