"""Programs played on two servers, and what of those that differ is worth reading.

Programs go to both servers in batches, so that nobody waits for a single reply. Each begins with an empty dataset;
what ``cjson`` is told to do it is told in an instance of the program's own. A program that differs is shortened: first
its steps, then its lines, as long as it still differs, and what is left is shown with both replies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.pair import Seat
from conformance.programs.grammar import Program
from conformance.shrink import without_what_can_go
from conformance.wire import Wire
from miniredis.resp import encode_command

BATCH: Final = 50
"""Programs that are sent at once."""

PATIENCE: Final = 60.0
"""Seconds that a server has for them."""

ARGUMENTS: Final = ("2", "key1", "k", "first", b"\x00\xff", "10")
"""What EVAL is given beside the script."""

ADDRESS: Final = re.compile(rb"(table|function|thread|userdata): (?:builtin: )?0x[0-9a-f]+", re.IGNORECASE)
LENGTH_WITH_ADDRESS: Final = re.compile(rb"\$\d+(?=\r\n[^\r]*: (?:builtin: )?0x[0-9a-f]+)", re.IGNORECASE)
"""Where a value is in memory is everybody's own business. What is declared free is this, and nothing else."""

SHA: Final = re.compile(rb"script: [0-9a-f]{40}")
WORD: Final = re.compile(rb"(?:do|repeat) burn\(\)\s*|\w+\s*|\s+|'[^'\n]*'|\"[^\"\n]*\"|.", re.DOTALL)
"""What is left out at once when a program is shortened."""

OPENING: Final = frozenset((b"(", b"{", b"[", b"function", b"if", b"do", b"repeat"))
CLOSING: Final = frozenset((b")", b"}", b"]", b"end", b"until"))

SHOWN: Final = 200
"""Bytes of a reply."""

MOST_TRIES: Final = 1500
"""How often a program is played again to be shortened."""

KILLED: Final = b"(the server is gone)\r\n"

Replies = tuple[bytes, bytes]
"""Of the reference, and of the target."""

Fingerprint = tuple[bytes, ...]
"""What makes two differences the same."""


@dataclass(frozen=True)
class Difference:
    """A script on which the servers differ, and both replies."""

    source: bytes
    reference: bytes
    target: bytes
    seed: str = ""


class Players:
    """A connection to either server. A server that a script has killed is started again, if it is ours to start."""

    def __init__(self, reference: Seat, target: Seat) -> None:
        self._seats = reference, target
        self._wires: list[Wire] = []

    def close(self) -> None:
        """Close both connections."""
        for wire in self._wires:
            wire.close()
        self._wires.clear()

    def replies(self, sources: Sequence[bytes]) -> list[Replies]:
        """What both servers answer to each script; :data:`KILLED` for one that has ended the server."""
        try:
            return self._pipelined(sources)
        except (ConnectionError, TimeoutError):
            self._revive()
        if len(sources) > 1:
            return [reply for source in sources for reply in self.replies([source])]
        replies = self._alone(0, sources[0]), self._alone(1, sources[0])
        if KILLED in replies:
            self._restart()
        return [replies]

    def _pipelined(self, sources: Sequence[bytes]) -> list[Replies]:
        if not self._wires:
            self._wires = [seat.server.connect(timeout=PATIENCE) for seat in self._seats]
        for wire in self._wires:
            wire.send_raw(b"".join(_requests(sources)))
        frames = [wire.read_many(1 + 2 * len(sources)) for wire in self._wires]
        return [(reference.raw, target.raw) for reference, target in zip(frames[0][2::2], frames[1][2::2], strict=True)]

    def _alone(self, number: int, source: bytes) -> bytes:
        """What one of the servers answers."""
        try:
            with self._seats[number].server.connect(timeout=PATIENCE) as wire:
                wire.send_raw(b"".join(_requests([source])))
                return wire.read_many(3)[-1].raw
        except (ConnectionError, TimeoutError):
            return KILLED

    def _revive(self) -> None:
        self.close()
        if not all(seat.server.answers() for seat in self._seats):
            self._restart()

    def _restart(self) -> None:
        """Start both again: they have to have run the same, if only for ``math.random``."""
        for seat in self._seats:
            seat.reopen()


