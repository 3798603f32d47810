"""`import shopkeeper` is fast, and heavy libraries load only where they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "accelerate",
    "altair",
    "duckdb",
    "ibis",
    "implicit",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "torch",
)
MOST_MODULES = 60
"""That importing the package may load, those of Python included: some thirty now."""


def python(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def loaded_by(code: str) -> set[str]:
    return set(python(f"import sys\n{code}\nprint(*[name for name in {HEAVY} if name in sys.modules])").split())


def test_the_package_loads_few_modules() -> None:
    code = "import sys; before = set(sys.modules); import shopkeeper; print(len(set(sys.modules) - before))"
    assert int(python(code)) < MOST_MODULES


def test_the_package_alone_loads_no_heavy_library() -> None:
    assert loaded_by("import shopkeeper") == set()


def test_the_check_would_see_a_heavy_library() -> None:
    assert "pyarrow" in loaded_by("import pyarrow")


def test_every_public_name_can_be_loaded() -> None:
    code = "import shopkeeper\nfor name in shopkeeper.__all__: getattr(shopkeeper, name)"
    assert "torch" not in loaded_by(code)


def test_an_unknown_name_is_refused() -> None:
    code = "import shopkeeper\ntry: shopkeeper.Basket\nexcept AttributeError as error: print(error)"
    assert "'Basket'" in python(code)


@pytest.mark.parametrize(
    "code",
    [
        "from shopkeeper.recommenders.registry import recommender_classes\nrecommender_classes()",
        "import shopkeeper.training.settings",
        "import shopkeeper.cli.main",
    ],
)
def test_finding_models_and_commands_needs_no_torch(code: str) -> None:
    assert not {"torch", "implicit", "sklearn", "pandas", "duckdb"} & loaded_by(code)
