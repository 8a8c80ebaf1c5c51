r"""Scenarios: short scripts of commands and the replies to them, written as redis-cli shows them.

A file under ``scenarios/`` is plain text, one scenario after the other, blank lines between them::

    # BLPOP hands the elements out in the order in which clients began to wait
    #  Each element goes to one client; who came later waits for the next push.
    alice& BLPOP queue 0
        (blocked)
    bob& BLPOP queue 0
        (blocked)
    DEL queue
        (integer) 0
    RPUSH queue a b
        (integer) 2
    alice<
        1) "queue"
        2) "a"
    DBSIZE
        (integer) 1

The line that starts with ``#`` opens a scenario and is its title. Lines that start with ``#`` and two blanks explain:
below the title what the scenario shows, elsewhere what is remarkable there. Every other line that is not indented is a
*step*; what is indented under it is what the step leads to. A scenario starts with empty datasets.

**Steps.** A plain command is sent by the client called ``1``, and one reply is read. Before another client's stand
its name (a number, or a word as in ``alice> GET k``) and a sign, without a blank between. A client connects when it is
first named::

    alice> COMMAND            send, and read one frame
    alice& COMMAND            send, and go on once the server counts one more blocked client
    alice! COMMAND            send, and read nothing yet
    alice<                    read one more frame
    alice<*                   read every frame that has come
    alice~ COUNT              read that many frames, which may come in any order
    alice= "raw bytes\r\n"    send bytes that are no command, and read one frame
    alice|                    the server closes the connection
    alice.                    the client closes the connection, and the server has noticed
    until COMMAND => REPLY    ask, on a connection of its own, until this is the reply
    after 150 ms              let that much time pass (in earnest: only where nothing else will do)

Arguments are quoted as in redis-cli: ``"a b"`` with ``\n \r \t \b \a \\ \"`` and ``\xHH``, or ``'a b'`` with ``\'``.
``{id:alice}`` stands for a client's id, ``{addr:alice}`` for its address, ``{last:alice}`` for its latest reply.

**Replies** are indented by four blanks, in the notation of ``transcript.py``; ``---`` stands between several. What is
no reply stands in parentheses: ``(blocked)``, ``(answered at once)``, ``(closed)``, ``(still open)``, ``(nothing)``.
Some forms stand for replies that cannot be the same twice, or are too long for a page::

    (any bulk string)                         where the server describes itself: the type is what counts
    (now + 100 s), (now - 5000 ms)            an integer: a moment, seen from the present one
    (now + 0 ms)-0                            a stream's id that was made of the clock
    (9216 bytes, sha256 e3b0c44298fc…)        the digest of a frame of more than 4 KB

They excuse nothing: who may answer otherwise than is written here, and how, is said in ``freedoms.py``.

**Variants.** What stands under the step is the reply of Redis 7.0 in RESP2. Where others answer otherwise, their
replies follow, each under a line that says whose it is, indented by two blanks; the last one that applies counts::

    HGETALL h
        1) "f"
        2) "v"
      resp3:
        1# "f" => "v"
    OBJECT ENCODING l
        "quicklist"
      since redis-7.2:
        "listpack"

``since redis-7.2`` applies to Redis from 7.2 on and to every Valkey, which was forked from it; ``since valkey-8.0`` to
Valkey from 8.0 on; ``before redis-7.0`` to what is older; ``resp3 since valkey-9.1`` to those in RESP3. Nobody writes
replies by hand: ``python -m conformance.recording`` asks a real server for them. The words ``@redis``, ``@valkey``,
``@resp2``, ``@resp3`` in a title restrict its scenario to such servers, ``@redis-8.2`` to what inherits from that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from conformance.versions import ALWAYS, VERSION, Condition, Version
from miniredis.resp.inline import split_arguments

FOLDER: Final = Path(__file__).parent / "scenarios"
SUFFIX: Final = ".scenarios"

STEP: Final = re.compile(
    r"(?:(?P<client>\d+|[A-Za-z]\w*(?=(?:<\*|[>&!<~=|.])(?:\s|$)))(?P<mark><\*|[>&!<~=|.])\s*|(?P<word>until|after)\s+)?"
    r"(?P<rest>.*)"
)
DURATION: Final = re.compile(r"(\d+) ms")
REPLY_INDENT: Final = "    "
CONDITION_INDENT: Final = "  "
FRAME_SEPARATOR: Final = "---"


class Action(Enum):
    """What a step does; the value is its mark in the notation."""

    CALL = ">"
    BLOCK = "&"
    SEND = "!"
    READ = "<"
    READ_ALL = "<*"
    READ_ANY_ORDER = "~"
    RAW = "="
    CLOSED_BY_SERVER = "|"
    CLOSE = "."
    UNTIL = "until"
    AFTER = "after"


WITHOUT_ARGUMENTS: Final = (Action.READ, Action.READ_ALL, Action.CLOSED_BY_SERVER, Action.CLOSE)
WITHOUT_REPLY: Final = (Action.SEND, Action.CLOSE, Action.UNTIL, Action.AFTER)
"""Steps that lead to nothing that could be recorded."""


@dataclass(frozen=True)
class Recorded:
    """What a step led to, for whom: as it is written, without indentation."""

    condition: Condition
    shown: str


@dataclass(frozen=True)
class Step:
    """One step of a scenario."""

    line: str
    """As it is written."""
    action: Action
    client: str = "1"
    argv: tuple[bytes, ...] = ()
    """The command; for :attr:`Action.RAW`, the bytes to send as its only item."""
    awaited: str = ""
    """For :attr:`Action.UNTIL`, the reply to wait for."""
    seconds: float = 0.0
    """For :attr:`Action.AFTER`, how long to wait."""
    line_number: int = field(default=0, compare=False)
    recorded: tuple[Recorded, ...] = ()
    """What real servers were seen to answer, as it stands under the step."""

    def expected(self, version: Version, protocol: int) -> Recorded | None:
        """What is recorded for that server in that protocol; ``None`` if nothing is."""
        return applying(self.recorded, version, protocol)


@dataclass(frozen=True)
class Scenario:
    """A titled list of steps. The datasets are empty when it starts."""

    title: str
    steps: tuple[Step, ...]
    family: str = ""
    line_number: int = 0
    tags: frozenset[str] = field(default_factory=frozenset)
    explanation: str = ""
    """What it shows, in a sentence or two; empty where the title says it."""

    def __str__(self) -> str:
        return f"{self.family}: {self.title}"

    def applies_to(self, reference: str, protocol: int) -> bool:
        """Whether the scenario is for that reference (``redis-7.0``) in that protocol (2 or 3)."""
        ours = {reference.split("-")[0], f"resp{protocol}"}
        restrictions = (self.tags & {"redis", "valkey"}, self.tags & {"resp2", "resp3"})
        if not all(not wanted or wanted & ours for wanted in restrictions):
            return False
        began = [Version.parse(tag) for tag in self.tags if VERSION.fullmatch(tag)]
        if not began:
            return True
        return VERSION.fullmatch(reference) is not None and all(map(Version.parse(reference).inherits, began))


def applying(recorded: Sequence[Recorded], version: Version, protocol: int) -> Recorded | None:
    """Which of these holds for that server in that protocol: the last one that applies."""
    return next((each for each in reversed(recorded) if each.condition.holds(version, protocol)), None)


class NotationError(ValueError):
    """A line that is no step."""


def parse_step(line: str, line_number: int = 0) -> Step:
    """Read one step's own line."""
    match = STEP.fullmatch(line.strip())
    assert match is not None  # Every group is optional and the rest takes anything.
    rest = match["rest"]
    if match["word"] == "until":
        command, arrow, awaited = rest.partition("=>")
        if not arrow:
            raise NotationError(f"'until' without '=>': {line!r}")
        return Step(line, Action.UNTIL, argv=_arguments(command), awaited=awaited.strip(), line_number=line_number)
    if match["word"] == "after":
        duration = DURATION.fullmatch(rest)
        if duration is None:
            raise NotationError(f"a time in ms is missing: {line!r}")
        return Step(line, Action.AFTER, seconds=int(duration[1]) / 1000, line_number=line_number)
    action = Action(match["mark"] or ">")
    argv = _arguments(rest)
    if action is Action.READ_ANY_ORDER and not rest.isdigit():
        raise NotationError(f"a number of frames is missing: {line!r}")
    if bool(argv) == (action in WITHOUT_ARGUMENTS):
        raise NotationError(f"arguments missing or unwanted: {line!r}")
    return Step(line, action, match["client"] or "1", argv, line_number=line_number)


