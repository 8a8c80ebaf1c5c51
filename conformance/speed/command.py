"""``python -m conformance speed``: the options, and what is done with them."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from conformance.servers import ServerError
from conformance.speed import told
from conformance.speed.contenders import contenders, find_real
from conformance.speed.figures import Figures
from conformance.speed.load import find_benchmark
from conformance.speed.parts import ONCE, PARTS, Bench

DESCRIPTION: Final = """\
Measure miniredis beside a real server, a bare asyncio server (the ceiling of what asyncio can do) and fakeredis's TCP
server, if that is installed: all in one run, by turns, several rounds. Load comes from redis-benchmark. Ratios are told
with their spread; the numbers themselves are this machine's of today."""

SHORT: Final = 0.1
"""The share of requests and entries that --short makes."""

GROSSLY_WORSE: Final = 1
"""The exit code where a ratio is far worse than before."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--reference", metavar="NAME", help="the real server: redis-7.0, valkey-9.1 (default: redis)")
    parser.add_argument(
        "--only", metavar="PART", action="append", choices=PARTS, help=f"{', '.join(PARTS)}; can be repeated"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(default: 5; of what takes long, one)")
    parser.add_argument("--short", action="store_true", help="a tenth of the requests and entries")
    parser.add_argument(
        "--check",
        metavar="FILE",
        help="exit 1 if a ratio is twice as bad as in this older --json file, in each round and when measured again",
    )
    parser.add_argument("--json", metavar="FILE", help="everything that was measured")
    parser.add_argument("--html", metavar="FILE", help="a page with charts")
    parser.add_argument("--show", metavar="FILE", help="measure nothing: tell what such a --json file holds")


def run(options: argparse.Namespace) -> int:
    """Do as the options say. Returns the exit code; raises ``ServerError`` where something cannot be had."""
    before, about_before = _read(Path(options.check)) if options.check else (Figures(), {})
    if options.show:
        figures, about = _read(Path(options.show))
    else:
        figures, about = _measure(options, options.only or list(PARTS))
    if options.check and about_before["real"] != about["real"]:
        raise ServerError(f"{options.check} was measured beside {about_before['real']}, this beside {about['real']}")
    console = Console(highlight=False)
    console.print(f"{about['machine']}\n")
    told.show(console, figures, about["real"])
    if options.json:
        Path(options.json).write_text(json.dumps({**about, **figures.as_json()}, indent=1) + "\n")
    if options.html:
        Path(options.html).write_text(told.as_html(figures, about["real"], about["machine"]))
    worse = told.grossly_worse(figures, before, about["real"])
    if worse and not options.show:
        suspected = [part for part in PARTS if part in {part for part, _, _ in worse}]
        print(f"far worse than in {options.check}, so measured again: {', '.join(suspected)}", file=sys.stderr)
        again, about = _measure(options, suspected)
        repeated = told.grossly_worse(again, before, about["real"])
        worse = {name: sentence for name, sentence in repeated.items() if name in worse}
    for sentence in worse.values():
        print(sentence, file=sys.stderr)
    return GROSSLY_WORSE if worse else 0


def _measure(options: argparse.Namespace, parts: list[str]) -> tuple[Figures, dict[str, Any]]:
    real = find_real(options.reference)
    program = find_benchmark()
    figures = Figures()
    progress = Console(stderr=True, highlight=False)
    with contenders(real) as servers:
        bench = Bench(servers, real, program, figures, SHORT if options.short else 1.0, progress.print)
        for part in parts:
            rounds = 1 if part in ONCE else options.rounds
            for number in range(1, rounds + 1):
                progress.print(f"{part}, round {number} of {rounds}")
                PARTS[part](bench)
    return figures, {"real": real.name, "machine": _machine(str(real))}


def _read(path: Path) -> tuple[Figures, dict[str, Any]]:
    try:
        data = json.loads(path.read_text())
        return Figures.from_json(data), {"real": data["real"], "machine": data["machine"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ServerError(
            f"{path} is no result of 'python -m conformance speed', or of another version of it"
        ) from None


def _machine(real: str) -> str:
    """What it was measured on, and when."""
    processor = platform.processor() or platform.machine()
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.system()} {processor}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, beside {real.partition(' (')[0]}"
    )
