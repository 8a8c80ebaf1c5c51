"""Two servers given the same commands: a reference that is right by definition, and a target that has to match it.

The rule of this file: nobody sleeps. When a step depends on the server having noticed something (a client blocks,
a connection is gone, a key has expired), a control connection asks until it has. "Nothing has arrived" is decided by
a round trip on the control connection: what the server had to say before, it has said by then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Final, Self

from conformance.freedoms import frames_agree, freedom_of
from conformance.scenario import Action, Scenario, Step
from conformance.servers import Server
from conformance.state import differences, snapshot
from conformance.transcript import quote_argument, quote_command, show
from conformance.wire import ConnectionClosedError, Frame, Wire
from miniredis.resp import OK, QUEUED, ProtocolError, Reply, encode_command

DEADLINE: Final = 5.0
"""Seconds to wait for what should come at once."""

NO_REPLY: Final = f"(no reply within {DEADLINE} s)"

POLL_INTERVAL: Final = 0.001
"""Seconds between two questions on the control connection."""

PLACEHOLDER: Final = re.compile(rb"\{(id|addr|last):(\d+)\}")

ALL_EVENTS: Final = b"EAmn"
"""What ``notify-keyspace-events`` has to be for every notification once: also of missed (m) and of new keys (n)."""

LISTENER: Final = 1000
"""The number of the connection that listens to the notifications of a pipeline."""

ENCODING_WITHOUT_ORDER: Final = b"hashtable"


@dataclass(frozen=True)
class Outcome:
    """What one step led to on one server: a frame, or an event that is no frame (blocked, closed, silence)."""

    event: str = ""
    frame: Frame | None = None

    def __str__(self) -> str:
        return self.event if self.frame is None else show(self.frame.value)


SENT: Final = Outcome("(sent)")
NOTHING: Final = Outcome("(nothing)")


class Side:
    """One of the two servers: the control connection and the numbered connections of the running scenario."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.control = server.connect(timeout=DEADLINE)
        self._wires: dict[int, Wire] = {}
        self._ids: dict[int, int] = {}
        self._latest: dict[int, Reply] = {}
        self._changed_settings: dict[bytes, bytes] = {}

    def close(self) -> None:
        self.end()
        self.control.close()

    def end(self) -> None:
        """Close the scenario's connections and put the settings it changed back."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        self._latest.clear()
        # Latest first: of two names of one setting, the one changed first holds the value it had before.
        for name, value in reversed(self._changed_settings.items()):
            self.control.call("CONFIG", "SET", name, value)
        self._changed_settings.clear()

    def wire(self, number: int, protocol: int) -> Wire:
        """The scenario's connection of that number; opened, and switched to the protocol, when first used."""
        if number not in self._wires:
            wire = self._wires[number] = self.server.connect(timeout=DEADLINE)
            self._ids[number] = wire.call("CLIENT", "ID").value
            if protocol == 3:
                wire.call("HELLO", "3")
        return self._wires[number]

    def fill_in(self, argv: Sequence[bytes], protocol: int) -> tuple[bytes, ...]:
        """The command with what stands in braces replaced by what it stands for on this server."""

        def stands_for(match: re.Match[bytes]) -> bytes:
            what, number = match[1], int(match[2])
            wire = self.wire(number, protocol)
            if what == b"last":
                latest = self._latest.get(number)
                return latest if isinstance(latest, bytes) else str(latest).encode()
            return wire.address.encode() if what == b"addr" else b"%d" % self._ids[number]

        return tuple(PLACEHOLDER.sub(stands_for, word) for word in argv)

    def remember_settings(self, argv: Sequence[bytes]) -> None:
        """If the command is ``CONFIG SET``, note what it is about to change."""
        if [word.upper() for word in argv[:2]] != [b"CONFIG", b"SET"]:
            return
        for name in argv[2::2]:
            found = self.control.call("CONFIG", "GET", name).value
            if isinstance(found, list) and len(found) == 2:
                self._changed_settings.setdefault(name, found[1])

    def count(self, field_of_info: str, section: str = "clients") -> int:
        """A number that ``INFO`` tells."""
        text = self.control.call("INFO", section).raw
        match = re.search(rb"^%b:(\d+)" % field_of_info.encode(), text, re.MULTILINE)
        return int(match[1]) if match else -1

    def count_changes(self) -> int:
        """How many changes of the dataset the server has counted since its start."""
        return self.count("rdb_changes_since_last_save", "persistence")

    def expire_actively(self, active: bool) -> None:
        """Whether keys expire by themselves, at a moment of the server's choice, or only when they are asked for."""
        self.control.call("DEBUG", "SET-ACTIVE-EXPIRE", int(active))

    def listen(self, protocol: int) -> None:
        """Subscribe a connection of its own to every keyspace notification."""
        events = (b"CONFIG", b"SET", b"notify-keyspace-events", ALL_EVENTS)
        self.remember_settings(events)
        self.control.call(*events)
        self.wire(LISTENER, protocol).call("PSUBSCRIBE", "__keyevent@*")

    def heard(self) -> list[str]:
        """Every notification that came since :meth:`listen`, as ``event key``; those of missed keys come last, sorted.

        (SORT looks its keys up in the order of a hash table.)
        """
        self.control.call("PING")
        self.control.call("PING")  # see left_over
        messages = [frame.value for frame in self._wires[LISTENER].frames_at_hand()]
        lines = [f"{event.decode()} {quote_argument(key)}" for _, _, event, key in messages]
        missed = [line for line in lines if ":keymiss " in line]
        return [line for line in lines if ":keymiss " not in line] + sorted(missed)

    def wait_until_blocked(self, number: int, before: int) -> Outcome:
        """Wait until one client more than ``before`` is blocked, or the command has been answered instead."""
        wire = self._wires[number]
        if _poll(lambda: self.count("blocked_clients") > before or not wire.nothing_comes(0.0)):
            return Outcome("(blocked)") if wire.nothing_comes(0.0) else Outcome("(answered at once)")
        return Outcome(f"(neither blocked nor answered within {DEADLINE} s)")

    def close_connection(self, number: int) -> Outcome:
        """Close it from our side, and wait until the server knows."""
        before = self.count("connected_clients")
        self._wires.pop(number).close()
        noticed = _poll(lambda: self.count("connected_clients") < before)
        return Outcome("(closed by the client)" if noticed else f"(close not noticed within {DEADLINE} s)")

    def close_all(self, numbers: Sequence[int]) -> None:
        """Close these connections and wait until the server knows: one that is blocked could still take something."""
        for number in numbers:
            if number in self._wires:
                self.close_connection(number)

    def repeat_until(self, argv: Sequence[bytes], awaited: str) -> Outcome:
        """Ask on the control connection until the reply, as shown, is the awaited one."""
        if _poll(lambda: show(self.control.call(*argv).value) == awaited):
            return Outcome(awaited)
        return Outcome(f"{show(self.control.call(*argv).value)}, and not {awaited} within {DEADLINE} s")

    def read(self, number: int) -> Outcome:
        """The next frame of the connection."""
        try:
            frame = self._wires[number].read()
            self._latest[number] = frame.value
            return Outcome(frame=frame)
        except ConnectionClosedError as closed:
            return Outcome(f"({closed})")
        except TimeoutError:
            return Outcome(NO_REPLY)
        except (ProtocolError, OSError) as error:
            return Outcome(f"({type(error).__name__}: {error})")

    def pipeline(self, argvs: Sequence[tuple[bytes, ...]], protocol: int) -> list[Outcome]:
        """Send all commands at once, and read a frame for each, up to the first that does not come."""
        wire = self.wire(1, protocol)
        wire.send_raw(b"".join(map(encode_command, argvs)))
        outcomes: list[Outcome] = []
        for _ in argvs:
            outcomes.append(self.read(1))
            if outcomes[-1].frame is None:
                break
        return outcomes

    def left_over(self) -> Iterator[tuple[int, list[Outcome]]]:
        """What each connection still holds when the scenario has ended."""
        for _ in range(2):  # The first may be answered in the very cycle that still has something to write elsewhere.
            self.control.call("PING")
        for number, wire in sorted(self._wires.items()):
            yield number, [Outcome(frame=frame) for frame in wire.frames_at_hand()]


