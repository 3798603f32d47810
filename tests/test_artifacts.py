"""Artifacts are written whole or not at all, and a damaged, foreign or edited one is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper import artifacts
from shopkeeper.artifacts import artifact_exists, content_hash, open_artifact, write_artifact, write_text_atomic
from shopkeeper.errors import ArtifactError


def write(folder: Path, number: int = 1) -> Path:
    with write_artifact(folder, "thing") as writer:
        writer.json("facts.json", {"number": number, "name": "红"})
        writer.tensors("weights.safetensors", {"w": np.arange(6, dtype=np.float32).reshape(2, 3).T})
        inside = writer.folder("inside")
        inside.array("values.npy", np.arange(5))
        inside.table("table.parquet", pa.table({"id": ["a", "b"]}))
    return folder


def number_of(folder: Path) -> int:
    return int(open_artifact(folder, "thing").json("facts.json")["number"])


@pytest.fixture
def folder(tmp_path) -> Path:
    return write(tmp_path / "there" / "it")


def test_what_was_written_is_read(folder):
    reader = open_artifact(folder, "thing")
    assert reader.json("facts.json") == {"number": 1, "name": "红"}
    np.testing.assert_array_equal(reader.tensors("weights.safetensors")["w"], [[0, 3], [1, 4], [2, 5]])
    inside = reader.folder("inside")
    values = inside.array("values.npy")
    assert isinstance(values, np.memmap)
    assert not values.flags.writeable
    np.testing.assert_array_equal(values, range(5))
    assert inside.table("table.parquet").to_pydict() == {"id": ["a", "b"]}
    assert sorted(reader.manifest["files"]) == [
        "facts.json", "inside/table.parquet", "inside/values.npy", "weights.safetensors",
    ]  # fmt: skip


def test_nothing_is_left_beside_it(folder):
    write(folder, 2)
    assert number_of(folder) == 2
    assert [path.name for path in folder.parent.iterdir()] == ["it"]


def test_a_file_of_the_earlier_artifact_does_not_stay(folder):
    with write_artifact(folder, "thing") as writer:
        writer.json("other.json", 1)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "other.json"]


def test_an_object_array_is_never_pickled(tmp_path):
    with pytest.raises(ValueError, match="pickle"), write_artifact(tmp_path / "it", "thing") as writer:
        writer.array("x.npy", np.array([{}], dtype=object))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_earlier_one(folder, error):
    with pytest.raises(error), write_artifact(folder, "thing") as writer:
        writer.json("facts.json", {"number": 2})
        raise error
    assert number_of(folder) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["it"]


@pytest.mark.parametrize("method", ["json", "tensors", "array", "table"])
def test_a_full_disk_leaves_the_earlier_one(folder, method):
    """A process that may write no file above 100 kB is told so by the same errors as one on a full disk."""
    code = f"""
import resource, sys, signal
from pathlib import Path
import numpy as np, pyarrow as pa
from shopkeeper.artifacts import write_artifact
from shopkeeper.errors import ArtifactError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
numbers = np.random.default_rng(0).random(100_000)
table = pa.table({{"x": numbers}})
payload = {{"json": numbers.tolist(), "tensors": {{"w": numbers}}, "array": numbers, "table": table}}
try:
    with write_artifact(Path({str(folder)!r}), "thing") as writer:
        getattr(writer, {method!r})("big", payload[{method!r}])
