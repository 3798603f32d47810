from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.content_knn import ContentKNN
from shopkeeper.recommenders.content_links import ContentWeights, content_links, content_vectors
from shopkeeper.recommenders.start_vectors import start_vectors

CATALOG = {
    "item_id": [4, 3, 2, 1],
    "title": [None, "Red nail polish", "Blue shampoo for hair", "Blue nail polish"],
    "brand": ["Unknown", "OPI", "Dove", "OPI"],
    "category": [None, "Beauty > Nails", "Beauty > Hair", "Beauty > Nails"],
}


def shop(catalog: dict[str, list] | None) -> Dataset:
    histories = Histories.of_items([np.array([1, 2]), np.array([4])], EventType.PURCHASE)
    known = None if catalog is None else Catalog(pa.table(catalog))
    return Dataset(Vocabulary([10, 11]), Vocabulary([1, 2, 3, 4]), histories, catalog=known)


def test_words_brand_and_category_make_items_alike():
    links = content_links(shop(CATALOG), ContentWeights(), 10).toarray()
    assert links.shape == (5, 5)
    assert links[1, 3] > links[1, 2] > 0
    assert np.allclose(links, links.T)
    assert not links[0].any() and not links[4].any() and not links.diagonal().any()
    by_brand = content_links(shop(CATALOG), ContentWeights(text=0, category=0), 10).toarray()
    assert np.allclose(by_brand[1], [0, 0, 0, 1, 0])


def test_what_more_items_share_than_asked_makes_none_alike():
    by_category = ContentWeights(text=0, brand=0)
    assert content_links(shop(CATALOG), by_category, 10).toarray()[1, 2] > 0, "all three are in Beauty"
    rare = content_links(shop(CATALOG), by_category.replace(most_items=2), 10).toarray()
    assert rare[1, 3] > 0 and rare[1, 2] == 0, "two are in Nails"


def test_only_so_many_neighbors_are_kept():
    assert np.diff(content_links(shop(CATALOG), ContentWeights(), 1).indptr).tolist() == [0, 1, 1, 1, 0]


def test_recommends_what_is_like_the_last_item():
    model = ContentKNN().fit(shop(CATALOG))
    asked = model.recommend(histories=[[1], [2, 1]], k=2, hide_seen=True)
    assert asked.item_index[:, 0].tolist() == [3, 3]


def test_without_texts_popularity_answers():
    for catalog in (None, {"item_id": [1, 2, 3, 4]}, {"item_id": [1], "title": ["..."]}):
        data = shop(catalog)
        assert content_vectors(data, ContentWeights()).nnz == 0
        assert ContentKNN().fit(data).recommend(histories=[[1]], k=1).from_fallback.all()


def test_likeness_moves_where_embeddings_start():
    """Item 3 has no neighbor in the log: only the catalog gives it a place."""
    data = shop(CATALOG)
    data = replace(data, histories=Histories.of_items([np.array([1, 2]), np.array([2, 4])], EventType.PURCHASE))
    assert not start_vectors(data, 4)[3].any()
    assert start_vectors(data, 4, content=10.0)[3].any()
