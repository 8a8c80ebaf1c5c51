"""Invalidations among replies, on real sockets: what is in one message, and what comes before what.

Every sequence was received from Redis 7.0.15 and Valkey 9.1.2, which are asked the same.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from conformance.servers import Server
from miniredis.resp import encode_command
from tests.server.conftest import Peer

VERSIONS = {"redis_server": "redis-7.0", "valkey_server": "valkey-9.1"}
OK = b"+OK\r\n"


def invalid(*keys: str) -> bytes:
    return b">2\r\n$10\r\ninvalidate\r\n*%d\r\n" % len(keys) + b"".join(
        b"$%d\r\n%b\r\n" % (len(key), key.encode()) for key in keys
    )


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1", *VERSIONS])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[], Peer]]:
    """Connects to miniredis as one version or the other, or to a real server; in RESP3."""
    peers: list[Peer] = []
    if request.param in VERSIONS:
        real: Server = request.getfixturevalue(request.param)
        port = real.port
    else:
        port = request.getfixturevalue("start")(emulate=request.param).server.port

    def connect() -> Peer:
        peers.append(Peer(socket.create_connection(("127.0.0.1", port))))
        peers[-1].send("HELLO 3", "FLUSHALL", "ECHO ready")
        received = b""
        while not received.endswith(b"$5\r\nready\r\n"):
            received += peers[-1].socket.recv(4096)
        return peers[-1]

    yield connect
    for peer in peers:
        peer.socket.close()


def test_a_pipeline_is_one_turn_and_makes_one_broadcast(connect: Callable[[], Peer]) -> None:
    author, listener = connect(), connect()
    for each in (author, listener):
        each.send("CLIENT TRACKING on BCAST PREFIX k")
        each.receive(OK)
    author.send("SET k2 1", "SET other 1", "SET k1 1", "DEL k2", "PING")
    author.receive(OK * 3 + b":1\r\n" + b"+PONG\r\n" + invalid("k1", "k2"))
    listener.receive(invalid("k1", "k2"))


def test_in_a_pipeline_each_reply_is_followed_by_what_it_made_invalid(connect: Callable[[], Peer]) -> None:
    peer = connect()
    peer.send("CLIENT TRACKING on", "GET k", "SET k 1", "GET k", "GET l", "MSET l 1 k 1", "PING")
    peer.receive(OK + b"_\r\n" + OK + invalid("k") + b"$1\r\n1\r\n_\r\n" + OK + invalid("l") + invalid("k"))
    peer.receive(b"+PONG\r\n")


def test_what_the_served_do_next_is_of_the_same_turn(connect: Callable[[], Peer]) -> None:
    """The client that is served has sent another command meanwhile, which is executed before anything is broadcast."""
    author, served, listener = connect(), connect(), connect()
    listener.send("CLIENT TRACKING on BCAST")
    listener.receive(OK)
    served.send("BLPOP queue 0", "SET after 1")
    while True:  # until it waits
        author.send("INFO clients", "ECHO asked")
        received = b""
        while not received.endswith(b"$5\r\nasked\r\n"):
            received += author.socket.recv(65536)
        if b"blocked_clients:1\r" in received:
            break
    author.send("RPUSH queue x")
    author.receive(b":1\r\n")
    served.receive(b"*2\r\n$5\r\nqueue\r\n$1\r\nx\r\n" + OK)
    listener.receive(invalid("after", "queue"))


def test_a_subscriber_that_is_told_in_anothers_place_goes_on_hearing(connect: Callable[[], Peer]) -> None:
    """Thousands of invalidations, none of them lost, each in its place."""
    author, reader, listener = connect(), connect(), connect()
    listener.send("CLIENT ID")
    number = listener.socket.recv(64)[1:-2].decode()
    listener.send("HELLO 2", "SUBSCRIBE __redis__:invalidate")
    received = b""
    while not received.endswith(b"__redis__:invalidate\r\n:1\r\n"):
        received += listener.socket.recv(4096)
    reader.send(f"CLIENT TRACKING on REDIRECT {number}")
    reader.receive(OK)
    keys = [f"k{at}" for at in range(2000)]
    reader.send(*[f"GET {key}" for key in keys])
    reader.receive(b"_\r\n" * len(keys))
    author.send(*[f"SET {key} 1" for key in keys])
    author.receive(OK * len(keys))
    head = b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n"
    listener.receive(b"".join(head + b"$%d\r\n%b\r\n" % (len(key), key.encode()) for key in keys))


def test_while_a_script_takes_too_long_nothing_is_broadcast(connect: Callable[[], Peer]) -> None:
    author, listener = connect(), connect()
    listener.send("CLIENT TRACKING on BCAST")
    listener.receive(OK)
    author.send("CONFIG SET busy-reply-threshold 1")
    author.receive(OK)
    wait = "local sum = 0 for number = 1, 3000000 do sum = sum + number end"
    script = f"redis.call('SET', 'k1', 1) {wait} return redis.call('SET', 'k2', 2)"
    author.socket.sendall(encode_command(["EVAL", script, "0"]))
    author.receive(OK)
    listener.receive(invalid("k1", "k2"))
    author.send("CONFIG SET busy-reply-threshold 5000")
    author.receive(OK)
