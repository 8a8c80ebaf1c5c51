"""A server of our own on real sockets, and a client that is nothing but a socket.

The tests of the server speak to it with commands that wait (BLPOP) or answer at once (SET, GET, LPUSH), and reach the
engine directly for what other commands would do, so that they say something about the server alone.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from miniredis.engine.session import Session
from miniredis.resp import encode_command
from miniredis.testing import MiniRedis

DEADLINE = 10.0
"""Seconds after which something that must happen is declared not to happen."""


class Peer:
    """A client that is only a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        connection.settimeout(DEADLINE)

    def send(self, *commands: str) -> None:
        """Send commands, each a string of words, in one piece."""
        self.socket.sendall(b"".join(encode_command(command.split()) for command in commands))

    def receive(self, expected: bytes) -> None:
        """Read as many bytes as *expected* has, and insist that they are these."""
        assert self.read(len(expected)) == expected

    def read(self, size: int) -> bytes:
        """*size* bytes, or fewer if the server closes before."""
        received = b""
        while len(received) < size:
            data = self.socket.recv(size - len(received))
            if not data:
                break
            received += data
        return received

    def read_to_the_end(self) -> bytes:
        """What comes until the server closes; an abortive close ends it as well."""
        received = b""
        try:
            while data := self.socket.recv(65536):
                received += data
        except ConnectionResetError:
            pass
        return received


def eventually(happens: Callable[[], bool]) -> None:
    """Wait until *happens* is true."""
    deadline = time.monotonic() + DEADLINE
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)


class Host:
    """A running server and everybody who is connected to it."""

    def __init__(self, server: MiniRedis) -> None:
        self.server = server
        self.peers: list[Peer] = []

    def connect(self) -> Peer:
        """A new client."""
        return self.adopt(socket.create_connection((self.server.host, self.server.port)))

    def adopt(self, connection: socket.socket) -> Peer:
        """*connection* as a client that is closed at the end of the test."""
        peer = Peer(connection)
        self.peers.append(peer)
        return peer

    def run(self, *words: str) -> object:
        """Execute a command in the engine, as somebody who has no connection."""
        engine = self.server.engine

        def run() -> object:
            session = engine.connect(lambda _: None)
            try:
                return engine.execute(session, [word.encode() for word in words])
            finally:
                engine.disconnect(session)

        return self.server.call(run)

    def session(self, peer: Peer) -> Session:
        """The session of a connected client."""
        host, port = peer.socket.getsockname()[:2]
        address = f"{host}:{port}"
        eventually(lambda: any(session.address == address for session in list(self.server.engine.sessions.values())))
        return next(session for session in self.server.engine.sessions.values() if session.address == address)

    def deliver(self, peer: Peer, *replies: object) -> None:
        """Have the engine send a client what it did not ask for."""
        session = self.session(peer)
        self.run("GET", "nothing")  # things are delivered by commands: the engine's time is that of the last one
        self.server.call(lambda: [session.deliver(reply) for reply in replies])

    @property
    def blocked(self) -> int:
        """How many clients wait."""
        return self.server.call(lambda: len(self.server.engine.blocked_clients.clients))

    @property
    def clients(self) -> int:
        """How many are connected."""
        return self.server.call(lambda: len(self.server.engine.sessions))

    def wait_for_blocked(self, count: int) -> None:
        eventually(lambda: self.blocked == count)

    def wait_for_clients(self, count: int) -> None:
        eventually(lambda: self.clients == count)


@pytest.fixture
def start() -> Iterator[Callable[..., Host]]:
    """Starts servers with the given options of ``MiniRedis``; all stop at the end of the test."""
    hosts: list[Host] = []

    def start(**options: object) -> Host:
        hosts.append(Host(MiniRedis(**options).start()))  # type: ignore[arg-type]
        return hosts[-1]

    yield start
    for host in hosts:
        for peer in host.peers:
            peer.socket.close()
        host.server.stop()


@pytest.fixture
def host(start: Callable[..., Host]) -> Host:
    """A running server."""
    return start()
