"""Many clients who wait for the same keys, and go, are unblocked or time out at any moment: no element is lost."""

from __future__ import annotations

import random
import re
import select
import socket
import struct
from collections import Counter

import pytest

from tests.server.conftest import Host, Peer, eventually

ROUNDS = 3_000
LISTS, ZSETS = ["l1", "l2", "l3"], ["z1", "z2"]
ELEMENT = re.compile(rb"\r\n(element\d+)\r\n")


class Crowd:
    """Clients who compete for elements; ``received`` has what they got, ``pushed`` what there was to get."""

    def __init__(self, host: Host, seed: int) -> None:
        self.host = host
        self.random = random.Random(seed)
        self.pusher = host.connect()
        self.received: Counter[bytes] = Counter()
        self.pushed: list[bytes] = []
        self.waiting: dict[Peer, str] = {}
        self.idle: list[Peer] = []

    def wait(self) -> None:
        """Somebody begins to wait, with more commands behind the one that blocks, or without."""
        if len(self.waiting) > 30:
            return
        peer = self.idle.pop() if self.idle else self.host.connect()
        lists, zsets = (self.random.sample(keys, 2) for keys in (LISTS, ZSETS))
        timeout = self.random.choice(["0", "0", "0.001", "0.01"])
        command = self.random.choice(
            [
                f"BLPOP {' '.join(lists)} {timeout}",
                f"BRPOP {lists[0]} {timeout}",
                f"BLMPOP {timeout} 2 {' '.join(lists)} LEFT COUNT 2",
                f"BZPOPMIN {' '.join(zsets)} {timeout}",
                f"BZPOPMAX {zsets[0]} {timeout}",
            ]
        )
        self.waiting[peer] = command
        peer.send(*self.random.choice([[command], [command, "ECHO behind"]]))

    def push(self) -> None:
        elements = [f"element{len(self.pushed) + n}" for n in range(self.random.randrange(1, 4))]
        self.pushed += [element.encode() for element in elements]
        key = self.random.choice(LISTS)
        match self.random.randrange(4):
            case 0:
                self.pusher.send(f"RPUSH {key} {' '.join(elements)}")
            case 1:
                pushes = [f"LPUSH {self.random.choice(LISTS)} {element}" for element in elements]
                self.pusher.send("MULTI", *pushes, "EXEC")
            case 2:
                self.pusher.send(f"RPUSH {key}-new {' '.join(elements)}", f"LMOVE {key}-new {key} LEFT RIGHT")
                self.pusher.send(*[f"LMOVE {key}-new {key} LEFT RIGHT"] * 3)
            case _:
                scored = " ".join(f"{self.random.randrange(9)} {element}" for element in elements)
                self.pusher.send(f"ZADD {self.random.choice(ZSETS)} {scored}")

    def leave(self) -> None:
        """Somebody who waits ends its side; what it was sent before that was noticed counts."""
        if self.waiting:
            peer = self.random.choice(list(self.waiting))
            peer.socket.shutdown(socket.SHUT_WR)
            self.forget(peer, peer.read_to_the_end())

    def unblock(self) -> None:
        if self.waiting:
            peer = self.random.choice(list(self.waiting))
            self.host.run(
                "CLIENT", "UNBLOCK", str(self.host.session(peer).id), self.random.choice(["TIMEOUT", "ERROR"])
            )

    def look(self) -> None:
        """See who got an answer."""
        for connection in select.select([peer.socket for peer in self.waiting], [], [], 0)[0]:
            peer = next(peer for peer in self.waiting if peer.socket is connection)
            self.forget(peer, connection.recv(65536))

    def forget(self, peer: Peer, data: bytes) -> None:
        self.received.update(ELEMENT.findall(data))
        del self.waiting[peer]
        peer.socket.close()
        self.host.peers.remove(peer)

    def left(self) -> list[bytes]:
        """What nobody got."""
        keys = [*LISTS, *(f"{key}-new" for key in LISTS)]
        lists = [element for key in keys for element in self.host.run("LRANGE", key, "0", "-1")]  # type: ignore[attr-defined]
        return lists + [element for key in ZSETS for element in self.host.run("ZRANGE", key, "0", "-1")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2"])
def test_no_element_is_lost_or_given_twice(start: object, version: str) -> None:
    host: Host = start(emulate=version)  # type: ignore[operator]
    crowd = Crowd(host, seed=7)
    steps = [crowd.wait, crowd.wait, crowd.wait, crowd.push, crowd.look, crowd.look, crowd.leave, crowd.unblock]
    for _ in range(ROUNDS):
        crowd.random.choice(steps)()
    crowd.pusher.send("ECHO the-end")
    received = b""
    while not received.endswith(b"the-end\r\n"):
        received += crowd.pusher.socket.recv(65536)
    while crowd.waiting:
        crowd.leave()
    eventually(lambda: host.clients == 1)
    assert host.blocked == 0
    crowd.received.update(crowd.left())
    assert len(crowd.pushed) > ROUNDS // 10
    assert crowd.received == Counter(crowd.pushed)


@pytest.mark.parametrize("abortively", [False, True], ids=["FIN", "RST"])
def test_whoever_died_while_waiting_takes_nothing_along(host: Host, abortively: bool) -> None:
    peers = [host.connect() for _ in range(200)]
    for peer in peers:
        peer.send("BLPOP list 0", "SET never executed")
    host.wait_for_blocked(200)
    for peer in peers:
        if abortively:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()
    host.wait_for_clients(0)
    for number in range(200):
        host.run("RPUSH", "list", str(number))
    assert host.run("LLEN", "list") == 200
    assert host.run("EXISTS", "never") == 0


def test_five_hundred_clients_are_served_in_the_order_they_came(host: Host) -> None:
    peers = [host.connect() for _ in range(500)]
    for number, peer in enumerate(peers):
        peer.send("BLPOP other list 0")
        if number % 20 == 19:
            host.wait_for_blocked(number + 1)
    for number in range(500):
        host.run("RPUSH", "list", f"{number:03}")
    for batch in range(0, 500, 20):  # within a batch, whichever the server read from first
        got = {peers[batch + n].read(23)[-5:-2] for n in range(20)}
        assert got == {b"%03d" % (batch + n) for n in range(20)}
