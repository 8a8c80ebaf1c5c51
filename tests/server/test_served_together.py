"""Clients who are ready at the same moment: who is gone takes no part, who is woken goes on in its order, and who ends
is told nothing more. What does not depend on the moment is asked of real servers as well."""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.servers import find_server, start
from miniredis.resp import encode_command
from miniredis.testing import MiniRedis
from tests.server.conftest import Host, Peer

SERVERS = ["miniredis", "redis-7.0", "valkey-9.1"]

Connect = Callable[[], Peer]


@contextmanager
def running(name: str) -> Iterator[Connect]:
    """A server of its own; the result connects to it."""
    peers: list[Peer] = []

    def to(port: int) -> Connect:
        def connect() -> Peer:
            peers.append(Peer(socket.create_connection(("127.0.0.1", port))))
            return peers[-1]

        return connect

    try:
        if name == "miniredis":
            with MiniRedis(emulate="redis-7.0") as server:
                yield to(server.port)
        else:
            binary = find_server(name)
            assert binary is not None
            with start(binary) as real:
                yield to(real.port)
    finally:
        for peer in peers:
            peer.socket.close()


@pytest.fixture(params=SERVERS)
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    with running(request.param) as connect:
        yield connect


def reset(peer: Peer) -> None:
    """End the connection as a client that crashes does."""
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


def wait_for_blocked(peer: Peer, count: int) -> None:
    """Ask until so many clients wait."""
    while True:
        peer.send("INFO clients")
        received = b""
        while not received.endswith(b"\r\n\r\n") and b"\nblocked_clients:" not in received:
            received += peer.socket.recv(10_000)
        while not received.endswith(b"\r\n"):
            received += peer.socket.recv(10_000)
        if b"\nblocked_clients:%d\r" % count in received:
            return


@pytest.mark.parametrize(
    ("waits", "push", "left"),
    [
        ("BLPOP l 0", ("RPUSH l x", "LLEN l"), b":1\r\n:1\r\n"),
        ("BLMOVE l other LEFT LEFT 0", ("RPUSH l x", "LLEN l"), b":1\r\n:1\r\n"),
        ("BZPOPMIN z 0", ("ZADD z 1 x", "ZCARD z"), b":1\r\n:1\r\n"),
        ("SUBSCRIBE ch", ("PUBLISH ch x", "PUBSUB NUMSUB ch"), b":0\r\n*2\r\n$2\r\nch\r\n:0\r\n"),
    ],
)
def test_who_was_reset_takes_no_part(host: Host, waits: str, push: tuple[str, ...], left: bytes) -> None:
    gone, other = host.connect(), host.connect()
    gone.send(waits)
    other.send("PING")
    other.receive(b"+PONG\r\n")
    host.run("PING")

    def both() -> None:  # while this runs the server sees nothing; then it sees both at once
        reset(gone)
        other.send(*push)

    session = host.session(gone)
    while not (session.blocked or session.channels):
        host.run("PING")
    host.server.call(both)
    other.receive(left)


