"""The tables of a measurement: every part with its contenders, and the targets with what was reached."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table

from conformance.speed.contenders import MINIREDIS
from conformance.speed.figures import Figures, Ratio
from conformance.speed.targets import TARGETS, Target

WIDTH: Final = 360
"""Pixels of the longest bar."""

ROW: Final = 15

COLOURS: Final = ("#c0392b", "#2c3e50", "#95a5a6", "#e0a030", "#3a7", "#57a")


def outcomes(figures: Figures, real: str) -> Iterator[tuple[Target, str, Ratio]]:
    """Each target and workload that was measured."""
    for target in TARGETS:
        for workload, ratio in target.measured(figures, real):
            yield target, workload, ratio


def grossly_worse(figures: Figures, before: Figures, real: str) -> dict[tuple[str, str, str], str]:
    """Which ratios have become far worse, by part, workload and contender, and a sentence on each."""
    sentences = {}
    for target, workload, ratio in outcomes(figures, real):
        for name, then in target.measured(before, real):
            if name == workload and target.is_grossly_worse(ratio, then):
                what = f"{target.part}, {workload}: {ratio} × {target.than or target.theirs}, before {then}"
                sentences[target.part, workload, target.theirs] = what.replace("(real)", real)
    return sentences


def show(console: Console, figures: Figures, real: str) -> None:
    """Print all tables."""
    for part in figures.parts():
        contenders = figures.contenders(part)
        table = Table(title=f"{part}: {figures.units.get(part, '')}", title_justify="left", box=None)
        table.add_column("")
        for contender in contenders:
            table.add_column(contender, justify="right")
        for other in contenders:
            if other != MINIREDIS:
                table.add_column(f"{MINIREDIS} / {other}", justify="right")
        for workload in figures.workloads(part):
            table.add_row(workload, *_cells(figures, part, workload, contenders))
        console.print(table)
        console.print()
    _show_targets(console, figures, real)


def _cells(figures: Figures, part: str, workload: str, contenders: list[str]) -> Iterator[str]:
    for contender in contenders:
        value = figures.median(part, workload, contender)
        yield "" if value is None else number(value)
    for other in contenders:
        if other != MINIREDIS:
            ratio = figures.ratio(part, workload, MINIREDIS, other)
            yield "" if ratio is None else str(ratio)


def number(value: float) -> str:
    """Three digits at least, and no more after the point than tell something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _show_targets(console: Console, figures: Figures, real: str) -> None:
    table = Table(title="targets", title_justify="left", box=None)
    for name in ("", "", "wanted", "is"):
        table.add_column(name)
    for target, workload, ratio in outcomes(figures, real):
        reached = target.is_reached(ratio)
        wanted = str(target).replace("(real)", real)
        style = "green" if reached else "red"
        table.add_row(target.part, workload, wanted, f"[{style}]{ratio}{'' if reached else '  missed'}[/]")
    console.print(table)


def as_html(figures: Figures, real: str, machine: str) -> str:
    """One page that needs nothing else: a chart for each part, and the targets."""
    charts = "".join(_chart(figures, part) for part in figures.parts())
    rows = "".join(
        f"<tr><td>{html.escape(target.part)}<td>{html.escape(workload)}"
        f"<td>{html.escape(str(target).replace('(real)', real))}<td>{ratio}"
        f"<td>{'reached' if target.is_reached(ratio) else '<b>missed</b>'}"
        for target, workload, ratio in outcomes(figures, real)
    )
    return (
        "<!doctype html><meta charset=utf-8><title>How fast is miniredis?</title>"
        "<style>body{font:14px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:0 .8em 0 0}svg text{font:11px sans-serif}</style>"
        f"<h1>How fast is miniredis?</h1><p>{html.escape(machine)}</p>{charts}"
        f"<h2>Targets</h2><table>{rows}</table>\n"
    )


def _chart(figures: Figures, part: str) -> str:
    """Bars: for each workload one of each contender, the longest of the part as long as there is room."""
    contenders = figures.contenders(part)
    bars: list[str] = []
    at = 0
    for workload in figures.workloads(part):
        values = [(each, figures.median(part, workload, each)) for each in contenders]
        longest = max((value for _, value in values if value is not None), default=0) or 1
        at += ROW
        bars.append(f'<text x="0" y="{at}" font-weight="bold">{html.escape(workload)}</text>')
        for contender, value in values:
            if value is None:
                continue
            at += ROW
            width = value / longest * WIDTH
            colour = COLOURS[contenders.index(contender) % len(COLOURS)]
            bars.append(
                f'<rect x="110" y="{at - 10}" width="{width:.1f}" height="11" fill="{colour}"/>'
                f'<text x="4" y="{at}">{html.escape(contender)}</text>'
                f'<text x="{width + 114:.1f}" y="{at}">{number(value)}</text>'
            )
        at += 6
    title = f"<h2>{html.escape(part)}</h2><p>{html.escape(figures.units.get(part, ''))}</p>"
    return f'{title}<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{at + 8}">{"".join(bars)}</svg>'
