"""A run: everything that is to be asked, in order, asked of a pair of servers, one :class:`Case` after another.

The rule of this file: nothing that a server does ends a run. Each way to ask hands in its *tasks*, small pieces of
work; what goes wrong within one becomes a case that differs, the servers are brought back, and the next task begins.
Only a server that is not ours to start again, or Ctrl-C, ends it early.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count, islice
from math import ceil
from typing import Final

from conformance.duel import Duel
from conformance.evidence import case_of
from conformance.generated import machine
from conformance.generated.families import Vocabulary, family_names
from conformance.generated.plan import LENGTH
from conformance.generated.runs import TITLE, Knowledge, Runs, undescribed
from conformance.pair import Pair, ServerGoneError
from conformance.pick import Pick, everything
from conformance.post_mortem import fatal_part
from conformance.remote import PROBES
from conformance.results import Answer, Case, Kind, Line, Verdict
from conformance.scenario import FOLDER, SUFFIX, Action, Scenario, load_all
from conformance.shrink import Argv
from conformance.transcript import quote_command
from conformance.vocabulary import UNGROUPED

DEFAULT_COMMANDS: Final = 30_000
"""Generated commands in a run that is not told how many: a minute's work."""

MACHINE_SHARE: Final = 0.25
"""How much of what is generated, or of the time for it, several connections have."""

PROTOCOLS: Final = (2, 3)

SOURCE_FOLDER: Final = f"{FOLDER.parent.name}/{FOLDER.name}"


@dataclass(frozen=True)
class Task:
    """A piece of work that yields cases; what breaks within it costs no more than it."""

    kind: Kind
    family: str
    title: str
    protocol: int
    ask: Callable[[Pair], Iterable[Case]]
    needs: frozenset[str] = frozenset()
    """What both servers have to let us do, beside what is asked about: names of ``remote.PROBES``."""
    source: str = ""
    seed: str = ""
    steps: tuple[str, ...] = ()
    """What it does, in the notation of scenarios: all that can be shown when the evidence is lost."""
    sends: Callable[[], Sequence[Argv]] | None = None
    """For commands on one connection: these, so that what the target dies of can be found among them."""

    @property
    def name(self) -> str:
        """What ``-k`` matches: ``scenario lists: RPUSH and LRANGE resp2``."""
        return f"{self.kind} {self.family}: {self.title} resp{self.protocol}"


@dataclass(frozen=True)
class Way:
    """One way to ask: its tasks, how many cases they will be (``None``: as many as the time allows), and the time."""

    kind: Kind
    tasks: Iterable[Task]
    total: int | None
    seconds: float = float("inf")
    """After so many no further task is begun."""


@dataclass(frozen=True)
class Plan:
    """What is to be asked."""

    seed: str
    kinds: Sequence[Kind] = (Kind.SCENARIO, Kind.COMMANDS, Kind.MACHINE)
    protocols: Sequence[int] = PROTOCOLS
    families: Sequence[str] = ()
    """Empty: all."""
    commands: int = DEFAULT_COMMANDS
    """Generated commands, over all families and protocols together."""
    seconds: float | None = None
    """For what is generated, instead of a number of commands."""
    picked: Pick = field(default=everything)

    def seconds_for(self, kind: Kind) -> float:
        """How much of the time that kind of what is generated has."""
        if self.seconds is None:
            return float("inf")
        share = {Kind.COMMANDS: 1 - MACHINE_SHARE, Kind.MACHINE: MACHINE_SHARE}
        return self.seconds * share[kind] / sum(share[each] for each in share if each in self.kinds)

    def wants(self, family: str) -> bool:
        """Whether the family is among those that were named."""
        return not self.families or any(belongs(family, each) for each in self.families)

    def wants_any(self, offered: Iterable[str]) -> bool:
        """Whether one of these families is among those that were named."""
        return any(map(self.wants, offered))


def belongs(family: str, wanted: str) -> bool:
    """Whether a family is the one that was named, or a part of it.

    Redis's groups and the scenarios' files have one name each for the same: ``sorted-set`` is ``sorted_sets``, and
    ``sorted_sets_blocking`` is a part of it.
    """
    ours, theirs = (
        [part.removesuffix("s") for part in name.lower().replace("-", "_").split("_")] for name in (family, wanted)
    )
    return ours[: len(theirs)] == theirs


def families() -> list[str]:
    """Every family that can be named."""
    return sorted({scenario.family for scenario in load_all()} | set(family_names()) | {machine.FAMILY})


def ways(plan: Plan, pair: Pair) -> list[Way]:
    """Every way to ask that the plan wants and the pair allows: recorded are the replies to scenarios only."""
    offered: dict[Kind, Callable[[], Way]] = {Kind.SCENARIO: lambda: _scenarios(plan, pair.series, pair.known)}
    if pair.reference is not None:
        offered[Kind.COMMANDS] = lambda: _Generated(plan).way(pair)
        offered[Kind.MACHINE] = lambda: _Examinations(plan).way(pair)
    made = [offered[kind]() for kind in plan.kinds if kind in offered]
    return [way for way in made if way.total != 0]


