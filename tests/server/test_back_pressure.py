"""A client that sends a lot, or reads little, costs bounded memory and no one else's time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import pytest

from conformance.servers import start_miniredis
from miniredis.engine.config import Config
from miniredis.engine.engine import Engine
from miniredis.engine.version import VERSIONS
from miniredis.resp import Push, encode_command
from miniredis.server import Server
from tests.server.conftest import DEADLINE, Host, Peer, eventually

MEGABYTE = 1 << 20


def send_on_a_thread(host: Host, data: bytes) -> tuple[threading.Thread, Callable[[int], bytes]]:
    peer = host.connect()
    peer.socket.settimeout(60)  # for the whole of it
    thread = threading.Thread(target=peer.socket.sendall, args=(data,))
    thread.start()
    return thread, peer.read


def peak_memory(pid: int) -> int:
    """The most bytes that process ever had in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc to see the server's memory")
def test_a_million_commands_in_one_write_take_little_memory() -> None:
    with start_miniredis() as server, server.connect() as wire:
        assert server.pid is not None
        wire.call("SET", "k", "x" * 100)
        before = peak_memory(server.pid)
        data = encode_command(["GET", "k"]) * 1_000_000
        sender = threading.Thread(target=wire._socket.sendall, args=(data,))
        wire._socket.settimeout(60)
        sender.start()
        missing = 1_000_000 * len(b"$100\r\n" + b"x" * 100 + b"\r\n")
        while missing:
            missing -= len(wire._socket.recv(min(missing, MEGABYTE)))
        sender.join()
        assert peak_memory(server.pid) - before < 16 * MEGABYTE


def test_a_client_that_sends_everything_before_it_reads_is_served(host: Host) -> None:
    # 40 MB of replies: no socket holds them, so a server that stopped reading would wait for ever, and so would it.
    value = "x" * 10_000
    host.run("SET", "k", value)
    peer = host.connect()
    peer.send(*["GET k"] * 4000)
    peer.receive((b"$10000\r\n" + value.encode() + b"\r\n") * 4000)


def test_a_client_that_does_not_read_is_not_executed_for(host: Host) -> None:
    host.run("SET", "k", "x" * 100_000)
    peer = host.connect()
    peer.send(*["GET k", "INCR n"] * 1000)
    other = host.connect()
    other.send("SET done yes")
    other.receive(b"+OK\r\n")
    session = host.session(peer)
    eventually(lambda: session.query_buffer() > 0)
    executed = host.run("GET", "n")
    assert isinstance(executed, bytes)
    assert int(executed) < 1000
    for n in range(1, 1001):
        peer.receive(b"$100000\r\n" + b"x" * 100_000 + b"\r\n:%d\r\n" % n)


def test_a_huge_pipeline_lets_others_have_their_turn(host: Host) -> None:
    host.run("SET", "k", "x")
    replies = b"".join(b":%d\r\n" % n for n in range(1, 200_001))
    thread, read = send_on_a_thread(host, encode_command(["INCR", "n"]) * 200_000)
    with ThreadPoolExecutor(1) as reader:
        received = reader.submit(read, len(replies))
        other = host.connect()
        seen: set[int] = set()
        while (n := int(host.run("GET", "n") or 0)) != 200_000 and len(seen) < 10:  # type: ignore[call-overload]
            other.send("GET k")
            other.receive(b"$1\r\nx\r\n")
            seen.add(n)
        assert len(seen) >= 10, "another client's commands ran while the pipeline was being executed"
        assert received.result() == replies
    thread.join()


# client-query-buffer-limit


def test_a_blocked_client_that_sends_more_than_its_query_buffer_holds_is_closed(start: Callable[..., Host]) -> None:
    host = start(client_query_buffer_limit="1mb")
    peer = host.connect()
    peer.send("BLPOP list 0")
    host.wait_for_blocked(1)
    with contextlib.suppress(ConnectionError):
        peer.socket.sendall(b"x" * 8 * MEGABYTE)
    assert peer.read_to_the_end() == b""
    host.wait_for_clients(0)


def test_an_unfinished_request_beyond_the_query_buffer_closes(start: Callable[..., Host]) -> None:
    host = start(client_query_buffer_limit="1mb")
    peer = host.connect()
    with contextlib.suppress(ConnectionError):
        peer.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4194304\r\n" + b"x" * 3 * MEGABYTE)
    assert peer.read_to_the_end() == b""
    host.wait_for_clients(0)


# client-output-buffer-limit


def test_a_reply_beyond_the_hard_limit_closes(start: Callable[..., Host]) -> None:
    host = start(client_output_buffer_limit=["normal", "1mb", "0", "0"])
    host.run("SET", "k", "x" * 2 * MEGABYTE)
    for commands in (["GET k"], ["GET none", "GET k"]):
        peer = host.connect()
        peer.send(*commands)
        assert peer.read_to_the_end() in (b"", b"$-1\r\n")
    host.wait_for_clients(0)


@pytest.mark.parametrize("command", ["SRANDMEMBER s", "HRANDFIELD h", "ZRANDMEMBER z"])
def test_a_reply_without_end_closes_where_there_is_a_hard_limit(start: Callable[..., Host], command: str) -> None:
    host = start(client_output_buffer_limit=["normal", "1mb", "0", "0"])
    for line in ("SADD s a", "HSET h a b", "ZADD z 1 a"):
        host.run(*line.split())
    peer = host.connect()
    peer.send(f"{command} -999999999")
    assert peer.read_to_the_end() == b""
    host.wait_for_clients(0)


