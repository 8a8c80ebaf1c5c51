"""One client: its requests are executed in their order, and answered in their order, however the bytes come."""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Callable

import pytest

from miniredis.resp import Push, encode_command
from tests.server.conftest import Host, eventually

SET_AND_GET = encode_command(["SET", "k", "a\r\nb"]) + b"GET k\r\n" + encode_command(["STRLEN", "k"])
REPLIES = b"+OK\r\n$4\r\na\r\nb\r\n:4\r\n"


def test_requests_are_answered_however_the_bytes_are_cut(host: Host) -> None:
    for cut in range(1, len(SET_AND_GET)):
        peer = host.connect()
        host.server.engine.statistics.reset()
        peer.socket.sendall(SET_AND_GET[:cut])
        eventually(lambda: host.server.engine.statistics.reads_processed == 1)
        peer.socket.sendall(SET_AND_GET[cut:])
        peer.receive(REPLIES)
        assert host.session(peer).query_buffer() == 0
        peer.socket.close()


def test_requests_are_answered_when_every_byte_comes_alone(host: Host) -> None:
    peer = host.connect()
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in SET_AND_GET:
        peer.socket.sendall(bytes([byte]))
    peer.receive(REPLIES)


def test_a_pipeline_is_answered_in_its_order(host: Host) -> None:
    peer = host.connect()
    peer.send("SET n 0", *["INCR n"] * 20_000)
    peer.receive(b"+OK\r\n" + b"".join(b":%d\r\n" % n for n in range(1, 20_001)))


def test_an_error_does_not_close_the_connection(host: Host) -> None:
    peer = host.connect()
    peer.send("SET k v", "LPUSH k x", "GET", "NOSUCH", "GET k")
    peer.receive(
        b"+OK\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        b"-ERR wrong number of arguments for 'get' command\r\n"
        b"-ERR unknown command 'NOSUCH', with args beginning with: \r\n$1\r\nv\r\n"
    )


def test_a_protocol_error_closes_after_the_requests_before_it_are_answered(host: Host) -> None:
    peer = host.connect()
    peer.socket.sendall(b"SET k v\r\nGET k\r\n*1\r\n+bad\r\nSET k w\r\n")
    assert peer.read_to_the_end() == b"+OK\r\n$1\r\nv\r\n-ERR Protocol error: expected '$', got '+'\r\n"
    assert host.run("GET", "k") == b"v"
    host.wait_for_clients(0)


def test_large_values_go_in_and_out(host: Host) -> None:
    value = os.urandom(1 << 20) * 8
    peer = host.connect()
    peer.socket.sendall(encode_command(["SET", "k", value]) + encode_command(["GET", "k"]))
    peer.receive(b"+OK\r\n$%d\r\n" % len(value) + value + b"\r\n")


def test_a_handler_whose_reply_cannot_be_encoded_costs_nobody_the_connection(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    engine = host.server.engine
    peer = host.connect()
    session = host.session(peer)
    execute = engine.execute
    connection = session.on_close.__self__  # type: ignore[attr-defined]

    def sometimes_wrong(client: object, argv: list[bytes]) -> object:
        return "no reply" if argv[0] == b"BUG" else execute(client, argv)  # type: ignore[arg-type]

    connection._execute = sometimes_wrong
    with caplog.at_level(logging.CRITICAL, "miniredis"):
        peer.send("BUG")
        peer.receive(b"-ERR internal error\r\n")
        peer.send("BUG", "SET k v", "BUG")
        peer.receive(b"-ERR internal error\r\n+OK\r\n-ERR internal error\r\n")


def test_hello_changes_the_protocol_for_the_very_next_reply(host: Host) -> None:
    peer = host.connect()
    peer.send("GET none", "HELLO 3", "GET none", "HELLO 2", "GET none")
    received = peer.read(len(b"$-1\r\n%"))
    assert received == b"$-1\r\n%"
    peer.socket.sendall(b"QUIT\r\n")
    received = peer.read_to_the_end()
    assert b"\r\n_\r\n*14\r\n" in received
    assert received.endswith(b"*0\r\n$-1\r\n+OK\r\n")


def test_quit_has_its_reply_and_nothing_after_it(host: Host) -> None:
    peer = host.connect()
    peer.send("SET k v", "QUIT", "SET k w")
    assert peer.read_to_the_end() == b"+OK\r\n+OK\r\n"
    assert host.run("GET", "k") == b"v"


def test_config_set_changes_the_limits_of_those_who_are_connected(host: Host) -> None:
    peer = host.connect()
    large = encode_command(["SET", "k", "x" * 1_100_000])
    peer.socket.sendall(large + encode_command(["CONFIG", "SET", "proto-max-bulk-len", "1mb"]) + large)
    assert peer.read_to_the_end() == b"+OK\r\n+OK\r\n-ERR Protocol error: invalid bulk length\r\n"


# Before authentication


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (b"*1\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n"),
    ],
)
def test_a_stranger_may_not_send_much(start: Callable[..., Host], request_: bytes, error: bytes) -> None:
    host = start(requirepass="secret")
    peer = host.connect()
    peer.send("GET k")
    peer.receive(b"-NOAUTH Authentication required.\r\n")
    peer.socket.sendall(request_)
    assert peer.read_to_the_end() == error


