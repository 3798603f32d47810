"""`shopkeeper features` and `shopkeeper similar` as they are typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shop import write_shop

Run = Callable[..., tuple[int, str, str]]
MAPPING = ("--map", "user_id=customer", "--map", "timestamp=time", "--event-type", "purchase", "--quiet")


@pytest.fixture
def data(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("prepare", "events.csv", "--catalog", "items.csv", *MAPPING)[0] == 0
    return tmp_path / "dataset"


def test_features_are_built_once_and_neighbors_shown(run: Run, data: Path) -> None:
    code, out, err = run("features", data, "--text", "static", "--tabular")
    assert code == 0, err
    assert "text-static" in out
    assert "tabular" in out
    assert "no column brand" in out
    assert "encoding with static" in err
    assert "texts/s" in err
    code, out, err = run("features", data, "--text", "static", "--quiet")
    assert (code, err) == (0, "")
    assert "unchanged" in out
    code, out, _ = run("similar", "sku-003", "--k", 4)
    assert code == 0
    lines = [line for line in out.splitlines() if "sku-" in line]
    assert len(lines) == 5
    assert "sku-003" in lines[0]
    assert "Thing 3 <b>&</b> co" in lines[0]
    assert all("Garden > Tools" in line for line in lines)


def test_the_template_and_the_name_are_flags(run: Run, data: Path) -> None:
    words = ("features", data, "--text", "static", "--part", "{category}", "--name", "shelf", "--quiet")
    assert run(*words)[0] == 0
    _, out, _ = run("similar", "sku-000", "--feature", "shelf", "--k", 6)
    assert out.count("1.000") == 5
    assert "Kitchen" in out


def test_products_that_nobody_bought_get_features_where_asked(run: Run, data: Path) -> None:
    catalog = (data.parent / "items.csv").read_text() + "sku-900,Thing 3 and more,Garden > Tools,2\n"
    (data.parent / "more.csv").write_text(catalog)
    assert run("prepare", "events.csv", "--catalog", "more.csv", *MAPPING)[0] == 0
    assert run("features", data, "--text", "static", "--quiet")[0] == 0
    assert run("similar", "sku-900")[0] == 6
    assert run("features", data, "--text", "static", "--whole-catalog", "--quiet")[0] == 0
    code, out, err = run("similar", "sku-900", "--k", 3)
    assert code == 0, err
    assert "Thing 3 and more" in out


def test_settings_come_from_a_file(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(
        '[features.text]\nfeature = "words"\n[features.text.encoder]\nname = "static"\n'
        '[features.text.template]\nparts = ["{title}"]\n'
    )
    code, out, err = run("features", data, "--text", "static", "--config", "shop.toml", "--quiet")
    assert code == 0, err
    assert "words" in out


def test_attributes_are_told_and_texts_may_name_them(run: Run, data: Path) -> None:
    (data.parent / "shop.toml").write_text(
        '[features.attributes.wanted.kind]\nkind = "choice"\nvalues = ["thing", "pot"]\n'
        '[features.attributes.wanted.number]\nkind = "number"\npattern = "[0-9]+"\n'
    )
    code, out, err = run("features", data, "--attributes", "words", "--config", "shop.toml")
    assert code == 0, err
    assert "attributes-words" in out
    assert "valid answers: 100.0%, 100.0% at first try; items with kind 100.0%, number 100.0%" in out
    assert "-> kind thing, number" in out
    assert "items/s" in err
    shown = ("--text", "static", "--part", "{extracted_kind} {extracted_number}", "--config", "shop.toml", "--quiet")
    code, _, err = run("features", data, *shown)
    assert code == 0, err
    assert run("similar", "sku-003", "--feature", "text-static", "--k", 3)[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "--text ENCODER, --image FOLDER, --tabular, --attributes EXTRACTOR"),
        (["--attributes", "gguf", "--model", "none.gguf"], 2, "--model FILE.gguf"),
        (["--attributes", "endpoint", "--model", "m"], 2, "--url"),
        (["--attributes", "endpoint", "--model", "m", "--url", "http://127.0.0.1:9/v1",
          "--set", "features.attributes.extractor.requests.attempts=1"], 11, "does not answer"),
        (["--text", "statik"], 2, "multilingual"),
        (["--text", "endpoint", "--model", "m"], 2, "--url"),
        (["--text", "sentence-transformers"], 2, "--model"),
        (["--text", "static", "--part", "{titel}"], 3, "did you mean 'title'"),
        (["--text", "static", "--part", "title"], 2, "in braces"),
        (["--text", "endpoint", "--model", "m", "--url", "http://127.0.0.1:9/v1",
          "--set", "features.text.encoder.requests.attempts=1"], 11, "does not answer"),
        (["--tabular", "--as-of", "yesterday"], 3, "2026-03-01"),
    ],
)  # fmt: skip
def test_mistakes_end_with_a_code_and_a_remedy(run: Run, data: Path, words: list[str], code: int, says: str) -> None:
    found, _, err = run("features", data, *words, "--quiet")
    assert found == code, err
    assert says in err
    assert "Traceback" not in err


def test_similar_says_what_is_missing(run: Run, data: Path) -> None:
    code, _, err = run("similar", "sku-000")
    assert code == 4
    assert "shopkeeper features" in err
    assert run("features", data, "--text", "static", "--quiet")[0] == 0
    code, _, err = run("similar", "sku-999")
    assert code == 6
    assert "sku-000" in err
    code, _, err = run("similar", "sku-000", "--feature", "text-minilm")
    assert code == 4
    assert "text-static" in err


def test_help_has_examples(run: Run) -> None:
    for command, count in (("features", 7), ("similar", 2)):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert out.count("Example:") == count
