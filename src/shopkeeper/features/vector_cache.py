"""Vectors that were made before, found by a hash of what they were made of. Files are whole or not there.

A folder of safetensors files, each with keys and vectors of some thousand rows. A file is named after the SHA-256 of
its content: one that was cut short or changed is seen, deleted and counted, and only its rows are made again.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.artifacts import file_hash
from shopkeeper.errors import ArtifactError
from shopkeeper.types import BoolArray, Float32Array, UInt8Array

if TYPE_CHECKING:
    import pyarrow as pa

KEY_BYTES: Final = 16
SMALL_FILE: Final = 4096
"""Files of fewer rows are put together when there are many."""
MANY: Final = 32


def content_key(content: bytes) -> bytes:
    """BLAKE2b of 128 bits."""
    return hashlib.blake2b(content, digest_size=KEY_BYTES).digest()


def content_keys(texts: Iterable[str]) -> UInt8Array:
    """One key a text, uint8 [n, 16]."""
    keys = (content_key(text.encode("utf-8", "replace")) for text in texts)
    return np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES)


class VectorCache:
    """Vectors by key in one folder, all of one length.

    Args:
        folder: Made when the first vectors are added.

    Attributes:
        n_damaged: Damaged files that were met and deleted.
        size: Length of the vectors seen so far, None before the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_damaged = 0
        self.size: int | None = None

    def read(self, keys: UInt8Array) -> tuple[Float32Array, BoolArray]:
        """What is known of these keys.

        Args:
            keys: uint8 [n, 16].

        Returns:
            float32 [n, size], zeros where unknown (size 0 where nothing is known at all), and bool [n]: those known.
        """
        found = np.zeros(len(keys), dtype=bool)
        vectors = np.zeros((len(keys), 0), dtype=np.float32)
        for file in self._files():
            content = self._read_file(file)
            if content is None:
                continue
            places = _places(keys, content["keys"])
            rows = np.flatnonzero(places >= 0)
            if vectors.shape[1] == 0:
                vectors = np.zeros((len(keys), content["vectors"].shape[1]), dtype=np.float32)
            vectors[rows] = content["vectors"][places[rows]]
            found[rows] = True
        return vectors, found

    def add(self, keys: UInt8Array, vectors: Float32Array) -> None:
        """Writes rows as one more file.

        Args:
            keys: uint8 [n, 16].
            vectors: float32 [n, size].

        Raises:
            ArtifactError: The vectors are of another length than those that are there, or the disk refuses.
        """
        self.check_size(vectors.shape[1])
        self._write({"keys": keys, "vectors": vectors})

    def check_size(self, size: int) -> None:
        """Refuses vectors of another length than those that are there.

        Raises:
            ArtifactError: They are.
        """
        if self.size is not None and self.size != size:
            raise ArtifactError(
                "the model gives vectors of another length than before",
                expected=f"{self.size} numbers, as in {self.folder}",
                got=str(size),
                remedy="it is another model now: give it another version or name, or delete that folder",
            )
        self.size = size

    def tidy(self) -> None:
        """Puts small files together where there are many. A crash between leaves rows twice, which does no harm."""
        small: list[tuple[Path, dict[str, np.ndarray]]] = []
        for file in self._files():
            if file.stat().st_size < SMALL_FILE * (KEY_BYTES + 4 * (self.size or 1)):
                content = self._read_file(file)
                if content is not None:
                    small.append((file, content))
        if len(small) < MANY:
            return
        kept = self._write(
            {name: np.concatenate([content[name] for _, content in small]) for name in ("keys", "vectors")}
        )
        for file, _ in small:
            if file != kept:
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9a-f]*.safetensors"))

    def _read_file(self, file: Path) -> dict[str, np.ndarray] | None:
        """Keys and vectors of a file; None where it is damaged, and then it is deleted."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            if file_hash(file)[:32] != file.stem:
                raise ValueError("its content is not what its name says")
            content: dict[str, np.ndarray] = load_file(file)
        except FileNotFoundError:  # another process has put it together with others
            return None
        except (SafetensorError, ValueError):
            self.n_damaged += 1
            file.unlink(missing_ok=True)
            return None
        self.check_size(content["vectors"].shape[1])
        return content

    def _write(self, content: dict[str, np.ndarray]) -> Path:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        temporary = self.folder / f".writing-{uuid.uuid4().hex[:8]}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_file({name: np.ascontiguousarray(values) for name, values in content.items()}, temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            file = self.folder / f"{file_hash(temporary)[:32]}.safetensors"
            temporary.replace(file)
        except (OSError, SafetensorError) as error:
            raise ArtifactError(
                f"cannot write vectors to {self.folder}", got=str(error), remedy="check free space and permissions"
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return file


def _places(keys: UInt8Array, known: UInt8Array) -> np.ndarray:
    """For each key its place among the known ones, -1 where it is none of them: int64 [n]."""
    import pyarrow.compute as pc

    places = pc.index_in(_as_arrow(keys), value_set=_as_arrow(known))
    found: np.ndarray = pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _as_arrow(keys: UInt8Array) -> pa.Array:
    import pyarrow as pa

    content = pa.py_buffer(np.ascontiguousarray(keys).tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), len(keys), [None, content])
