"""A client that sees bytes: what a server sent, when, and whether it has closed the connection."""

from __future__ import annotations

import socket
from types import TracebackType

from miniredis.resp.encoder import encode_command
from miniredis.testing import MiniRedis

CLOSED = b""


class Wire:
    """A connection to *server*. Words of a line are separated by single spaces."""

    def __init__(self, server: MiniRedis) -> None:
        self.socket = socket.create_connection((server.host, server.port), timeout=5)

    def __call__(self, line: str) -> bytes:
        """What arrives first after *line* was sent."""
        self.send(line)
        return self.receive()

    def ask(self, *words: str) -> bytes:
        """What arrives first after *words*, which may hold spaces, were sent."""
        self.socket.sendall(encode_command([word.encode() for word in words]))
        return self.receive()

    def send(self, *lines: str) -> None:
        """Send *lines* at once."""
        self.socket.sendall(b"".join(encode_command([word.encode() for word in line.split(" ")]) for line in lines))

    def receive(self, size: int = 1 << 16) -> bytes:
        """The next bytes; :data:`CLOSED` if there will be none."""
        return self.socket.recv(size)

    def receive_all(self) -> bytes:
        """All bytes until the server closes the connection."""
        data = b""
        while received := self.receive():
            data += received
        return data

    def has_nothing(self) -> bool:
        """Whether nothing has arrived."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(5)
        return False

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()
