"""The same commands on two servers, and what both tell their replicas of them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from conformance.servers import Server
from conformance.wire import Wire
from tests.replication.stream import ReplicationStream

DEADLINE: Final = 10.0
"""Seconds after which what was to happen to a client has not happened."""

BLOCKED: Final = re.compile(rb"blocked_clients:(\d+)")


class Side:
    """A server, its stream, and numbered clients, of whom the first sends what is not said to come from another."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._clients: dict[int, Wire] = {}
        self.stream = ReplicationStream(server)
        self._marks = 0

    def close(self) -> None:
        """Close every connection."""
        self.stream.__exit__(None, None, None)
        self._leave()

    def _leave(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, number: int) -> Wire:
        if number not in self._clients:
            self._clients[number] = self._server.connect()
        return self._clients[number]

    def play(self, steps: Sequence[str | list[bytes]]) -> list[list[bytes]]:
        """Begin with nothing, run *steps*, and return what the stream then has of them.

        A step is the words of a command of client 1, or ``2> `` and those of another, which is expected to block.
        """
        self._leave()
        self._client(1).call("FLUSHALL")
        self._mark()
        for step in steps:
            if isinstance(step, list):
                self._client(1).call(*step)
            elif step[1:3] == "> ":
                blocked = self._blocked()
                self._client(int(step[0])).send(*step[3:].split())
                self._await_blocked(blocked + 1)
            else:
                self._client(1).call(*step.split())
        return self._mark()

    def _mark(self) -> list[list[bytes]]:
        self._marks += 1
        mark = b"%d" % self._marks
        with self._server.connect() as other:
            other.call("PUBLISH", "mark", mark)
        return self.stream.until(mark)

    def _blocked(self) -> int:
        match = BLOCKED.search(self._client(1).call("INFO", "clients").raw)
        assert match is not None
        return int(match[1])

    def _await_blocked(self, count: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while self._blocked() < count:
            assert time.monotonic() < deadline, "the client does not block"


class Pair:
    """*reference* and *target*, asked the same."""

    def __init__(self, reference: Server, target: Server) -> None:
        with ExitStack() as opened:
            self.reference = Side(reference)
            opened.callback(self.reference.close)
            self.target = Side(target)
            opened.callback(self.target.close)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()

    def play(self, steps: Sequence[str | list[bytes]]) -> tuple[list[list[bytes]], list[list[bytes]]]:
        """What the reference and the target tell their replicas of *steps*."""
        return self.reference.play(steps), self.target.play(steps)
