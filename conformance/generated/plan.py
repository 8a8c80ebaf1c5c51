"""A run: hundreds of commands of one family, and the circumstances they are given in.

In one run of three small collections change their encoding early; one of three has transactions in it; in one of six
keys expire that nobody has asked for since, so that they are there and are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from hypothesis import strategies as st

from conformance.generated.families import Family
from conformance.generated.pools import SMALL_LIMITS
from conformance.generated.source import Choices, choices_so_far
from conformance.generated.strategies import Act, Argv, Draw

LENGTH: Final = 300
"""Acts in one run: enough for keys to grow, and few enough to start afresh often."""

AT_LEAST: Final = 6000
"""Alternatives to draw each act from, of which one is the end: so hardly any run ends early."""

Limit = tuple[str, str] | None


@dataclass(frozen=True)
class Circumstances:
    """In what the commands of a run are given."""

    limit: Limit = None
    """A directive and its value."""
    transactions: bool = False
    expiry: bool = False
    """Whether keys expire unnoticed."""


CIRCUMSTANCES: Final = st.sampled_from(
    [
        Circumstances(limit, number % 3 == 2, number % 6 == 1)
        for limit in (*[None] * 2 * len(SMALL_LIMITS), *SMALL_LIMITS)
        for number in range(6)
    ]
)

BATCH: Final = st.sampled_from(((b"MULTI",), (b"EXEC",), (b"EXEC",), (b"DISCARD",)))
KEY: Final = st.sampled_from((b"k1", b"k2", b"k3", b"other"))


def _batch(draw: Draw) -> Act:
    return (draw(BATCH),)


WAIT: Final = (b"DEBUG", b"SLEEP", b"0.002")


def _let_expire(draw: Draw) -> Act:
    return ((b"PEXPIRE", draw(KEY), b"1"), WAIT)


def is_expiring(argv: Argv) -> bool:
    """Whether this gives a key so short a time that it has to be waited for."""
    return argv[:1] == (b"PEXPIRE",) and argv[2:3] == (b"1",)


def is_waiting(argv: Argv) -> bool:
    """Whether this waits until such a key has expired."""
    return argv == WAIT


@dataclass
class Run:
    """What one run sends, act by act."""

    circumstances: Circumstances = field(default_factory=Circumstances)
    acts: list[Act] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    """How many choices had been drawn before each act, and at the end."""

    def act_numbers(self, kept: Sequence[int], begun: int) -> list[int | None]:
        """Of each command that is sent, after ``begun`` others, the act that it belongs to."""
        first: list[int | None] = [None] * (begun + (self.circumstances.limit is not None))
        return [*first, *(at for at in kept for _ in self.acts[at])]

    def argvs(self, kept: Sequence[int] | None = None) -> list[Argv]:
        """The commands one after the other; only of the acts that are kept, if that is given."""
        acts = self.acts if kept is None else [self.acts[at] for at in kept]
        first: list[Argv] = []
        if self.circumstances.limit is not None:
            name, value = self.circumstances.limit
            first = [(b"CONFIG", b"SET", name.encode(), value.encode())]
        return [*first, *(argv for act in acts for argv in act)]

    def choices_of(self, kept: Sequence[int], choices: Choices) -> Choices:
        """What is to be drawn for a run of only these acts, if ``choices`` were drawn for this one."""
        parts = [choices[: self.marks[0]], *(choices[self.marks[at] : self.marks[at + 1]] for at in kept)]
        return [*(choice for part in parts for choice in part), END]


END: Final = 0
"""The choice of no act more."""


class Plan:
    """The runs of a family, as a strategy."""

    def __init__(self, family: Family) -> None:
        """Raises ``ValueError`` if the reference has nothing of the family that could be generated."""
        self._acts = family.acts()
        if not self._acts:
            raise ValueError(f"nothing is generated of the family {family.name!r}")

    @cached_property
    def runs(self) -> st.SearchStrategy[Run]:
        """Runs of up to :data:`LENGTH` acts."""
        acts = self._acts * -(-AT_LEAST // len(self._acts))
        more = [_batch] * (len(acts) // 6)
        expiring = [_let_expire] * (len(acts) // 40)
        # What there is in some circumstances only stands last: the other choices mean the same in all.
        each = {
            (transactions, expiry): _act([*acts, *more * transactions, *expiring * expiry])
            for transactions in (False, True)
            for expiry in (False, True)
        }

        @st.composite
        def run(draw: Draw) -> Run:
            made = Run(draw(CIRCUMSTANCES))
            act = each[made.circumstances.transactions, made.circumstances.expiry]
            made.marks.append(choices_so_far())
            while len(made.acts) < LENGTH:
                drawn = draw(act)
                if drawn is None:
                    break
                made.acts.append(drawn)
                made.marks.append(choices_so_far())
            return made

        return run()


def _act(ways: Sequence[Callable[[Draw], Act]]) -> st.SearchStrategy[Act | None]:
    pick = st.sampled_from([None, *ways])

    @st.composite
    def act(draw: Draw) -> Act | None:
        way = draw(pick)
        return None if way is None else way(draw)

    return act()
