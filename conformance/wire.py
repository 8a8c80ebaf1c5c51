"""One raw connection to a server: what is sent is exactly what was asked, what arrives is kept to the byte.

No client library stands between, so nothing retries, converts or reorders. Every read has a deadline; a reply that
does not come is a fact about the server (:class:`TimeoutError`), never a hang of the caller.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from miniredis.resp import NEED_MORE, Push, Reply, ReplyDecoder, encode_command

Argument = bytes | str | int | float

RECEIVE_SIZE: Final = 65536

PATIENCE: Final = 20.0
"""Seconds to wait for what should come at once: on a busy machine that takes a while."""


@dataclass(frozen=True)
class Frame:
    """One reply, decoded and as the bytes that came."""

    value: Reply
    raw: bytes


class ConnectionClosedError(ConnectionError):
    """The server closed the connection; ``rest`` is what it had sent of an unfinished frame."""

    def __init__(self, rest: bytes = b"") -> None:
        super().__init__("the server closed the connection" + (f" within a frame: {rest!r}" if rest else ""))
        self.rest = rest


class Wire:
    """A blocking socket to one server. Every method that reads waits ``timeout`` seconds at most.

    ``path`` is that of a Unix socket, which then counts instead of host and port; ``tls`` encrypts the connection.
    """

    def __init__(
        self, host: str, port: int, *, timeout: float = PATIENCE, path: str = "", tls: ssl.SSLContext | None = None
    ) -> None:
        self._socket = _open(host, port, path, timeout, tls)
        self._path = path
        self._timeout = timeout
        self._decoder = ReplyDecoder()
        self._frames: deque[Frame] = deque()
        self._unfinished = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Our own end as the server sees it: ``host:port``, or the path of the Unix socket with the port 0."""
        if self._path:
            return f"{self._path}:0"
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    def close(self) -> None:
        """Close our side. Safe to call twice."""
        self._socket.close()

    def send(self, *args: Argument) -> None:
        """Send one command and do not wait for its reply."""
        self.send_raw(encode_command(args))

    def send_raw(self, data: bytes) -> None:
        """Send these bytes as they are."""
        self._socket.settimeout(self._timeout)
        self._socket.sendall(data)

    def call(self, *args: Argument) -> Frame:
        """Send one command and read one frame: its reply, unless a push came first."""
        self.send(*args)
        return self.read()

    def read(self) -> Frame:
        """The next frame. Raises :class:`ConnectionClosedError`, or ``TimeoutError`` when none is complete in time."""
        while not self._frames:
            if not self._arrives(self._timeout):
                raise TimeoutError(f"no reply within {self._timeout} s; unfinished: {self._unfinished!r}")
        return self._frames.popleft()

    def read_many(self, count: int) -> list[Frame]:
        """The next ``count`` frames, as a pipeline's replies come."""
        return [self.read() for _ in range(count)]

    def pipeline(self, commands: Iterable[tuple[Argument, ...]]) -> list[Frame]:
        """Send all commands at once and read one frame for each."""
        requests = [encode_command(command) for command in commands]
        self.send_raw(b"".join(requests))
        return self.read_many(len(requests))

    def read_pushes(self, count: int) -> list[Frame]:
        """The next ``count`` frames, each of which must be a RESP3 push."""
        frames = self.read_many(count)
        for frame in frames:
            if not isinstance(frame.value, Push):
                raise AssertionError(f"a push was awaited, {frame.raw!r} came")
        return frames

    def frames_at_hand(self) -> list[Frame]:
        """The frames that have already arrived, without waiting for more. A close by the server is not an error."""
        try:
            while self._arrives(within=0.0):
                pass
        except ConnectionError:
            pass
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def nothing_comes(self, within: float) -> bool:
        """Whether not a byte arrives, and the connection stays open, for ``within`` seconds."""
        try:
            return not self._frames and not self._unfinished and not self._arrives(within)
        except ConnectionError:
            return False

    def closed_by_peer(self) -> bool:
        """Whether the server closes the connection before the deadline, after whatever it still sends.

        What it sends stays readable through :meth:`read` and :meth:`frames_at_hand`.
        """
        try:
            while self._arrives(self._timeout):
                pass
        except ConnectionError:
            return True
        return False

    def _arrives(self, within: float) -> bool:
        """Take in what comes within so many seconds; whether anything did."""
        self._socket.settimeout(within)
        try:
            data = self._socket.recv(RECEIVE_SIZE)
        except (BlockingIOError, TimeoutError, ssl.SSLWantReadError):
            return False
        if not data:
            raise ConnectionClosedError(self._unfinished)
        self._decoder.feed(data)
        self._unfinished += data
        while (value := self._decoder.next()) is not NEED_MORE:
            frame = Frame(value, self._decoder.raw)
            self._unfinished = self._unfinished[len(frame.raw) :]
            self._frames.append(frame)
        return True


def _open(host: str, port: int, path: str, timeout: float, tls: ssl.SSLContext | None) -> socket.socket:
    if path:
        opened = socket.socket(socket.AF_UNIX)
    else:
        opened = socket.create_connection((host, port), timeout=timeout)
    try:
        if path:
            opened.settimeout(timeout)
            opened.connect(path)
        else:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(opened, server_hostname=host) if tls is not None else opened
    except BaseException:
        opened.close()
        raise
