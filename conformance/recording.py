"""Replies recorded in scenarios: written into the files from a real server, and judging any server by them.

The rule of this file: only what a server does otherwise is written. A reply that stands in the file stays as long as
the server that is recorded could have given it; so recording twice changes nothing, and a second server adds variants
where it differs. Redis 7.0 comes first: its replies in RESP2 are what stands directly under a step.

    python -m conformance.recording redis-7.0 valkey-9.1          record, in this order
    python -m conformance.recording --judge miniredis@redis-7.2   judge
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from conformance.exchange import Exchange, Report
from conformance.play import LEFT_UNREAD, Course, is_lost
from conformance.recorded import EVENTS, Observation, expected_without_recording, judge_step
from conformance.scenario import (
    FOLDER,
    SUFFIX,
    WITHOUT_REPLY,
    Action,
    Recorded,
    Scenario,
    Step,
    applying,
    insert_steps,
    load_all,
    parse,
    rewrite,
)
from conformance.servers import Server, find_server, start, start_miniredis
from conformance.side import NOTHING, Name, Side
from conformance.versions import ALWAYS, Condition, Version

BASE: Final = Version.parse("redis-7.0")
"""The version whose replies are what the others' are variants of."""

PROTOCOLS: Final = (2, 3)

Chosen = Callable[[Scenario], bool]


class RecordingError(Exception):
    """What cannot be recorded, and why."""


def version_of(server: Server) -> Version:
    """The version that the server says it is. Raises :class:`RecordingError` if it does not say."""
    with server.connect() as wire:
        info = wire.call("INFO", "server").raw
    for family in ("valkey", "redis"):
        match = re.search(rb"^%b_version:([\d.]+)\r$" % family.encode(), info, re.MULTILINE)
        if match is not None:
            return Version.parse(f"{family}-{match[1].decode()}")
    raise RecordingError(f"{server.name} does not say which version it is")


def is_real(server: Server) -> bool:
    """Whether this is Redis or Valkey itself, by the executable that it says it is."""
    with server.connect() as wire:
        match = re.search(rb"^executable:(.*?)\r$", wire.call("INFO", "server").raw, re.MULTILINE)
    return match is not None and re.search(rb"(redis|valkey)[^/]*$", match[1]) is not None


# Judging


class Judge:
    """One server, judged by what is recorded for its version. Used as a context manager."""

    def __init__(self, server: Server, version: Version | None = None) -> None:
        """*version*: as which one to judge it; by default as the one that it says it is."""
        self.version = version or version_of(server)
        self._side = Side(server)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._side.close()

    def play(self, scenario: Scenario, protocol: int) -> Report:
        """Run the scenario from empty datasets; its *reference* are the recorded replies."""
        name = f"recorded {self.version.series}"
        report = Report(str(scenario), name, self._side.server.name, protocol)
        course = Course(self._side, protocol)
        self._side.begin()
        try:
            for step in scenario.steps:
                observation = course.take(step)
                expected, agree = judge_step(step, self.version, observation)
                report.exchanges.append(Exchange(step.line, expected, observation.outcome, agree))
                if not agree and is_lost(expected, observation.outcome):
                    break
            report.exchanges += (
                Exchange(f"{client}<  {LEFT_UNREAD}", NOTHING, observation.outcome, False)
                for client, observations in course.left_over()
                for observation in observations
            )
        finally:
            self._side.end()
        return report


def judge(server: Server, scenario: Scenario, protocol: int, as_version: str | None = None) -> Report:
    """Play one scenario on the server, and compare with what is recorded for the version (``redis-7.2``)."""
    with Judge(server, Version.parse(as_version) if as_version else None) as opened:
        return opened.play(scenario, protocol)


# Recording


@dataclass
class Tally:
    """What a recording has come to."""

    scenarios: int = 0
    steps: int = 0
    """Replies that were observed, of both protocols."""
    changed: list[str] = field(default_factory=list)
    """The steps under which something else stands now."""


