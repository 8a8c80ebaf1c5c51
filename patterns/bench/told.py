"""The tables of a measurement, and its verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from conformance.speed.figures import Figures
from patterns.bench.hits import BARE, PART, PROCESSOR
from patterns.bench.verdicts import Verdict


def show(console: Console, figures: Figures, verdicts: Iterable[Verdict]) -> None:
    """Print a table for each part, contenders below each other, then the verdicts."""
    for part in figures.parts():
        workloads = figures.workloads(part)
        table = Table(title=f"{part}: {figures.units.get(part, '')}".rstrip(": "), title_justify="left", box=None)
        table.add_column("")
        for workload in workloads:
            table.add_column(workload, justify="right")
        for contender in figures.contenders(part):
            table.add_row(contender, *(_cell(figures, part, workload, contender) for workload in workloads))
        console.print(table)
        console.print()
    _show_verdicts(console, verdicts)


def _cell(figures: Figures, part: str, workload: str, contender: str) -> str:
    """The median, and where there is a bare GET what it is to that."""
    value = figures.median(part, workload, contender)
    if value is None:
        return ""
    told = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    ratio = figures.ratio(part, workload, contender, BARE) if contender != BARE and part in (PART, PROCESSOR) else None
    return told if ratio is None else f"{told}  {ratio} ×"


def _show_verdicts(console: Console, verdicts: Iterable[Verdict]) -> None:
    table = Table(title="verdicts", title_justify="left", box=None)
    for name in ("promise", "wanted", "seen", ""):
        table.add_column(name)
    for each in verdicts:
        style = "green" if each.kept else "red"
        table.add_row(each.promise, each.wanted, each.seen, f"[{style}]{'kept' if each.kept else 'missed'}[/]")
    console.print(table)
