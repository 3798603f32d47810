"""The cache of vectors: found by content, whole or not there, and of one length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopkeeper.errors import ArtifactError
from shopkeeper.features import vector_cache
from shopkeeper.features.vector_cache import VectorCache, content_keys


def rows(texts: list[str], size: int = 3) -> np.ndarray:
    return np.stack([np.full(size, len(text) + ord(text[0]), dtype=np.float32) for text in texts])


def test_what_was_added_is_found_in_any_order_and_the_rest_is_not(tmp_path: Path) -> None:
    VectorCache(tmp_path / "cache").add(content_keys(["a", "bb"]), rows(["a", "bb"]))
    VectorCache(tmp_path / "cache").add(content_keys(["ccc"]), rows(["ccc"]))
    vectors, found = VectorCache(tmp_path / "cache").read(content_keys(["ccc", "d", "a"]))
    assert found.tolist() == [True, False, True]
    assert vectors.tolist() == [rows(["ccc"])[0].tolist(), [0, 0, 0], rows(["a"])[0].tolist()]


def test_an_empty_cache_knows_nothing(tmp_path: Path) -> None:
    vectors, found = VectorCache(tmp_path / "none").read(content_keys(["a"]))
    assert vectors.shape == (1, 0)
    assert not found.any()


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_seen_deleted_and_counted_and_others_stand(tmp_path: Path, damage: str) -> None:
    cache = VectorCache(tmp_path)
    cache.add(content_keys(["a"]), rows(["a"]))
    (file,) = tmp_path.glob("*.safetensors")
    cache.add(content_keys(["b"]), rows(["b"]))
    content = file.read_bytes()
    changed = content[:-1] + bytes([content[-1] ^ 1])
    file.write_bytes({"cut": content[:-2], "changed": changed, "empty": b""}[damage])
    again = VectorCache(tmp_path)
    _, found = again.read(content_keys(["a", "b"]))
    assert found.tolist() == [False, True]
    assert again.n_damaged == 1
    assert not file.exists()


def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    VectorCache(tmp_path).add(content_keys(["a"]), rows(["a"]))
    cache = VectorCache(tmp_path)
    cache.read(content_keys(["a"]))
    with pytest.raises(ArtifactError, match="another length") as error:
        cache.add(content_keys(["b"]), rows(["b"], size=4))
    assert "3 numbers" in str(error.value)


def test_many_small_files_become_one(tmp_path: Path) -> None:
    words = [f"{chr(97 + place % 26)}{place}" for place in range(vector_cache.MANY)]
    cache = VectorCache(tmp_path)
    for word in words:
        cache.add(content_keys([word]), rows([word]))
    cache.tidy()
    assert len(list(tmp_path.iterdir())) == 1
    vectors, found = VectorCache(tmp_path).read(content_keys(words))
    assert found.all()
    assert np.array_equal(vectors, rows(words))


def test_a_refused_write_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(ArtifactError, match="cannot write"):
        cache.add(content_keys(["a"]), rows(["a"]))


def test_keys_tell_texts_apart_even_broken_ones() -> None:
    keys = content_keys(["a", "b", "a", "\ud800", ""])
    assert keys.shape == (5, 16)
    assert (keys[0] == keys[2]).all()
    assert len({key.tobytes() for key in keys}) == 4
