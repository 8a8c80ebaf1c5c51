"""Several connections to both servers, and what each of them receives after every step.

A step does one thing on one connection: it sends commands (maybe in pieces, maybe not all of a piece), or closes it.
Then both servers are asked on their control connections how many clients are blocked, and how many there are; by the
time they have answered, what the step led to has been written, and is read from every connection. It must
be the same on both sides, to the byte: the replies, the messages, who was served and who was not, whose connection was
closed. The course of it is told in the notation of scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from conformance.duel import Duel
from conformance.evidence import answer_of
from conformance.exchange import Report
from conformance.freedoms import GREETING, TRACKING, identical, same_broken_redirection
from conformance.generated.strategies import Argv
from conformance.results import Answer, Line
from conformance.side import BLOCKED, CLOSED, NOTHING, SENT, Outcome, Side
from conformance.transcript import quote_command
from conformance.wire import Frame
from miniredis.resp import Reply, encode_command

COMPARED_OF_CLIENTS: Final = ("name", "db", "sub", "psub", "ssub", "multi", "watch", "flags", "user", "resp", "cmd")
"""What ``CLIENT LIST`` tells of a client that is the same on every server."""

PATIENCE: Final = 30
"""How often a server is asked again that lags behind: one may take several turns for what the other does in one, such
as the requests that have piled up behind a blocking one."""

REMEMBERED: Final = 20
"""How many of its latest commands may explain what a client receives."""

DEPARTURES: Final = (b"unsubscribe", b"punsubscribe", b"sunsubscribe")


@dataclass(frozen=True)
class Step:
    """One thing that one client does."""

    client: int
    argvs: tuple[Argv, ...] = ()
    """What it sends, at once; none: it closes the connection."""
    cuts: tuple[int, ...] = ()
    """Where the bytes are cut in pieces, in 256ths of their length; the server has read one before the next is sent."""
    withheld: bool = False
    """Whether the last piece waits until the client sends something else, or is never sent."""

    @property
    def closes(self) -> bool:
        """Whether it closes the connection."""
        return not self.argvs


@dataclass
class _Received:
    """What one side's connection received in one step."""

    frames: list[Frame]
    closed: bool = False


