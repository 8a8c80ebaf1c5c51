"""One unit of the suite against one kind of server, until every test in it has had its fair turn.

The suite was written for a server that passes it. One that does not gets three things wrong in the count, and each has
its answer here:

- An error that is no failed assertion (an unknown command, say) ends the whole run. ``--durable`` makes it a failed
  test, and the run goes on.
- Then a test that broke off leaves things behind, a MULTI without EXEC or a setting that is not put back, and others
  fail for nothing but that. So a failure is believed only of the *first* test that fails in a run: it is left out of
  the next run (``--skiptest``), in which another one is the first. What passes in any of these runs has passed. The
  reference is treated in the same way: tests fail on it as well that cannot work with a server that somebody else runs.
  A test that failed for want of a command is believed at once, and left out together with the first.
- Nothing makes a run survive a server that never answers. The suite itself ends a run in which no test ends any more
  (``--timeout``) and says which test that was, which is then left out too. Should this fail, the hard limit of a run
  ends its whole process group.

Runs are bounded in number (``Limits.runs``): where more tests fail, the last ones are counted as failed unjudged, and
:attr:`UnitResult.unjudged` says so. Every run has a fresh server, since the tests change its configuration for good.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Final

from conformance.servers import Server
from conformance.upstream.output import Transcript, parse
from conformance.upstream.source import HELPER, Suite, SuiteError
from conformance.upstream.stage import Stage

PORTS: Final = 64
"""How many ports a run has to itself: below its base port the suite looks for one to talk to itself."""

LOWEST_PORT: Final = 12000
HIGHEST_PORT: Final = 32000
"""The suite wants a second port 10,000 above the first one free; above are those that the system hands out."""

GLANCE: Final = 0.2
"""Seconds between two looks whether a run is to be given up."""

NO_COMMAND: Final = re.compile(r"unknown (sub)?command", re.IGNORECASE)

Launch = Callable[[], AbstractContextManager[Server | Stage]]
"""Starts a fresh server, or makes the tree in which the suite does, which is there as long as the block."""


@dataclass(frozen=True)
class Limits:
    """How long is waited, and how often is tried again."""

    unit: float = 600.0
    """Seconds for one run of one unit."""
    stall: float = 120.0
    """Seconds for a single test."""
    runs: int = 16
    """Runs of one unit."""
    grace: float = 10.0
    """Seconds that the suite has, when its time is over, to say in which test it hangs."""


@dataclass
class UnitResult:
    """What became of the tests of one unit."""

    unit: str
    passed: Counter[str] = field(default_factory=Counter)
    """Test → how many times it passed: some names are shared by several tests."""
    failed: dict[str, str] = field(default_factory=dict)
    """Test that did not pass in any run → what was said of it."""
    incomplete: str = ""
    """Why the unit never came to its end, if it did not."""
    unjudged: int = 0
    """How many of the failed tests may have failed only because of others before them."""
    runs: int = 0
    seconds: float = 0.0

    def take(self, transcript: Transcript) -> None:
        """Count what one more run said."""
        here = Counter(outcome.name for outcome in transcript.outcomes if outcome.passed)
        failures = dict[str, str]()
        for outcome in transcript.failures():
            failures.setdefault(outcome.name, outcome.detail)
        for name, times in here.items():
            if name not in failures:
                self.passed[name] = max(self.passed[name], times)
                self.failed.pop(name, None)
        self.failed |= {name: detail for name, detail in failures.items() if name not in self.passed}
        self.runs += 1


def find_tclsh() -> str:
    """The Tcl shell. Raises :class:`SuiteError` where there is none."""
    path = shutil.which("tclsh") or shutil.which("tclsh8.6")
    if path is None:
        raise SuiteError("this takes tclsh, the shell of Tcl 8.5 or later, which is not on PATH (Debian: tcl)")
    return path


def run_unit(suite: Suite, unit: str, launch: Launch, limits: Limits, stop: Event | None = None) -> UnitResult:
    """Run *unit* against fresh servers of one kind until every test has had its turn, or *limits* are reached.

    Raises :class:`SuiteError` where there is no such unit or no Tcl, and when somebody sets *stop*;
    ``conformance.servers.ServerError`` if the server does not start.
    """
    if not suite.has(unit):
        raise SuiteError(f"there is no {unit} in {suite}")
    result = UnitResult(unit)
    begun = time.monotonic()
    skipped: list[str] = []
    while True:
        started = time.monotonic()
        with launch() as server:
            transcript = parse(run_once(suite, unit, server, limits, skipped, stop))
        news = any(outcome.name not in result.passed.keys() | result.failed.keys() for outcome in transcript.outcomes)
        result.take(transcript)
        suspects = _to_skip(transcript)
        unjudged = {failure.name for failure in transcript.failures()} - set(suspects)
        if not suspects or (transcript.complete and not unjudged):
            break
        if not transcript.failures() and not news:  # It is not for the test before it that the unit breaks off.
            break
        if result.runs == limits.runs or time.monotonic() - started > limits.unit:
            result.unjudged = len(unjudged)
            break
        skipped += suspects
    result.incomplete = transcript.aborted or "\n".join(transcript.outside)
    result.seconds = time.monotonic() - begun
    return result


def run_once(
    suite: Suite,
    unit: str,
    server: Server | Stage,
    limits: Limits,
    skipped: Sequence[str] = (),
    stop: Event | None = None,
) -> str:
    """What one run of *unit* against *server*, or with the server of a stage, prints; it is ended by force if it must
    be. The tests *skipped* are left out.

    Raises :class:`SuiteError` when somebody sets *stop*.
    """
    command = [find_tclsh(), HELPER, "--single", unit, "--durable"]
    if isinstance(server, Stage):
        root = server.root
        command += ["--clients", "1"]
    else:
        root = suite.root
        command += ["--host", server.host, "--port", str(server.port)]
    command += ["--baseport", str(_ports.next()), "--timeout", str(max(1, round(min(limits.stall, limits.unit))))]
    command += [word for test in skipped for word in ("--skiptest", test)]
    environment = os.environ | {"TERM": "dumb"}
    with tempfile.TemporaryFile() as printed:
        run = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        late = ""
        try:
            _wait(run, limits.unit + limits.grace, stop)
        except TimeoutError:
            late = f"\n[exception]: the unit was not done after {limits.unit:.0f} seconds\n"
        finally:
            _end_group(run)
        printed.seek(0)
        return printed.read().decode(errors="replace") + late


def _wait(run: subprocess.Popen[bytes], seconds: float, stop: Event | None) -> None:
    deadline = time.monotonic() + seconds
    while run.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if stop is not None and stop.is_set():
            raise SuiteError("given up")
        with suppress(subprocess.TimeoutExpired):
            run.wait(min(left, GLANCE))


def _to_skip(transcript: Transcript) -> list[str]:
    """The tests that the next run has to do without."""
    failures = transcript.failures()
    if failures:
        first, *others = failures
        believed = [each.name for each in others if NO_COMMAND.search(each.detail) or each.name == transcript.hung]
        return list(dict.fromkeys([first.name, *believed]))
    # It broke off between two tests: the one before may have brought this about.
    return [outcome.name for outcome in transcript.outcomes[-1:]] if not transcript.complete else []


def _end_group(run: subprocess.Popen[bytes]) -> None:
    # Tests leave helpers behind, programs in the background that go on writing to the server.
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


class _Ports:
    """Ranges of ports for runs beside each other, of this process and of others."""

    def __init__(self) -> None:
        self._ranges = itertools.count(os.getpid() * 7)
        self._lock = Lock()

    def next(self) -> int:
        with self._lock:
            return LOWEST_PORT + PORTS * (next(self._ranges) % ((HIGHEST_PORT - LOWEST_PORT) // PORTS))


_ports = _Ports()
