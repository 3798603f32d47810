"""The files for containers fit the code: commands, extras, addresses, settings. (Docker itself is not needed.)"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from shopkeeper.serving.settings import DATABASE_VARIABLE

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
HEALTH = "http://127.0.0.1:8080/readyz"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def instructions(word: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{word} ")]


def serve_options(words: list[str]) -> Any:
    """What `shopkeeper serve` makes of a command, without running it."""
    import typer

    from shopkeeper.cli.serve import serve

    app = typer.Typer(add_completion=False)
    app.command()(serve)
    return typer.main.get_command(app).make_context("serve", words).params


def test_the_image_copies_what_is_there_and_what_the_build_may_see() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert name in allowed
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert declared["readme"] in copied
    assert set(declared["license-files"]) <= set(copied)


def test_the_image_installs_extras_that_exist() -> None:
    extras = next(line.partition("=")[2] for line in instructions("ARG") if line.startswith("EXTRAS"))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {"serve", "postgres", "torch"} == set(extras.split(",")) <= set(declared)


def test_the_image_runs_the_service_without_rights() -> None:
    assert instructions("USER") == ["shopkeeper"]
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["shopkeeper"]
    command, *words = json.loads(instructions("CMD")[-1])
    assert command == "serve"
    options = serve_options(words)
    assert options["host"] == "0.0.0.0"  # noqa: S104
    assert options["database"].startswith(f"{instructions('VOLUME')[0]}/")
    assert options["api_key_file"] == Path("/bundles/keys.txt"), "who listens on every address asks for keys"
    assert HEALTH in instructions("HEALTHCHECK")[0]


def test_compose_runs_it_on_postgresql(compose: dict[str, Any]) -> None:
    service, database = compose["services"]["shopkeeper"], compose["services"]["database"]
    command, *words = service["command"]
    assert command == "serve"
    options = serve_options(words)
    assert options["workers"] == 2
    assert options["api_key_file"] == Path("/bundles/keys.txt")
    assert service["ports"] == [f"127.0.0.1:8080:{options['port']}"]
    address = re.sub(r"\$\{.*\}", "password", service["environment"][DATABASE_VARIABLE])
    assert address == "postgresql://shopkeeper:password@database/shopkeeper"
    assert database["environment"]["POSTGRES_USER"] == database["environment"]["POSTGRES_DB"] == "shopkeeper"
    assert service["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["healthcheck"]["test"][0] == "CMD-SHELL"


def test_compose_mounts_the_folder_above_the_bundle_for_reading_only(compose: dict[str, Any]) -> None:
    service = compose["services"]["shopkeeper"]
    (mount,) = service["volumes"]
    source, target, rights = mount.split(":")
    assert rights == "ro"
    assert Path(service["command"][1]).parent == Path(target)
    assert f"--out {source[2:]}/{Path(service['command'][1]).name}" in (ROOT / "compose.yaml").read_text()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert HEALTH in service["healthcheck"]["test"][-1]
    assert shlex.split(compose["services"]["database"]["healthcheck"]["test"][1])[0] == "pg_isready"
    assert set(compose["volumes"]) == {"events"}
