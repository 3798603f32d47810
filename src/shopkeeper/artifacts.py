"""Artifact folders: written whole or not at all, checked when opened, never pickled.

An artifact is a folder with `manifest.json` (kind, format version, and length and SHA-256 of every file) beside JSON,
Parquet, safetensors and plain `.npy` files; the last are for arrays that are memory-mapped. A writer fills a hidden
sibling folder, syncs it to disk, and swaps it in by rename: a reader sees the old artifact or the new one, and a full
disk or a killed process leaves the old one as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from shopkeeper._version import __version__
from shopkeeper.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
FORMAT_VERSION = 1
Verify = Literal["hash", "size"]
HASHED_ALWAYS = 16 << 20
"""Files up to this many bytes are hashed even where only sizes are asked for."""
RENAME_SECONDS = 1.0
"""An artifact that is away for longer was left between two renames by a process that died."""


class ArtifactWriter:
    """Fills one folder of an artifact that is being written. Obtained from `write_artifact`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def folder(self, name: str) -> ArtifactWriter:
        """A writer for a folder below this one; it belongs to the same artifact."""
        return ArtifactWriter(self.path / name)

    def json(self, name: str, payload: Any) -> None:
        """Writes a JSON file with sorted keys."""
        text = json.dumps(payload, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        (self.path / name).write_text(text + "\n", encoding="utf-8")

    def tensors(self, name: str, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Writes named arrays as one safetensors file (read whole, for weights)."""
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        try:
            save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, self.path / name)
        except SafetensorError as error:  # it is not an OSError even where the disk is full
            raise OSError(str(error)) from error

    def array(self, name: str, values: NDArray[Any]) -> None:
        """Writes one array as `.npy` (memory-mapped when read)."""
        np.save(self.path / name, np.ascontiguousarray(values), allow_pickle=False)

    def table(self, name: str, table: pa.Table) -> None:
        """Writes an Arrow table as Parquet (zstd)."""
        import pyarrow.parquet as pq

        pq.write_table(table, self.path / name, compression="zstd")


class ArtifactReader:
    """Reads the files of one folder of an opened artifact. Obtained from `open_artifact`.

    Only files that the manifest names exist for it, so that nothing is read that was not checked.
    """

    def __init__(self, path: Path, manifest: Mapping[str, Any], prefix: str = "", mapped: bool = True) -> None:
        self.path = path
        self.manifest = manifest
        self._prefix = prefix
        self._mapped = mapped

    def folder(self, name: str) -> ArtifactReader:
        """A reader for a folder below this one."""
        return ArtifactReader(self.path / name, self.manifest, f"{self._prefix}{name}/", self._mapped)

    def has(self, name: str) -> bool:
        """Whether the artifact holds a file or folder of that name here."""
        wanted = self._prefix + name
        return any(file == wanted or file.startswith(f"{wanted}/") for file in self.manifest["files"])

    def json(self, name: str) -> Any:
        """Reads a JSON file."""
        with self._reading(name) as file:
            return json.loads(file.read_text(encoding="utf-8"))

    def tensors(self, name: str, unbounded: Container[str] = ()) -> dict[str, NDArray[Any]]:
        """Reads all arrays of a safetensors file.

        Args:
            name: The file.
            unbounded: Names of arrays in which infinity is right.

        Raises:
            ArtifactError: It is damaged, or a weight is no finite number.
        """
        from safetensors.numpy import load_file

        with self._reading(name) as file:
            found = dict(load_file(file))
        for tensor, values in found.items():
            check_finite(values, f"{tensor} of {self.path / name}", unbounded=tensor in unbounded)
        return found

    def array(self, name: str) -> NDArray[Any]:
        """Opens a `.npy` file as a read-only memory map, or reads it where the artifact was opened without maps."""
        with self._reading(name) as file:
            values: NDArray[Any] = np.load(file, mmap_mode="r" if self._mapped else None, allow_pickle=False)
            return values

    def table(self, name: str) -> pa.Table:
        """Reads a Parquet file."""
        import pyarrow.parquet as pq

        with self._reading(name) as file:
            return pq.read_table(file)

    @contextmanager
    def _reading(self, name: str) -> Iterator[Path]:
        """The path of a file; what goes wrong while it is read becomes an `ArtifactError`."""
        from safetensors import SafetensorError

        if self._prefix + name not in self.manifest["files"]:
            raise ArtifactError(f"the artifact holds no file {self._prefix + name}", remedy="write it again")
        try:
            yield self.path / name
        except (OSError, ValueError, SafetensorError) as error:
            raise ArtifactError(
                f"{self.path / name} cannot be read", got=str(error), remedy="restore the folder or write it again"
            ) from error


@contextmanager
def write_artifact(folder: Path, kind: str) -> Iterator[ArtifactWriter]:
    """Writes an artifact atomically, in place of one that may stand there.

    Args:
        folder: Where the artifact shall stand. An artifact that is there is replaced; any other folder is refused.
        kind: What it is, for example ``"dataset"``; `open_artifact` asks for the same word.

    Yields:
        A writer for the files.

    Raises:
        ArtifactError: The place is taken by something else, or the disk refuses; what stood there still stands.
    """
    folder = Path(folder).absolute()
    _recover(folder)
    _refuse_foreign(folder)
    staging = folder.parent / f".{folder.name}.writing-{uuid.uuid4().hex[:8]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield ArtifactWriter(staging)
        _seal(staging, kind)
        _swap(staging, folder)
    except OSError as error:
        raise ArtifactError(
            f"cannot write {kind} to {folder}",
            got=str(error),
            remedy="check free space and permissions; an earlier version there is unchanged",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def open_artifact(folder: Path, kind: str, verify: Verify = "hash", mapped: bool = True) -> ArtifactReader:
    """Opens an artifact and checks that it is whole.

    Args:
        folder: The folder.
        kind: What it must be.
        verify: "hash" compares the SHA-256 of every file; "size" only the length of files above 16 MB, for large data
            that is memory-mapped.
        mapped: Open arrays as memory maps. False reads them: a process that outlives its artifact must, since it is
            ended by the system when a file under a map is cut short.

    Returns:
        A reader for the files.

    Raises:
        ArtifactError: There is none, it is of another kind or version, or a file is missing, truncated or edited.
    """
    folder = Path(folder).absolute()
    _recover(folder)
    manifest = _read_manifest(folder)
    if manifest.get("kind") != kind:
        raise ArtifactError(f"{folder} is of another kind", expected=kind, got=str(manifest.get("kind")))
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ArtifactError(
            f"{folder} has a format that this version cannot read",
            expected=f"format {FORMAT_VERSION}",
            got=f"format {manifest.get('format_version')} of shopkeeper {manifest.get('shopkeeper_version')}",
            remedy="write it again with this version, or install the version that wrote it",
        )
    for name, facts in manifest["files"].items():
        _check_file(folder, name, facts, verify)
    return ArtifactReader(folder, manifest, mapped=mapped)


def check_finite(values: NDArray[Any], what: str, unbounded: bool = False) -> None:
    """Refuses numbers that are none, or infinite.

    Args:
        values: Of any type and shape.
        what: What they are, for the error.
        unbounded: Infinity is right.

    Raises:
        ArtifactError: One is NaN or infinite.
    """
    if values.dtype.kind != "f" or not values.size:
        return
    ends = np.array((values.min(), values.max()))  # NaN, where one is NaN
    if np.isnan(ends).any() or not (unbounded or np.isfinite(ends).all()):
        raise _unfit(what, "finite numbers", "NaN or infinity")


def check_indices(values: NDArray[Any], low: int, high: int, what: str) -> None:
    """Refuses whole numbers out of a range.

    Args:
        values: Of any shape.
        low: The smallest one that is right.
        high: One more than the largest.
        what: What they are, for the error.

    Raises:
        ArtifactError: One lies outside, or they are no whole numbers.
    """
    if values.dtype.kind not in "iu":
        raise _unfit(what, "whole numbers", str(values.dtype))
    if values.size and not (low <= values.min() and values.max() < high):
        raise _unfit(what, f"from {low} to {high - 1}", f"{values.min()} to {values.max()}")


def check_offsets(values: NDArray[Any], n_ranges: int, n_entries: int, what: str) -> None:
    """Refuses offsets that are not those of so many ranges, one after the other, over so many entries.

    Raises:
        ArtifactError: They do not begin with 0, do not ascend, or do not end where the entries do.
    """
    if values.ndim != 1 or len(values) != n_ranges + 1:
        raise _unfit(what, f"{n_ranges + 1} of them", f"shape {values.shape}")
    check_indices(values, 0, n_entries + 1, what)
    if values[0] != 0 or values[-1] != n_entries or (values[1:] < values[:-1]).any():
        raise _unfit(what, f"ascending from 0 to {n_entries}", "others")


def check_shape(values: NDArray[Any], shape: tuple[int | None, ...], what: str) -> None:
    """Refuses arrays of another shape; None stands for any length.

    Raises:
        ArtifactError: It is another.
    """
    if len(values.shape) != len(shape) or any(b not in (None, a) for a, b in zip(values.shape, shape, strict=True)):
        raise _unfit(what, f"shape {shape}", f"shape {values.shape}")


def _unfit(what: str, expected: str, got: str) -> ArtifactError:
    return ArtifactError(f"{what} cannot be right", expected=expected, got=got, remedy="restore it or train it again")


def artifact_exists(folder: Path) -> bool:
    """Whether an artifact of any kind stands in the folder, be it whole or damaged."""
    folder = Path(folder).absolute()
    _recover(folder)
    return (folder / MANIFEST).exists()


def content_hash(manifest: Mapping[str, Any]) -> str:
    """One hash for all that an artifact holds: SHA-256 over names and file hashes, in hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(manifest["files"]):
        digest.update(f"{name}:{manifest['files'][name]['sha256']}\n".encode())
    return digest.hexdigest()


def file_hash(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_text_atomic(file: Path, text: str, mode: int | None = None) -> None:
    """Writes a single text file whole or not at all.

    Args:
        file: The file.
        text: What it holds.
        mode: Who may read and write it, 0o600 for its owner alone; None leaves it to the machine.

    Raises:
        ArtifactError: The disk refuses; an earlier file of that name is unchanged.
    """
    temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode=0o666 if mode is None else mode, exist_ok=False)
        temporary.write_text(text, encoding="utf-8")
        sync(temporary)
        temporary.replace(file)
    except OSError as error:
        raise ArtifactError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Waits until the disk has what was written of a file, or the names of a folder.

    Raises:
        OSError: It cannot be opened, or the disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_foreign(folder: Path) -> None:
    if folder.is_file():
        raise ArtifactError(f"{folder} is a file", expected="a folder, or nothing, in its place")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise ArtifactError(
            f"{folder} holds something that Shopkeeper did not write",
            expected="an empty place or an earlier artifact",
            remedy="choose another folder",
        )


def _seal(staging: Path, kind: str) -> None:
    def facts_of(file: Path) -> dict[str, Any]:
        sync(file)
        return {"bytes": file.stat().st_size, "sha256": file_hash(file)}

    paths = sorted(path for path in staging.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as threads:  # hashing releases the lock, syncing waits for the disk
        facts = threads.map(facts_of, paths)
        files = {path.relative_to(staging).as_posix(): found for path, found in zip(paths, facts, strict=True)}
    manifest = {"kind": kind, "format_version": FORMAT_VERSION, "shopkeeper_version": __version__, "files": files}
    ArtifactWriter(staging).json(MANIFEST, manifest)
    sync(staging / MANIFEST)
    sync(staging)


def _swap(staging: Path, folder: Path) -> None:
    previous = _previous(folder)
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        folder.rename(previous)
    try:
        staging.rename(folder)
    except OSError:
        _put_back(folder)
        raise
    sync(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Puts the previous artifact back where a process died between the two renames of `_swap`.

    A living one is between them for less than a millisecond, so nothing is touched before a second has passed.
    """
    for _ in range(20):
        if folder.exists() or not (_previous(folder) / MANIFEST).exists():
            return
        time.sleep(RENAME_SECONDS / 20)
    _put_back(folder)


def _put_back(folder: Path) -> None:
    previous = _previous(folder)
    if not folder.exists() and (previous / MANIFEST).exists():
        previous.rename(folder)


def _previous(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.previous"


def _read_manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    if not file.exists():
        raise ArtifactError(
            f"there is no artifact at {folder}",
            expected=f"a folder with {MANIFEST}",
            got="an unrelated folder" if folder.is_dir() else "nothing",
        )
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for facts in manifest["files"].values():
            _ = facts["bytes"] + 0, facts["sha256"] + ""
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ArtifactError(f"{file} is damaged", got=str(error), remedy="write the artifact again") from error
    return manifest


def _check_file(folder: Path, name: str, facts: Mapping[str, Any], verify: Verify) -> None:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(f"{folder} names a file outside itself", got=name)
    if not file.is_file():
        raise ArtifactError(f"{folder} lacks the file {name}", remedy="restore the folder or write it again")
    size = file.stat().st_size
    if size != facts["bytes"]:
        raise ArtifactError(f"{file} is truncated or changed", expected=f"{facts['bytes']} bytes", got=f"{size} bytes")
    if (verify == "hash" or size <= HASHED_ALWAYS) and file_hash(file) != facts["sha256"]:
        raise ArtifactError(
            f"{file} was changed after it was written", expected="the content whose hash is in the manifest"
        )
