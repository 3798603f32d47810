"""Answers that were checked, found by a hash of what was asked about. Files are whole or not there.

A folder of JSON files, each named after the SHA-256 of its content: one that was cut short or changed is seen, deleted
and counted, and only its items are asked about again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from shopkeeper.errors import ArtifactError
from shopkeeper.features.attributes.schema import Value

ANSWERS_A_FILE: Final = 1000
SECONDS_A_FILE: Final = 5.0
"""So much work at most is lost when the process is killed; any other end loses nothing."""
MANY: Final = 32
"""Files are put together when there are more."""


@dataclass(frozen=True)
class Answered:
    """What is known of an item after it was asked about.

    Attributes:
        values: What counts.
        valid: Whether the last answer was as the schema wants it.
        tries: Answers until then.
        unknown: Keys of answers that the schema does not have.
        ungrounded: Attributes whose values the text does not bear.
        faults: What was wrong with the last answer.
    """

    values: Mapping[str, Value]
    valid: bool
    tries: int
    unknown: int = 0
    ungrounded: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class AnswerCache:
    """Answers by key in one folder. In a `with` block, what is added is written from time to time and at its end.

    Args:
        folder: Made when the first answers are written.

    Attributes:
        n_damaged: Damaged files that were met and deleted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_damaged = 0
        self._waiting: dict[str, Answered] = {}
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def read(self) -> dict[str, Answered]:
        """All that is known, by key in hexadecimal."""
        files = sorted(self.folder.glob("[0-9a-f]*.json"))
        known: dict[str, Answered] = {}
        for file in files:
            known.update(self._read_file(file))
        if len(files) > MANY:
            kept = self._write(known)
            for file in files:
                if file != kept:
                    file.unlink(missing_ok=True)
        return known

    def add(self, key: str, answered: Answered) -> None:
        """Takes an answer, and writes where enough has come together. Several threads may add.

        Raises:
            ArtifactError: The disk refuses.
        """
        with self._lock:
            self._waiting[key] = answered
            if len(self._waiting) >= ANSWERS_A_FILE or time.monotonic() - self._last >= SECONDS_A_FILE:
                self._flush()

    def __enter__(self) -> Self:
        self._last = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._write(self._waiting)
        self._waiting, self._last = {}, time.monotonic()

    def _read_file(self, file: Path) -> dict[str, Answered]:
        try:
            content = file.read_bytes()
            if _name(content) != file.name:
                raise ValueError("its content is not what its name says")
            return {key: _answered(fields) for key, fields in json.loads(content).items()}
        except FileNotFoundError:  # another process has put it together with others
            return {}
        except (ValueError, TypeError, AttributeError):
            self.n_damaged += 1
            file.unlink(missing_ok=True)
            return {}

    def _write(self, answers: Mapping[str, Answered]) -> Path:
        content = json.dumps({key: asdict(answered) for key, answered in answers.items()}, ensure_ascii=False).encode()
        temporary = self.folder / f".writing-{uuid.uuid4().hex[:8]}"
        file = self.folder / _name(content)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except OSError as error:
            raise ArtifactError(
                f"cannot write answers to {self.folder}", got=str(error), remedy="check free space and permissions"
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return file


def _name(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:32]}.json"


def _answered(fields: dict[str, Any]) -> Answered:
    return Answered(**{**fields, "ungrounded": tuple(fields["ungrounded"]), "faults": tuple(fields["faults"])})
