"""The dashboard in a real browser: what shoppers do shows in its plots."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from server import Server

from serving.browser.conftest import Visit

pytestmark = pytest.mark.browser
Start = Callable[..., Visit]


def click_some(server: Server) -> None:
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


def test_what_shoppers_do_shows(visit: Start, server: Server) -> None:
    click_some(server)
    window = visit()
    page = window.open("/dashboard")
    expect(page.locator("#placements .rows li")).to_have_count(2, timeout=15_000)
    rows = page.locator("#placements .rows li").all_inner_texts()
    assert rows[0].split("\n")[:2] == ["home", "50%of 4 lists; cart 25%, bought 25%"]
    assert rows[1].split("\n")[:2] == ["mail", "0%of 2 lists; cart 0%, bought 0%"]
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
    click_some(server)
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
    viewed = sum(int(cell) for cell in page.locator("#events td:nth-child(2)").all_inner_texts())
    assert viewed == len([event for user in range(4) for event in events_of(server, user) if event == "view"])


def events_of(server: Server, user: int) -> list[str]:
    return [event["event_type"] for event in server.client.get(f"/users/c{user}?limit=100").json()["events"]]


def test_it_refreshes_in_place_and_can_be_held(visit: Start, server: Server) -> None:
    page = visit().open("/dashboard")
    page.wait_for_selector("#traffic svg[role=img]")
    page.locator("#events summary").click()
    page.evaluate("document.querySelector('#events').dataset.mine = 'yes'")
    server.post_event("c7", "sku-001", "like")
    with page.expect_response("**/dashboard/data*", timeout=9000):
        pass
    expect(page.locator("#events .legend")).to_contain_text("Liked")
    assert page.locator("#events details").get_attribute("open") is not None
    assert page.locator("#events").get_attribute("data-mine") == "yes"
    page.get_by_role("button", name="Pause").click()
    before = page.locator("#updated").inner_text()
    page.wait_for_timeout(6000)
    assert page.locator("#updated").inner_text() == before


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