def _depends_on_encoding(argv: Sequence[bytes]) -> bool:
    freedom = freedom_of(argv)
    return freedom is not None and freedom.fixed_when_compact and len(argv) > 1


def _has_order(encoding: Frame | None) -> bool:
    """By the reply to OBJECT ENCODING."""
    return encoding is not None and type(encoding.value) is bytes and encoding.value != ENCODING_WITHOUT_ORDER


def _may_be_a_set(argv: Sequence[bytes]) -> bool:
    return argv[0].upper() in (b"SMEMBERS", b"SORT", b"SORT_RO")


def _same_bytes(left: Outcome, right: Outcome) -> bool:
    return left.frame is not None and right.frame is not None and left.frame.raw == right.frame.raw


def _poll(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_INTERVAL)
    return True


@dataclass(frozen=True)
class Exchange:
    """One step with what it led to on the reference and on the target."""

    line: str
    reference: Outcome
    target: Outcome
    agree: bool


@dataclass
class Report:
    """The course of a scenario on both servers."""

    title: str
    reference: str
    target: str
    protocol: int
    exchanges: list[Exchange] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    """How the datasets differ at the end."""

    @property
    def agree(self) -> bool:
        return not self.state and all(exchange.agree for exchange in self.exchanges)

    def __str__(self) -> str:
        """The session as redis-cli shows it, both answers under each command on which they differ."""
        lines = [f"{self.title}  ({self.reference} and {self.target}, RESP{self.protocol})", ""]
        for exchange in self.exchanges:
            lines.append("> " + exchange.line)
            if exchange.agree:
                lines += _indented(str(exchange.reference), 4)
                continue
            for name, outcome in ((self.reference, exchange.reference), (self.target, exchange.target)):
                lines += [f"  ! {name}:", *_indented(str(outcome), 6)]
                if outcome.frame is not None:
                    lines += _indented(repr(outcome.frame.raw), 6)
        if self.state:
            lines += ["", f"The datasets afterwards ({self.reference} / {self.target}):"]
            lines += ["    " + difference for difference in self.state]
        return "\n".join(lines)