def cases(planned: Iterable[Way], pair: Pair) -> Iterator[Case]:
    """Ask everything. Raises :class:`~conformance.pair.ServerGoneError` if there is nobody left to ask."""
    for way in planned:
        end = time.monotonic() + way.seconds
        for task in way.tasks:
            if time.monotonic() >= end:
                break
            yield from _asked(task, pair)


def _asked(task: Task, pair: Pair) -> Iterator[Case]:
    refused = [f"{what}: {pair.refused[what]}" for what in sorted(task.needs & pair.refused.keys())]
    if refused:
        yield _without_evidence(task, Verdict.SKIPPED, "; ".join(refused))
        return
    try:
        for case in task.ask(pair):
            if case.verdict is not Verdict.DIFFERS or not (missing := pair.missing()):
                yield case
                continue
            yield _of_one_gone(case, missing, pair)
            pair.revive()
    except ServerGoneError:
        raise
    except Exception as error:
        # Whatever a server says or does, down to replies of no sense: it is told, and the run goes on.
        missing = pair.missing()
        lost = _without_evidence(task, Verdict.DIFFERS, _what_broke(error))
        if missing:
            lost = _of_one_gone(lost, missing, pair)
        try:
            pair.revive()
        except ServerGoneError:
            yield lost
            raise
        if missing == ["target"] and task.sends is not None:
            fatal = fatal_part(pair, task.sends(), task.protocol)
            lost = replace(lost, transcript=_without_answers(map(quote_command, fatal)))
        yield lost


def _of_one_gone(case: Case, missing: list[str], pair: Pair) -> Case:
    """The case, with who is gone as its reason; nothing is known about the target if it is the reference."""
    verdict = Verdict.DIFFERS if "target" in missing else Verdict.SKIPPED
    told = [f"the {role} is gone" for role in missing]
    printed = [f"It printed last:\n{lines}" for role in missing if (lines := pair.last_lines(role))]
    reason = "\n".join([" and ".join(told), *filter(None, [case.reason]), *printed])
    return replace(case, verdict=verdict, reason=reason)


def _what_broke(error: Exception) -> str:
    at = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{at.filename.rsplit('/', 1)[-1]}:{at.lineno}"
    return f"the comparison broke off ({place}): {type(error).__name__}: {error}"


def _without_evidence(task: Task, verdict: Verdict, reason: str) -> Case:
    return Case(
        task.kind,
        task.family,
        task.title,
        verdict,
        task.protocol,
        reason=reason,
        source=task.source,
        seed=task.seed,
        transcript=() if verdict is Verdict.SKIPPED else _without_answers(task.steps),
    )


def _without_answers(steps: Iterable[str]) -> tuple[Line, ...]:
    nothing = Answer("")
    return tuple(Line(step, nothing, nothing) for step in steps)


# Scenarios


def _scenarios(plan: Plan, reference: str, known: Mapping[str, str]) -> Way:
    tasks = [
        task
        for scenario in load_all()
        if plan.wants(scenario.family)
        for protocol in plan.protocols
        if scenario.applies_to(reference, protocol)
        if plan.picked((task := _scenario(scenario, protocol, known)).name)
    ]
    return Way(Kind.SCENARIO, tasks, len(tasks))


def _scenario(scenario: Scenario, protocol: int, known: Mapping[str, str]) -> Task:
    source = f"{SOURCE_FOLDER}/{scenario.family}{SUFFIX}:{scenario.line_number}"

    def ask(pair: Pair) -> Iterator[Case]:
        began = time.monotonic()
        report = pair.play(scenario, protocol)
        yield case_of(
            report,
            kind=Kind.SCENARIO,
            family=scenario.family,
            title=scenario.title,
            commands=[step.argv for step in scenario.steps],
            known=known,
            seconds=time.monotonic() - began,
            source=source,
        )

    called = {step.argv[0].decode("latin-1").upper() for step in scenario.steps if step.argv}
    waits = any(step.action in (Action.BLOCK, Action.CLOSE) for step in scenario.steps)
    return Task(
        Kind.SCENARIO,
        scenario.family,
        scenario.title,
        protocol,
        ask,
        needs=frozenset(called & PROBES.keys()) - {"SELECT"} | ({"INFO"} if waits else set()),
        source=source,
        steps=tuple(step.line for step in scenario.steps),
    )


# Generated commands