def _arguments(text: str) -> tuple[bytes, ...]:
    argv = split_arguments(text.strip().encode())
    if argv is None:
        raise NotationError(f"unbalanced quotes: {text!r}")
    return tuple(argv)


@dataclass
class _Draft:
    """A scenario that is being read."""

    title: str
    line_number: int
    explanation: list[str] = field(default_factory=list)
    steps: list[tuple[Step, list[Recorded]]] = field(default_factory=list)

    def read(self, line: str, number: int) -> None:
        """Take in one more line."""
        if line.startswith("#  "):
            if not self.steps:
                self.explanation.append(line.lstrip("# "))
        elif not line.startswith(" "):
            self.steps.append((parse_step(line, number), []))
        elif not self.steps:
            raise NotationError("a reply to nothing")
        elif line.startswith(REPLY_INDENT):
            recorded, shown = self.steps[-1][1], line[len(REPLY_INDENT) :]
            if not recorded:
                recorded.append(Recorded(ALWAYS, shown))
            else:
                before = recorded[-1]
                recorded[-1] = Recorded(before.condition, f"{before.shown}\n{shown}" if before.shown else shown)
        else:
            try:
                condition = Condition.parse(line.strip().removesuffix(":"))
            except ValueError as error:
                raise NotationError(str(error)) from None
            self.steps[-1][1].append(Recorded(condition, ""))

    def finished(self, family: str) -> Scenario:
        words = self.title.split()
        return Scenario(
            " ".join(word for word in words if not word.startswith("@")),
            tuple(_with_replies(step, recorded) for step, recorded in self.steps),
            family,
            self.line_number,
            frozenset(word[1:] for word in words if word.startswith("@")),
            " ".join(self.explanation),
        )


