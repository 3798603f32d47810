"""The files of the pages: headers, words in both languages, size. No browser is needed."""

from __future__ import annotations

import json
import re

import pytest
from server import Server

from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.pipeline.asking import ReasonKind
from shopkeeper.serving.pages import FOLDER

SCRIPTS = sorted((FOLDER / "js").glob("*.js"))
MAX_BYTES, MAX_LINES = 76 * 1024, 300


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"words/{language}.json").read_text(encoding="utf-8"))
    return found


def test_both_languages_say_the_same_things() -> None:
    english, chinese = words("en"), words("zh")
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", chinese[key])), key
        assert text and chinese[key]


def test_every_reason_and_event_has_words() -> None:
    assert {f"reason.{kind.value}.plain" for kind in ReasonKind} <= set(words("en"))
    assert {f"event.{kind.value}" for kind in EVENT_TYPES} <= set(words("en"))


def test_every_key_has_words_and_all_words_are_used() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in [*SCRIPTS, *FOLDER.glob("*.html")])
    known = set(words("en"))
    asked = set(re.findall(r'\bt\("([\w.]+)"', code)) | set(re.findall(r'data-t(?:-[a-z-]+)?="([\w.]+)"', code))
    assert len(asked) > 50
    assert asked <= known
    asked |= set(re.findall(r'"([\w.]+)"', code))  # a key in a choice: t(isFull ? "a" : "b")
    families = [re.sub(r"\$\{[^}]+}", r"\\w+", each) for each in re.findall(r"`([\w.]*\$\{[^}`]+}[\w.$]*)`", code)]
    families += [rf"{each}\.[\w.]+" for each in re.findall(r'(?:counted|wordFor|facts)\("([\w.]+)"', code)]
    unused = [key for key in known - asked if not any(re.fullmatch(each, key) for each in families)]
    assert unused == []


def test_scripts_are_small() -> None:
    assert sum(file.stat().st_size for file in SCRIPTS) < MAX_BYTES
    for file in SCRIPTS:
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MAX_LINES
        assert "http:" not in text.replace("http://www.w3.org/2000/svg", "") and "https:" not in text, file.name


@pytest.mark.parametrize("page", ["storefront", "dashboard"])
def test_a_page_names_all_its_scripts_so_that_none_is_waited_for(page: str) -> None:
    needed: set[str] = set()
    new = {f"{page}.js"}
    while new:
        needed |= new
        found = {
            name
            for file in new
            for name in re.findall(r'from "\./(\w+\.js)"', (FOLDER / "js" / file).read_text("utf-8"))
        }
        new = found - needed
    text = (FOLDER / f"{page}.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:modulepreload" href|module" src)="static/js/(\w+\.js)"', text)
    assert sorted(named) == sorted(needed)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/dashboard", "text/html"),
        ("/static/js/api.js", "text/javascript"),
        ("/static/base.css", "text/css"),
        ("/static/words/zh.json", "application/json"),
        ("/static/icon.svg", "image/svg+xml"),
    ],
)
def test_files_come_with_their_type_and_strict_headers(server: Server, path: str, kind: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = server.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code in (200, 304)


@pytest.mark.parametrize("path", ["/static/js/none.js", "/static/../pages.py", "/static/%2e%2e/pages.py", "/static/js"])
def test_nothing_else_is_given_away(server: Server, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["problem"]


def test_files_of_the_pages_are_counted_under_a_route_of_their_own(server: Server) -> None:
    server.client.get("/static/js/api.js")
    figures = server.client.get("/metrics").text
    assert 'route="/static/{path:path}",status="200"' in figures
    assert 'route="(unmatched)",status="200"' not in figures
