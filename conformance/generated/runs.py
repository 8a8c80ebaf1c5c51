"""Runs of generated commands, played and judged: one :class:`~conformance.results.Case` each.

A run that fails is shrunk: first to the acts without which it does not fail (delta debugging: few and quick steps on a
long list), then by Hypothesis, which knows how the values were drawn and finds simpler ones, at last word by word.
That is some 300 runs and three seconds; Hypothesis alone takes 20, most of them to draw hundreds of commands again.

What is explained does not hide what is not. Acts on which the servers differ as is declared, or as an earlier run has
already shown, are taken out of the run, which is played again without them, until it agrees or fails anew. So one
fault is reported once, however many runs meet it: the others say with which seed it was found.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Final

from conformance.duel import Duel
from conformance.evidence import argv_of, line_of
from conformance.exchange import Exchange, Report
from conformance.freedoms import replies_agree
from conformance.generated.changes import between, declared
from conformance.generated.families import Vocabulary, undescribed_groups
from conformance.generated.pipeline import play
from conformance.generated.plan import Plan, Run, is_expiring, is_waiting
from conformance.generated.source import Seeded, shrink
from conformance.generated.strategies import Argv
from conformance.results import Case, Kind, Verdict
from conformance.shrink import shrink as shrink_words
from conformance.shrink import without_what_can_go
from conformance.side import Outcome
from conformance.versions import Version
from conformance.vocabulary import name_of
from conformance.wire import Frame
from miniredis.resp import Error

TITLE: Final = "generated commands"

SHRINKING: Final = 20.0
"""Seconds after which a failure is short enough."""

SIMPLIFYING: Final = 6.0
"""Seconds of them that Hypothesis has."""

ROUNDS: Final = 12
"""How often a run is played again without what is explained."""

MOST: Final = 40
"""Failures of one family that are shrunk; what differs in so many ways needs no more examples."""

Fingerprint = tuple[str, ...]
"""What makes two failures the same: the command, and of what kind both replies are."""


@dataclass
class Knowledge:
    """What earlier runs have found: shared by the families and protocols of one examination."""

    seen: dict[Fingerprint, str] = field(default_factory=dict)
    """Fingerprint → the run that first showed it: ``seed 17/42 of string in RESP2``."""
    shrunk: Counter[str] = field(default_factory=Counter)
    """Family → how many failures were shrunk."""


@dataclass
class _Played:
    """A part of a run, what came of it, and what remains unexplained."""

    kept: list[int]
    report: Report
    first: int | None = None
    """The first exchange that differs and is not explained."""
    explained: set[int] = field(default_factory=set)
    """The acts before it that differ as is known, and may have led to it."""
    known: set[str] = field(default_factory=set)
    """The runs that first showed the failures among these."""

    @property
    def fails(self) -> bool:
        """Whether it shows something new, and nothing that is known can be the cause."""
        return not self.explained and (self.first is not None or bool(self.report.state))


class Runs:
    """The runs of one family in one protocol."""

    def __init__(
        self,
        duel: Duel,
        vocabulary: Vocabulary,
        family: str,
        protocol: int,
        *,
        versions: tuple[Version, Version] | None = None,
        knowledge: Knowledge | None = None,
    ) -> None:
        self._duel, self._protocol, self._versions = duel, protocol, versions
        self._groups: Mapping[str, str] = vocabulary.groups
        self._family = vocabulary.family(family)
        self._strategy = Plan(self._family).runs
        self._seeded = Seeded(self._strategy)
        self._changes = between(versions)
        self._harmless = {change.what for change, _ in self._changes if change.leaves_alone}
        self._knowledge = knowledge if knowledge is not None else Knowledge()

    def commands(self, seed: str) -> list[Argv]:
        """What the run of that seed sends."""
        return [*self._family.beginning, *self._seeded.value(seed).argvs()]

    def case(self, seed: str) -> Case:
        """Play the run of that seed."""
        began = time.monotonic()
        run, choices = self._seeded.value_and_choices(seed)
        known: set[str] = set()
        played = self._play(run, list(range(len(run.acts))))
        whole = played.report
        for _ in range(ROUNDS):
            if not played.explained:
                break
            known |= played.known
            played = self._play(run, [at for at in played.kept if at not in played.explained])
        if played.fails:
            end = time.monotonic() + SHRINKING
            return self._failure(seed, began, whole, *self._shrunk(run, choices, played, end))
        return self._settled(seed, began, whole, known)

    # Playing

    def _play(self, run: Run, kept: list[int]) -> _Played:
        report = self._send([*self._family.beginning, *run.argvs(kept)])
        acts = run.act_numbers(kept, len(self._family.beginning))
        played = _Played(kept, report)
        for at, exchange in enumerate(report.exchanges):
            if self._is_harmless(exchange):
                continue
            seen = self._knowledge.seen.get(self._fingerprint(exchange))
            if (not exchange.declared and seen is None) or acts[at] is None:
                played.first = at
                break
            played.explained.add(acts[at] or 0)
            if seen is not None:
                played.known.add(seen)
        return played

    def _send(self, argvs: Sequence[Argv]) -> Report:
        title = f"{self._family.name}: {TITLE}"
        return play(self._duel, title, argvs, self._protocol, self._versions, self._explain)

    def _is_harmless(self, exchange: Exchange) -> bool:
        """Whether it cannot be the cause of anything that differs later."""
        return exchange.declared in self._harmless or (exchange.agree and not exchange.declared)

    def _explain(
        self, argv: Argv, left: Frame, right: Frame, queued: Sequence[Sequence[bytes]], differ: bool = True
    ) -> str:
        if not self._changes:
            return ""
        change = declared(self._changes, name_of(argv, self._groups), argv, left, right, differ=differ)
        if change is not None or not queued:
            return change.what if change is not None else ""
        if not (isinstance(left.value, list) and isinstance(right.value, list)):
            return ""
        if not len(left.value) == len(right.value) == len(queued):
            return ""
        reasons: list[str] = []
        for each, ours, theirs in zip(queued, left.value, right.value, strict=True):
            agree = replies_agree(each, ours, theirs)
            reason = self._explain(tuple(each), Frame(ours, left.raw), Frame(theirs, right.raw), (), not agree)
            if reason and reason not in self._harmless:
                return reason  # what differs after it may come of it
            if reason or not agree:
                reasons.append(reason)
        return reasons[0] if reasons and all(reasons) else ""

    # Shrinking

    def _shrunk(self, run: Run, choices: list[int | bool], played: _Played, end: float) -> tuple[list[Argv], Report]:
        """The commands that still fail when nothing more can be left out or made simpler, and what comes of them."""
        if played.first is not None:  # what came later has no part in it
            last = run.act_numbers(played.kept, len(self._family.beginning))[played.first]
            cut = self._play(run, [at for at in played.kept if last is not None and at <= last])
            played = cut if cut.fails else played
        if self._knowledge.shrunk[self._family.name] >= MOST:
            return [*self._family.beginning, *run.argvs(played.kept)], played.report
        self._knowledge.shrunk[self._family.name] += 1

        def still(fails: bool) -> bool:
            return fails and time.monotonic() < end

        kept = without_what_can_go(played.kept, lambda fewer: still(self._play(run, fewer).fails))
        short = self._play(run, kept)
        argvs = [*self._family.beginning, *run.argvs(kept)]
        if not short.fails or self._fingerprint_of(argvs, short.report) in self._knowledge.seen:
            return argvs, short.report
        simpler = shrink(
            self._strategy,
            run.choices_of(kept, choices),
            lambda other: still(self._play(other, list(range(len(other.acts)))).fails),
            seconds=min(SIMPLIFYING, max(end - time.monotonic(), 0.0)),
        )
        if simpler is not None:
            argvs = [*self._family.beginning, *simpler.argvs()]
        shortest = shrink_words(argvs, lambda fewer: still(self._fails(fewer)))
        return shortest, self._send(shortest)

    def _fails(self, argvs: Sequence[Argv]) -> bool:
        if any(len(argv) == 1 and argv[0].upper() == b"COMMAND" for argv in argvs):
            return False  # a word too few, and it tells of every command
        if any(is_expiring(one) and not is_waiting(other) for one, other in pairwise([*argvs, ()])):
            return False  # a race: the key expires soon, and nobody waits for it any more
        report = self._send(argvs)
        for exchange in report.exchanges:
            if self._is_harmless(exchange):
                continue
            return not exchange.declared and self._fingerprint(exchange) not in self._knowledge.seen
        return bool(report.state)

    # Telling

    def _settled(self, seed: str, began: float, whole: Report, known: set[str]) -> Case:
        """The case of a run in which all is explained that differs."""
        reasons = sorted({exchange.declared for exchange in whole.exchanges if exchange.declared})
        if whole.declared_state:
            reasons.append("in how values are kept")
        verdict = Verdict.DIFFERS if known else Verdict.DECLARED if reasons else Verdict.AGREES
        if known:
            reasons = [f"the same as with {other}" for other in sorted(known)]
        return self._case(seed, began, whole, verdict, "; ".join(reasons))

    def _failure(self, seed: str, began: float, whole: Report, argvs: Sequence[Argv], shortest: Report) -> Case:
        if shortest.agree:
            reason = "it differed once, and not again when it was played again"
            wrong = [each for each in whole.exchanges if not each.is_right]
            return self._case(seed, began, whole, Verdict.DIFFERS, reason, replace(whole, exchanges=wrong))
        here = f"seed {seed} of {self._family.name} in RESP{self._protocol}"
        first = self._knowledge.seen.setdefault(self._fingerprint_of(argvs, shortest), here)
        if first != here:
            return self._case(seed, began, whole, Verdict.DIFFERS, f"the same as with {first}")
        return self._case(seed, began, whole, Verdict.DIFFERS, "", shortest)

    def _case(
        self, seed: str, began: float, whole: Report, verdict: Verdict, reason: str, shown: Report | None = None
    ) -> Case:
        """*whole*: the run as it was first played, which is what is counted; *shown*: what the reader is to see."""
        names = [name_of(argv_of(exchange.line), self._groups) for exchange in whole.exchanges]
        wrong = (name for name, each in zip(names, whole.exchanges, strict=True) if not each.is_right)
        return Case(
            Kind.COMMANDS,
            self._family.name,
            TITLE,
            verdict,
            self._protocol,
            steps=len(whole.exchanges),
            seconds=time.monotonic() - began,
            reason=reason,
            seed=seed,
            transcript=() if shown is None else tuple(map(line_of, shown.exchanges)),
            dataset=() if shown is None else (*shown.state, *shown.declared_state),
            asked=Counter(filter(None, names)),
            differed=Counter(filter(None, wrong)) if verdict is Verdict.DIFFERS else Counter(),
        )

    def _fingerprint_of(self, argvs: Sequence[Argv], report: Report) -> Fingerprint:
        """That of a failure that has been shrunk: where the replies agree, of the last command and of what is left."""
        for exchange in report.exchanges:
            if not exchange.is_right:
                return self._fingerprint(exchange)
        last = name_of(argvs[-1], self._groups) if argvs else ""
        return last, *sorted({_aspect(line) for line in report.state})

    def _fingerprint(self, exchange: Exchange) -> Fingerprint:
        name = name_of(argv_of(exchange.line), self._groups)
        return name, _kind(exchange.reference), _kind(exchange.target)


def _kind(outcome: Outcome) -> str:
    """What sort of reply it is; of an error or a status its text, without what was quoted from the command."""
    if outcome.frame is None:
        return outcome.event
    value, mark = outcome.frame.value, outcome.frame.raw[:1].decode("latin-1")
    if isinstance(value, Error) or mark == "+":
        return re.sub(r"'[^']*'|\d+", "…", str(outcome))
    return mark + ("1" if outcome.frame.raw[:2] in (b"$-", b"*-") else "")


def _aspect(line: str) -> str:
    """In what a line about the datasets says that they differ."""
    match = re.search(r"(type|encoding|value|time to live|only the \w+ has it|changes counted)", line)
    return match[1] if match else re.sub(r"\W*\S+$", "", line)


def cases(
    duel: Duel,
    family: str,
    protocol: int,
    *,
    seed: str,
    commands: float = float("inf"),
    seconds: float = float("inf"),
    versions: tuple[Version, Version] | None = None,
    knowledge: Knowledge | None = None,
    progress: Callable[[int], None] = lambda commands: None,
) -> Iterator[Case]:
    """Runs ``seed/1``, ``seed/2`` … until there have been so many commands, or the time is over.

    A *seed* with a number (``17/42``) is that run alone. *progress* is told how many commands there have been.
    """
    runs = Runs(duel, Vocabulary(duel.reference), family, protocol, versions=versions, knowledge=knowledge)
    if "/" in seed:
        yield runs.case(seed)
        return
    end, played = time.monotonic() + seconds, 0
    for number in count(1):
        if played >= commands or time.monotonic() >= end:
            return
        case = runs.case(f"{seed}/{number}")
        played += case.steps
        progress(played)
        yield case


def undescribed(vocabulary: Vocabulary, protocol: int) -> Iterator[Case]:
    """One case that was skipped for each family in which the reference has commands that cannot be generated."""
    for group, names in undescribed_groups(vocabulary):
        reason = f"the command table has no syntax for {', '.join(names)}"
        yield Case(Kind.COMMANDS, group, "commands without syntax", Verdict.SKIPPED, protocol, reason=reason)
