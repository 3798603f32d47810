"""Features of pictures: the real network on a few drawings, files of every fault, nothing made twice."""

from __future__ import annotations

import io
import os
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.features.image.encoder import EfficientNetSettings
from shopkeeper.features.image.feature import ImageSettings
from shopkeeper.features.store import FeatureStore


def drawing(kind: str, color: str, shift: int = 0) -> Image.Image:
    picture = Image.new("RGB", (120, 120), "white")
    box = (20 + shift, 20, 100, 100 - shift)
    draw = ImageDraw.Draw(picture)
    (draw.ellipse if kind == "ball" else draw.rectangle)(box, fill=color)
    return picture


def content_of(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    (made / "below").mkdir(parents=True)
    drawing("ball", "red").save(made / "a.png")
    drawing("ball", "red", 6).save(made / "below/b.jpg")
    drawing("box", "navy").save(made / "c.png")
    (made / "same.png").write_bytes((made / "a.png").read_bytes())
    (made / "broken.png").write_bytes((made / "c.png").read_bytes()[:60])
    (tmp_path / "secret.png").write_bytes((made / "a.png").read_bytes())
    return made


NAMES: dict[str, Any] = {
    "a": "a.png", "b": "below/b.jpg", "c": "c.png", "d": "same.png", "e": "broken.png", "f": "none.png",
    "g": "../secret.png", "h": None, "i": "https://example.com/a.png", "j": "a.png\x00", "k": "below",
}  # fmt: skip
ITEMS = Vocabulary(list(NAMES))


def catalog_of(names: dict[str, Any] = NAMES, column: str = "image") -> Catalog:
    return Catalog(pa.table({"item_id": pa.array(list(names), pa.large_string()), column: list(names.values())}))


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


def test_pictures_that_look_alike_lie_closer_and_faults_are_counted(store: FeatureStore, folder: Path) -> None:
    feature = store.image(ITEMS, catalog_of(), ImageSettings(), folder).feature
    assert feature.matrix.shape == (12, 1280)
    assert feature.known.tolist() == [False, True, True, True, True] + [False] * 7
    assert not feature.matrix[[0, *range(5, 12)]].any()
    a, b, c, d = np.asarray(feature.matrix[1:5])
    np.testing.assert_allclose(np.linalg.norm([a, b, c, d], axis=1), 1, atol=1e-5)
    assert a @ b > a @ c + 0.1
    assert np.array_equal(a, d)
    facts = feature.facts
    assert facts["faults"] == {"broken": 3, "missing": 1, "outside": 2, "unnamed": 1}
    assert facts["examples"]["missing"] == ["f: no file none.png"]
    assert facts["distinct"] == 4  # the broken one counts until it is opened
    assert facts["encoded"] == 3


def test_nothing_is_made_twice(store: FeatureStore, folder: Path) -> None:
    first = store.image(ITEMS, catalog_of(), ImageSettings(), folder)
    assert (first.unchanged, first.n_made) == (False, 3)
    again = store.image(ITEMS, catalog_of(), ImageSettings(), folder)
    assert (again.unchanged, again.n_made) == (True, 0)
    drawing("ball", "green").save(folder / "c.png")
    changed = store.image(ITEMS, catalog_of(), ImageSettings(), folder)
    assert (changed.unchanged, changed.n_made) == (False, 1)
    os.utime(folder / "a.png", (1, 1))  # another time, the same content
    touched = store.image(ITEMS, catalog_of(), ImageSettings(), folder)
    assert (touched.unchanged, touched.n_made) == (False, 0)


def test_a_column_of_bytes_needs_no_folder(store: FeatureStore, folder: Path) -> None:
    contents = {"a": (folder / "a.png").read_bytes(), "b": b"", "c": b"no picture", "d": None}
    settings = build(ImageSettings, {"column": "photo", "feature": "photo"})
    built = store.image(Vocabulary(list("abcd")), catalog_of(contents, "photo"), settings)
    assert built.feature.name == "photo"
    assert built.feature.facts["faults"] == {"broken": 1, "unnamed": 2}
    by_file = store.image(Vocabulary(["a"]), catalog_of(), ImageSettings(), folder)
    assert by_file.n_made == 0
    assert np.array_equal(by_file.feature.matrix[1], built.feature.matrix[1])


def test_huge_files_are_skipped_and_counted(store: FeatureStore, folder: Path) -> None:
    Image.new("RGB", (8000, 5000), "red").save(folder / "c.png")
    (folder / "none.png").write_bytes(bytes(3_000_000))
    settings = build(ImageSettings, {"limits": {"most_megabytes": 2}})
    facts = store.image(ITEMS, catalog_of(), settings, folder).feature.facts
    assert facts["faults"]["huge"] == 2
    assert facts["examples"]["huge"] == ["c: 8000 x 5000 pixels", "f: 3 megabytes"]


def test_neighbors_in_a_batch_change_nothing() -> None:
    encoder = EfficientNetSettings().open()
    pixels = np.random.default_rng(0).integers(0, 255, (11, 224, 224, 3), dtype=np.uint8)
    together = encoder.encode(pixels)
    np.testing.assert_allclose(encoder.encode(pixels[9:10]), together[9:10], atol=2e-6)
    assert encoder.encode(pixels[:0]).shape == (0, 1280)


def test_what_cannot_be_is_said(store: FeatureStore, folder: Path) -> None:
    with pytest.raises(DataError, match="no catalog"):
        store.image(ITEMS, None, ImageSettings(), folder)
    with pytest.raises(DataError, match="no column 'image'"):
        store.image(ITEMS, catalog_of(column="photo"), ImageSettings(), folder)
    with pytest.raises(DataError, match="--image FOLDER"):
        store.image(ITEMS, catalog_of(), ImageSettings(), folder / "nowhere")
    with pytest.raises(DataError, match="no item has a picture") as error:
        store.image(Vocabulary(["e", "f"]), catalog_of(), ImageSettings(), folder)
    assert "1 broken, 1 missing" in str(error.value)


def test_addresses_are_fetched_where_that_is_asked_for_and_once(store: FeatureStore, folder: Path) -> None:
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        url = f"http://127.0.0.1:{server.server_port}"
        names = {"a": f"{url}/a.png", "b": f"{url}/none.png", "c": "c.png", "d": f"{url}/broken.png"}
        items, catalog = Vocabulary(list(names)), catalog_of(names)
        shy = build(ImageSettings, {"feature": "shy"})
        assert store.image(items, catalog, shy, folder).feature.facts["faults"] == {"outside": 3}
        cautious = build(ImageSettings, {"fetch": {"enabled": True}, "feature": "cautious"})
        assert store.image(items, catalog, cautious, folder).feature.facts["faults"] == {"outside": 3}
        assert asked == []
        open_ = build(ImageSettings, {"fetch": {"enabled": True, "allow_private": True}})
        first = store.image(items, catalog, open_, folder)
        assert first.feature.facts["faults"] == {"broken": 1, "missing": 1}
        assert sorted(asked) == ["/a.png", "/broken.png", "/none.png"]
        drawing("box", "green").save(folder / "none.png")  # it is there now
        again = store.image(items, catalog, open_, folder)
        assert again.feature.known.tolist() == [False, True, True, True, False]
        assert store.image(items, catalog, open_, folder).unchanged
        assert (asked.count("/a.png"), asked.count("/none.png")) == (1, 2)
        new = build(ImageSettings, {"fetch": {"enabled": True, "allow_private": True}, "version": "2"})
        store.image(items, catalog, new, folder)
        assert asked.count("/a.png") == 2
        server.shutdown()