def _with_replies(step: Step, recorded: Sequence[Recorded]) -> Step:
    if recorded and step.action in WITHOUT_REPLY:
        raise NotationError(f"nothing is read here: {step.line!r}")
    if not all(each.shown for each in recorded):
        raise NotationError(f"a variant without a reply: {step.line!r}")
    return replace(step, recorded=tuple(recorded))


def parse(text: str, family: str = "") -> Iterator[Scenario]:
    """Read the scenarios of a file. Raises :class:`NotationError` with the number of the line that is wrong."""
    draft: _Draft | None = None
    for number, line in enumerate([*text.split("\n"), ""], 1):
        try:
            if not line.strip():
                if draft is not None and draft.steps:
                    yield draft.finished(family)
                draft = None
            elif draft is None or (line.startswith("#") and not line.startswith("#  ")):
                if draft is not None and draft.steps:
                    raise NotationError("a blank line is missing before the title")
                if not line.startswith("#"):
                    raise NotationError(f"a title is missing before {line!r}")
                draft = _Draft(line.lstrip("# "), number)
            else:
                draft.read(line, number)
        except NotationError as error:
            raise NotationError(f"{family}, line {number}: {error}") from None


def rewrite(text: str, recorded: Mapping[int, Sequence[Recorded]]) -> str:
    """The file's text with other replies under some steps, which are given by the numbers of their lines.

    Nothing else is touched.
    """
    lines: list[str] = []
    is_replaced = False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith(" "):
            is_replaced = number in recorded
            lines.append(line)
            for each in recorded.get(number, ()):
                if str(each.condition):
                    lines.append(f"{CONDITION_INDENT}{each.condition}:")
                lines += (REPLY_INDENT + shown for shown in each.shown.split("\n"))
        elif not is_replaced or not line.strip():
            lines.append(line)
    return "\n".join(lines)


def insert_steps(text: str, steps: Mapping[int, Sequence[str]]) -> str:
    """The file's text with further steps behind some, which are given by the numbers of their lines."""
    lines: list[str] = []
    pending: Sequence[str] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith(" "):
            lines += pending
            pending = steps.get(number, ())
        lines.append(line)
    return "\n".join([*lines, *pending])


def load(path: Path) -> list[Scenario]:
    """The scenarios of one file; its stem is their family."""
    return list(parse(path.read_text(encoding="utf-8"), path.stem))


def load_all(folder: Path = FOLDER) -> list[Scenario]:
    """The scenarios of every file of the folder, in the order of the files' names."""
    return [scenario for path in sorted(folder.glob(f"*{SUFFIX}")) for scenario in load(path)]
