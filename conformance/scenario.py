r"""Scenarios: short scripts of commands, written as one types them into redis-cli.

A file under ``scenarios/`` is plain text. A line that starts with ``#`` opens a scenario and is its title, a blank
line ends it, and each line between is one step::

    # BLPOP hands the elements out in the order in which clients began to wait
    1& BLPOP queue 0          send, and go on once the server has this client blocked
    2& BLPOP queue 0
    3> RPUSH queue a b        send on connection 3 and read the reply
    1<                        read one more frame on connection 1
    2<
    DBSIZE                    no prefix: connection 1

    N> COMMAND                send on connection N and read one frame
    N& COMMAND                send on connection N and wait until the server counts one more blocked client
    N! COMMAND                send on connection N and read nothing yet
    N<                        read one frame on connection N
    N~ COUNT                  read that many frames on connection N, which come in any order
    N= "raw bytes\r\n"        send bytes that are no command, and read one frame
    Nx                        the server closes connection N
    N.                        we close connection N, and the server has noticed
    until COMMAND => REPLY    repeat on a connection of its own until the reply, shown as redis-cli does, is REPLY

Arguments are quoted as in redis-cli: ``"a b"`` with ``\n \r \t \b \a \\ \"`` and ``\xHH``, or ``'a b'`` with ``\'``.
``{id:N}`` stands for the client id of connection N, ``{addr:N}`` for its address, ``{last:N}`` for its latest reply.
The words ``@redis``, ``@valkey``, ``@resp2``, ``@resp3`` in a title restrict its scenario to such references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from miniredis.resp.inline import split_arguments

FOLDER: Final = Path(__file__).parent / "scenarios"
SUFFIX: Final = ".scenarios"

STEP: Final = re.compile(r"(?:(?P<connection>\d+)(?P<mark>[>&!<~=x.])\s*|until\s+)?(?P<rest>.*)")


class Action(Enum):
    """What a step does; the value is its mark in the notation."""

    CALL = ">"
    BLOCK = "&"
    SEND = "!"
    READ = "<"
    READ_ANY_ORDER = "~"
    RAW = "="
    CLOSED_BY_SERVER = "x"
    CLOSE = "."
    UNTIL = "until"


@dataclass(frozen=True)
class Step:
    """One line of a scenario."""

    line: str
    """As it is written."""
    action: Action
    connection: int = 1
    argv: tuple[bytes, ...] = ()
    """The command; for :attr:`Action.RAW`, the bytes to send as its only item."""
    awaited: str = ""
    """For :attr:`Action.UNTIL`, the reply to wait for."""


@dataclass(frozen=True)
class Scenario:
    """A titled list of steps. The datasets are empty when it starts."""

    title: str
    steps: tuple[Step, ...]
    family: str = ""
    line_number: int = 0
    tags: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return f"{self.family}: {self.title}"

    def applies_to(self, reference: str, protocol: int) -> bool:
        """Whether the scenario is for that reference (``redis-7.0``) in that protocol (2 or 3)."""
        ours = {reference.split("-")[0], f"resp{protocol}"}
        restrictions = (self.tags & {"redis", "valkey"}, self.tags & {"resp2", "resp3"})
        return all(not wanted or wanted & ours for wanted in restrictions)


class NotationError(ValueError):
    """A line that is no step."""


def parse_step(line: str) -> Step:
    """Read one line of a scenario."""
    match = STEP.fullmatch(line.strip())
    assert match is not None  # Every group is optional and the rest takes anything.
    rest = match["rest"]
    if line.startswith("until "):
        command, arrow, awaited = rest.partition("=>")
        if not arrow:
            raise NotationError(f"'until' without '=>': {line!r}")
        return Step(line, Action.UNTIL, argv=_arguments(command), awaited=awaited.strip())
    action = Action(match["mark"] or ">")
    argv = _arguments(rest)
    if action is Action.READ_ANY_ORDER and not rest.isdigit():
        raise NotationError(f"a number of frames is missing: {line!r}")
    if bool(argv) == (action in (Action.READ, Action.CLOSED_BY_SERVER, Action.CLOSE)):
        raise NotationError(f"arguments missing or unwanted: {line!r}")
    return Step(line, action, int(match["connection"] or 1), argv)


def _arguments(text: str) -> tuple[bytes, ...]:
    argv = split_arguments(text.strip().encode())
    if argv is None:
        raise NotationError(f"unbalanced quotes: {text!r}")
    return tuple(argv)


def parse(text: str, family: str = "") -> Iterator[Scenario]:
    """Read the scenarios of a file. Raises :class:`NotationError` with the number of the line that is wrong."""
    title, first, steps = "", 0, list[Step]()
    for number, line in enumerate([*text.splitlines(), ""], 1):
        try:
            if line.startswith("#"):
                title, first, steps = line.lstrip("# "), number, []
            elif line.strip():
                steps.append(parse_step(line.strip()))
            elif steps:
                words = title.split()
                tags = frozenset(word[1:] for word in words if word.startswith("@"))
                plain = " ".join(word for word in words if not word.startswith("@"))
                yield Scenario(plain, tuple(steps), family, first, tags)
                steps = []
        except NotationError as error:
            raise NotationError(f"{family}, line {number}: {error}") from None


def load(path: Path) -> list[Scenario]:
    """The scenarios of one file; its stem is their family."""
    return list(parse(path.read_text(encoding="utf-8"), path.stem))


def load_all(folder: Path = FOLDER) -> list[Scenario]:
    """The scenarios of every file of the folder, in the order of the files' names."""
    return [scenario for path in sorted(folder.glob(f"*{SUFFIX}")) for scenario in load(path)]
