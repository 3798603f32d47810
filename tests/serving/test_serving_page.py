"""The page about the service names every setting, flag, address and figure, as they are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from predictor_shop import with_two_predictors
from server import Server, running_server

from shopkeeper.cli.serve import serve
from shopkeeper.serving.settings import ServiceSettings

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (?:`(--[\w-]+)`)? ?\| `(.*)` \| (.*) \|$", re.MULTILINE)
IN_TEXT = {"--config", "--set"}


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose bundle carries predictors too."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(bundle, folder / "bundle")
    with_two_predictors(folder / "bundle", folder)
    with running_server(folder / "bundle", folder / "shop.db") as running:
        yield running


def flags() -> dict[str, str]:
    """Each flag of `shopkeeper serve` and the parameter that it fills."""
    app = typer.Typer()
    app.command()(serve)
    command = typer.main.get_command(app)
    named = {
        parameter.opts[0]: str(parameter.name) for parameter in command.params if parameter.opts[0].startswith("--")
    }
    return {flag: name for flag, name in named.items() if not flag.endswith("completion") and flag != "--help"}


def test_every_setting_stands_in_the_table_as_it_is() -> None:
    rows = {name: (default, meaning) for name, _, default, meaning in ROW.findall(PAGE)}
    declared = {
        name: (repr(field.get_default()), " ".join((field.description or "").split()))
        for name, field in ServiceSettings.model_fields.items()
    }
    assert rows == declared


def test_every_flag_stands_beside_its_setting() -> None:
    beside = {flag: name for name, flag, _, _ in ROW.findall(PAGE) if flag}
    assert beside == {flag: name for flag, name in flags().items() if flag not in IN_TEXT}
    assert set(flags()) - set(beside) == IN_TEXT
    for flag in IN_TEXT:
        assert f"`{flag}" in PAGE


def test_every_address_stands_in_the_page(server: Server) -> None:
    told = set(re.findall(r"`(GET|POST|PATCH|DELETE) (/[\w/{}]*)`", PAGE))
    described = server.client.get("/openapi.json").json()["paths"]
    there = {(method.upper(), path) for path, operations in described.items() for method in operations}
    assert there - told == {("GET", "/dashboard/data")}
    assert told <= there


def test_every_figure_stands_in_the_page(server: Server) -> None:
    told = set(re.findall(r"^\| `(shopkeeper_\w+)` \|", PAGE, re.MULTILINE))
    counted = set(re.findall(r"^# TYPE (shopkeeper_\w+) (?!gauge$)", server.client.get("/metrics").text, re.MULTILINE))
    gauges = set(re.findall(r"^# TYPE (shopkeeper_\w+) gauge$", server.client.get("/metrics").text, re.MULTILINE))
    assert told == {name for name in counted | gauges if not name.endswith("_created")}


def test_what_the_reader_types_works_in_the_order_of_the_page(server: Server) -> None:
    commands = re.findall(r"^curl (?:-X (\w+) )?localhost:8080(/\S+)(?: --json '(.*)')?$", PAGE, re.MULTILINE)
    assert len(commands) == PAGE.count("\ncurl ") > 5
    for method, path, body in commands:
        headers = {"Content-Type": "application/json"} if body else {}
        answer = server.client.request(method or ("POST" if body else "GET"), path, content=body, headers=headers)
        assert answer.status_code == 200, (method, path, body, answer.text)
