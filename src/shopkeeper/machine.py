"""What the machine can do: processor cores, memory, disk. Asks the standard library only and never guesses."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEMORY_INFO: Final = Path("/proc/meminfo")
PROCESSOR_INFO: Final = Path("/proc/cpuinfo")
INSTRUCTIONS: Final = {"amx_bf16": "amx", "avx512f": "avx512", "avx2": "avx2"}
"""Names of sets of vector instructions by the flag that Linux gives a processor, the widest first."""
LIMITS: Final = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
"""Environment variables that keep PyTorch from using all that a processor has."""
CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
CONTAINER_USE: Final = Path("/sys/fs/cgroup/memory.current")
CONTAINER_STATISTICS: Final = Path("/sys/fs/cgroup/memory.stat")


@dataclass(frozen=True)
class Machine:
    """The machine that this process runs on.

    Attributes:
        python: Version of the running Python.
        system: Operating system and processor family.
        cores: Processor cores that this process may use.
        memory_total: Bytes of memory, the limit of the container where there is one; None where unknown.
        memory_free: Bytes that programs may still take; None where unknown.
        disk_free: Bytes free on the disk of the folder asked for.
    """

    python: str
    system: str
    cores: int
    memory_total: int | None
    memory_free: int | None
    disk_free: int


def describe_machine(folder: Path = Path()) -> Machine:
    """Looks at the machine.

    Args:
        folder: Whose disk counts for the free space.
    """
    total, free = memory()
    return Machine(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=usable_cores(),
        memory_total=total,
        memory_free=free,
        disk_free=shutil.disk_usage(folder).free,
    )


def usable_cores() -> int:
    """Processor cores that this process may use: its affinity where the system knows one, else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_processor() -> dict[str, str]:
    """What the rounding of results hangs on, for records: `processor`, its widest `instructions`, limits set for them.

    Instructions are `amx`, `avx512`, `avx2` or, where there is none of these or the system does not tell, empty.
    """
    known = parse_processor_info(PROCESSOR_INFO.read_text(encoding="utf-8")) if PROCESSOR_INFO.exists() else {}
    flags = known.get("flags", "").split()
    return {
        "processor": known.get("model name") or platform.processor() or platform.machine(),
        "instructions": next((name for flag, name in INSTRUCTIONS.items() if flag in flags), ""),
        **{name: os.environ[name] for name in LIMITS if name in os.environ},
    }


def parse_processor_info(text: str) -> dict[str, str]:
    """What Linux tells of the first processor, by name."""
    first = text.strip().partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def memory() -> tuple[int | None, int | None]:
    """Total and free memory in bytes, None where unknown; a container's limit counts where it is the smaller one."""
    known = parse_memory_info(MEMORY_INFO.read_text(encoding="ascii")) if MEMORY_INFO.exists() else {}
    total, free = known.get("MemTotal", _physical_memory()), known.get("MemAvailable")
    limit, used = _number(CONTAINER_LIMIT), _number(CONTAINER_USE)
    if limit is not None and (total is None or limit < total):
        room = limit - max(0, (used or 0) - _reclaimable())
        return limit, room if free is None else min(free, room)
    return total, free


def parse_memory_info(text: str) -> dict[str, int]:
    """Bytes by name, from lines such as ``MemTotal:  24689364 kB``."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB":
            found[name] = int(words[0]) * 1024
    return found


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _reclaimable() -> int:
    """Bytes of files that the container only holds for later, and gives back when memory is wanted; 0 where unknown."""
    try:
        lines = CONTAINER_STATISTICS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)


def _number(file: Path) -> int | None:
    """The number in a file; None where there is no such file or it says ``max``."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