except ArtifactError as error:
    assert "is unchanged" in str(error), error
    sys.exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert number_of(folder) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["it"]


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_killed_process_leaves_a_whole_artifact(folder, moment):
    """Killed before, between and after the two renames that put the new artifact in place of the old one."""
    code = f"""
import os, signal
from pathlib import Path
from shopkeeper import artifacts
renames = 0
rename = Path.rename
def killing(self, target):
    global renames
    stop = {{"before": 0, "between": 1, "after": 99}}[{moment!r}]
    if renames == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    renames += 1
    return rename(self, target)
Path.rename = killing
def no_clean_up(path, ignore_errors=False):
    if renames == 2:
        os.kill(os.getpid(), signal.SIGKILL)
artifacts.shutil.rmtree = no_clean_up
with artifacts.write_artifact(Path({str(folder)!r}), "thing") as writer:
    writer.json("facts.json", {{"number": 2}})
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert artifact_exists(folder)
    assert number_of(folder) == (2 if moment == "after" else 1)


def test_writing_again_after_a_crash_between_the_renames_never_risks_the_old_one(folder, monkeypatch):
    folder.rename(folder.parent / ".it.previous")

    def refuse(*_):
        raise OSError("disk")

    monkeypatch.setattr(artifacts, "_seal", refuse)
    with pytest.raises(ArtifactError, match="disk"):
        write(folder, 2)
    monkeypatch.undo()
    assert number_of(folder) == 1


def test_a_reader_does_not_step_between_the_renames_of_a_writer(folder):
    previous = folder.parent / ".it.previous"
    folder.rename(previous)
    new = write(folder.parent / "new", 2)
    threading.Timer(0.2, new.rename, [folder]).start()
    assert number_of(folder) == 2
    assert previous.exists()


def test_what_is_read_without_maps_survives_its_file(folder):
    values = open_artifact(folder, "thing", mapped=False).folder("inside").array("values.npy")
    assert not isinstance(values, np.memmap)
    assert isinstance(open_artifact(folder, "thing").folder("inside").array("values.npy"), np.memmap)
    (folder / "inside" / "values.npy").write_bytes(b"")
    assert values.tolist() == [0, 1, 2, 3, 4]


def test_where_the_second_rename_is_refused_the_old_one_stands_at_once(folder, monkeypatch):
    rename = Path.rename

    def refusing(self, target):
        if ".writing-" in self.name:
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(ArtifactError, match="is unchanged"):
        write(folder, 2)
    assert json.loads((folder / "facts.json").read_text(encoding="utf-8"))["number"] == 1


def test_a_folder_or_file_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    (tmp_path / "file").write_text("text", encoding="utf-8")
    for name in ("photos", "file"):
        with pytest.raises(ArtifactError):
            write(tmp_path / name)
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"cat"
    assert (tmp_path / "file").read_text(encoding="utf-8") == "text"
    (tmp_path / "empty").mkdir()
    assert number_of(write(tmp_path / "empty")) == 1


def test_what_is_no_artifact_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"no artifact at(.|\n)*got: nothing"):
        open_artifact(tmp_path / "nowhere", "thing")
    with pytest.raises(ArtifactError, match=r"got: an unrelated folder"):
        open_artifact(tmp_path, "thing")
    assert not artifact_exists(tmp_path)


def test_another_kind_is_refused(folder):
    with pytest.raises(ArtifactError, match=r"another kind(.|\n)*expected: model(.|\n)*got: thing"):
        open_artifact(folder, "model")


def change_manifest(folder: Path, **changes) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_another_version_is_refused(folder):
    change_manifest(folder, format_version=99)
    with pytest.raises(ArtifactError, match=r"format 1(.|\n)*format 99"):
        open_artifact(folder, "thing")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "inside/../../secret", "link"])
def test_a_manifest_that_leads_outside_is_refused(folder, name):
    (folder.parent / "secret").write_text("secret", encoding="utf-8")
    (folder / "link").symlink_to(folder.parent / "secret")
    change_manifest(folder, files={name: {"bytes": 6, "sha256": artifacts.file_hash(folder.parent / "secret")}})
    with pytest.raises(ArtifactError, match="outside itself"):
        open_artifact(folder, "thing")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '{"kind": "thing"}', '{"files": 3}', '{"files": {"a": 3}}', '{"files": {"a": {}}}',
     '{"files": {"a": {"bytes": "3", "sha256": ""}}}'],
)  # fmt: skip
def test_a_damaged_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match="is damaged"):
        open_artifact(folder, "thing")


NAMES = ["facts.json", "weights.safetensors", "inside/values.npy", "inside/table.parquet"]


@pytest.mark.parametrize("verify", ["hash", "size"])
@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_edited_or_missing_file_is_refused(folder, name, verify):
    content = (folder / name).read_bytes()
    for damaged, words in ((content[:-1], "truncated"), (content[:-1] + b"?", "was changed"), (None, "lacks the file")):
        if damaged is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(damaged)
        with pytest.raises(ArtifactError, match=words):
            open_artifact(folder, "thing", verify=verify)


@pytest.mark.parametrize("name", NAMES)
def test_a_large_file_that_was_edited_cannot_be_read_silently(folder, name, monkeypatch):
    """Of large files only the size is compared; nonsense in one is still an error of ours when it is read."""
    monkeypatch.setattr(artifacts, "HASHED_ALWAYS", 0)
    (folder / name).write_bytes(b"?" * (folder / name).stat().st_size)
    reader = open_artifact(folder, "thing", verify="size")
    read = {"json": reader.json, "safetensors": reader.tensors, "npy": reader.array, "parquet": reader.table}
    with pytest.raises(ArtifactError, match="cannot be read"):
        read[name.split(".")[-1]](name)


def test_a_file_that_was_put_in_later_does_not_exist(folder):
    np.save(folder / "inside" / "extra.npy", np.zeros(1))
    reader = open_artifact(folder, "thing")
    assert reader.has("inside")
    assert reader.has("facts.json")
    assert reader.folder("inside").has("values.npy")
    assert not reader.folder("inside").has("extra.npy")
    assert not reader.has("insid")
    with pytest.raises(ArtifactError, match=r"holds no file inside/extra\.npy"):
        reader.folder("inside").array("extra.npy")


def test_the_content_hash_tells_contents_apart(tmp_path):
    first, same, other = (
        open_artifact(write(tmp_path / name, number), "thing").manifest
        for name, number in (("a", 1), ("b", 1), ("c", 2))
    )
    assert content_hash(first) == content_hash(same)
    assert content_hash(first) != content_hash(other)


def test_a_text_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "new" / "report.html"
    write_text_atomic(file, "one")

    def refuse(*_):
        raise OSError("disk")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ArtifactError, match="disk"):
        write_text_atomic(file, "two")
    assert file.read_text(encoding="utf-8") == "one"
    assert [path.name for path in file.parent.iterdir()] == ["report.html"]


def test_nan_in_json_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"), write_artifact(tmp_path / "it", "thing") as writer:
        writer.json("x.json", {"x": float("nan")})
