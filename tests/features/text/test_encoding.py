"""Encoding many texts: each once, in any order, and nothing lost whatever happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.features import saving
from shopkeeper.features.text.encoding import encode_texts
from shopkeeper.features.vector_cache import VectorCache, content_keys
from shopkeeper.types import Float32Array


class Counting:
    """Vectors of letters; remembers what it was asked, and may break at a word."""

    name, identity, size, batch_size = "counting", "counting 1", 4, 3
    scripts: frozenset[str] | None = None
    usage: Mapping[str, float] = {}

    def __init__(self, breaks_at: str | None = None) -> None:
        self.asked: list[list[str]] = []
        self.breaks_at = breaks_at

    def load(self) -> None: ...

    def encode(self, texts: Sequence[str]) -> Float32Array:
        if self.breaks_at in texts:
            raise KeyboardInterrupt
        self.asked.append(list(texts))
        return np.array([[len(text), ord(text[0]), ord(text[-1]), 1] for text in texts], dtype=np.float32)


class Steps:
    """Listens to progress."""

    def __init__(self) -> None:
        self.total, self.done, self.finished = 0, 0, False

    def start(self, title: str, total: int | None) -> None:
        self.total = total or 0

    def advance(self, steps: int = 1, facts: Mapping[str, float] | None = None) -> None:
        self.done += steps
        assert facts is not None
        assert facts["texts/s"] > 0

    def finish(self) -> None:
        self.finished = True


TEXTS = pa.array(["long text", "b", "aa", "b", "another text", "cc", "ddd"], pa.large_string())


def test_each_text_is_encoded_once_and_like_lengths_go_together(tmp_path: Path) -> None:
    encoder, steps = Counting(), Steps()
    found = encode_texts(TEXTS, encoder, VectorCache(tmp_path), steps)
    assert encoder.asked == [["b", "aa", "cc"], ["ddd", "long text", "another text"]]
    assert found.vectors[:, 0].tolist() == [len(text) for text in TEXTS.to_pylist()]
    assert (found.n_distinct, found.n_encoded) == (6, 6)
    assert (steps.total, steps.done, steps.finished) == (6, 6, True)


def test_a_changed_text_is_the_only_one_encoded(tmp_path: Path) -> None:
    encode_texts(TEXTS, Counting(), VectorCache(tmp_path))
    changed = pa.array([*TEXTS.to_pylist()[:-1], "new"], pa.large_string())
    encoder = Counting()
    found = encode_texts(changed, encoder, VectorCache(tmp_path))
    assert encoder.asked == [["new"]]
    assert (found.n_distinct, found.n_encoded) == (6, 1)
    assert found.vectors[:, 1].tolist() == [ord(text[0]) for text in changed.to_pylist()]


def test_what_was_made_before_a_stop_is_kept(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        encode_texts(TEXTS, Counting(breaks_at="ddd"), VectorCache(tmp_path))
    encoder = Counting()
    found = encode_texts(TEXTS, encoder, VectorCache(tmp_path))
    assert encoder.asked == [["ddd", "long text", "another text"]]
    assert found.n_encoded == 3


def test_work_is_written_in_files_of_bounded_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "ROWS_A_FILE", 3)
    encode_texts(TEXTS, Counting(), VectorCache(tmp_path))
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_a_truncated_file_costs_its_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "ROWS_A_FILE", 3)
    before = encode_texts(TEXTS, Counting(), VectorCache(tmp_path))
    file = sorted(tmp_path.glob("*.safetensors"))[0]
    file.write_bytes(file.read_bytes()[:-8])
    encoder = Counting()
    after = encode_texts(TEXTS, encoder, VectorCache(tmp_path))
    assert sum(map(len, encoder.asked)) == 3
    assert after.n_damaged == 1
    assert np.array_equal(after.vectors, before.vectors)


def test_no_texts_give_no_vectors(tmp_path: Path) -> None:
    assert len(encode_texts(pa.array([], pa.large_string()), Counting(), VectorCache(tmp_path)).vectors) == 0


KILLED = """
import os, sys, numpy as np, pyarrow as pa
from pathlib import Path
from shopkeeper.features import saving
from shopkeeper.features.text.encoding import encode_texts
from shopkeeper.features.vector_cache import VectorCache

class Dying:
    name, identity, size, batch_size, scripts, usage = "dying", "dying", 2, 4, None, {}
    calls = 0
    def load(self): ...
    def encode(self, texts):
        self.calls += 1
        if self.calls == 4:
            os._exit(9)  # as a killed process ends: nothing is cleaned up
        return np.ones((len(texts), 2), dtype=np.float32)

saving.ROWS_A_FILE = 8
texts = pa.array([f"text {n:02d}" for n in range(40)], pa.large_string())
encode_texts(texts, Dying(), VectorCache(Path(sys.argv[1])))
"""


def test_a_killed_process_loses_only_what_was_not_yet_written(tmp_path: Path) -> None:
    answer = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert answer.returncode == 9, answer.stderr
    _, found = VectorCache(tmp_path).read(content_keys([f"text {n:02d}" for n in range(40)]))
    assert int(found.sum()) == 8
