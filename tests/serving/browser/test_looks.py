"""Languages, colors, sizes and what a page may not do, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from server import Server

from serving.browser.conftest import DESKTOP, PHONE, Visit
from shopkeeper.serving.pages import FOLDER

pytestmark = pytest.mark.browser
Start = Callable[..., Visit]
VIEWS = {
    "picker": ("/", ".someone"),
    "home": ("/?shopper=c1", ".cards:not([aria-busy]) .reason"),
    "product": ("/?shopper=c1#/item/sku-004", ".view section .card:not(.waits)"),
    "catalog": ("/?shopper=c1#/catalog?query=thing", ".card:not(.waits)"),
    "dashboard": ("/dashboard", ".chart svg[role=img]"),
}
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => { for (let each = element; each; each = each.parentElement) {
    const color = rgba(getComputedStyle(each).backgroundColor); if (color[3] === 255) return color; }
    return [255, 255, 255, 255]; };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    const isSeen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const text = walker.currentNode.textContent.trim();
    if (!text || !isSeen || element.closest(".unseen, title, option, noscript")) continue;
    const color = rgba(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(color), light(ground(element))].sort((one, other) => other - one);
    seen += 1;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${text}`);
  }
  return { seen, poor };
}
"""


def show(window: Visit, view: str) -> Any:
    path, ready = VIEWS[view]
    page = window.open(path)
    page.wait_for_selector(ready)
    return page


@pytest.fixture(scope="module", autouse=True)
def some_events(server: Server) -> None:
    """The dashboard has something to draw."""
    answer = server.recommend("c1", placement="home")
    first = answer["items"][0]["item_id"]
    server.post_event("c1", first, "view", recommendation_id=answer["recommendation_id"])
    server.post_event("c1", "sku-001", "cart")
    server.post_event("c1", "sku-002", "like")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visit: Start, view: str, scheme: str) -> None:
    page = show(visit(color_scheme=scheme, reduced_motion="reduce"), view)
    found = page.evaluate(CONTRAST)
    assert found["seen"] > 20
    assert found["poor"] == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_scrolls_in_one_direction_and_has_room_for_a_thumb(visit: Start, view: str, locale: str) -> None:
    page = show(visit(PHONE, locale=locale, has_touch=True, is_mobile=True), view)
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width == [390, 390]
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, summary")].filter((each) => {
          const box = each.getBoundingClientRect();
          return each.checkVisibility() && (box.height < 24 || box.width < 24);
        }).map((each) => each.outerHTML)"""
    )
    assert small == []


@pytest.mark.parametrize("view", VIEWS)
def test_chinese_has_no_english_word_of_ours(visit: Start, view: str) -> None:
    page = show(visit(locale="zh-CN"), view)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    text = page.locator("body").inner_text()
    english, chinese = (json.loads((FOLDER / f"words/{each}.json").read_text("utf-8")) for each in ("en", "zh"))
    other = {english[key] for key in english if english[key] != chinese[key] and "{" not in english[key]}
    lines = {line.strip() for line in text.splitlines()}
    assert lines & (other - {chinese["page.language"]}) == set()
    assert chinese["page.storefront"] in text


def test_the_language_is_switched_and_remembered(visit: Start) -> None:
    window = visit()
    page = window.home("c1")
    reason = page.locator(".reason").first.inner_text()
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("为顾客 c1 推荐")
    page.wait_for_selector(".reason")
    assert page.locator(".reason").first.inner_text() != reason
    page.goto(f"{window.address}/dashboard")
    page.wait_for_selector(".panel")
    assert page.locator("h1").inner_text() == "店铺表现"


def test_dark_follows_the_machine_until_it_is_chosen(visit: Start) -> None:
    page = show(visit(color_scheme="dark"), "home")
    assert ground(page) < 60
    page.locator("#theme").click()
    assert ground(page) > 200
    page.reload()
    page.wait_for_selector(".reason")
    assert ground(page) > 200


def ground(page: Any) -> int:
    """Red of the page's ground."""
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(color.removeprefix("rgb(").split(",")[0])


def test_nothing_moves_where_motion_is_not_wanted(visit: Start) -> None:
    window = visit(reduced_motion="reduce")
    page = window.home("still")
    window.act("view", 2)
    assert page.evaluate("document.getAnimations().length") == 0
    moving = visit()
    page = moving.home("moving")
    page.evaluate(
        """() => { window.moved = 0; const animate = Element.prototype.animate;
        Element.prototype.animate = function (...given) { window.moved += 1; return animate.apply(this, given); }; }"""
    )
    moving.act("view", 2)
    assert page.evaluate("window.moved") > 0


def test_parts_have_names_and_headings_an_order(visit: Start) -> None:
    for view in VIEWS:
        page = show(visit(DESKTOP), view)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, a, input, select")].filter((each) =>
              each.checkVisibility() && !(each.innerText || each.ariaLabel || each.labels?.length))
              .map((each) => each.outerHTML)"""
        )
        assert nameless == []
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((each) => Number(each.tagName[1]))")
        assert levels[0] == 1 and levels.count(1) == 1
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))


def test_a_script_from_elsewhere_does_not_run(visit: Start) -> None:
    window = visit()
    page = window.home("c1")
    page.evaluate(
        """() => { const script = document.createElement("script"); script.textContent = "window.ran = true";
        document.body.append(script); }"""
    )
    assert page.evaluate("window.ran") is None
    assert len(window.faults) == 1 and "Content Security Policy" in window.faults.pop()
