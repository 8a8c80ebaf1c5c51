"""A reader of a server's replication stream: a replica that keeps what it is told, word for word."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from conformance.servers import Server
from miniredis.resp import NEED_MORE, ReplyDecoder

DEADLINE: Final = 10.0
"""Seconds after which a command that does not come is missed."""

NOT_ABOUT_DATA: Final = (b"PING", b"REPLCONF")

A_TIME: Final = re.compile(rb"(?<!\d)\d{13}(?!\d)(-\d+)?")
"""Milliseconds since the epoch, as they are in this century, and a stream entry's id of that time."""


class ReplicationStream:
    """Attaches to *server* by SYNC, and reads on from behind the snapshot."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection((server.host, server.port), timeout=DEADLINE)
        self._decoder = ReplyDecoder()
        self._socket.sendall(b"SYNC\r\n")
        self._skip_snapshot()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def _skip_snapshot(self) -> None:
        header, rest = b"", b""
        while b"\r\n" not in header:
            header = (header + self._receive()).lstrip(b"\n")
        header, _, rest = header.partition(b"\r\n")
        if header.startswith(b"$EOF:"):
            mark = header.removeprefix(b"$EOF:")
            while mark not in rest:
                rest += self._receive()
            rest = rest.partition(mark)[2]
        else:
            size = int(header.removeprefix(b"$"))
            while len(rest) < size:
                rest += self._receive()
            rest = rest[size:]
        self._decoder.feed(rest)

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the master closed the connection")
        return data

    def until(self, mark: bytes) -> list[list[bytes]]:
        """The commands up to the publication of *mark*, times replaced by ``TIME``."""
        commands = []
        for command in self._commands():
            if command == [b"PUBLISH", b"mark", mark]:
                return commands
            commands.append([A_TIME.sub(b"TIME", word) for word in command])
        raise AssertionError("not reached")

    def _commands(self) -> Iterator[list[bytes]]:
        while True:
            while (command := self._decoder.next()) is NEED_MORE:
                self._decoder.feed(self._receive())
            if command[0].upper() not in NOT_ABOUT_DATA:
                yield command