def record(
    server: Server,
    paths: Iterable[Path] | None = None,
    *,
    chosen: Chosen = lambda scenario: True,
    force: bool = False,
) -> Tally:
    """Play the scenarios of these files (all) on the server, in both protocols, and write its replies into them.

    What stands there and is right for this server too stays. Raises :class:`RecordingError` for a server that is not a
    real one (unless *force*), for a scenario that waits for what does not come, and for a later version where nothing
    is recorded for Redis 7.0 yet; files that come before it are written then.
    """
    if not (force or is_real(server)):
        raise RecordingError(f"{server.name} is no real server: what it answers proves nothing")
    tally = Tally()
    recorder = _Recorder(server)
    try:
        for path in sorted(FOLDER.glob(f"*{SUFFIX}")) if paths is None else paths:
            text = path.read_text(encoding="utf-8")
            recorded = recorder.file(text, path.stem, chosen, tally)
            if path.read_text(encoding="utf-8") != text:
                raise RecordingError(f"{path} was edited meanwhile: record it again")
            if recorded != text:
                path.write_text(recorded, encoding="utf-8")
    finally:
        recorder.close()
    return tally


class _Recorder:
    """One server that is recorded."""

    def __init__(self, server: Server) -> None:
        self._version = version_of(server)
        self._side = Side(server)

    def close(self) -> None:
        self._side.close()

    def file(self, text: str, family: str, chosen: Chosen, tally: Tally) -> str:
        """The text of a file with the server's replies, and with steps that read what else has come."""
        while True:
            runs = {
                scenario: {
                    protocol: self._observe(scenario, protocol)
                    for protocol in PROTOCOLS
                    if scenario.applies_to(str(self._version), protocol)
                }
                for scenario in parse(text, family)
                if chosen(scenario)
            }
            unread = {
                scenario.steps[-1].line_number: [f"{client}{Action.READ_ALL.value}" for client in clients]
                for scenario, run in runs.items()
                if (clients := sorted({client for _, left in run.values() for client in left}))
            }
            if not unread:
                break
            text = insert_steps(text, unread)
        replies: dict[int, Sequence[Recorded]] = {}
        for scenario, run in runs.items():
            tally.scenarios += bool(run)
            for at, step in enumerate(scenario.steps):
                observed = {protocol: observations[at] for protocol, (observations, _) in run.items()}
                if not observed or step.action in WITHOUT_REPLY:
                    continue
                tally.steps += len(observed)
                replies[step.line_number] = folded = self._fold(scenario, step, observed)
                if folded != step.recorded:
                    tally.changed.append(f"{scenario}: {step.line}")
        return rewrite(text, replies)

    def _observe(self, scenario: Scenario, protocol: int) -> tuple[list[Observation], list[Name]]:
        """What each step leads to, and which clients have not read everything in the end."""
        course = Course(self._side, protocol)
        observations = []
        self._side.begin()
        try:
            for step in scenario.steps:
                observation = course.take(step)
                if step.action in WITHOUT_REPLY:
                    is_awaited = observation.outcome == expected_without_recording(step)
                else:
                    is_awaited = bool(observation.outcome.all_frames) or observation.outcome.event in EVENTS
                if not is_awaited:
                    raise RecordingError(
                        f"{scenario} (RESP{protocol}, {self._version}), {step.line}: {observation.outcome}"
                    )
                observations.append(observation)
            return observations, [client for client, left in course.left_over() if left]
        finally:
            self._side.end()

    def _fold(self, scenario: Scenario, step: Step, observed: Mapping[int, Observation]) -> tuple[Recorded, ...]:
        """What is to stand under the step from now on."""
        if all(each.agrees_with(step.expected(self._version, protocol)) for protocol, each in observed.items()):
            return without_repetitions(step.recorded)
        series = self._version.series
        if series == BASE or not any(scenario.applies_to(str(BASE), protocol) for protocol in PROTOCOLS):
            return fold(step.recorded, ALWAYS, observed, self._version)
        condition = Condition(since=series) if series.inherits(BASE) else Condition(before=BASE)
        if step.recorded:
            return fold(step.recorded, condition, observed, self._version)
        if step.action is Action.READ_ALL:  # A step that was added because only a later version says more.
            return fold((Recorded(ALWAYS, NOTHING.event),), condition, observed, self._version)
        raise RecordingError(f"{scenario}, {step.line}: record {BASE} first")


