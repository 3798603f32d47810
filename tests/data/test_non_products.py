"""Postage and fees are found by words and by the shape of ids; products that merely sound like them are not."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.non_products import find_non_products

USUAL = [f"{number}{'A' if number % 4 == 0 else ''}" for number in range(20_000, 20_200)]


def found(extra):
    ids = [*USUAL, *extra]
    titles = [None] * len(USUAL) + list(extra.values())
    return find_non_products(pa.array(ids), titles)


def test_services_are_found_by_their_titles():
    extra = {
        "POST": "POSTAGE", "23444": "Next Day Carriage", "D": "Discount", "22016": "Dotcom Gift Voucher £100.00",
        "B": "Adjust bad debt", "BANK CHARGES": "Bank Charges",
    }  # fmt: skip
    assert set(found(extra).reasons) == set(extra)


def test_services_are_found_by_their_ids():
    result = found({"POST": None, "AMAZONFEE": None, "M": None, "BANK CHARGES": None})
    assert set(result.reasons) == {"POST", "AMAZONFEE", "M", "BANK CHARGES"}
    assert "unusual shape" in result.reasons["M"]


def test_products_that_sound_like_services_stay():
    extra = {
        "30001": "POSTAGE STAMP ALBUM", "30002": "SAMPLE BOX OF TEAS", "30003": "GIFT WRAP ROLL",
        "30004": "DELIVERY VAN TOY", "30005": "Manual coffee grinder", "30006": None,
    }  # fmt: skip
    assert found(extra).reasons == {}


def test_an_unusual_id_alone_is_told_and_not_judged():
    result = found({"DCGS0003": "BOXED GLASS ASHTRAY", "PADS": "PADS TO MATCH ALL CUSHIONS"})
    assert result.reasons == {}
    assert result.unusual == ("DCGS0003", "PADS")
    assert result.pattern is not None
    assert result.pattern.startswith("9 (74.3%), 9A (24.8%)")


def test_one_service_word_is_enough_for_an_unusual_id():
    extra = {"X-1": "Postage for abroad (Europe)", "30007": "Postage for abroad (Europe)"}
    assert set(found(extra).reasons) == {"X-1"}


def test_without_a_pattern_only_words_count():
    ids = [f"{'aB3-x'[n % 5]}{n}{'q-z9.'[n * 7 % 5]}{'_k4'[n % 3]}{n * 13 % 11}" for n in range(300)]
    result = find_non_products(pa.array([*ids, "M", "POST"]))
    assert result.pattern is None
    assert set(result.reasons) == {"POST"}
    assert result.unusual == ()


def test_integer_ids():
    result = find_non_products(pa.array(range(100)), [None] * 99 + ["Postage"])
    assert result.reasons == {99: "its title has only words of services"}
    assert find_non_products(pa.array([], pa.int64())).reasons == {}


@given(st.lists(st.text(max_size=12), max_size=40, unique=True))
def test_any_ids_are_split_into_services_unusual_and_usual(ids):
    result = find_non_products(pa.array(ids, pa.string()), ids)
    assert set(result.reasons) <= set(ids)
    assert set(result.unusual) <= set(ids) - set(result.reasons)