def _indented(text: str, width: int) -> list[str]:
    return [" " * width + line for line in text.splitlines()]


class Duel:
    """A reference and a target, ready to be given the same commands."""

    def __init__(self, reference: Server, target: Server) -> None:
        with ExitStack() as opened:
            self._reference = Side(reference)
            opened.callback(self._reference.close)
            self._target = Side(target)
            opened.callback(self._target.close)
            self.reference, self.target = reference, target
            self._sides = (self._reference, self._target)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def play(self, scenario: Scenario, protocol: int) -> Report:
        """Run the scenario on both sides, from empty datasets, each connection speaking RESP2 or RESP3."""
        report = self._begin(str(scenario), protocol)
        play = _Play(self._reference, self._target, protocol)
        try:
            for step in scenario.steps:
                report.exchanges.append(play.step(step))
                if play.is_lost:
                    break
            report.exchanges += play.left_over()
            report.state = self._compare_state()
        finally:
            self._end()
        return report

    def play_pipeline(self, title: str, commands: Sequence[Sequence[bytes]], protocol: int) -> Report:
        """Send all commands at once on one connection of each side, then compare everything that came of it.

        That is: reply by reply; the keyspace notifications; how many changes the server counts; the datasets.
        """
        report = self._begin(title, protocol)
        argvs: list[tuple[bytes, ...]] = []
        for argv in map(tuple, commands):
            if _depends_on_encoding(argv):
                argvs.append((b"OBJECT", b"ENCODING", argv[1]))
            argvs.append(argv)
        try:
            for side in self._sides:
                side.expire_actively(False)
                side.listen(protocol)
                for argv in argvs:
                    side.remember_settings(argv)
            changes = [-side.count_changes() for side in self._sides]
            replies = [side.pipeline(argvs, protocol) for side in self._sides]
            transactions = _Transactions()
            before: Frame | None = None
            for argv, left, right in zip(argvs, *replies, strict=False):
                agree = False
                if left.frame is not None and right.frame is not None:
                    # A set that was a hash table, or made of one, keeps its order as a listpack: any.
                    compact = _depends_on_encoding(argv) and _has_order(before) and not _may_be_a_set(argv)
                    queued = transactions.executed_by(1, argv)
                    agree = frames_agree(argv, left.frame, right.frame, compact=compact, queued=queued)
                    transactions.follow(1, argv, left.frame)
                report.exchanges.append(Exchange(quote_command(argv), left, right, agree))
                before = left.frame
            report.state = self._compare_state()
            heard = [side.heard() for side in self._sides]
            if heard[0] != heard[1]:
                names = (report.reference, report.target)
                report.state += unified_diff(heard[0], heard[1], *names, lineterm="", n=1)
            changes = [before + side.count_changes() for before, side in zip(changes, self._sides, strict=True)]
            if changes[0] != changes[1]:
                report.state.append(f"changes counted: {changes[0]} / {changes[1]}")
        finally:
            for side in self._sides:
                side.expire_actively(True)
            self._end()
        return report

    def play_crowd(self, title: str, commands: Sequence[tuple[int, Sequence[bytes]]], protocol: int) -> Report:
        """Send each command on the connection of its number, one after the other, and read nothing before the end.

        So who blocks, blocks, and what he is sent meanwhile waits too. What each connection received must be the same,
        to the byte and in the same order.
        """
        report = self._begin(title, protocol)
        numbers = sorted({number for number, _ in commands})
        try:
            for number, argv in commands:
                for side in self._sides:
                    side.wire(number, protocol).send(*argv)
                    side.control.call("PING")  # the next may come by another connection
                report.exchanges.append(Exchange(f"{number}! {quote_command(tuple(argv))}", SENT, SENT, True))
            received = [dict(side.left_over()) for side in self._sides]
            for number in numbers:
                ours, theirs = (each.get(number, []) for each in received)
                for at in range(max(len(ours), len(theirs))):
                    left, right = (side[at] if at < len(side) else NOTHING for side in (ours, theirs))
                    report.exchanges.append(Exchange(f"{number}<", left, right, _same_bytes(left, right)))
            report.state = self._compare_state()
        finally:
            for side in self._sides:
                side.close_all(numbers)
            self._end()
        return report

    def _begin(self, title: str, protocol: int) -> Report:
        for side in self._sides:
            emptied = side.control.call("FLUSHALL").value
            if emptied != OK:
                raise AssertionError(f"{side.server.name} cannot start empty: FLUSHALL answered {emptied!r}")
        return Report(title, self._reference.server.name, self._target.server.name, protocol)

    def _end(self) -> None:
        for side in self._sides:
            side.end()

    def _compare_state(self) -> list[str]:
        return list(differences(snapshot(self._reference.control), snapshot(self._target.control)))