def test_who_authenticates_may_send_much_in_the_same_breath(start: Callable[..., Host]) -> None:
    host = start(requirepass="secret")
    peer = host.connect()
    value = b"x" * 100_000
    peer.socket.sendall(encode_command(["AUTH", "secret"]) + encode_command(["SET", "k", value]) + b"STRLEN k\r\n")
    peer.receive(b"+OK\r\n+OK\r\n:100000\r\n")
    peer.send("STRLEN k")
    peer.receive(b":100000\r\n")


# Blocking


def test_what_follows_a_blocking_command_waits_for_its_reply(host: Host) -> None:
    peer, other = host.connect(), host.connect()
    peer.send("SET k 1", "BLPOP list 0", "GET k", "BLPOP list 0", "GET k")
    peer.receive(b"+OK\r\n")
    host.wait_for_blocked(1)
    other.send("SET k 2", "RPUSH list x")
    other.receive(b"+OK\r\n:1\r\n")
    peer.receive(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n$1\r\n2\r\n")
    other.send("SET k 3", "RPUSH list y")
    other.receive(b"+OK\r\n:1\r\n")
    peer.receive(b"*2\r\n$4\r\nlist\r\n$1\r\ny\r\n$1\r\n3\r\n")


def test_what_arrives_while_a_client_is_blocked_is_executed_afterwards(host: Host) -> None:
    peer = host.connect()
    peer.send("BLPOP list 0")
    host.wait_for_blocked(1)
    peer.send("SET k v", "GET k")
    session = host.session(peer)
    waiting = len(encode_command(["SET", "k", "v"]) + encode_command(["GET", "k"]))
    eventually(lambda: session.query_buffer() == waiting)
    assert host.run("GET", "k") is None
    host.run("RPUSH", "list", "x")
    peer.receive(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n+OK\r\n$1\r\nv\r\n")
    assert session.query_buffer() == 0


def test_two_clients_unblock_each_other_within_their_pipelines(host: Host) -> None:
    ping, pong = host.connect(), host.connect()
    ping.send(*["RPUSH a x", "BLPOP b 0"] * 200)
    pong.send(*["BLPOP a 0", "RPUSH b y"] * 200)
    popped_b, popped_a = b"*2\r\n$1\r\nb\r\n$1\r\ny\r\n", b"*2\r\n$1\r\na\r\n$1\r\nx\r\n"
    ping.receive((b":1\r\n" + popped_b) * 200)
    pong.receive((popped_a + b":1\r\n") * 200)


# Pushes


def test_what_is_delivered_during_a_batch_stands_where_it_happened(host: Host) -> None:
    peer = host.connect()
    session = host.session(peer)
    engine = host.server.engine
    execute = engine.execute
    connection = session.on_close.__self__  # type: ignore[attr-defined]

    def with_a_push_before(client: object, argv: list[bytes]) -> object:
        session.deliver(Push([b"before", argv[0]]))
        return execute(client, argv)  # type: ignore[arg-type]

    connection._execute = with_a_push_before
    connection._execute_run = lambda client, requests: [with_a_push_before(client, requests[0])]
    peer.send("GET k")
    peer.receive(b"*2\r\n$6\r\nbefore\r\n$3\r\nGET\r\n$-1\r\n")
    peer.send("GET k", "STRLEN k")
    peer.receive(b"*2\r\n$6\r\nbefore\r\n$3\r\nGET\r\n$-1\r\n*2\r\n$6\r\nbefore\r\n$6\r\nSTRLEN\r\n:0\r\n")


def test_a_client_that_waits_receives_pushes(host: Host) -> None:
    peer = host.connect()
    peer.send("BLPOP list 0")
    host.wait_for_blocked(1)
    host.deliver(peer, Push([b"a"]), Push([b"b"]))
    peer.receive(b"*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n")
    host.run("RPUSH", "list", "x")
    peer.receive(b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")


def test_many_pushes_are_written_at_once(host: Host) -> None:
    peer = host.connect()
    written = host.server.engine.statistics.writes_processed
    host.deliver(peer, *[Push([b"x"])] * 1000)
    peer.receive(b"*1\r\n$1\r\nx\r\n" * 1000)
    assert host.server.engine.statistics.writes_processed == written + 1


# The end


def test_a_session_that_closes_has_its_reply_and_nothing_after_it(host: Host) -> None:
    peer = host.connect()
    session = host.session(peer)
    execute = host.server.engine.execute
    connection = session.on_close.__self__  # type: ignore[attr-defined]

    def quit_after(client: object, argv: list[bytes]) -> object:
        session.closing = argv[0] == b"STRLEN"
        return execute(client, argv)  # type: ignore[arg-type]

    connection._execute = quit_after
    peer.send("SET k v", "STRLEN k", "SET k w")
    assert peer.read_to_the_end() == b"+OK\r\n:1\r\n"
    assert host.run("GET", "k") == b"v"


@pytest.mark.parametrize("is_blocked", [True, False])
def test_a_client_that_is_killed_is_closed_at_once(host: Host, is_blocked: bool) -> None:
    peer = host.connect()
    session = host.session(peer)
    if is_blocked:
        peer.send("BLPOP list 0")
        host.wait_for_blocked(1)
    host.server.call(lambda: session.on_close())
    assert peer.read_to_the_end() == b""
    assert host.clients == host.blocked == 0


def test_a_client_that_ends_its_side_gets_its_replies(host: Host) -> None:
    peer = host.connect()
    peer.socket.sendall(encode_command(["INCR", "n"]) * 10_000)
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.read_to_the_end() == b"".join(b":%d\r\n" % n for n in range(1, 10_001))
    host.wait_for_clients(0)


@pytest.mark.parametrize("abortively", [False, True], ids=["FIN", "RST"])
def test_a_blocked_client_that_goes_away_is_noticed_at_once(host: Host, abortively: bool) -> None:
    peer = host.connect()
    peer.send("BLPOP list 0", "SET never executed")
    host.wait_for_blocked(1)
    if abortively:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()
    host.wait_for_clients(0)
    assert host.blocked == 0
    assert host.run("RPUSH", "list", "x") == 1
    assert host.run("LLEN", "list") == 1
    assert host.run("EXISTS", "never") == 0


def test_http_is_cut_off(start: Callable[..., Host]) -> None:
    host = start()
    peer = host.connect()
    peer.socket.sendall(b"SET k v\r\nPOST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k evil\r\n")
    assert peer.read_to_the_end() == b""
    assert host.run("GET", "k") == b"v"


def test_both_ends_of_a_connection_are_known(host: Host) -> None:
    peer = host.connect()
    session = host.session(peer)
    assert session.address == "{}:{}".format(*peer.socket.getsockname())
    assert session.local_address == "{}:{}".format(*peer.socket.getpeername())


def test_bytes_are_counted(host: Host) -> None:
    peer = host.connect()
    statistics = host.server.engine.statistics
    statistics.reset()
    for _ in range(3):
        peer.send("SET k v")
        peer.receive(b"+OK\r\n")
    assert statistics.input_bytes == 3 * len(encode_command(["SET", "k", "v"]))
    assert statistics.output_bytes == 3 * len(b"+OK\r\n")
    assert (statistics.reads_processed, statistics.writes_processed) == (3, 3)
