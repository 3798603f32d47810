from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from shopkeeper import doctor, machine
from shopkeeper.cli import doctor as command
from shopkeeper.doctor import CORE, DEVELOPMENT, UNLOCKS, DoctorReport, Library, compare, examine, status_of
from shopkeeper.machine import Machine

REQUIREMENTS = (
    "numpy>=2.0",
    'torch<3,>=2.6; extra == "torch"',
    'accelerate>=1.2; extra == "torch"',
    'numpy>=2.0; extra == "demo"',
    'shopkeeper[torch]; extra == "all"',
)
MACHINE = Machine("3.12.1", "Linux x86_64", 2, 8_000_000_000, None, 5_000_000_000)


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    monkeypatch.setattr(doctor, "_installed", versions.get)


def report_of(*libraries: Library, python_status: doctor.Status = "ok") -> DoctorReport:
    return DoctorReport("0.1.0", ">=3.11", python_status, libraries, MACHINE)


def library(name: str, group: str, status: doctor.Status) -> Library:
    return Library(name, group, ">=2", None if status == "missing" else "1.0", status)


@pytest.mark.parametrize(
    ("version", "required", "expected"),
    [
        ("2.6", ">=2.6,<3", "ok"),
        ("2.13.0+cpu", ">=2.6,<3", "ok"),
        ("2.5.9", ">=2.6,<3", "too old"),
        ("3.0", ">=2.6,<3", "too new"),
        ("30.11", "<30.11", "too new"),
        ("0.0.9", "==0.1.0", "too old"),
        ("0.2.0", "==0.1.0", "too new"),
        ("3.0rc1", ">=2.6", "ok"),
        ("1", "", "ok"),
        (None, "", "missing"),
        ("no version at all", ">=1", "too old"),
    ],
)
def test_versions_are_compared_as_versions(version: str | None, required: str, expected: str) -> None:
    assert status_of(version, required) == expected


@given(st.tuples(st.integers(0, 40), st.integers(0, 40)), st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_a_floor_divides_old_from_ok(version: tuple[int, int], floor: tuple[int, int]) -> None:
    expected = "ok" if version >= floor else "too old"
    assert status_of("{}.{}".format(*version), ">={}.{}".format(*floor)) == expected


def test_each_group_has_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, numpy="2.1", torch="2.1")
    rows = [(row.name, row.group, row.status) for row in compare(REQUIREMENTS, ["torch", "demo"])]
    assert rows == [
        ("numpy", CORE, "ok"),
        ("torch", "torch", "too old"),
        ("accelerate", "torch", "missing"),
        ("numpy", "demo", "ok"),
    ]


def test_a_sum_of_extras_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, numpy="2.1")
    assert [row.group for row in compare(REQUIREMENTS, ["all"])] == [CORE]


def test_a_requirement_for_another_system_is_left_out() -> None:
    assert compare(['winonly>=1; sys_platform == "nowhere"', 'never; extra == "demo" and python_version < "3"'],
                   ["demo"]) == []  # fmt: skip


@pytest.mark.parametrize("status", ["missing", "too old", "too new"])
def test_only_a_fault_of_the_core_is_a_failure(status: doctor.Status) -> None:
    healthy = library("numpy", CORE, "ok")
    assert report_of(healthy, library("torch", "torch", status)).ok
    assert not report_of(healthy, library("duckdb", CORE, status)).ok
    assert not report_of(healthy, python_status=status).ok


def test_this_environment_is_examined_as_declared() -> None:
    report = examine()
    assert report.ok
    assert {"numpy", "duckdb", "pydantic"} <= {row.name for row in report.libraries if row.group == CORE}
    assert report.groups[0] == CORE
    assert not DEVELOPMENT & set(report.groups)
    assert report.gpus is None


def test_every_declared_extra_has_a_word_on_what_it_unlocks() -> None:
    assert set(examine(development=True).groups) == set(UNLOCKS)
    declared = doctor.metadata.metadata("shopkeeper").get_all("Provides-Extra") or []
    assert set(declared) == set(UNLOCKS) - {CORE} | {"all"}