def test_who_was_reset_leaves_the_element_to_who_waits_too(host: Host) -> None:
    gone, waiting, other = host.connect(), host.connect(), host.connect()
    gone.send("BLPOP l 0")
    host.wait_for_blocked(1)
    waiting.send("BLPOP l 0")
    host.wait_for_blocked(2)
    host.server.call(lambda: (reset(gone), other.send("RPUSH l x")))
    other.receive(b":1\r\n")
    waiting.receive(b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n")


def test_who_was_woken_goes_on_when_all_have_had_their_turn(host: Host) -> None:
    woken, first, last = host.connect(), host.connect(), host.connect()
    woken.send("BLPOP l 0", "INCR n")
    host.wait_for_blocked(1)
    for peer in (first, last):
        host.session(peer)
    host.server.call(lambda: (first.send("RPUSH l x", "GET n"), last.send("GET n")))
    first.receive(b":1\r\n$-1\r\n")
    last.receive(b"$-1\r\n")
    woken.receive(b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n:1\r\n")


def test_who_is_killed_in_the_same_turn_is_told_nothing(host: Host) -> None:
    killed, killer = host.connect(), host.connect()
    number = host.session(killed).id
    host.session(killer)
    host.server.call(lambda: (killed.send("SET x 1", "SET y 1"), killer.send(f"CLIENT KILL ID {number}")))
    killer.receive(b":1\r\n")
    assert killed.read_to_the_end() == b""
    assert host.run("GET", "y") == b"1"


def test_who_is_woken_goes_on_in_the_order_of_waking(connect: Connect) -> None:
    """Even if somebody woken later had a message waiting before."""
    pusher, second, first = connect(), connect(), connect()
    second.send("HELLO 3", "SUBSCRIBE ch", "BLPOP l 0", "APPEND x 2")
    wait_for_blocked(pusher, 1)
    first.send("BLPOP m 0", "APPEND x 3")
    wait_for_blocked(pusher, 2)
    pusher.send("PUBLISH ch m", "RPUSH m 1", "RPUSH l 1")
    pusher.receive(b":1\r\n:1\r\n:1\r\n")
    first.receive(b"*2\r\n$1\r\nm\r\n$1\r\n1\r\n:1\r\n")
    received = b""
    while not received.endswith(b":2\r\n"):
        received += second.socket.recv(10_000)
    pusher.send("GET x")
    pusher.receive(b"$2\r\n32\r\n")


def test_who_is_woken_and_killed_by_the_next_is_told_nothing(connect: Connect) -> None:
    pusher, killed, killer = connect(), connect(), connect()
    killed.send("CLIENT ID")
    number = int(killed.socket.recv(100)[1:])
    killed.send("BLPOP l 0", "INCR n", "INCR n")
    wait_for_blocked(pusher, 1)
    killer.send("BLPOP m 0", f"CLIENT KILL ID {number}", "INCR n")
    wait_for_blocked(pusher, 2)
    pusher.send("RPUSH l 1", "RPUSH m 1", "PING")
    pusher.receive(b":1\r\n:1\r\n+PONG\r\n")
    killer.receive(b"*2\r\n$1\r\nm\r\n$1\r\n1\r\n:1\r\n:3\r\n")
    assert killed.read_to_the_end() == b""


def test_who_speaks_http_is_told_nothing_more(connect: Connect) -> None:
    peer, other = connect(), connect()
    peer.socket.sendall(b"SET k v\r\nPOST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k evil\r\n")
    assert peer.read_to_the_end() == b""
    other.send("GET k")
    other.receive(b"$1\r\nv\r\n")


def test_a_shutdown_says_nothing_more(connect: Connect) -> None:
    peer = connect()
    peer.send("SET x 1", "SHUTDOWN NOSAVE", "SET y 1")
    assert peer.read_to_the_end() == b""


def test_nor_does_it_to_those_who_are_served_together(start: Callable[..., Host]) -> None:
    host = start()
    peers = [host.connect() for _ in range(3)]
    for peer in peers:
        host.session(peer)

    def all_send() -> None:
        peers[0].send("SET x 1")
        peers[1].send("SHUTDOWN NOSAVE")
        peers[2].send("SET y 1")

    host.server.call(all_send)
    assert [peer.read_to_the_end() for peer in peers] == [b""] * 3


too_much = pytest.mark.parametrize(
    ("too_much", "error"),
    [
        (encode_command(["MSET", *"abcdefghijklmnop"]), b"unauthenticated multibulk length"),
        (encode_command(["SET", "a", "x" * 20_000]), b"unauthenticated bulk length"),
    ],
    ids=["arguments", "bytes"],
)

KNOWN_AND_A_STRANGER_AGAIN = encode_command(["AUTH", "pw"]) + encode_command(["RESET"])


@too_much
def test_after_reset_the_limits_are_those_of_strangers(connect: Connect, too_much: bytes, error: bytes) -> None:
    admin, peer = connect(), connect()
    admin.send("CONFIG SET requirepass pw")
    admin.receive(b"+OK\r\n")
    peer.socket.sendall(KNOWN_AND_A_STRANGER_AGAIN)
    peer.receive(b"+OK\r\n+RESET\r\n")
    peer.socket.sendall(too_much)
    assert peer.read_to_the_end() == b"-ERR Protocol error: " + error + b"\r\n"


@too_much
@pytest.mark.parametrize("name", ["miniredis", "redis-7.0"])  # Valkey 9 has taken the rest apart by then
def test_also_in_one_pipeline(name: str, too_much: bytes, error: bytes) -> None:
    with running(name) as connect:
        admin, peer = connect(), connect()
        admin.send("CONFIG SET requirepass pw")
        admin.receive(b"+OK\r\n")
        peer.socket.sendall(KNOWN_AND_A_STRANGER_AGAIN + too_much)
        peer.receive(b"+OK\r\n+RESET\r\n")
        assert peer.read_to_the_end() == b"-ERR Protocol error: " + error + b"\r\n"


def test_protocol_errors_are_counted(connect: Connect) -> None:
    for wrong in (b"*1\r\n$-5\r\n", b'"\r\n', b"*x\r\n"):
        peer = connect()
        peer.socket.sendall(wrong)
        assert peer.read_to_the_end().startswith(b"-ERR Protocol error")
    other = connect()
    other.send("INFO errorstats")
    assert b"errorstat_ERR:count=3\r\n" in other.socket.recv(1000)


def test_what_comes_with_the_end_of_a_handshake_is_executed_though_nothing_follows(
    start: Callable[..., Host], certificate: tuple[Path, Path], unused_tcp_port: int
) -> None:
    cert, key = certificate
    host = start(tls_port=unused_tcp_port, tls_cert_file=cert, tls_key_file=key, tls_auth_clients="no")
    context = ssl.create_default_context(cafile=str(cert))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", unused_tcp_port)) as connection:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(100_000))
        client.write(encode_command(["SET", "k", "v"]))
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        connection.sendall(outgoing.read())  # the last of the handshake, the command, and the end
        while connection.recv(100_000):
            pass
    assert host.run("GET", "k") == b"v"


def test_a_client_is_waited_for_that_does_not_take_what_it_is_sent(connect: Connect) -> None:
    """Not one to whom something is sent in the same turn."""
    slow, other, hears = connect(), connect(), connect()
    hears.send("SUBSCRIBE ch")
    hears.receive(b"*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n")
    other.send("CLIENT SETNAME other", "SETRANGE large 30000000 x")
    other.receive(b"+OK\r\n:30000001\r\n")
    slow.send("CLIENT SETNAME slow", "GET large")
    slow.receive(b"+OK\r\n$30000001\r\n")
    other.send("PUBLISH ch x", "CLIENT LIST")
    other.receive(b":1\r\n")
    header = b""
    while not header.endswith(b"\r\n"):
        header += other.read(1)
    listed = other.read(int(header[1:])).decode()
    assert re.findall(r" name=(\w*) .* sub=(\d) .* events=(\w+) ", listed) == [
        ("slow", "0", "rw"),
        ("other", "0", "r"),
        ("", "1", "r"),
    ]
