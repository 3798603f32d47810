"""A shop whose answers are known, a real server, a real browser.

The shop: `n` things in two halves; shoppers walk each half in order, so after Thing 3 comes Thing 4.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from server import Server, running_server, shop_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

VARIABLE = "SHOPKEEPER_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="session")
def circle_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_bundle(tmp_path_factory.mktemp("circle") / "bundle", n_users=120, n_items=40)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "shop.db"


@pytest.fixture(scope="module")
def server(circle_bundle: Path, database: Path) -> Iterator[Server]:
    """One a test module."""
    with running_server(circle_bundle, database) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One a test module: while it runs, no test can have an event loop of its own."""
    path = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"needs a Chromium: set {VARIABLE} to its path, or install one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visit:
    """One window of the browser.

    Attributes:
        page: The page.
        address: Where the server is.
        faults: Errors in the console, and requests to other hosts.
    """

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Goes to a path."""
        self.page.goto(self.address + path)
        return self.page

    def home(self, shopper: str) -> Page:
        """The recommendations of a shopper, once they are there."""
        self.open(f"/?shopper={shopper}")
        self.page.wait_for_selector(".cards:not([aria-busy]) .card:not(.waits)")
        return self.page

    def titles(self) -> list[str]:
        """Titles of the cards, in their order."""
        return self.page.locator(".card h3").all_inner_texts()

    def act(self, kind: str, place: int = 0) -> str:
        """Presses a button of a card and waits for the new list; gives the card's title."""
        title = self.titles()[place]
        with self.page.expect_response("**/recommendations"):
            self.page.locator(".card").nth(place).locator(f".deed.{kind}").click()
        self.page.wait_for_selector(".cards:not([aria-busy])")
        return title

    def watch(self) -> None:
        """Notes what must not happen."""
        self.page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._note_stranger)

    def _note_stranger(self, request: Request) -> None:
        if not request.url.startswith(self.address):
            self.faults.append(f"a request to {request.url}")


@pytest.fixture
def visit(chromium: Browser, server: Server) -> Iterator[Callable[..., Visit]]:
    """Opens windows; at the end none of them may have had a fault."""
    visits: list[Visit] = []

    def start(size: tuple[int, int] = DESKTOP, address: str = server.address, **options: Any) -> Visit:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=options.pop("locale", "en-US"), **options
        )
        visits.append(Visit(context.new_page(), address))
        visits[-1].watch()
        return visits[-1]

    yield start
    for each in visits:
        each.page.context.close()
    assert [fault for each in visits for fault in each.faults] == []