def test_the_examination_loads_no_heavy_library() -> None:
    code = (
        "import sys; from shopkeeper.doctor import examine; examine();"
        "print([name for name in ('torch', 'numpy', 'pandas', 'duckdb') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(("code", "output", "expected"), [(0, '["A100"]', ("A100",)), (1, "", None)])
def test_torch_is_asked_for_gpus_elsewhere(
    monkeypatch: pytest.MonkeyPatch, code: int, output: str, expected: tuple[str, ...] | None
) -> None:
    installed(monkeypatch, torch="2.6")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=code, stdout=output))
    assert doctor.find_gpus() == expected


def test_without_torch_there_is_no_question_for_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    assert doctor.find_gpus() is None


def test_memory_is_read_in_bytes() -> None:
    known = machine.parse_memory_info("MemTotal:  100 kB\nMemAvailable:   40 kB\nHugePages_Total:  7\n\n")
    assert known == {"MemTotal": 102_400, "MemAvailable": 40_960}


@pytest.mark.parametrize(
    ("flags", "instructions"),
    [("sse2 avx avx2 avx512f amx_bf16", "amx"), ("avx2 avx512f", "avx512"), ("avx avx2 fma", "avx2"), ("sse2", "")],
)
def test_the_processor_is_told_by_its_widest_instructions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, instructions: str
) -> None:
    first = f"processor\t: 0\nmodel name\t: Some: Chip\nflags\t\t: {flags}\n"
    (tmp_path / "cpuinfo").write_text(f"{first}\n{first.replace('Some', 'Other')}\n")
    monkeypatch.setattr(machine, "PROCESSOR_INFO", tmp_path / "cpuinfo")
    for name in machine.LIMITS:
        monkeypatch.delenv(name, raising=False)
    assert machine.describe_processor() == {"processor": "Some: Chip", "instructions": instructions}
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert machine.describe_processor()["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    monkeypatch.setattr(machine, "PROCESSOR_INFO", tmp_path / "none")
    assert machine.describe_processor()["processor"]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max", (102_400, 40_960)), ("90000", (90_000, 20_000)), ("900000", (102_400, 40_960))],
)
def test_the_limit_of_a_container_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, expected: tuple[int, int]
) -> None:
    for name, file, text in (
        ("MEMORY_INFO", "meminfo", "MemTotal: 100 kB\nMemAvailable: 40 kB\n"),
        ("CONTAINER_LIMIT", "max", limit),
        ("CONTAINER_USE", "current", "75000"),
        ("CONTAINER_STATISTICS", "stat", "anon 60000\ninactive_file 5000\nactive_file 10000\n"),
    ):
        (tmp_path / file).write_text(text)
        monkeypatch.setattr(machine, name, tmp_path / file)
    assert machine.memory() == expected


def test_the_machine_is_of_plausible_size(tmp_path: Path) -> None:
    seen = machine.describe_machine(tmp_path)
    assert seen.cores >= 1
    assert seen.disk_free > 0
    assert seen.memory_total is None or seen.memory_free is None or 0 < seen.memory_free <= seen.memory_total


def run(monkeypatch: pytest.MonkeyPatch, report: DoctorReport, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(command, "examine", lambda **_: report)
    app = typer.Typer()
    app.command()(command.doctor)
    answer = CliRunner().invoke(app, list(arguments))
    return answer.exit_code, answer.stdout


def test_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(library("numpy", CORE, "ok"), library("implicit", "classical", "missing"))
    code, text = run(monkeypatch, report)
    assert code == 0
    assert "lacks implicit" in text
    assert "pip install --upgrade 'implicit>=2'" in text
    assert "ready" in text


def test_the_command_fails_where_the_core_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, report_of(library("duckdb", CORE, "too old")))
    assert code == 1
    assert "too old" in text
    assert "cannot work" in text


def test_the_command_gives_json(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, report_of(library("duckdb", CORE, "missing")), "--json")
    facts = json.loads(text)
    assert code == 1
    assert facts["ok"] is False
    assert facts["libraries"][0]["status"] == "missing"
    assert facts["groups"] == {CORE: {"ready": False, "unlocks": UNLOCKS[CORE]}}
    assert facts["machine"]["memory_free"] is None


def test_the_table_names_gpus_and_a_wrong_python() -> None:
    out = StringIO()
    report = replace(report_of(python_status="too old"), gpus=("A100 [80 GB]",))
    command.show(report, Console(file=out, width=100))
    assert "A100 [80 GB]" in out.getvalue()
    assert "needs >=3.11" in out.getvalue()
    assert "unknown free" in out.getvalue()
