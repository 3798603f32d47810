"""What is installed, what is missing or too old, and what the machine can do.

Reads the requirements that the installed package declares and compares them with the versions that stand beside it.
No library is imported for that: versions come from package metadata, and torch is asked about GPUs in a process of
its own, and only on request.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from shopkeeper._version import __version__
from shopkeeper.machine import Machine, describe_machine

DISTRIBUTION: Final = "shopkeeper"
CORE: Final = "core"
UNLOCKS: Final[dict[str, str]] = {
    CORE: "reading, validating, preparing and splitting; the recommenders that count; evaluation",
    "torch": "SASRec and everything else that is trained by gradient descent",
    "classical": "ALS and BPR (library implicit); the classical predictors of behavior",
    "features": "texts and pictures of products as vectors, by models that ship in packages or by name",
    "language": "attributes of products by a small language model that runs here",
    "report": "the HTML report with plots",
    "tune": "`shopkeeper tune`",
    "tensorboard": "training logs for TensorBoard",
    "postgres": "events, catalogs and the event store in PostgreSQL",
    "serve": "the service, its event store and its pages",
    "demo": "the grocery data that the demo runs on",
    "test": "running the tests",
    "slow": "tests that compare with the reference ranx",
    "check": "formatting, linting and type checks",
    "docs": "building this documentation",
}
"""What each group of libraries brings, in the order of tables. The extra `all`, a sum of others, has no row."""
DEVELOPMENT: Final = frozenset({"test", "slow", "check", "docs"})
"""Groups that only somebody who changes the code needs."""

Status = Literal["ok", "missing", "too old", "too new"]

_ASK_TORCH: Final = """
import json, torch
names = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
names += ["Apple GPU (mps)"] if torch.backends.mps.is_available() else []
print(json.dumps(names))
"""


@dataclass(frozen=True)
class Library:
    """One required library.

    Attributes:
        name: Its name on the package index.
        group: `core`, or the extra that brings it.
        required: The versions that will do, for example ``">=2.6,<3"``; empty for any.
        installed: The version that is there, None for none.
        status: How the two compare.
    """

    name: str
    group: str
    required: str
    installed: str | None
    status: Status

    @property
    def requirement(self) -> str:
        """As pip takes it, for example ``"torch>=2.6,<3"``."""
        return self.name + self.required


@dataclass(frozen=True)
class DoctorReport:
    """All that `examine` found.

    Attributes:
        version: Version of Shopkeeper.
        python_required: The versions of Python that will do.
        python_status: How the running one compares.
        libraries: Every declared requirement, core first.
        machine: Python, processor, memory, disk.
        gpus: Names of the GPUs that torch can use; None where it was not asked or cannot be.
    """

    version: str
    python_required: str
    python_status: Status
    libraries: tuple[Library, ...]
    machine: Machine
    gpus: tuple[str, ...] | None = None

    @property
    def ok(self) -> bool:
        """Whether the core can work: Python and every core library are there in a version that will do."""
        return self.python_status == "ok" and self.lacking(CORE) == ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Core and the extras, in the order of the declaration."""
        return tuple(dict.fromkeys(library.group for library in self.libraries))

    def lacking(self, group: str) -> tuple[Library, ...]:
        """The libraries of a group that are missing or of a version that will not do."""
        return tuple(library for library in self.libraries if library.group == group and library.status != "ok")

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, with `ok` and what each group unlocks."""
        groups = {
            group: {"ready": self.lacking(group) == (), "unlocks": UNLOCKS.get(group, "")} for group in self.groups
        }
        return {"ok": self.ok, **asdict(self), "groups": groups}


def examine(*, gpu: bool = False, development: bool = False, folder: Path = Path()) -> DoctorReport:
    """Looks at what is installed and at the machine.

    Args:
        gpu: Also ask torch for GPUs, in a process of its own (some seconds).
        development: Also list the extras for tests, checks and documentation.
        folder: Whose disk counts for the free space.

    Returns:
        The report.
    """
    facts = metadata.metadata(DISTRIBUTION)
    declared = facts.get_all("Provides-Extra") or []
    extras = [extra for extra in UNLOCKS if extra in declared and (development or extra not in DEVELOPMENT)]
    libraries = compare(metadata.requires(DISTRIBUTION) or [], extras)
    python_required = str((facts.get_all("Requires-Python") or [""])[0])
    return DoctorReport(
        version=__version__,
        python_required=python_required,
        python_status=status_of(platform.python_version(), python_required),
        libraries=tuple(libraries),
        machine=describe_machine(folder),
        gpus=find_gpus() if gpu else None,
    )


def compare(requirements: Iterable[str], extras: Iterable[str]) -> list[Library]:
    """Compares declared requirements with what is installed.

    Args:
        requirements: As package metadata gives them, for example ``'torch<3,>=2.6; extra == "torch"'``.
        extras: The extras to look at.

    Returns:
        One row for each library and group, core first.
    """
    parsed = [Requirement(text) for text in requirements]
    return [
        _compare_one(requirement, group)
        for group in (CORE, *extras)
        for requirement in parsed
        if _belongs(requirement, group) and requirement.name != DISTRIBUTION
    ]


def status_of(installed: str | None, required: str) -> Status:
    """How an installed version compares with the versions that will do.

    Args:
        installed: For example ``"2.13.0+cpu"``; None for none.
        required: For example ``">=2.6,<3"``; empty for any.
    """
    if installed is None:
        return "missing"
    specifier = SpecifierSet(required)
    try:
        version = Version(installed)
    except InvalidVersion:
        return "ok" if not required else "too old"
    if specifier.contains(version, prereleases=True):
        return "ok"
    floors = [Version(part.version) for part in specifier if part.operator in (">=", ">", "==", "~=")]
    return "too old" if any(version < floor for floor in floors) else "too new"


def find_gpus() -> tuple[str, ...] | None:
    """Names of the GPUs that torch can use; None where torch is missing or does not start."""
    if _installed("torch") is None:
        return None
    answer = subprocess.run(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-c", _ASK_TORCH], capture_output=True, text=True, timeout=120, check=False
    )
    return tuple(json.loads(answer.stdout)) if answer.returncode == 0 else None


def _belongs(requirement: Requirement, group: str) -> bool:
    """Whether a group asks for it; what the core asks for is not counted again in the extras."""
    in_core = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    if group == CORE or in_core or requirement.marker is None:
        return in_core and group == CORE
    return requirement.marker.evaluate({"extra": group})


def _compare_one(requirement: Requirement, group: str) -> Library:
    installed, required = _installed(requirement.name), str(requirement.specifier)
    return Library(requirement.name, group, required, installed, status_of(installed, required))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
