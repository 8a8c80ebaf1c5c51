"""The run on a terminal: a bar while it goes on, then the families, the differences, and the verdict.

The bar goes to standard error and only where that is a terminal; the report goes to standard output, and says the
same without colours and through a pipe. What differs is underlined with ``^``, so that no mark hangs on a colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from conformance.reports.as_text import INDENT, again, indented, shortened, underlined
from conformance.reports.marks import marked, printable
from conformance.results import Answer, Case, Kind, Line, Party, Results, Tally, Verdict

MOST_CASES: Final = 20
"""Differing cases that are shown; JSON and HTML have all."""

COMMANDS_BEFORE: Final = 30
"""Steps shown before the first difference of a long transcript."""


class Progression:
    """The bar: one line for each way to ask."""

    def __init__(self, console: Console, *, hidden: bool = False) -> None:
        columns = (
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[differing]}", style="red"),
        )
        self._progress = Progress(
            *columns, console=console, transient=True, disable=hidden or not console.is_terminal, expand=False
        )
        self._tasks: dict[Kind, TaskID] = {}
        self._differing: dict[Kind, int] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def expect(self, kind: Kind, total: int | None) -> None:
        """So many cases of that kind are to come (``None``: nobody knows how many)."""
        self._tasks[kind] = self._progress.add_task(kind.label, total=total, differing="")

    def take(self, case: Case) -> None:
        """One more case is done."""
        if case.kind not in self._tasks:
            self.expect(case.kind, None)
        if case.verdict is Verdict.DIFFERS:
            self._differing[case.kind] = self._differing.get(case.kind, 0) + 1
        differing = self._differing.get(case.kind, 0)
        told = f"{differing} differ{'s' if differing == 1 else ''}" if differing else ""
        self._progress.update(self._tasks[case.kind], advance=1, differing=told)


def show(results: Results, console: Console, *, quiet: bool = False) -> None:
    """Print the report; *quiet*: the verdict alone."""
    if not quiet:
        console.print(_head(results), soft_wrap=True)
        if results.cases:
            console.print(_families(results))
        _show_differences(results, console)
        for note in results.notes:
            console.print(Text(printable(f"Not asked: {note}"), "yellow"), soft_wrap=True)
    console.print(verdict(results), soft_wrap=True)


def verdict(results: Results) -> Text:
    """The whole run in a sentence."""
    tally = results.tally()
    differing, skipped = tally.verdicts[Verdict.DIFFERS], tally.verdicts[Verdict.SKIPPED]
    declared = tally.verdicts[Verdict.DECLARED]
    target, reference = results.target.name, results.reference.name
    if not tally.asked:
        said = Text("Nothing was asked, so nothing is known.", "bold yellow")
    elif differing:
        of = f"{differing:,} of {_counted(tally.asked, 'case')}"
        said = Text(f"{target} differs from {reference} in {of} ({tally.percent} % right).", "bold red")
    else:
        said = Text(f"{target} agrees with {reference} in {_counted(tally.asked, 'case')}.", "bold green")
    more = [f"{_counted(tally.steps, 'reply', 'replies')} compared"]
    more += [f"{declared:,} declared"] if declared else []
    more += [f"{skipped:,} not asked"] if skipped else []
    said.append(f" {', '.join(more)}, in {results.seconds:.1f} s; seed {results.seed}.", "default not bold")
    if results.ended_early:
        said.append(f" It ended early: {results.ended_early}.", "yellow not bold")
    return said


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _head(results: Results) -> Text:
    lines = Text("\n")
    for role, party in (("target", results.target), ("reference", results.reference)):
        lines.append(f"{role:<10}", "dim").append(party.name, "bold").append(f"  {_details(party)}\n", "dim")
    return lines


def _details(party: Party) -> str:
    return "  ".join(filter(None, (party.version, party.address)))


def _families(results: Results) -> Table:
    protocols = sorted({case.protocol for case in results.cases})
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("family")
    for protocol in protocols:
        table.add_column(f"RESP{protocol}", justify="right")
    table.add_column("cases", justify="right")
    table.add_column("replies", justify="right")
    before: Kind | None = None
    for (kind, family), tallies in results.families().items():
        if kind is not before:
            table.add_row(Text(("\n" if before else "") + kind.label, "bold"))
            before = kind
        cases = sum(tally.asked for tally in tallies.values())
        replies = sum(tally.steps for tally in tallies.values())
        shares = [_share(tallies.get(protocol)) for protocol in protocols]
        table.add_row(Text(f"  {family}"), *shares, f"{cases:,}", f"{replies:,}")
    return table


def _share(tally: Tally | None) -> Text:
    if tally is None or not tally.asked:
        return Text("–", "dim")
    if tally.right == tally.asked:
        return Text("100 %", "green")
    return Text(f"{tally.asked - tally.right} differ  {tally.percent} %", "red")


def _show_differences(results: Results, console: Console) -> None:
    failures = list(results.failures())
    for case in failures[:MOST_CASES]:
        console.print()
        console.print(Rule(Text(printable(f"{case.name}  RESP{case.protocol}"), "bold red"), align="left", style="red"))
        console.print(_case(case, results, console.width), soft_wrap=True)
    if len(failures) > MOST_CASES:
        console.print(f"\n… and {len(failures) - MOST_CASES} more differ; --html and --json tell of all.")
    console.print()


def _case(case: Case, results: Results, width: int) -> Group:
    return Group(*_case_lines(case, results, width))


def _case_lines(case: Case, results: Results, width: int) -> Iterator[Text | Table | Padding]:
    names = (results.reference.name, results.target.name)
    for origin in filter(None, (case.source, again(case))):
        yield Text(printable(origin), "dim")
    if case.reason:
        yield Text(printable(case.reason), "yellow")
    for line in _around(case.transcript):
        yield Text(printable(line.command), "bold" if line.differs else "")
        if line.agree:
            yield from (Text(printable(each), "dim") for each in indented(line.reference.shown))
            continue
        if line.declared:
            yield Text(f"{INDENT}declared: {line.declared}", "yellow")
        yield Padding(_both(line, names, width - 4), (0, 0, 0, 4))
    if case.dataset:
        yield Text(f"The datasets afterwards ({names[0]} / {names[1]}):", "bold")
        yield from (Text(printable(INDENT + each)) for each in case.dataset)


def _around(lines: tuple[Line, ...]) -> Iterable[Line]:
    """The lines up to the last difference; of a long way to the first one, its end."""
    at = [number for number, line in enumerate(lines) if not line.agree]
    if not at:
        return lines
    return lines[max(0, at[0] - COMMANDS_BEFORE) : at[-1] + 1]


def _both(line: Line, names: tuple[str, str], width: int) -> Table:
    """Both answers side by side, each half as wide as the terminal."""
    half = max((width - 4) // 2, 20)
    table = Table.grid(padding=(0, 2))
    for _ in names:
        table.add_column(width=half, no_wrap=False, overflow="fold")
    table.add_row(Text(names[0], "green"), Text(names[1], "red"))
    table.add_row(*(_shown(answer) for answer in (line.reference, line.target)))
    spans = marked(line)
    if line.reference.raw is not None or line.target.raw is not None:
        table.add_row(*(_underlined(list(underlined(each, half))) for each in spans))
    return table


def _shown(answer: Answer) -> Text:
    return Text(printable("\n".join(shortened(answer.shown))))


def _underlined(lines: list[str]) -> Text:
    text = Text()
    for number, line in enumerate(lines):
        style = "bold magenta" if set(line) <= {" ", "^"} and "^" in line else "dim"
        text.append(("\n" if number else "") + line, style)
    return text
