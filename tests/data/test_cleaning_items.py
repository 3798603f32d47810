import numpy as np
import pyarrow as pa
import pytest
from cleaning_logs import SECOND, log_of, words

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.cleaning.items import ItemRules, drop_items
from shopkeeper.errors import ConfigError

IDS = pa.array(["85123A", "85123B", "POST", "postage stamp album"], pa.large_string())
LOG = log_of([(1, item, item) for item in (1, 2, 3, 4)])


def reasons(rules: ItemRules, ids: pa.Array = IDS, catalog: Catalog | None = None) -> list[str]:
    return words(drop_items(LOG, ids, catalog, rules, None).reason)


def test_listed_items_go():
    assert reasons(ItemRules(["85123B", "unknown"], None, False)) == ["", "dropped_item", "", ""]


def test_listed_integers_go_written_either_way():
    assert reasons(ItemRules([7, "8"], None, False), pa.array([7, 8, 78, 9])) == [
        "dropped_item",
        "dropped_item",
        "",
        "",
    ]


def test_a_pattern_matches_whole_ids():
    assert reasons(ItemRules([], "8512|POST|.*B", False)) == ["", "dropped_item", "dropped_item", ""]


@pytest.mark.parametrize("pattern", ["(", r"(?<=a)b"])
def test_a_pattern_that_is_none_is_named(pattern):
    with pytest.raises(ConfigError, match="drop_items_matching"):
        reasons(ItemRules([], pattern, False))


def test_items_that_are_no_products_go_and_the_facts_say_why():
    verdict = drop_items(LOG, IDS, None, ItemRules([], None, True), None)
    assert words(verdict.reason) == ["", "", "not_a_product", ""]
    assert list(verdict.facts["non_products"]) == ["POST"]


def test_titles_of_the_catalog_tell_of_non_products():
    titles = pa.table({"item_id": ["85123B", "other"], "title": ["Gift voucher", "Lamp"]})
    assert reasons(ItemRules([], None, True), catalog=Catalog(titles)) == ["", "not_a_product", "not_a_product", ""]


def test_items_of_the_future_do_not_change_the_pattern_of_training():
    # In training, M among 30 numbers is a service; among 100 later ids of letters alone it would look usual.
    numbers = [str(10_000 + place) for place in range(30)]
    later = [letter + other for letter in "abcdefghij" for other in "klmnopqrst"]
    ids = pa.array([*numbers, "M", *later], pa.large_string())
    titles = pa.table({"item_id": ids, "title": ["Lamp"] * 30 + ["Manual"] + ["Lamp"] * 100})
    log = log_of([(1, place + 1, 0 if place <= 30 else 10) for place in range(len(ids))])
    reason = drop_items(log, ids, Catalog(titles), ItemRules([], None, True), 5 * SECOND).reason
    assert np.flatnonzero(reason).tolist() == [30]


def test_without_rules_nothing_goes():
    assert not ItemRules([], None, False).any
    assert reasons(ItemRules([], None, False)) == [""] * 4