def _requests(sources: Sequence[bytes]) -> Iterator[bytes]:
    yield encode_command(("SCRIPT", "FLUSH"))
    for source in sources:
        yield encode_command(("FLUSHALL",))
        yield encode_command(("EVAL", source, *ARGUMENTS))


def compared(reply: bytes) -> bytes:
    """*reply* without what no two servers have in common."""
    return ADDRESS.sub(rb"\1: 0x", LENGTH_WITH_ADDRESS.sub(b"$", reply))


def differences(players: Players, programs: Sequence[tuple[str, Program]]) -> Iterator[Difference]:
    """The programs of a batch, each with its seed, on which the servers differ.

    What kills the reference is nothing to go by.
    """
    replies = players.replies([program.source for _, program in programs])
    for (seed, program), (reference, target) in zip(programs, replies, strict=True):
        if compared(reference) != compared(target) and reference is not KILLED:
            yield Difference(program.source, reference, target, seed)


def shortened(players: Players, program: Program, kind: Fingerprint) -> Difference:
    """The least of *program* that still differs in this way, as far as leaving out steps, lines and words goes."""

    def played(source: bytes) -> Difference:
        ((reference, target),) = players.replies([source])
        return Difference(source, reference, target)

    def fails(source: bytes) -> bool:
        found = played(source)
        return compared(found.reference) != compared(found.target) and fingerprint(found) == kind

    steps = without_what_can_go(list(program.steps), lambda kept: fails(Program(tuple(kept)).source))
    first, *rest = Program(tuple(steps)).source.split(b"\n")
    words: list[bytes] = WORD.findall(b"\n".join(rest))
    words = without_groups(words, lambda kept: fails(first + b"\n" + b"".join(kept)))
    return played(first + b"\n" + b"".join(words))


def without_groups(words: list[bytes], fails: Callable[[list[bytes]], bool]) -> list[bytes]:
    """*words* without what can go: blocks, what is in brackets, statements, single words, the longest first."""
    tried = 0
    while tried < MOST_TRIES:
        for start, stop in sorted(groups(words), key=lambda group: group[0] - group[1]):
            tried += 1
            rest = words[:start] + words[stop:]
            if fails(rest):
                words = rest
                break
            if tried >= MOST_TRIES:
                break
        else:
            break
    return words


def groups(words: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """What hangs together in a text, from where to where: from each opening to its closing, with or without them."""
    opened: list[int] = []
    line = 0
    for at, word in enumerate(words):
        bare = word.strip()
        if bare in OPENING or bare.startswith((b"do ", b"repeat ")):
            opened.append(at)
        elif bare in CLOSING and opened:
            start = opened.pop()
            yield start, at + 1
            yield start + 1, at
            line_start = next((each for each in range(start, -1, -1) if b"\n" in words[each - 1] or not each), start)
            yield line_start, at + 1
        if b"\n" in word:
            yield line, at + 1
            line = at + 1
        if bare == b"," or not bare or bare.isalnum():
            yield at, at + 1


def fingerprint(difference: Difference) -> Fingerprint:
    """Where the replies part, without names and numbers."""
    theirs, ours = (SHA.sub(b"", compared(each)) for each in (difference.reference, difference.target))
    parted = next(
        (at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    start = theirs.rfind(b"\n", 0, parted) + 1
    if start and theirs[start - 1 : start] == b"\n" and theirs[start : start + 1] == b"$":
        start = parted
    return tuple(re.sub(rb"\d+|'[^']*'", b"", each[start : start + 80].split(b"\r\n$")[0]) for each in (theirs, ours))


def parted(difference: Difference) -> str:
    """Both replies in two lines, from a little before the place where they part."""
    theirs, ours = compared(difference.reference), compared(difference.target)
    at = next((at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    start = max(at - SHOWN // 2, 0)
    return f"reference: {theirs[start : start + SHOWN]!r}\ntarget:    {ours[start : start + SHOWN]!r}"
