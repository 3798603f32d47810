"""`shopkeeper doctor`: prints what is installed, what is missing and what the machine can do."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopkeeper.cli.plain import escape
from shopkeeper.doctor import UNLOCKS, DoctorReport, examine

COLORS = {"ok": "green", "missing": "yellow", "too old": "red", "too new": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    gpu: Annotated[bool, typer.Option("--gpu", help="Ask torch for GPUs; takes some seconds.")] = False,
    development: Annotated[
        bool, typer.Option("--development", help="Also list what tests, checks and documentation need.")
    ] = False,
) -> None:
    """Say what is installed, missing or too old, and what this machine can do.

    Exits with 1 where the core cannot work, with 0 otherwise.
    """
    report = examine(gpu=gpu, development=development)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        show(report, Console(highlight=False))
    raise typer.Exit(0 if report.ok else 1)


def show(report: DoctorReport, console: Console) -> None:
    """Prints the report as tables."""
    console.print(f"[bold]Shopkeeper {report.version}[/bold]")
    for table in (_machine_table(report), _library_table(report), _group_table(report)):
        console.print(table)
    for group in report.groups:
        if lacking := report.lacking(group):
            wanted = " ".join(f"'{library.requirement}'" for library in lacking)
            console.print(f"[bold]{group}[/bold]:", escape(f"pip install --upgrade {wanted}"), soft_wrap=True)
    console.print("[green]ready[/green]" if report.ok else "[red]the core cannot work like this[/red]")


def _machine_table(report: DoctorReport) -> Table:
    table = Table(show_header=False, box=None)
    machine = report.machine
    python = machine.python if report.python_status == "ok" else f"{machine.python} (needs {report.python_required})"
    table.add_row("Python", python)
    table.add_row("system", f"{machine.system}, {machine.cores} cores")
    table.add_row("memory", f"{_gigabytes(machine.memory_total)}, {_gigabytes(machine.memory_free)} free")
    table.add_row("disk", f"{_gigabytes(machine.disk_free)} free")
    if report.gpus is not None:
        table.add_row("GPU", escape(", ".join(report.gpus)) or "none that torch can use")
    return table


def _library_table(report: DoctorReport) -> Table:
    table = Table("group", "library", "needs", "installed", "", box=None, header_style="bold")
    previous = None
    for library in report.libraries:
        table.add_row(
            library.group if library.group != previous else "",
            library.name,
            library.required or "any",
            library.installed or "-",
            f"[{COLORS[library.status]}]{library.status}[/]",
        )
        previous = library.group
    return table


def _group_table(report: DoctorReport) -> Table:
    table = Table("group", "", "unlocks", box=None, header_style="bold")
    for group in report.groups:
        lacking = report.lacking(group)
        state = "[green]ready[/]" if not lacking else "[yellow]lacks[/] " + ", ".join(each.name for each in lacking)
        table.add_row(group, state, UNLOCKS[group])
    return table


def _gigabytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"