@contextlib.contextmanager
def a_loop_of_its_own(engine: Engine) -> Iterator[int]:
    """A server that shares its event loop with nobody, as the command line's; gives its port."""
    started: Queue[Server] = Queue()

    async def serve() -> None:
        server = Server(engine, owns_loop=True)
        await server.start()
        started.put(server)
        await server.wait_stopped()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    server = started.get(timeout=DEADLINE)
    try:
        yield server.port
    finally:
        server.loop.call_soon_threadsafe(server.begin_stop)
        thread.join()


class Witness(logging.Handler):
    """Has *peer* ask who is there just as the server has refused somebody a reply."""

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self.peer = peer

    def emit(self, record: logging.LogRecord) -> None:
        if "output buffer limits" in record.getMessage():
            self.peer.send("CLIENT LIST")


def test_who_is_over_the_hard_limit_is_gone_before_others_are_read_from() -> None:
    config = Config(VERSIONS["redis-7.0"])
    config.port = 0
    config.client_output_buffer_limit = {**config.client_output_buffer_limit, "normal": (MEGABYTE, 0, 0)}
    with a_loop_of_its_own(Engine(config=config)) as port, contextlib.ExitStack() as stack:
        refused, other = (Peer(stack.enter_context(socket.create_connection(("127.0.0.1", port)))) for _ in range(2))
        name = "{}:{}".format(*refused.socket.getsockname()).encode()
        refused.send(f"SETRANGE k {2 * MEGABYTE} x")
        refused.receive(b":%d\r\n" % (2 * MEGABYTE + 1))
        witness, logger = Witness(other), logging.getLogger("miniredis")
        logger.addHandler(witness)
        stack.callback(logger.removeHandler, witness)
        refused.send("GET k")
        seen = other.socket.recv(MEGABYTE)
    assert b"cmd=client|list" in seen
    assert name not in seen


def test_small_replies_that_nobody_reads_close_once_they_are_too_many(start: Callable[..., Host]) -> None:
    host = start(client_output_buffer_limit=["normal", "8mb", "0", "0"])
    host.run("SET", "k", "x" * 900)
    with contextlib.suppress(OSError):
        host.connect().send(*["GET k"] * 100_000)
    host.wait_for_clients(0)


def test_replies_are_limited_by_the_memory_of_all_clients_too(start: Callable[..., Host]) -> None:
    host = start(maxmemory_clients="8mb")
    host.run("SET", "k", "x" * 100_000)
    peer = host.connect()
    with contextlib.suppress(OSError):
        peer.send(*["GET k"] * 1000)
    assert len(peer.read_to_the_end()) < 1000 * 100_000
    assert host.server.engine.statistics.evicted_clients == 1


def test_a_request_that_never_ends_is_limited_by_the_memory_of_all_clients(start: Callable[..., Host]) -> None:
    host = start(maxmemory_clients="1mb")
    peer, other = host.connect(), host.connect()
    peer.socket.sendall(b"*2\r\n$3\r\nGET\r\n$2000000\r\n")
    assert peer.read_to_the_end() == b""
    other.send("GET k")
    other.receive(b"$-1\r\n")


def test_a_subscriber_that_falls_behind_beyond_the_hard_limit_is_closed(start: Callable[..., Host]) -> None:
    host = start(client_output_buffer_limit=["pubsub", "8mb", "0", "0"])
    peer, other = host.connect(), host.connect()
    session = host.session(peer)
    host.server.call(lambda: host.server.engine.pubsub.subscribe(session, b"c"))
    message = Push([b"message", b"c", b"x" * 100_000])
    for _ in range(1000):
        host.server.call(lambda: session.deliver(message))
    host.wait_for_clients(1)
    assert len(peer.read_to_the_end()) < 1000 * 100_000
    assert host.server.engine.pubsub.channels == {}
    other.send("GET k")
    other.receive(b"$-1\r\n")


def test_a_subscriber_over_the_soft_limit_is_closed_after_its_seconds(start: Callable[..., Host]) -> None:
    host = start(client_output_buffer_limit=["pubsub", "0", "1mb", "10"])
    peer = host.connect()
    session = host.session(peer)
    host.server.clock.freeze()
    host.server.call(lambda: host.server.engine.pubsub.subscribe(session, b"c"))
    for _ in range(20):
        host.deliver(peer, Push([b"message", b"c", b"x" * MEGABYTE]))
    host.server.clock.advance(10)
    assert host.clients == 1
    host.server.clock.advance(1)
    host.wait_for_clients(0)


def test_a_subscriber_that_catches_up_stays(start: Callable[..., Host]) -> None:
    host = start(client_output_buffer_limit=["pubsub", "0", "1mb", "10"])
    peer = host.connect()
    session = host.session(peer)
    host.server.clock.freeze()
    host.server.call(lambda: host.server.engine.pubsub.subscribe(session, b"c"))
    frame = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1048576\r\n" + b"x" * MEGABYTE + b"\r\n"
    for _ in range(20):
        host.deliver(peer, Push([b"message", b"c", b"x" * MEGABYTE]))
    peer.receive(frame * 20)
    host.deliver(peer, Push([b"last"]))
    peer.receive(b"*1\r\n$4\r\nlast\r\n")
    host.server.clock.advance(60)
    assert host.clients == 1


# Clients that die


KILLED = """
import socket, sys
clients = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(200)]
for client in clients:
    client.sendall(b"BLPOP list 0\\r\\n")
print("blocked", flush=True)
sys.stdin.read()
"""


def test_the_elements_that_killed_clients_waited_for_are_not_lost(host: Host) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(host.server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        host.wait_for_blocked(200)
        process.kill()
        process.wait()
    host.wait_for_clients(0)
    peer = host.connect()
    peer.send(*[f"RPUSH list {n}" for n in range(200)])
    peer.receive(b"".join(b":%d\r\n" % n for n in range(1, 201)))
