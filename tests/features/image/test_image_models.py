"""Models of other libraries that see: tiny ones made here, from folders, and what is said where one cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, MissingDependencyError
from shopkeeper.features.image.feature import ImageSettings
from shopkeeper.features.image.open_clip import OpenClipSettings
from shopkeeper.features.image.timm import TimmSettings
from shopkeeper.features.image.transformers import TransformersSettings
from shopkeeper.features.store import FeatureStore

SIDE = 32
PIXELS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def importable(library: str) -> bool:
    try:
        __import__(library)
    except (ImportError, RuntimeError):
        return False
    return True


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders that the library has written: a model of each shape of answer, with random weights."""
    import torch
    from transformers import (
        CLIPConfig,
        CLIPModel,
        ConvNextConfig,
        ConvNextModel,
        SiglipVisionConfig,
        SiglipVisionModel,
        ViTConfig,
        ViTModel,
    )

    torch.manual_seed(0)
    seeing = {**SMALL, "image_size": SIDE, "patch_size": 8}
    text = {**SMALL, "vocab_size": 16, "max_position_embeddings": 8}
    models = {
        "clip": CLIPModel(CLIPConfig(text_config=text, vision_config=seeing, projection_dim=12)),
        "siglip": SiglipVisionModel(SiglipVisionConfig(**seeing)),
        "vit": ViTModel(ViTConfig(**seeing), add_pooling_layer=False),
        "convnext": ConvNextModel(ConvNextConfig(depths=[1, 1], hidden_sizes=[8, 16], num_stages=2, patch_size=4)),
    }
    made = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        model.save_pretrained(made / name)
    scaling = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25], "size": {"height": SIDE, "width": SIDE}}
    for name in ("siglip", "convnext"):
        (made / name / "preprocessor_config.json").write_text(json.dumps(scaling))
    return {name: made / name for name in models}


def encoder_of(folder: Path, **changes: Any) -> Any:
    return TransformersSettings(model=str(folder), device="cpu", **changes).open()


@pytest.mark.parametrize(("name", "size"), [("clip", 12), ("siglip", 16), ("vit", 16), ("convnext", 16)])
def test_a_folder_is_a_model_whatever_it_answers(folders: dict[str, Path], name: str, size: int) -> None:
    encoder = encoder_of(folders[name], batch_size=2)
    found = encoder.encode(PIXELS)
    assert (encoder.side, encoder.size) == (SIDE, size)
    assert found.shape == (3, size)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(PIXELS[2:])[0], found[2], atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_pixels_are_scaled_as_the_folder_says(folders: dict[str, Path]) -> None:
    import torch
    from transformers import SiglipVisionModel

    model = SiglipVisionModel.from_pretrained(folders["siglip"]).eval()
    with torch.inference_mode():
        pixels = torch.from_numpy(PIXELS.astype(np.float32)).permute(0, 3, 1, 2) / 255
        theirs = model(pixel_values=(pixels - 0.5) / 0.25).pooler_output.numpy()
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder_of(folders["siglip"]).encode(PIXELS), theirs, atol=1e-5)


def test_the_identity_of_a_folder_is_its_content(folders: dict[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(folders["vit"], tmp_path / "copy")
    assert encoder_of(copy).identity == encoder_of(folders["vit"]).identity
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert encoder_of(copy).identity != encoder_of(folders["vit"]).identity


def test_through_the_store_nothing_is_made_twice(folders: dict[str, Path], tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, color in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (50, 40), color).save(pictures / f"{name}.png")
    items = Vocabulary(["a", "b", "c"])
    catalog = Catalog(pa.table({"item_id": items.arrow, "image": ["a.png", "b.png", None]}))
    encoder = {"name": "transformers", "model": str(folders["clip"]), "device": "cpu"}
    settings = build(ImageSettings, {"encoder": encoder})
    store = FeatureStore(tmp_path / "features")
    made = store.image(items, catalog, settings, pictures)
    assert (made.feature.name, made.feature.size, made.n_made) == ("image-transformers", 12, 2)
    assert made.feature.known.tolist() == [False, True, True, False]
    assert store.image(items, catalog, settings, pictures).unchanged


def test_no_model_or_a_wrong_one_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (TransformersSettings(), TimmSettings(), OpenClipSettings()):
        with pytest.raises(ConfigError, match="--model"):
            settings.open()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="cannot load") as error:
        encoder_of(tmp_path).encode(PIXELS)
    assert "folder" in str(error.value)


@pytest.mark.parametrize(
    ("library", "settings"), [("timm", TimmSettings(model="resnet10t")), ("open_clip", OpenClipSettings(model="RN50"))]
)
def test_a_library_that_cannot_be_imported_is_said(library: str, settings: Any) -> None:
    if importable(library):
        pytest.skip(f"{library} can be imported here")
    with pytest.raises(MissingDependencyError, match="torchvision") as error:
        settings.open().load()
    assert "encoder transformers" in str(error.value)


@pytest.mark.skipif(not importable("timm"), reason="timm and a torchvision that fits torch are not installed")
def test_a_model_of_timm_takes_weights_from_a_file(tmp_path: Path) -> None:
    import timm
    import torch

    torch.manual_seed(0)
    network = timm.create_model("test_vit", pretrained=False)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    encoder = TimmSettings(model="test_vit", weights=tmp_path / "weights.pth", device="cpu").open()
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="lacks"):
        TimmSettings(model="test_vit", weights=tmp_path / "other.pth", device="cpu").open().load()
    pixels = np.random.default_rng(0).integers(0, 256, (2, encoder.side, encoder.side, 3)).astype(np.uint8)
    known = timm.data.resolve_model_data_config(network)
    mean, deviation = (torch.tensor(known[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    with torch.inference_mode():
        scaled = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / deviation
        theirs = network.eval().forward_head(network.forward_features(scaled), pre_logits=True).numpy()
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(pixels), theirs, atol=1e-4)


@pytest.mark.skipif(not importable("open_clip"), reason="open_clip and a torchvision that fits torch are not installed")
def test_a_model_of_open_clip_takes_weights_from_a_file(tmp_path: Path) -> None:
    import open_clip
    import torch

    torch.manual_seed(0)
    network = open_clip.create_model("ViT-S-32-alt")
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    encoder = OpenClipSettings(model="ViT-S-32-alt", weights=str(tmp_path / "weights.pt"), device="cpu").open()
    pixels = np.random.default_rng(0).integers(0, 256, (2, encoder.side, encoder.side, 3)).astype(np.uint8)
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (network.visual.image_mean, network.visual.image_std)
    )
    with torch.inference_mode():
        theirs = network.eval().encode_image((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / deviation)
    theirs = (theirs / theirs.norm(dim=1, keepdim=True)).numpy()
    np.testing.assert_allclose(encoder.encode(pixels), theirs, atol=1e-4)
