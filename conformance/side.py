"""One server in play: the control connection, and the named clients of what is played on it.

The rule of this file: nobody sleeps. When a step depends on the server having noticed something (a client blocks,
a connection is gone, a key has expired), the control connection asks until it has. "Nothing has arrived" is decided by
a round trip on the control connection: what the server had to say before, it has said by then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.remote import empty
from conformance.servers import Server
from conformance.transcript import quote_argument, show
from conformance.wire import PATIENCE, ConnectionClosedError, Frame, Wire
from miniredis.resp import OK, ProtocolError, Reply

DEADLINE: Final = PATIENCE

NO_REPLY: Final = f"(no reply within {DEADLINE} s)"

POLL_INTERVAL: Final = 0.001
"""Seconds between two questions on the control connection."""

PLACEHOLDER: Final = re.compile(rb"\{(id|addr|last):(\w+)\}")

Name = str
"""What a client is called."""

ALL_EVENTS: Final = b"EAmn"
"""What ``notify-keyspace-events`` has to be for every notification once: also of missed (m) and of new keys (n)."""

LISTENER: Final = "(listener)"
"""The client that listens to the notifications of a pipeline."""

CLEAN_SLATE: Final = (
    ("CLIENT", "UNPAUSE"),
    ("REPLICAOF", "NO", "ONE"),
    ("FUNCTION", "FLUSH"),
    ("SCRIPT", "FLUSH"),
    ("SLOWLOG", "RESET"),
    ("LATENCY", "RESET"),
    ("ACL", "LOG", "RESET"),
    ("CONFIG", "RESETSTAT"),
)
"""What a scenario may leave behind outside the datasets is undone by these. A server need not know all of them."""


@dataclass(frozen=True)
class Outcome:
    """What one step led to on one server: a frame, several, or an event that is no frame (blocked, closed, silence)."""

    event: str = ""
    frame: Frame | None = None
    frames: tuple[Frame, ...] = ()
    """For a step that reads as many as there are, or in any order."""

    @property
    def all_frames(self) -> tuple[Frame, ...]:
        """The frame, or the frames; none for an event."""
        return self.frames if self.frame is None else (self.frame,)

    def __str__(self) -> str:
        return "\n---\n".join(show(frame.value) for frame in self.all_frames) or self.event


SENT: Final = Outcome("(sent)")
NOTHING: Final = Outcome("(nothing)")
CLOSED: Final = Outcome("(closed)")
STILL_OPEN: Final = Outcome("(still open)")
BLOCKED: Final = Outcome("(blocked)")
ANSWERED_AT_ONCE: Final = Outcome("(answered at once)")
CLOSED_BY_CLIENT: Final = Outcome("(closed by the client)")
WAITED: Final = Outcome("(waited)")


class Side:
    """One server: the control connection and the clients of the running scenario."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.control = server.connect(timeout=DEADLINE)
        self._clock_ahead: float | None = None
        self._wires: dict[Name, Wire] = {}
        self._ids: dict[Name, int] = {}
        self._latest: dict[Name, Reply] = {}
        self._changed_settings: dict[bytes, bytes] = {}

    def close(self) -> None:
        try:
            self.end()
        finally:  # a server that is gone takes no settings back
            self.control.close()

    def begin(self) -> None:
        """Empty the server. Raises ``ServerError`` if it refuses to empty its datasets."""
        *_, emptied = self.control.pipeline([*CLEAN_SLATE, ("FLUSHALL",)])
        if emptied.value != OK:
            empty(self.control)

    def end(self) -> None:
        """Close the clients' connections, and put the settings that they changed back.

        The server has noticed: no client of one scenario takes part in the next.
        """
        for wire in self._wires.values():
            wire.close()
        ids = {self._ids[name] for name in self._wires}
        self._wires.clear()
        self._latest.clear()
        if ids:
            _poll(lambda: not ids & self._connected())
        # Latest first: of two names of one setting, the one changed first holds the value it had before.
        for name, value in reversed(self._changed_settings.items()):
            self.control.call("CONFIG", "SET", name, value)
        self._changed_settings.clear()

    def _connected(self) -> set[int]:
        listed = self.control.call("CLIENT", "LIST").raw
        return {int(number) for number in re.findall(rb"^id=(\d+)", listed, re.MULTILINE)}

    def wire(self, name: Name, protocol: int) -> Wire:
        """The client's connection; opened, and switched to the protocol, when first used."""
        if name not in self._wires:
            wire = self._wires[name] = self.server.connect(timeout=DEADLINE)
            self._ids[name] = wire.call("CLIENT", "ID").value
            if protocol == 3:
                wire.call("HELLO", "3")
        return self._wires[name]

    def fill_in(self, argv: Sequence[bytes], protocol: int) -> tuple[bytes, ...]:
        """The command with what stands in braces replaced by what it stands for on this server."""

        def stands_for(match: re.Match[bytes]) -> bytes:
            what, name = match[1], match[2].decode()
            wire = self.wire(name, protocol)
            if what == b"last":
                latest = self._latest.get(name)
                return latest if isinstance(latest, bytes) else str(latest).encode()
            return wire.address.encode() if what == b"addr" else b"%d" % self._ids[name]

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
        self._settle()
        messages = [frame.value for frame in self._wires[LISTENER].frames_at_hand()]
        lines = [f"{event.decode()} {quote_argument(key)}" for _, _, event, key in messages]
        missed = [line for line in lines if ":keymiss " in line]
        return [line for line in lines if ":keymiss " not in line] + sorted(missed)

    def wait_until_blocked(self, name: Name, before: int) -> Outcome:
        """Wait until one client more than ``before`` is blocked, or the command has been answered instead."""
        wire = self._wires[name]
        if _poll(lambda: self.count("blocked_clients") > before or not wire.nothing_comes(0.0)):
            return BLOCKED if wire.nothing_comes(0.0) else ANSWERED_AT_ONCE
        return Outcome(f"(neither blocked nor answered within {DEADLINE} s)")

    def wait_until_closed(self, name: Name, protocol: int) -> Outcome:
        """Wait until the server closes the client's connection."""
        return CLOSED if self.wire(name, protocol).closed_by_peer() else STILL_OPEN

    def close_connection(self, name: Name) -> Outcome:
        """Close it from our side, and wait until the server knows."""
        before = self.count("connected_clients")
        self._wires.pop(name).close()
        noticed = _poll(lambda: self.count("connected_clients") < before)
        return CLOSED_BY_CLIENT if noticed else Outcome(f"(close not noticed within {DEADLINE} s)")

    def drop(self, name: Name) -> None:
        """Close our end of a connection that the server has closed."""
        self._wires.pop(name).close()

    def close_all(self, names: Sequence[Name]) -> None:
        """Close these connections and wait until the server knows: one that is blocked could still take something."""
        for name in names:
            if name in self._wires:
                self.close_connection(name)

    def repeat_until(self, argv: Sequence[bytes], awaited: str) -> Outcome:
        """Ask on the control connection until the reply, as shown, is the awaited one."""
        if _poll(lambda: show(self.control.call(*argv).value) == awaited):
            return Outcome(awaited)
        return Outcome(f"{show(self.control.call(*argv).value)}, and not {awaited} within {DEADLINE} s")

    def read(self, name: Name) -> Outcome:
        """The next frame of the connection."""
        try:
            frame = self._wires[name].read()
            self._latest[name] = frame.value
            return Outcome(frame=frame)
        except ConnectionClosedError as closed:
            return Outcome(f"({closed})") if closed.rest else CLOSED
        except TimeoutError:
            return Outcome(NO_REPLY)
        except (ProtocolError, OSError) as error:
            return Outcome(f"({type(error).__name__}: {error})")

    def frames_at_hand(self, name: Name) -> list[Frame]:
        """What has come for the client by now."""
        self._settle()
        return self._wires[name].frames_at_hand()

    def left_over(self) -> Iterator[tuple[Name, list[Outcome]]]:
        """What each connection still holds when the scenario has ended, in the order in which they were opened."""
        self._settle()
        for name, wire in self._wires.items():
            yield name, [Outcome(frame=frame) for frame in wire.frames_at_hand()]

    def _settle(self) -> None:
        """What the server had to say before this, it has said afterwards."""
        for _ in range(2):  # The first may be answered in the very cycle that still has something to write elsewhere.
            self.control.call("PING")

    def now(self) -> float:
        """The server's time, in seconds since 1970. It is asked for once; then its distance from ours is known."""
        if self._clock_ahead is None:
            told = self.control.call("TIME").value
            self._clock_ahead = int(told[0]) + int(told[1]) / 1e6 - time.time() if isinstance(told, list) else 0.0
        return time.time() + self._clock_ahead


def _poll(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_INTERVAL)
    return True
