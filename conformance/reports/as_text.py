"""A transcript as plain text, in the notation of scenarios: what a person reads, pastes, and keeps.

The commands begin their lines, so that they can be pasted into redis-cli or, with what is indented under them, into a
file of scenarios. Where the answers differ, both stand there, with what differs underlined.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from conformance.reports.marks import Marked, marked, printable
from conformance.results import Case, Kind, Line, Results
from conformance.scenario import NotationError, parse_step

INDENT: Final = "    "
MOST_LINES: Final = 24
"""Lines of one answer that are shown."""


def transcript(case: Case, reference: str, target: str) -> str:
    """The case's whole course, with both answers under each step at which they differ."""
    return printable("\n".join(_lines(case, reference, target)))


def again(case: Case) -> str:
    """The command line that asks the same again; empty where there is none."""
    if case.kind is Kind.UPSTREAM:
        return ""
    only = "scenarios" if case.kind is Kind.SCENARIO else str(case.kind)
    words = ["python", "-m", "conformance", "--only", only, "--family", case.family, "--protocol", str(case.protocol)]
    quote = next((mark for mark in "\"'" if mark not in case.title), "")
    if case.kind is Kind.SCENARIO and quote:
        words += ["-k", f"{quote}{case.title}{quote}"]
    if case.seed:
        words += ["--seed", case.seed]
    return shlex.join(words)


def _lines(case: Case, reference: str, target: str) -> Iterator[str]:
    for line in case.transcript:
        yield line.command
        if line.agree:
            yield from indented(line.reference.shown)
            continue
        if line.declared:
            yield f"{INDENT}(declared: {line.declared})"
        yield from _both(line, reference, target)
    if case.dataset:
        yield f"The datasets afterwards ({reference} / {target}):"
        yield from (INDENT + each for each in case.dataset)


def _both(line: Line, *names: str) -> Iterator[str]:
    for name, answer, spans in zip(names, (line.reference, line.target), marked(line), strict=True):
        yield f"  ! {name}:"
        yield from indented(answer.shown)
        if answer.raw is not None:
            yield from (INDENT + each for each in underlined(spans))


def shortened(shown: str) -> list[str]:
    """The lines of an answer, the middle of a long one left out."""
    lines = shown.split("\n") if shown else []
    if len(lines) <= MOST_LINES:
        return lines
    half = MOST_LINES // 2
    return [*lines[:half], f"… {len(lines) - 2 * half} more lines …", *lines[-half:]]


def indented(shown: str) -> Iterator[str]:
    """The lines of an answer, set in."""
    return (INDENT + line for line in shortened(shown))


def underlined(spans: Marked, width: int = 100) -> Iterator[str]:
    """The marked reply in lines of at most *width* characters, each with a line of ``^`` below if something differs."""
    text = marks = ""
    for span in spans:
        shown = f"…({span.left_out} bytes)…" if span.left_out else span.text
        text += shown
        marks += ("^" if span.differs else " ") * len(shown)
    for at in range(0, max(len(text), 1), width):
        yield text[at : at + width]
        if "^" in marks[at : at + width]:
            yield marks[at : at + width].rstrip()


def as_scenarios(results: Results) -> str:
    """The cases that differ, as a file of scenarios that asks the same again; ``--record`` adds the replies."""
    return "\n".join(printable(_scenario(case)) for case in results.failures() if case.transcript)


def _scenario(case: Case) -> str:
    title = " ".join((case.name + f" @resp{case.protocol}").split())
    steps = [line.command for line in case.transcript if _is_step(line.command)]
    return "\n".join([f"# {title}", *steps, ""])


def _is_step(line: str) -> bool:
    try:
        parse_step(line)
    except NotationError:
        return False
    return bool(line.strip()) and not line.startswith("#")
