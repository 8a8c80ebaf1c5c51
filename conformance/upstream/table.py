"""The figures for people at a terminal: a line for each unit, then everything that is missing, by name."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.upstream.scores import Missing, Scores, percent

WIDTH_OF_ERRORS = 160
"""Characters of an error that are shown: the JSON has all of it."""


def show(scores: Scores, console: Console) -> None:
    """Print *scores*."""
    reference = f"{scores.reference.name} {scores.reference.version}".strip()
    table = Table(title=f"Redis {scores.source}'s own suite: {scores.target.name} against {reference}")
    table.add_column("unit")
    for heading in (reference, scores.target.name, "percent", "seconds"):
        table.add_column(heading, justify="right")
    for unit in scores.units:
        counted, seconds = len(unit.counted), f"{unit.target.seconds:.0f}"
        table.add_row(unit.unit, str(counted), str(unit.right), f"{percent(unit.right, counted):.1f}", seconds)
    table.add_section()
    table.add_row(
        "all", str(scores.counted), str(scores.right), f"{percent(scores.right, scores.counted):.1f}", "", style="bold"
    )
    console.print(table)
    for lack in scores.missing():
        _show_missing(lack, console)
    for unit in scores.units:
        if unit.target.unjudged:
            console.print(
                f"{unit.unit}: {unit.target.unjudged} of the missing tests may have failed because of others "
                "before them: the runs of this unit were used up (--runs).",
                soft_wrap=True,
            )
    for unit_name, test in scores.stale():
        console.print(
            f"[red]stale[/red] {escape(f'{unit_name}: {test}')} passes: its reason has to go.", soft_wrap=True
        )


def _show_missing(lack: Missing, console: Console) -> None:
    console.print(f"[red]missing[/red] {escape(f'{lack.unit}: {lack.test}')}", soft_wrap=True)
    if lack.explained:
        console.print(f"        {escape(lack.reason)}", highlight=False, soft_wrap=True)
        return
    error = " ".join(lack.error.split())
    shown = error[:WIDTH_OF_ERRORS] + ("…" if len(error) > WIDTH_OF_ERRORS else "")
    console.print(f"        [yellow]unexplained[/yellow]: {escape(shown)}", highlight=False, soft_wrap=True)