def fold(
    recorded: Sequence[Recorded], condition: Condition, observed: Mapping[int, Observation], version: Version
) -> tuple[Recorded, ...]:
    """What is recorded, with what *version* was observed to do in each protocol: under *condition*, where it is new."""
    others = [each for each in recorded if each.condition.change != condition.change]
    before = {each.condition: each for each in recorded}
    wrong = [
        protocol
        for protocol, each in sorted(observed.items())
        if condition == ALWAYS
        or not each.agrees_with(Step("", Action.CALL, recorded=tuple(others)).expected(version, protocol))
    ]
    own: list[Recorded] = []
    for protocol in wrong:
        if own and observed[protocol].agrees_with(own[0]):
            continue
        holds = condition if len(wrong) == len(observed) and not own else replace(condition, protocol=protocol)
        kept = before.get(holds)
        is_kept = kept is not None and observed[protocol].agrees_with(kept)
        own.append(kept if kept is not None and is_kept else Recorded(holds, observed[protocol].written()))
    return without_repetitions(sorted([*others, *own], key=_rank))


def _rank(recorded: Recorded) -> tuple[int, str, tuple[int, ...], int]:
    """By the change it belongs to, the oldest first: Valkey's come behind Redis's, which it has inherited."""
    condition = recorded.condition
    since = condition.since
    return (
        2 if since else 1 if condition.before else 0,
        since.family if since else "",
        since.numbers if since else (),
        condition.protocol or 0,
    )


def without_repetitions(recorded: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """Without the variants that only say again what holds already."""
    kept = list(recorded)
    for each in recorded:
        since = each.condition.since
        if since is None:
            continue
        rest = [other for other in kept if other is not each]
        protocols = [each.condition.protocol] if each.condition.protocol else PROTOCOLS
        held = [applying(rest, since, protocol) for protocol in protocols]
        if all(other is not None and other.shown == each.shown for other in held):
            kept.remove(each)
    return tuple(kept)


# The command line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of recording and judging."""
    parser.add_argument(
        "servers", nargs="+", metavar="SERVER", help="redis-7.0, valkey-9.1, miniredis@redis-7.2, a path"
    )
    parser.add_argument("--judge", action="store_true", help="do not record: compare with what is recorded")
    parser.add_argument("-k", metavar="WORDS", default="", help="only scenarios whose family and title contain this")
    parser.add_argument("--force", action="store_true", help="record a server that is no real one")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; the exit code."""

    def chosen(scenario: Scenario) -> bool:
        return options.k.lower() in str(scenario).lower()

    is_right = True
    for name in options.servers:
        with _started(name) as server:
            if options.judge:
                is_right &= _print_judgement(server, chosen)
                continue
            try:
                tally = record(server, chosen=chosen, force=options.force)
            except RecordingError as error:
                print(error, file=sys.stderr)
                return 1
            print("\n".join(tally.changed))
            print(f"{name}: {tally.scenarios} scenarios, {tally.steps} replies, {len(tally.changed)} steps changed")
    return 0 if is_right else 1


def _started(name: str) -> AbstractContextManager[Server]:
    if name.startswith("miniredis"):
        return start_miniredis(emulate=name.partition("@")[2] or None)
    binary = find_server(name)
    if binary is None:
        raise SystemExit(f"no such server: {name}")
    return start(binary)


def _print_judgement(server: Server, chosen: Chosen) -> bool:
    reports = list(judge_all(server, chosen))
    failed = [report for report in reports if not report.agree]
    for report in failed:
        print(report, end="\n\n")
    print(f"{server.name}: {len(reports) - len(failed)} of {len(reports)} scenarios are right")
    return not failed


def judge_all(server: Server, chosen: Chosen = lambda scenario: True) -> Iterator[Report]:
    """Every chosen scenario in each protocol that it is for."""
    with Judge(server) as opened:
        for scenario in filter(chosen, load_all()):
            for protocol in PROTOCOLS:
                if scenario.applies_to(str(opened.version), protocol):
                    yield opened.play(scenario, protocol)


def main() -> int:
    """``python -m conformance.recording``."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.recording",
        description="Record what real servers answer to the scenarios, or judge a server by what is recorded.",
    )
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
