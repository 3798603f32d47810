"""What is written about the code agrees with the code."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import urllib.request
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

from shopkeeper.config import Settings
from waiting import A_LONG_TIME

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HEAVY = (
    "torch",
    "accelerate",
    "sklearn",
    "lightgbm",
    "implicit",
    "optuna",
    "altair",
    "fastapi",
    "msgspec",
    "sqlalchemy",
)
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def load(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def hook() -> ModuleType:
    return load("docs/hooks/settings_reference.py")


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(page.read_text(encoding="utf-8")) if kind == language]


def cells(page: str, column: int) -> list[str]:
    """What stands in backticks in one column of the tables of a page."""
    rows = [line for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[column + 1])]


def settings_classes() -> list[type[Settings]]:
    return hook().settings_classes()


# Settings


def test_settings_of_all_packages_are_found() -> None:
    names = {each.__name__ for each in settings_classes()}
    assert {"SplitSettings", "TrainingSettings", "MostPopularConfig", "SASRecConfig", "EventWeights"} <= names


def test_every_setting_is_documented() -> None:
    silent = [
        f"{each.__name__}.{name}"
        for each in settings_classes()
        for name, field in each.model_fields.items()
        if not (field.description or "").strip()
    ]
    assert silent == []
    assert [each.__name__ for each in settings_classes() if not (vars(each).get("__doc__") or "").strip()] == []


def test_every_setting_has_its_row_in_the_reference() -> None:
    text = hook().reference(settings_classes())
    for each in settings_classes():
        for name in each.model_fields:
            assert f"| `{name}` |" in text, f"{each.__name__}.{name}"
    table_rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in table_rows} == {5}


def test_the_reference_reads_well() -> None:
    section = hook().section(next(each for each in settings_classes() if each.__name__ == "SplitSettings"))
    assert "### SplitSettings" in section
    assert "| `test_share` | `float (> 0, < 1)` | `0.1` |" in section
    assert "| `max_users` | `int (≥ 1) or None` | `None` |" in section
    assert "`view, like, cart, purchase`" in section


def test_the_reference_is_the_same_where_no_heavy_library_is_installed() -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY}))
sys.path.insert(0, {str(ROOT / "docs/hooks")!r})
from settings_reference import settings_classes
print(*[each.__name__ for each in settings_classes()])
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stdout.split() == [each.__name__ for each in settings_classes()], answer.stderr


def test_no_docstring_reads_as_a_link() -> None:
    """A pair of brackets behind another is a link in Markdown, and a page with a link to nowhere is not built."""
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in re.sub(r"`[^`]*`", "", node.value.value).splitlines()
        if re.search(r"\w\] ?\[\w", line)
    ]
    assert found == []


def test_a_setting_without_words_would_be_seen() -> None:
    class Mute(Settings):
        """A class whose field has no docstring."""

        value: int = 1

    assert Mute.model_fields["value"].description is None


# Packages, layers, versions


def packages() -> list[str]:
    source = ROOT / "src/shopkeeper"
    return sorted(folder.name for folder in source.iterdir() if (folder / "__init__.py").exists())


def test_every_package_has_a_page_of_its_api() -> None:
    for name in set(packages()) - {"cli"}:
        assert f"::: shopkeeper.{name}\n" in (ROOT / f"docs/api/{name}.md").read_text(encoding="utf-8"), name


def test_every_module_beside_the_packages_is_on_the_core_page() -> None:
    page = (ROOT / "docs/api/core.md").read_text(encoding="utf-8")
    modules = {file.stem for file in (ROOT / "src/shopkeeper").glob("[!_]*.py")}
    assert set(re.findall(r"^::: shopkeeper\.(\w+)$", page, re.MULTILINE)) == modules


def test_the_table_of_layers_is_the_one_that_is_checked() -> None:
    contract = project()["tool"]["importlinter"]["contracts"][0]["layers"]
    checked = [sorted(re.findall(r"(?<!\()shopkeeper\.(\w+)", layer)) for layer in reversed(contract)]
    lines = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if re.match(r"\| \d+ \|", line)]
    assert [sorted(re.findall(r"`(\w+)`", row[2])) for row in rows] == [layer for layer in checked if layer]


def test_every_extra_for_users_is_explained() -> None:
    extras = set(project()["project"]["optional-dependencies"]) - {"test", "slow", "check", "docs"}
    assert extras <= set(cells("install.md", 0))


def test_every_direct_dependency_is_pinned_within_its_range() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    tables = project()["project"]
    declared = [
        *tables["dependencies"],
        *(text for extra in tables["optional-dependencies"].values() for text in extra),
    ]
    for requirement in map(Requirement, declared):
        if requirement.name != "shopkeeper":
            assert requirement.specifier.contains(pins[requirement.name]), requirement.name


# The two READMEs


def test_the_readmes_are_twins() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert "(README.zh-CN.md)" in english.read_text(encoding="utf-8")
    assert "(README.md)" in chinese.read_text(encoding="utf-8")
    for language in ("bash", "python", "toml"):
        theirs = [_without_comments(block) for block in blocks(chinese, language)]
        assert theirs == [_without_comments(block) for block in blocks(english, language)]
    assert _outline(english) == _outline(chinese)


def _without_comments(block: str) -> list[str]:
    return [re.sub(r"\s*#.*", "", line) for line in block.splitlines()]


def _outline(page: Path) -> list[tuple[int, int]]:
    """For each section the depth of its heading and its number of table rows."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    parts = re.split(r"^(#+) .*$", text, flags=re.MULTILINE)[1:]
    return [(len(depth), body.count("\n|")) for depth, body in zip(parts[::2], parts[1::2], strict=True)]


# What pages tell the reader to type


def commands_of(page: Path) -> list[list[str]]:
    """What follows `shopkeeper` in each line of the page that a shell would run."""
    lines = [shlex.split(line, comments=True) for block in blocks(page, "bash") for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "shopkeeper"]


def make_shop(folder: Path) -> None:
    """The log and the catalog that the pages speak of, made as they tell."""
    subprocess.run([sys.executable, ROOT / "examples/small_shop.py"], cwd=folder, check=True, capture_output=True)


def test_every_command_in_the_pages_exists_with_its_options() -> None:
    known: dict[str, str] = {}
    asked = [(page.name, words) for page in PAGES for words in commands_of(page)]
    assert {words[0] for _, words in asked} >= {
        "validate",
        "prepare",
        "train",
        "evaluate",
        "recommend",
        "report",
        "demo",
    }
    for page, (command, *arguments) in asked:
        if command in ("events", "items", "keys", "users"):
            command = f"{command} {arguments.pop(0)}"  # noqa: PLW2901
        if command not in known:
            answer = subprocess.run(
                [sys.executable, "-m", "shopkeeper.cli.main", *command.split(), "--help"],
                capture_output=True, text=True, check=False, env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
            )  # fmt: skip
            assert answer.returncode == 0, f"{page}: shopkeeper {command}"
            known[command] = answer.stdout
        for option in [word.partition("=")[0] for word in arguments if word.startswith("-")]:
            assert re.search(rf"{re.escape(option)}\b", known[command]), f"{page}: shopkeeper {command} {option}"


def test_settings_in_the_pages_are_valid() -> None:
    from shopkeeper.config import build
    from shopkeeper.jobs.settings import ShopSettings

    found = [block for page in PAGES for block in blocks(page, "toml")]
    for block in found:
        settings = build(ShopSettings, tomllib.loads(block))
        for name in settings.models:
            settings.recommender(name)
    assert found


def follow(words: list[str], folder: Path) -> None:
    """Types one command; one that serves is stopped when it says its address and answers there.

    What searches for as long as it may is given a few seconds.
    """
    if "--minutes" in words:
        words = [*words, "--minutes", "0.1"]
    command = [sys.executable, "-m", "shopkeeper.cli.main", *words]
    if words[0] not in ("serve", "demo") or "--no-serve" in words:
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, f"{shlex.join(words)}\n{answer.stdout}{answer.stderr}"
        return
    with subprocess.Popen(
        [*command, "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", said)):
            line = process.stdout.readline()
            assert line, f"{shlex.join(words)}\n{said}"
            said += line
        with urllib.request.urlopen(f"{found[0]}/", timeout=A_LONG_TIME) as answer:  # noqa: S310
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=A_LONG_TIME)
    assert process.returncode in (0, 130)