class _Generated:
    """The generated commands of a plan: what is known from one run to the next."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._duel: Duel | None = None
        self._vocabulary: Vocabulary | None = None
        self._knowledge = Knowledge()
        self._runs: dict[tuple[str, int], Runs] = {}

    def way(self, pair: Pair) -> Way:
        """The runs, of each family and protocol in turn."""
        plan = self._plan
        if UNGROUPED in pair.known.values():
            skipped = [self._undocumented(protocol) for protocol in plan.protocols]
            return Way(Kind.COMMANDS, skipped, len(skipped))
        assert pair.reference is not None
        self._vocabulary = Vocabulary(pair.reference)
        kinds = [
            (family, protocol)
            for family in self._vocabulary.family_names()
            if plan.wants(family)
            for protocol in plan.protocols
            if plan.picked(self._task(family, protocol, plan.seed).name)
        ]
        if not kinds:
            return Way(Kind.COMMANDS, (), 0)
        if "/" in plan.seed:  # one of them, to be had again
            return Way(Kind.COMMANDS, [self._task(*each, plan.seed) for each in kinds], len(kinds))
        tasks = (
            self._task(family, protocol, f"{plan.seed}/{number}") for number in count(1) for family, protocol in kinds
        )
        told = list(self._undescribed())
        if plan.seconds is not None:
            return Way(Kind.COMMANDS, chain(told, tasks), None, plan.seconds_for(Kind.COMMANDS))
        total = len(kinds) * ceil(plan.commands / LENGTH / len(kinds))
        return Way(Kind.COMMANDS, chain(told, islice(tasks, total)), len(told) + total)

    def _undescribed(self) -> Iterator[Task]:
        """What cannot be generated for want of syntax, as tasks that are skipped."""
        assert self._vocabulary is not None
        for case in undescribed(self._vocabulary, self._plan.protocols[0]):
            task = Task(case.kind, case.family, case.title, case.protocol, partial(_told, case))
            if self._plan.wants(case.family) and self._plan.picked(task.name):
                yield task

    def _task(self, family: str, protocol: int, seed: str) -> Task:
        def ask(pair: Pair) -> Iterator[Case]:
            yield self._runs_of(pair, family, protocol).case(seed)

        def sends() -> Sequence[Argv]:
            runs = self._runs.get((family, protocol))
            return runs.commands(seed) if runs is not None else ()

        needs = frozenset({"CONFIG", "DEBUG", "INFO"})
        return Task(Kind.COMMANDS, family, TITLE, protocol, ask, needs, seed=seed, sends=sends)

    def _runs_of(self, pair: Pair, family: str, protocol: int) -> Runs:
        if self._duel is not pair.duel:  # the first one, or another after a server was started again
            self._duel = pair.duel
            self._runs.clear()
        assert self._vocabulary is not None
        runs = self._runs.get((family, protocol))
        if runs is None:
            runs = self._runs[family, protocol] = Runs(
                pair.duel,
                self._vocabulary,
                family,
                protocol,
                versions=pair.versions,
                knowledge=self._knowledge,
            )
        return runs

    @staticmethod
    def _undocumented(protocol: int) -> Task:
        def ask(pair: Pair) -> Iterator[Case]:
            yield _without_evidence(task, Verdict.SKIPPED, "the reference does not document its commands")

        task = Task(Kind.COMMANDS, "all", TITLE, protocol, ask)
        return task


def _told(case: Case, pair: Pair) -> list[Case]:
    return [case]


# Several connections


class _Examinations:
    """What the machine of several connections is asked."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._duel: Duel | None = None
        self._machine: machine.Machine | None = None

    def way(self, pair: Pair) -> Way:
        """One examination after the other."""
        plan = self._plan
        if not plan.wants(machine.FAMILY) or not plan.picked(self._task(plan.seed).name):
            return Way(Kind.MACHINE, (), 0)
        if UNGROUPED in pair.known.values():
            return Way(Kind.MACHINE, (), 0)
        if "/" in plan.seed:
            return Way(Kind.MACHINE, [self._task(plan.seed)], 1)
        tasks = (self._task(f"{plan.seed}/{number}") for number in count(1))
        if plan.seconds is not None:
            return Way(Kind.MACHINE, tasks, None, plan.seconds_for(Kind.MACHINE))
        total = ceil(plan.commands * MACHINE_SHARE / machine.STEPS)
        return Way(Kind.MACHINE, islice(tasks, total), total)

    def _task(self, seed: str) -> Task:
        def ask(pair: Pair) -> Iterator[Case]:
            if self._machine is None or self._duel is not pair.duel:
                self._duel = pair.duel
                vocabulary = Vocabulary(pair.duel.reference)
                self._machine = machine.Machine(pair.duel, vocabulary, versions=pair.versions)
            yield self._machine.case(seed)

        needs = frozenset({"CONFIG", "DEBUG", "INFO", "CLIENT"})
        return Task(Kind.MACHINE, machine.FAMILY, machine.TITLE, 2, ask, needs, seed=seed)
