"""What nobody asked for: clients that die at the worst moment, and settings that the system does not take."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from miniredis.server.sockets import HAS_EPOLL, SocketTransport
from tests.server.conftest import Host, Peer, eventually


def test_a_client_that_is_reset_before_it_was_welcome_leaves_nothing(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
        client.connect((host.server.host, host.server.port))
        client.close()
    peer = host.connect()
    peer.send("PING")
    peer.receive(b"+PONG\r\n")
    host.wait_for_clients(1)
    eventually(lambda: len(host.server._server.connections) == 1)
    assert not caplog.records  # asyncio would tell of an exception in a callback


@pytest.mark.skipif(not HAS_EPOLL, reason="this system has asyncio's transports, which ask for the name once")
def test_a_client_that_is_reset_as_soon_as_its_name_is_known_leaves_nothing(
    host: Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    ask = SocketTransport.get_extra_info

    def tell_once(transport: SocketTransport, name: str, default: object = None) -> object:
        told.append(name)
        return ask(transport, name, default) if name != "peername" or told.count(name) == 1 else None

    monkeypatch.setattr(SocketTransport, "get_extra_info", tell_once)
    client = host.connect()
    client.send("PING")
    client.receive(b"+PONG\r\n")
    client.socket.close()
    host.wait_for_clients(0)
    assert "peername" in told
    assert not caplog.records


def test_a_keepalive_that_the_system_does_not_take_turns_nobody_away(host: Host) -> None:
    host.run("CONFIG", "SET", "tcp-keepalive", "1000000")
    peer = host.connect()
    peer.send("PING")
    peer.receive(b"+PONG\r\n")


def test_a_key_that_expires_late_delays_nobody_s_timeout(host: Host) -> None:
    peer = host.connect()
    peer.send("BLPOP list 0.05")
    host.wait_for_blocked(1)
    host.run("SET", "key", "value", "EX", "1000")
    peer.receive(b"*-1\r\n")


# Pipelines


def test_a_pipeline_of_slow_commands_lets_others_in(host: Host) -> None:
    host.run("RPUSH", "list", *map(str, range(5000)))
    pipeline, other = host.connect(), host.connect()
    host.wait_for_clients(2)
    pipeline.send(*["SORT list LIMIT 0 0", "INCR done"] * 60)
    other.send("INCRBY done 0")
    assert int(other.socket.recv(100)[1:]) < 40


def output_of(host: Host, peer: Peer) -> int:
    """Bytes that wait in the server for *peer* to read them."""
    session = host.session(peer)
    return host.server.call(session.output_buffer)


def drain(peer: Peer) -> int:
    """Read to the end; how many bytes there were."""
    size = 0
    while received := len(peer.socket.recv(1 << 20)):
        size += received
    return size


def test_large_replies_are_not_gathered_for_a_client_that_does_not_read(host: Host) -> None:
    host.run("SET", "large", "x" * 1_000_000)
    peer = host.connect()
    peer.send(*["GET large"] * 100)
    eventually(lambda: output_of(host, peer) > 0)
    assert output_of(host, peer) < 5_000_000
    peer.socket.shutdown(socket.SHUT_WR)
    assert drain(peer) == 100 * 1_000_012


def test_what_was_sent_before_the_end_is_answered_as_fast_as_it_is_read(host: Host) -> None:
    host.run("SET", "large", "x" * 1_000_000)
    peer = host.connect()
    peer.send(*["GET large"] * 50)
    eventually(lambda: output_of(host, peer) > 0)
    peer.send("INCR n", *["GET large"] * 50, "INCR n")
    peer.socket.shutdown(socket.SHUT_WR)
    assert output_of(host, peer) < 5_000_000
    assert drain(peer) == 100 * 1_000_012 + 8
    host.wait_for_clients(0)
    assert host.run("GET", "n") == b"2"


def test_a_client_that_ends_its_side_and_reads_nothing_does_not_outlive_its_socket(host: Host) -> None:
    host.run("SET", "large", "x" * 1_000_000)
    peer = host.connect()
    peer.send(*["GET large"] * 100, "BLPOP list 0")
    peer.socket.shutdown(socket.SHUT_WR)
    eventually(lambda: output_of(host, peer) > 0)
    peer.socket.close()
    host.wait_for_clients(0)


def test_nothing_is_logged_of_replies_to_clients_that_are_gone(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        peer = host.connect()
        peer.send(*["SET key value"] * 3000)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()
    host.wait_for_clients(0)
    assert not caplog.records


# The process


def test_a_server_whose_first_line_nobody_reads_serves_all_the_same(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = [sys.executable, "-S", "-m", "miniredis", "--port", "0", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(program, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        assert process.stderr is not None
        assert "Ready to accept connections" in process.stderr.readline()
        process.terminate()
        _, rest = process.communicate(timeout=10)
    assert rest.splitlines()[1:] == []  # but for "Bye bye..."
    assert process.returncode == 0


def test_an_interrupt_while_it_is_imported_ends_it_without_a_word() -> None:
    program = [sys.executable, "-S", "-X", "importtime", "-m", "miniredis", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "miniredis.resp.types" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=10)
    assert "Traceback" not in rest
