"""What the suite prints, read: which tests passed, which failed and how, and whether the run came to its end.

The suite is two programs, one that runs tests and one that prints what the other tells it, one line for each event:
``[ok]: NAME (0 ms)`` (no time up to Redis 6.2), ``[err]: NAME in FILE`` and then the error, ``[exception]:`` where the
running program gave up. Nothing is printed as a test begins; which one hangs is to be seen in the report of the
running programs' states that the suite prints before it ends a run in which nothing happens any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
EVENT: Final = re.compile(r"\[(ok|err|skip|ignore|exception|TIMEOUT|ready|testing|\d+/\d+ done)\]: (.*)")
ELAPSED: Final = re.compile(r" \(\d+ ms\)$")
FAILED_TEST: Final = re.compile(r"(.*) in tests/\S+\.tcl")
STACK: Final = "\n    while executing"
CHOPPED: Final = len("assertion:")
STATE: Final = re.compile(r"\S+ => \((IN PROGRESS|OK|ERR)\) (.*)")
THE_END: Final = "The End"


@dataclass(frozen=True)
class Outcome:
    """One test, once. *detail* is what was said of a failure."""

    name: str
    passed: bool
    detail: str = ""


@dataclass
class Transcript:
    """One run of one unit."""

    outcomes: list[Outcome] = field(default_factory=list)
    """In the order in which the tests ran."""
    ignored: list[str] = field(default_factory=list)
    """What the suite does not ask in this mode."""
    outside: list[str] = field(default_factory=list)
    """Errors between tests: each of them loses the rest of a block of tests."""
    aborted: str = ""
    """Why the run ended before the unit did; empty if it did not."""
    hung: str = ""
    """The test that was running when nothing happened any more, if one was."""

    @property
    def complete(self) -> bool:
        """Whether every test of the unit had its turn."""
        return not self.aborted and not self.outside

    def failures(self) -> list[Outcome]:
        """The failed tests, the one that was running when all hung among them."""
        failed = [outcome for outcome in self.outcomes if not outcome.passed]
        if self.hung:
            failed.append(Outcome(self.hung, False, self.aborted))
        return failed


def parse(printed: str) -> Transcript:
    """Read what one run of one unit printed."""
    transcript = Transcript(aborted="the run ended in the middle of the unit")
    for kind, text in _events(printed):
        first, _, rest = text.partition("\n")
        if kind == "ok":
            transcript.outcomes.append(Outcome(ELAPSED.sub("", first), True))
        elif kind == "err":
            test = FAILED_TEST.fullmatch(first)
            if test is None:
                transcript.outside.append(_error(text))
            else:
                transcript.outcomes.append(Outcome(test[1], False, _error(rest)))
        elif kind == "ignore":
            transcript.ignored.append(first)
        elif kind == "exception":
            transcript.aborted = text
        elif kind == "TIMEOUT":
            transcript.aborted, transcript.hung = _hang(rest)
        elif kind.endswith("done"):
            transcript.aborted = ""
    return transcript


def _events(printed: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each event, with the lines that belong to it."""
    kind, lines = "", list[str]()
    for line in COLOURS.sub("", printed).splitlines():
        event = EVENT.match(line)
        if event is None and line.strip() != THE_END:
            lines.append(line)
            continue
        if kind:
            yield kind, "\n".join(lines).strip()
        if event is None:  # What follows repeats the failures.
            return
        kind, lines = event[1], [event[2]]
    if kind:
        yield kind, "\n".join(lines).strip()


def _hang(report: str) -> tuple[str, str]:
    for line in report.splitlines():
        state = STATE.match(line)
        if state is not None:
            doing, test = state.groups()
            if doing == "IN PROGRESS":
                return "nothing happened any more in this test", test
            return f"nothing happened any more after {test}", ""
    return "nothing happened any more", ""


def _error(said: str) -> str:
    """The error of a test that broke off, without the stack; a failed assertion as it is.

    The suite takes the word ``assertion:`` from the front of every error, of those as well that do not begin with it,
    and then repeats the whole error with Tcl's stack.
    """
    for end in (index for index, character in enumerate(said) if character == "\n"):
        whole = said[end + 1 :]
        if whole[CHOPPED:].startswith(said[:end]) and STACK in whole:
            return whole[: whole.index(STACK)]
    return said
