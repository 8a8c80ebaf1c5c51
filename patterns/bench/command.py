"""The options of ``python -m patterns.bench``, and what is done with them."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from conformance.servers import ServerError, start
from conformance.speed.contenders import find_real
from conformance.speed.figures import Figures
from patterns.bench import hits, limiters, locks, proving, stampede, told
from patterns.bench.verdicts import Verdict

DESCRIPTION: Final = """\
Measure the pattern library beside cashews, dogpile.cache, aiocache, limits, throttled-py and redis-py's own lock, by
turns, on a real server over loopback TCP; and put what it promises to the test."""

PEERS: Final = ("redis", "cashews", "dogpile.cache", "aiocache", "limits", "throttled-py")

RACES: Final[dict[str, Callable[[str, Figures, int], None]]] = {
    "stampede": stampede.race,
    "hits": hits.race,
    "limiters": limiters.race,
    "locks": locks.race,
}

PROOFS: Final[dict[str, Callable[[str, proving.Length], list[Verdict]]]] = {
    "limiters-proof": proving.of_limiters,
    "queue-proof": proving.of_queue,
    "locks-proof": proving.of_locks,
}

JUDGES: Final[dict[str, Callable[[Figures], list[Verdict]]]] = {
    "stampede": stampede.verdicts,
    "hits": hits.verdicts,
    "limiters": limiters.verdicts,
}

PARTS: Final = (*RACES, *PROOFS)

WIDTH: Final = 140
"""Of what goes to a file."""

MISSED: Final = 1
NOT_MEASURED: Final = 2


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m patterns.bench", description=DESCRIPTION)
    found.add_argument("--reference", metavar="NAME", help="the real server: redis-7.0, valkey-9.1 (default: redis)")
    found.add_argument(
        "--only", metavar="PART", action="append", choices=PARTS, help=f"{', '.join(PARTS)}; can be repeated"
    )
    found.add_argument("--rounds", type=int, default=5, metavar="N", help="of the races (default: 5)")
    length = found.add_mutually_exclusive_group()
    length.add_argument("--short", dest="length", action="store_const", const=proving.SHORT, help="short proofs")
    length.add_argument("--long", dest="length", action="store_const", const=proving.LONG, help="ten times as long")
    found.add_argument("--check", action="store_true", help="exit 1 if a promise is missed")
    found.add_argument("--json", metavar="FILE", help="everything that was measured")
    found.set_defaults(length=proving.USUAL)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as the options say. Returns the exit code."""
    options = parser().parse_args(arguments)
    progress = Console(stderr=True, highlight=False)
    figures = Figures()
    verdicts: list[Verdict] = []
    try:
        real = find_real(options.reference)
        with start(real) as server:
            url = f"redis://{server.host}:{server.port}/0"
            for part in options.only or PARTS:
                progress.print(part)
                if part in RACES:
                    RACES[part](url, figures, options.rounds)
                    verdicts += JUDGES[part](figures) if part in JUDGES else []
                else:
                    verdicts += PROOFS[part](url, options.length)
    except ServerError as error:
        print(error, file=sys.stderr)
        return NOT_MEASURED
    except ImportError as error:
        print(f"{error}: the races need the extra bench-patterns (make bench-patterns)", file=sys.stderr)
        return NOT_MEASURED
    about = _about(str(real).partition(" (")[0])
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(f"{about['machine']}\n{about['versions']}\n")
    told.show(console, figures, verdicts)
    if options.json:
        report = {**about, "verdicts": [each.as_json() for each in verdicts], **figures.as_json()}
        Path(options.json).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return MISSED if options.check and not all(each.kept for each in verdicts) else 0


def _about(real: str) -> dict[str, Any]:
    """What it was measured on, when, and beside which versions."""
    processor = platform.processor() or platform.machine()
    load = os.getloadavg()[0]
    return {
        "machine": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.system()} {processor}, {os.cpu_count()} "
        f"processors, load {load:.1f} at the end, Python {platform.python_version()}, {real}",
        "versions": ", ".join(f"{name} {version}" for name in PEERS if (version := _version(name))),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