@pytest.mark.slow
def test_the_commands_of_the_tutorial_run_one_after_the_other(tmp_path: Path) -> None:
    make_shop(tmp_path)
    for words in commands_of(ROOT / "docs/tutorials/own-data.md"):
        follow(words, tmp_path)
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "recommendations.parquet").exists()


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_read_in_a_few_minutes(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 150


def test_the_demo_installs_what_the_commands_of_the_readme_need() -> None:
    (installed,) = re.findall(r"installed-demo:.*\n.*'\.\[(.*)\]'", (ROOT / "Makefile").read_text(encoding="utf-8"))
    needed = {"tune": "tune", "select": "tune", "features": "features", "similar": "features", "serve": "serve",
              "report": "report", "demo": "demo", "train": "torch", "predict": "classical"}  # fmt: skip
    asked = {words[0] for words in commands_of(ROOT / "README.md")}
    assert {needed[name] for name in asked if name in needed} <= set(installed.split(","))


def test_the_readme_gives_the_commands_of_the_tutorial() -> None:
    tutorial = commands_of(ROOT / "docs/tutorials/own-data.md")
    readme = [words for words in commands_of(ROOT / "README.md") if words != ["doctor"]]
    assert len(readme) > 5
    assert [words for words in readme if words not in tutorial] == []


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    make_shop(tmp_path)
    (block,) = blocks(ROOT / "README.md", "python")
    answer = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("source='SASRec'") == 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_in_the_pages_parses(page: Path) -> None:
    for block in blocks(page, "python"):
        if "--8<--" not in block:
            ast.parse(block)