@dataclass
class Arena:
    """Clients of both servers, from empty datasets; ``steps`` and ``lines`` tell what has happened."""

    duel: Duel
    explain: Callable[[Sequence[Argv], Frame, Frame], str] = lambda argvs, left, right: ""
    """Why the frames differ, where that is declared; the first are the latest commands of the client."""
    steps: list[Step] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dataset: list[str] = field(default_factory=list)
    _clients: set[int] = field(default_factory=set)
    _withheld: dict[int, list[bytes]] = field(default_factory=dict)
    """The rest of a request, for each side."""
    _latest: dict[int, list[Argv]] = field(default_factory=dict)
    _blocked: int = 0
    _report: Report = field(init=False)

    def begin(self) -> None:
        """Empty both sides."""
        self._report = self.duel.begin("", 2)
        for side in self.duel.sides:
            side.expire_actively(False)

    def end(self) -> None:
        """Close everything, and put settings back."""
        for side in self.duel.sides:
            side.expire_actively(True)
        self.duel.end()

    @property
    def differs(self) -> bool:
        """Whether something has differed that is not declared."""
        return bool(self.dataset) or any(line.differs for line in self.lines)

    def play(self, steps: Iterable[Step]) -> bool:
        """Take the steps up to the first that differs, then compare the datasets; whether anything differed."""
        self.begin()
        try:
            for step in steps:
                self.take(step)
                if self.differs:
                    return True
            self.compare_datasets()
        finally:
            self.end()
        return self.differs

    def take(self, step: Step) -> None:
        """Take one step on both sides, and compare what all connections received."""
        self.steps.append(step)
        if step.closes:
            self._close(step.client)
            return
        sent = self._send(step)
        blocked, _ = self._settle()
        self._tell(step, sent, blocked[0] > self._blocked)
        self._count_clients()

    def look_at(self, client: int) -> None:
        """Compare what both servers list about a client."""
        if client not in self._clients:
            return
        told = [dict(_about(side, client)) for side in self.duel.sides]
        names = [name for name in COMPARED_OF_CLIENTS if all(name in each for each in told) or not all(told)]
        shown = [Outcome(" ".join(f"{name}={each[name]}" for name in names if name in each)) for each in told]
        self._line(f"0> CLIENT LIST ID {{id:{client}}}", *shown)

    def compare_datasets(self) -> None:
        """Look into both datasets."""
        self.duel.compare_datasets(self._report)
        self.dataset += self._report.state

    # Doing

    def _send(self, step: Step) -> bool:
        """Send what the step sends; whether all of it was sent in one piece."""
        wires = [side.wire(str(step.client), 2) for side in self.duel.sides]
        self._clients.add(step.client)
        rest = self._withheld.pop(step.client, [b"", b""])
        pieces: list[list[bytes]] = []
        for side, begun in zip(self.duel.sides, rest, strict=True):
            for argv in step.argvs:
                side.remember_settings(argv)
            data = b"".join(encode_command(side.fill_in(argv, 2)) for argv in step.argvs)
            cuts = sorted(len(data) * cut // 256 for cut in step.cuts)
            parts = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
            pieces.append([begun + parts[0], *parts[1:]])
        if step.withheld and step.cuts:
            self._withheld[step.client] = [parts.pop() for parts in pieces]
        for number in range(len(pieces[0])):
            for wire, parts in zip(wires, pieces, strict=True):
                if parts[number]:
                    with suppress(OSError):  # the server may have closed the connection after an earlier piece
                        wire.send_raw(parts[number])
            if number + 1 < len(pieces[0]):
                self._settle()
        self._latest[step.client] = [*self._latest.get(step.client, ()), *step.argvs][-REMEMBERED:]
        return len(pieces[0]) == 1

    def _close(self, client: int) -> None:
        if client not in self._clients:
            return
        self._clients.discard(client)
        self._withheld.pop(client, None)
        self._latest.pop(client, None)
        outcomes = [side.close_connection(str(client)) for side in self.duel.sides]
        self._settle()
        self._line(f"{client}.", *outcomes)
        self._receive({})
        self._count_clients()

    def _count_clients(self) -> None:
        """Compare how many clients are connected, and how many of them blocked."""
        blocked, clients = self._settle()
        for _ in range(PATIENCE):
            if blocked[0] == blocked[1] and clients[0] == clients[1]:
                break
            blocked, clients = self._settle()
        for name, counted in (("blocked", blocked), ("connected", clients)):
            if counted[0] != counted[1]:
                self._line("INFO clients", *(Outcome(f"{name}_clients:{number}") for number in counted))
        self._blocked = blocked[0]

    def _settle(self) -> tuple[list[int], list[int]]:
        """How many clients are blocked, and how many there are, on each side, when all is done that was asked for."""
        for side in self.duel.sides:
            side.control.send("PING")
        for side in self.duel.sides:
            side.control.read()
        told = []
        for side in self.duel.sides:
            side.control.send("INFO", "clients")
        for side in self.duel.sides:
            text = side.control.read().raw
            told.append([int(number) for number in re.findall(rb"^(?:blocked|connected)_clients:(\d+)", text, re.M)])
        return [clients[1] for clients in told], [clients[0] for clients in told]

    # Telling

    def _tell(self, step: Step, whole: bool, blocks: bool) -> None:
        """The lines for a step that sent something, and for what came of it."""
        client = step.client
        if step.withheld and step.cuts:
            self._note(f"{client} sends a part of: {'; '.join(map(quote_command, step.argvs))}")
            self._receive({})
            return
        if not whole:
            self._note(f"{client} sends in {len(step.cuts) + 1} pieces:")
        heads = [f"{quote_command(argv)}" for argv in step.argvs]
        self._receive({client: heads}, blocks)

    def _receive(self, heads: Mapping[int, list[str]], blocks: bool = False) -> None:
        """Read what came to every connection, the sender's first, and compare."""
        for client in sorted(self._clients, key=lambda each: (each not in heads, each)):
            received = self._received(client)
            lines = list(heads.get(client, ()))
            left, right = ([Outcome(frame=frame) for frame in each.frames] for each in received)
            commands = [f"{client}> {line}" for line in lines]
            if len(left) < len(commands):  # who gets no reply to the last of them waits, or wants none
                sign = "&" if blocks else "!"
                for at in range(len(left), len(commands)):
                    commands[at] = f"{client}{sign} {lines[at]}"
                silent = BLOCKED if blocks else SENT
                left += [silent] * (len(commands) - len(left))
                right += [silent] * (len(commands) - len(right))
            for at in range(max(len(left), len(right))):
                line = commands[at] if at < len(commands) else f"{client}<"
                ours, theirs = (each[at] if at < len(each) else NOTHING for each in (left, right))
                self._compare(client, line, ours, theirs)
            if any(each.closed for each in received):
                self._line(f"{client}|", *(CLOSED if each.closed else Outcome("(still open)") for each in received))
                self._drop(client)

    def _received(self, client: int) -> list[_Received]:
        """What both sides' connection has received, when both have received as much, or one never will."""
        received = [self._read(side, client) for side in self.duel.sides]
        for _ in range(PATIENCE):
            ours, theirs = received
            if len(ours.frames) == len(theirs.frames) and ours.closed == theirs.closed:
                break
            self._settle()
            for each, side in zip(received, self.duel.sides, strict=True):
                if not each.closed:
                    more = self._read(side, client)
                    each.frames += more.frames
                    each.closed = more.closed
        return received

    def _read(self, side: Side, client: int) -> _Received:
        wire = side.wire(str(client), 2)
        frames = wire.frames_at_hand()
        return _Received(frames, not wire.nothing_comes(0.0))

    def _compare(self, client: int, line: str, ours: Outcome, theirs: Outcome) -> None:
        agree, declared = ours == theirs, ""
        if not agree and ours.frame is not None and theirs.frame is not None:
            agree = _both_right(ours.frame.value, theirs.frame.value)
            if not agree:
                declared = self.explain(self._latest.get(client, ()), ours.frame, theirs.frame)
        self.lines.append(Line(line, answer_of(ours), answer_of(theirs), agree, declared))

    def _line(self, line: str, ours: Outcome, theirs: Outcome) -> None:
        self.lines.append(Line(line, answer_of(ours), answer_of(theirs), ours == theirs))

    def _note(self, text: str) -> None:
        self.lines.append(Line(f"#  {text}", Answer(""), Answer("")))

    def _drop(self, client: int) -> None:
        self._clients.discard(client)
        self._withheld.pop(client, None)
        self._latest.pop(client, None)
        for side in self.duel.sides:
            side.drop(str(client))


def _both_right(ours: Reply, theirs: Reply) -> bool:
    """Whether replies that differ do so in what is free: greetings, ids, and the order in which channels are left."""
    if identical(ours, theirs) or same_broken_redirection(ours, theirs):
        return True
    first = next(iter(ours), None) if isinstance(ours, dict | list) else None
    if first in (b"server", b"flags") and isinstance(theirs, dict | list) and first in theirs:
        return bool((GREETING if first == b"server" else TRACKING).same((), ours, theirs))
    if not isinstance(ours, list) or not isinstance(theirs, list) or type(ours) is not type(theirs):
        return False
    if len(ours) == 3 and ours[0] in DEPARTURES:
        return len(theirs) == 3 and (ours[0], ours[2]) == (theirs[0], theirs[2])
    return len(ours) == len(theirs) and all(map(_both_right, ours, theirs))


def _about(side: Side, client: int) -> Iterator[tuple[str, str]]:
    """What a server lists about a client, name by name."""
    (number,) = side.fill_in((b"{id:%d}" % client,), 2)
    line = re.search(rb"^id=%b .*$" % number, side.control.call("CLIENT", "LIST").raw, re.MULTILINE)
    for word in line[0].decode("latin-1").split() if line is not None else ():
        name, _, value = word.partition("=")
        yield name, value
