"""The storefront in a real browser against a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from playwright.sync_api import expect
from server import Server, log_bundle, running_server

from serving.browser.conftest import Visit
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.types import Id

pytestmark = pytest.mark.browser
Start = Callable[..., Visit]


def number(title: str) -> int:
    """5 of "Thing 5 <b>&</b> co"."""
    found = re.fullmatch(r"Thing (\d+) <b>&</b> co", title)
    assert found, title
    return int(found[1])


def next_of(thing: int) -> int:
    return (thing + 1) % 20 + thing // 20 * 20


def stored(database: Path, user: Id) -> list[dict[str, object]]:
    store = EventStore.open(database)
    try:
        return [event._asdict() for event in store.events_of(user, 10)]
    finally:
        store.close()


def recorded(database: Path, recommendation_id: object, seconds: float = 20) -> list[tuple[str, str]]:
    """What was answered under an id: it is written behind the answer, so a busy machine may need a moment."""
    end = time.monotonic() + seconds
    while True:
        with EventStore.open(database).reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT item_ids, placement FROM answers WHERE recommendation_id = ?", (recommendation_id,)
            ).fetchall()
        if rows or time.monotonic() > end:
            return [(items, placement) for items, placement in rows]
        time.sleep(0.1)


def test_a_click_changes_the_list_and_reaches_the_store(visit: Start, database: Path) -> None:
    window = visit()
    page = window.home("new-1")
    assert page.locator(".welcome").inner_text().startswith("No history yet")
    before = window.titles()
    thing = number(window.act("view", 3))
    after = window.titles()
    assert after != before
    assert number(after[0]) == next_of(thing)
    first = page.locator(".card").first
    assert first.locator(".reason").inner_text().endswith(f"Thing {thing} <b>&</b> co")
    assert first.locator(".badge").inner_text().startswith(("New", "▲"))
    assert page.locator(".event.fresh a").all_inner_texts() == [before[3]]
    assert page.locator("#said").inner_text().startswith(f"You viewed {before[3]}.")

    (event,) = stored(database, "new-1")
    assert (event["item_id"], event["event_type"]) == (f"sku-{thing:03d}", "view")
    assert (event["placement"], event["position"]) == ("storefront", 4)
    rows = recorded(database, event["recommendation_id"])
    assert [(f"sku-{thing:03d}" in items, placement) for items, placement in rows] == [(True, "storefront")]


def test_what_is_taken_out_of_the_cart_may_be_recommended_again(visit: Start, database: Path) -> None:
    window = visit()
    page = window.home("new-cart")
    put = window.act("cart", 1)
    assert page.locator(".basket a").all_inner_texts() == [put]
    with page.expect_response("**/recommendations"):
        page.get_by_role("button", name=f"Take {put} out of the cart").click()
    page.wait_for_selector(".basket .nothing")
    expect(page.get_by_text(put, exact=True).first).to_be_visible()
    assert put in window.titles()
    assert [event["event_type"] for event in stored(database, "new-cart")] == ["cart", "remove_from_cart"]


def test_what_was_done_shows_on_the_card_and_in_the_cart(visit: Start, database: Path) -> None:
    window = visit()
    page = window.home("new-2")
    liked = window.act("like", 0)
    page.goto(f"{window.address}/?shopper=new-2#/item/sku-{number(liked):03d}")
    expect(page.locator(".product .like")).to_have_attribute("aria-pressed", "true")
    window.home("new-2")
    put = window.act("cart", 1)
    assert put not in window.titles()
    assert page.locator(".basket a").all_inner_texts() == [put]
    with page.expect_response("**/recommendations"):
        page.get_by_role("button", name="Buy for").click()
    page.wait_for_selector(".basket .nothing")
    assert [event["event_type"] for event in stored(database, "new-2")] == ["like", "cart", "purchase"]
    assert page.locator(".event .quiet").first.inner_text().startswith("Bought")
    price = number(put) + 1.0
    assert stored(database, "new-2")[-1]["price"] == price


def test_a_shopper_is_found_or_made(visit: Start) -> None:
    window = visit()
    page = window.open("/")
    page.wait_for_selector(".someone")
    page.get_by_label("Find a shopper").fill("c11")
    expect(page.locator(".someone .name").first).to_have_text("c11")
    page.locator(".someone").first.click()
    page.wait_for_selector("ol.cards .card:not(.waits)")
    assert page.locator("h1").inner_text() == "Recommended for shopper c11"
    assert page.locator(".event").count() == 10
    assert "shopper=c11" in page.url
    page.get_by_role("link", name="Change shopper").click()
    page.get_by_role("button", name="New shopper").click()
    page.wait_for_selector("ol.cards .card:not(.waits)")
    assert re.fullmatch(r"Recommended for shopper guest-[0-9a-f]{6}", page.locator("h1").inner_text())
    assert page.locator(".past .nothing, #aside .nothing").count() == 2
    page.get_by_role("link", name="Change shopper").click()
    page.get_by_label("Find a shopper").fill("anna/ö ?")
    page.get_by_role("button", name="Begin as new shopper anna/ö ?").click()
    page.wait_for_selector("ol.cards .card:not(.waits)")
    assert page.locator("#aside .name").inner_text() == "anna/ö ?"
    page.reload()
    page.wait_for_selector("ol.cards .card:not(.waits)")
    assert page.locator("#aside .name").inner_text() == "anna/ö ?"


def test_the_page_of_a_product(visit: Start, database: Path) -> None:
    window = visit()
    page = window.home("new-3")
    title = window.titles()[2]
    with page.expect_response("**/events"):
        page.locator(".card h3 a").nth(2).click()
    page.wait_for_selector(".product .deeds")
    assert page.locator("h1").inner_text() == title
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.locator(".product .price").inner_text() == f"{number(title) + 1}.00"
    page.wait_for_selector(".view section .card:not(.waits)")
    neighbors = {number(each) for each in window.titles()}
    assert neighbors
    assert {each // 20 for each in neighbors} == {number(title) // 20}, "alike by category"
    with page.expect_response("**/events"):
        page.locator(".product .deed.cart").click()
    page.wait_for_selector(".product .cart.done")
    assert page.locator(".product .cart").get_attribute("aria-disabled") == "true"
    events = [(each["event_type"], each["placement"]) for each in stored(database, "new-3")]
    assert events == [("view", "storefront"), ("cart", "product_page")]
    page.go_back()
    page.wait_for_selector(".cards:not([aria-busy]) .reason")
    assert title not in window.titles()


def test_the_start_page_tells_shoppers_apart_and_has_rows_of_products(visit: Start) -> None:
    page = visit().open("/")
    page.wait_for_selector(".someone")
    said = page.locator(".someone").first.inner_text()
    assert re.search(r"10 events\nlast seen .+\n(Garden|Kitchen) . \w+", said)
    rows = page.locator(".rows-of-cards section")
    expect(rows.locator("h2")).to_have_text(["Popular with all shoppers", "Garden", "Kitchen"])
    for place, halves in ((1, {0}), (2, {1})):
        rows.nth(place).locator(".card:not(.waits)").first.wait_for()
        assert {number(title) // 20 for title in rows.nth(place).locator("h3").all_inner_texts()} == halves


def test_search_and_shared_items_work_without_a_shopper(visit: Start, database: Path) -> None:
    window = visit()
    page = window.open("/")
    page.get_by_role("searchbox", name="Search the catalog").fill("thing 7")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Search: thing 7")
    page.get_by_role("link", name="Thing 7 <b>&</b> co").click()
    expect(page.locator("h1")).to_have_text("Thing 7 <b>&</b> co")
    page.locator(".view section .card:not(.waits)").first.wait_for()
    assert page.locator(".deed").count() == 0
    assert page.locator("#aside").is_hidden()
    shared = visit().open(page.url.removeprefix(window.address))
    expect(shared.locator("h1")).to_have_text("Thing 7 <b>&</b> co")
    shared.get_by_role("link", name="Choose a shopper").first.click()
    shared.locator(".someone").first.click()
    expect(shared.locator("h1")).to_have_text("Thing 7 <b>&</b> co")
    shared.locator(".product .deed.like").wait_for()


def test_a_shopper_that_cannot_be_is_told(visit: Start) -> None:
    window = visit()
    page = window.open(f"/?shopper={'x' * 600}#/")
    page.locator(".picker .fault").wait_for()
    assert "Nobody here can be called" in page.locator(".picker .fault").inner_text()
    page.locator(".someone").first.wait_for()
    window.faults.clear()  # a browser writes every 422 into its console


def test_the_catalog_is_searched_and_filtered(visit: Start) -> None:
    window = visit()
    page = window.home("c3")
    page.get_by_role("searchbox").fill("thing 7")
    page.keyboard.press("Enter")
    page.wait_for_selector(".card:not(.waits)")
    assert page.locator("h1").inner_text() == "Search: thing 7"
    assert "Thing 7 <b>&</b> co" in window.titles()
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".strip")).to_have_text("40 products")
    assert len(window.titles()) == 24
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".card")).to_have_count(40)
    page.get_by_label("Category").select_option("Kitchen")
    expect(page.locator(".strip")).to_have_text("20 products")
    assert {number(each) // 20 for each in window.titles()} == {1}
    page.get_by_role("searchbox").fill("nowhere to be found")
    page.keyboard.press("Enter")
    page.wait_for_selector(".state .nothing")


def test_recommendations_of_one_category(visit: Start) -> None:
    window = visit()
    page = window.home("c2")
    with page.expect_response("**/recommendations"):
        page.get_by_label("Category").select_option("Kitchen > Pots")
    page.wait_for_selector(".cards:not([aria-busy])")
    assert {number(each) // 20 for each in window.titles()} == {1}
    assert page.locator(".badge").count() == 0


def test_the_strip_says_who_answered_and_how_fast(visit: Start) -> None:
    page = visit().home("c5")
    strip = page.locator(".strip").inner_text().replace("\n", " ")
    assert re.search(r"Answered by \w+", strip)
    assert re.search(r"in \d+ ms", strip)
    assert "fallback" in strip
    assert page.locator(".why dl").first.is_hidden()
    page.locator(".why summary").first.click()
    assert "Score" in page.locator(".why dl").first.inner_text()


def test_by_keyboard_alone(visit: Start, database: Path) -> None:
    window = visit()
    page = window.open("/")
    page.wait_for_selector(".someone")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(window, "#shopper-search")
    page.keyboard.type("keys")
    page.wait_for_selector(".results .primary")
    tab_to(window, ".results .primary")
    page.keyboard.press("Enter")
    page.wait_for_selector("ol.cards .card:not(.waits)")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    tab_to(window, ".card .deed.cart")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    with page.expect_response("**/recommendations"):
        page.keyboard.press("Enter")
    page.wait_for_selector(".cards:not([aria-busy])")
    assert [each["event_type"] for each in stored(database, "keys")] == ["cart"]
    assert page.evaluate("document.activeElement.closest('.cards') !== null")  # its card is gone, the list is not


def tab_to(window: Visit, selector: str) -> None:
    for _ in range(60):
        window.page.keyboard.press("Tab")
        if window.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_what_is_not_there_is_said_in_the_words_of_the_api(visit: Start, server: Server) -> None:
    window = visit()
    page = window.home("c1")
    page.goto(f"{server.address}/?shopper=c1#/item/nothing%20here")
    box = page.get_by_role("alert").first
    box.wait_for()
    answer = httpx.get(f"{server.address}/items/nothing%20here")
    assert answer.status_code == 404
    assert answer.json()["error"]["problem"] in box.inner_text()
    assert page.locator("h1").count() <= 1
    window.faults.clear()  # a browser writes every 404 into its console


def test_a_server_that_went_away_is_told_and_asked_again(visit: Start, circle_bundle: Path, tmp_path: Path) -> None:
    with running_server(circle_bundle, tmp_path / "shop.db") as server:
        window = visit(address=server.address)
        page = window.home("c1")
        server.stop()
        page.locator(".deed.like").first.click()
        page.locator(".deeds .fault").wait_for()
        assert "The service does not answer." in page.locator(".deeds .fault").inner_text()
        assert page.locator(".deeds .fault button").inner_text() == "Try again"
        window.faults.clear()  # a browser writes every refused connection into its console


def test_a_key_is_asked_for_and_kept_for_the_tab_alone(visit: Start, circle_bundle: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a-key-of-the-shop-0001\n", encoding="utf-8")
    with running_server(circle_bundle, tmp_path / "shop.db", "--api-key-file", str(keys)) as server:
        window = visit(address=server.address)
        page = window.open("/?shopper=c1")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("The key was not accepted.").wait_for()
        page.get_by_label("API key").fill("a-key-of-the-shop-0001")
        page.keyboard.press("Enter")
        page.wait_for_selector(".cards:not([aria-busy]) .reason")
        assert page.locator("dialog").is_hidden()
        assert page.evaluate("sessionStorage.getItem('shopkeeper.key')") == "a-key-of-the-shop-0001"
        assert page.evaluate("localStorage.getItem('shopkeeper.key')") is None
        window.faults.clear()  # a browser writes every 401 into its console


def test_ids_beyond_two_to_the_53_stay_exact_with_two_workers(visit: Start, tmp_path: Path) -> None:
    first = 2**62
    users = [user for user in range(30) for _ in range(8)]
    items = [first + (user + step) % 10 for user in range(30) for step in range(8)]
    log = {"user_id": users, "item_id": items, "timestamp": [1_740_000_000 + place for place in range(len(users))]}
    folder = log_bundle(tmp_path / "bundle", pa.table(log | {"event_type": ["view"] * len(users)}))
    with running_server(folder, tmp_path / "shop.db", "--workers", "2") as server:
        window = visit(address=server.address)
        page = window.open("/")
        page.wait_for_selector(".someone")
        page.get_by_role("button", name="New shopper").click()
        page.wait_for_selector(".cards:not([aria-busy]) .reason")
        title = window.act("view", 4)
        user = page.locator("#aside .name").inner_text()
        assert page.locator(".event a").all_inner_texts() == [title]
        (event,) = stored(tmp_path / "shop.db", int(user))
        assert event["item_id"] == int(title)
        assert int(window.titles()[0]) == first + (int(title) - first + 1) % 10
        page.locator(".event a").click()
        expect(page.locator("h1")).to_have_text(title)
        page.locator(".product .deeds").wait_for()
