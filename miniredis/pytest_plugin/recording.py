"""redis-py's connections to a real server, overheard: what they send and what comes back goes to a recorder.

A miniredis tells of its clients itself. Of a real server this is all that can be known: its MONITOR has no replies.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import redis

from miniredis.pytest_plugin.recorder import Recorder
from miniredis.resp import RequestParser
from miniredis.testing.transcript import command, show


class Exchange:
    """A command and what it was answered."""

    def __init__(self, client: str, argv: list[bytes]) -> None:
        self.client = client
        self.argv = argv
        self.answer = "(no reply)"

    @property
    def name(self) -> str:
        """As in the table of commands, as far as it matters for a line."""
        words = [word.decode(errors="backslashreplace").lower() for word in self.argv[:2]]
        return "|".join(words) if words[0] in ("acl", "client", "config") else words[0]

    def __str__(self) -> str:
        return f"{self.client} {command(self)} -> {self.answer}"


class Overheard:
    """What one connection sends and reads, in pairs."""

    def __init__(self, recorder: Recorder, client_name: str | None) -> None:
        self._recorder = recorder
        self._client = client_name or f"client {next(recorder.numbers)}"
        self._open: deque[Exchange] = deque()

    def sent(self, packed: Any) -> None:
        """These requests go out; they may come in pieces."""
        parser = RequestParser()
        parser.feed(packed if isinstance(packed, bytes) else b"".join(packed))
        for argv in parser:
            exchange = Exchange(self._client, argv)
            self._open.append(exchange)
            self._recorder.note(id(self), exchange)

    def read(self, reply: Any) -> None:
        """This came in. What nobody has asked for is a message."""
        if self._open:
            is_error = isinstance(reply, Exception)
            self._open.popleft().answer = f"(error) {reply}" if is_error else show(reply)


def record(client: Any, recorder: Recorder) -> None:
    """Tell *recorder* of all that the connections of *client*, a new ``redis.Redis``, send and read."""
    pool = client.connection_pool
    pool.connection_class = _recorded(pool.connection_class, recorder)


def record_async(client: Any, recorder: Recorder) -> None:
    """The same for a ``redis.asyncio.Redis``."""
    pool = client.connection_pool
    pool.connection_class = _recorded_async(pool.connection_class, recorder)


def _recorded(connection_class: Any, recorder: Recorder) -> Any:
    class Recorded(connection_class):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            self._overheard = Overheard(recorder, options.get("client_name"))
            super().__init__(*args, **options)

        def send_packed_command(self, packed: Any, *args: Any, **options: Any) -> None:
            super().send_packed_command(packed, *args, **options)
            self._overheard.sent(packed)

        def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                reply = super().read_response(*args, **options)
            except redis.ResponseError as error:
                self._overheard.read(error)
                raise
            self._overheard.read(reply)
            return reply

    return Recorded


def _recorded_async(connection_class: Any, recorder: Recorder) -> Any:
    class Recorded(connection_class):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            self._overheard = Overheard(recorder, options.get("client_name"))
            super().__init__(*args, **options)

        async def send_packed_command(self, packed: Any, *args: Any, **options: Any) -> None:
            await super().send_packed_command(packed, *args, **options)
            self._overheard.sent(packed)

        async def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                reply = await super().read_response(*args, **options)
            except redis.ResponseError as error:
                self._overheard.read(error)
                raise
            self._overheard.read(reply)
            return reply

    return Recorded