class _Play:
    """One run of a scenario: which command each connection waits for, and what its transaction has queued."""

    def __init__(self, reference: Side, target: Side, protocol: int) -> None:
        self._reference, self._target = reference, target
        self._protocol = protocol
        self._awaiting: dict[int, tuple[bytes, ...]] = {}
        self._transactions = _Transactions()
        self.is_lost = False
        """A reply that should have come has not: what follows would only wait in vain."""

    def step(self, step: Step) -> Exchange:
        """Run one step on both sides and compare."""
        sides = (self._reference, self._target)
        match step.action:
            case Action.CALL | Action.RAW | Action.SEND:
                for side in sides:
                    self._send(side, step)
                if step.action is Action.SEND:
                    return Exchange(step.line, SENT, SENT, True)
                return self._compare(step.line, step.connection, [side.read(step.connection) for side in sides])
            case Action.READ:
                return self._compare(step.line, step.connection, [side.read(step.connection) for side in sides])
            case Action.READ_ANY_ORDER:
                return self._events(step, [self._read_sorted(side, step) for side in sides])
            case Action.BLOCK:
                return self._events(step, [self._block(side, step) for side in sides])
            case Action.CLOSED_BY_SERVER:
                closed = [side.wire(step.connection, self._protocol).closed_by_peer() for side in sides]
                return self._events(step, [Outcome("(closed)" if one else "(still open)") for one in closed])
            case Action.CLOSE:
                return self._events(step, [side.close_connection(step.connection) for side in sides])
            case Action.UNTIL:
                return self._events(step, [side.repeat_until(step.argv, step.awaited) for side in sides])

    def left_over(self) -> Iterator[Exchange]:
        """What is still unread at the end; both sides must hold the same."""
        for (number, reference), (_, target) in zip(
            self._reference.left_over(), self._target.left_over(), strict=False
        ):
            for at in range(max(len(reference), len(target))):
                pair = [side[at] if at < len(side) else NOTHING for side in (reference, target)]
                yield self._compare(f"{number}<  (left unread)", number, pair)

    def _send(self, side: Side, step: Step) -> None:
        wire = side.wire(step.connection, self._protocol)
        if step.action is Action.RAW:
            wire.send_raw(b"".join(step.argv))
            return
        side.remember_settings(step.argv)
        self._awaiting[step.connection] = step.argv
        wire.send(*side.fill_in(step.argv, self._protocol))

    def _block(self, side: Side, step: Step) -> Outcome:
        before = side.count("blocked_clients")
        self._send(side, step)
        return side.wait_until_blocked(step.connection, before)

    def _read_sorted(self, side: Side, step: Step) -> Outcome:
        shown = [str(side.read(step.connection)) for _ in range(int(step.argv[0]))]
        return Outcome("\n".join(sorted(shown)))

    def _events(self, step: Step, outcomes: list[Outcome]) -> Exchange:
        return Exchange(step.line, outcomes[0], outcomes[1], outcomes[0] == outcomes[1])

    def _compare(self, line: str, connection: int, outcomes: list[Outcome]) -> Exchange:
        left, right = outcomes
        if left.frame is None or right.frame is None:
            self.is_lost = True
            # Where even the reference is silent, the scenario waits for what never comes: a mistake of its author.
            return Exchange(line, left, right, left == right and left.event != NO_REPLY)
        argv = self._awaiting.get(connection, ())
        agree = frames_agree(
            argv,
            left.frame,
            right.frame,
            compact=self._is_compact(argv),
            queued=self._transactions.executed_by(connection, argv),
        )
        self._transactions.follow(connection, argv, left.frame)
        return Exchange(line, left, right, agree)

    def _is_compact(self, argv: Sequence[bytes]) -> bool:
        """Whether the command's reply depends on the key's encoding, and the reference keeps it compactly now."""
        if not _depends_on_encoding(argv):
            return False
        return _has_order(self._reference.control.call("OBJECT", "ENCODING", argv[1]))


class _Transactions:
    """What the transaction of each connection has queued."""

    def __init__(self) -> None:
        self._queued: dict[int, list[tuple[bytes, ...]]] = {}

    def executed_by(self, connection: int, argv: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
        """The commands whose replies are the parts of the reply to ``argv``, if that is EXEC."""
        return self._queued.get(connection, ()) if argv and argv[0].upper() == b"EXEC" else ()

    def follow(self, connection: int, argv: tuple[bytes, ...], reply: Frame) -> None:
        """Take notice of the reply to a command."""
        name = argv[0].upper() if argv else b""
        if name == b"MULTI" and reply.value == OK:
            self._queued[connection] = []
        elif reply.value == QUEUED and connection in self._queued:
            self._queued[connection].append(argv)
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            self._queued.pop(connection, None)
