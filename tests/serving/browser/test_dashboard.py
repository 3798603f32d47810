"""The dashboard in a real browser: what shoppers do shows in its plots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from server import Server, running_server

from serving.browser.conftest import Visit

pytestmark = pytest.mark.browser
Start = Callable[..., Visit]
LONG_MS = 60_000
"""The service may keep its figures for some seconds, a slow machine for more; the page asks again and again."""


@pytest.fixture(scope="module", autouse=True)
def clicked(server: Server) -> None:
    """Of four lists at home one is clicked and one bought from; of two by mail none."""
    for place in range(4):
        answer = server.recommend(f"c{place}", placement="home", k=5)
        named = {"recommendation_id": answer["recommendation_id"], "placement": "home"}
        item = answer["items"][place]["item_id"]
        if place in (1, 2):
            server.post_event(f"c{place}", item, "view", **named)
        if place == 2:
            server.post_event(f"c{place}", item, "purchase", **named)
    server.recommend("c9", placement="mail", k=5)
    server.recommend("c8", placement="mail", k=5)


def test_what_shoppers_do_shows(visit: Start) -> None:
    window = visit()
    page = window.open("/dashboard")
    rows = page.locator("#placements .rows li")
    expect(rows).to_have_text(
        ["home50%of 4 lists; cart 25%, bought 25%", "mail0%of 2 lists; cart 0%, bought 0%"], timeout=LONG_MS
    )
    expect(page.locator("#models .rows li")).to_contain_text("33.3%of 6 lists; cart 16.7%, bought 16.7%")
    assert "from " in page.locator("#scope").inner_text() and "UTC" in page.locator("#scope").inner_text()
    assert page.locator("#waiting").inner_text() == ""
    figures = dict(
        zip(page.locator("#figures dt").all_inner_texts(), page.locator("#figures dd").all_inner_texts(), strict=True)
    )
    assert figures["Lists that were clicked"] == "33.3%"
    assert figures["Lists that led to a purchase"] == "16.7%"
    assert "sec" in figures["Last event"] or figures["Last event"] == "now"
    assert page.locator("#events .legend").inner_text().split("\n") == ["Viewed", "Bought"]
    assert page.locator("#freshness dd").nth(2).inner_text() == "3"
    assert page.locator("#card dd").first.inner_text() == "Transitions"


def test_plots_have_axes_words_and_a_table(visit: Start, server: Server) -> None:
    page = visit().open("/dashboard")
    page.wait_for_selector("#events svg rect.block")
    name = page.locator("#events svg[role=img]").get_attribute("aria-label") or ""
    assert name == "Viewed, Bought (events)"
    words = page.locator("#events svg text").all_text_contents()
    assert words[0] == "events" and "0" in words
    hint = page.locator("#events .step title").last.text_content() or ""
    assert "Viewed: " in hint and "Bought: " in hint
    page.locator("#events summary").click()
    head = page.locator("#events th").all_inner_texts()
    assert head == ["Time", "Viewed (events)", "Bought (events)"]
    views = len([event for user in range(4) for event in events_of(server, user) if event == "view"])
    end = time.monotonic() + LONG_MS / 1000
    while (shown := views_in_table(page)) != views:
        assert time.monotonic() < end, (shown, views)
        page.wait_for_timeout(200)


def views_in_table(page: Page) -> int:
    return sum(int(cell) for cell in page.locator("#events td:nth-child(2)").all_inner_texts())


def events_of(server: Server, user: int) -> list[str]:
    return [event["event_type"] for event in server.client.get(f"/users/c{user}?limit=100").json()["events"]]


@pytest.fixture
def other(circle_bundle: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of one test alone."""
    with running_server(circle_bundle, tmp_path / "shop.db") as running:
        yield running


def test_it_refreshes_in_place_and_can_be_held(visit: Start, other: Server) -> None:
    other.post_event("c7", "sku-001", "view")
    page = visit(address=other.address).open("/dashboard")
    page.wait_for_selector("#events svg[role=img]")
    page.locator("#events summary").click()
    page.evaluate("document.querySelector('#events').dataset.mine = 'yes'")
    other.post_event("c7", "sku-001", "like")
    expect(page.locator("#events .legend")).to_contain_text("Liked", timeout=LONG_MS)
    assert page.locator("#events details").get_attribute("open") is not None
    assert page.locator("#events").get_attribute("data-mine") == "yes"
    page.get_by_role("button", name="Pause").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(6000)
    assert asked == []


def test_the_time_shown_is_chosen_and_remembered(visit: Start) -> None:
    page = visit().open("/dashboard")
    page.wait_for_selector("#traffic svg[role=img]")
    assert page.locator("#traffic .step").count() in (48, 49)
    with page.expect_response("**/dashboard/data?hours=1"):
        page.get_by_role("radio", name="1 hour").check()
    expect(page.locator("#traffic .step")).to_have_count(61)
    page.reload()
    page.wait_for_selector("#traffic svg[role=img]")
    assert page.get_by_role("radio", name="1 hour").is_checked()


def changed(visit: Start, change: Callable[[dict[str, Any]], object]) -> Page:
    """The dashboard over data that were changed on their way."""
    window = visit()

    def answer(route: Route) -> None:
        data = route.fetch().json()
        change(data)
        route.fulfill(json=data)

    window.page.route("**/dashboard/data*", answer)
    page = window.open("/dashboard")
    page.wait_for_selector("#traffic figure")
    expect(page.locator("#figures dd")).to_have_count(7)
    return page


def test_without_recommendations_there_is_no_speed_of_them(visit: Start) -> None:
    def change(data: dict[str, Any]) -> None:
        values = [2.0] * len(data["times"])
        other = {"route": "/categories", "requests": values, "errors": values, "latency": {"p95": values}}
        data["traffic"] |= {"routes": [other | {"whole": {"p95": 2.0}}], "unmatched": 2}
        data["waiting"] = {"events": 1500, "answers": 20}

    page = changed(visit, change)
    assert page.locator("#figures dd").nth(5).inner_text() == "\u2013"
    assert page.locator("#latency option").all_inner_texts() == ["/categories"]
    assert page.locator("#traffic .more").inner_text() == "2 requests went to addresses that are not there."
    assert "1,500 events and 20 lists" in page.locator("#waiting").inner_text()


def test_the_card_says_what_was_measured_or_that_nothing_was(visit: Start) -> None:
    page = visit().open("/dashboard")
    expect(page.locator("#card .more")).to_contain_text("Validation part")
    expect(page.locator("#card .more")).to_contain_text("measured: Pipeline of Transitions")
    assert page.locator("#card .rows li").count() > 3
    page = changed(visit, lambda data: data["bundle"].update(quality=None))
    expect(page.locator("#card .more")).to_contain_text("Nothing was held out")
