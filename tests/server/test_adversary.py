"""What nobody asked for: clients that die at the worst moment, and settings that the system does not take."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys

import pytest

from tests.server.conftest import Host, eventually


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


# The process


def test_a_server_whose_first_line_nobody_reads_serves_all_the_same() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = [sys.executable, "-S", "-m", "miniredis", "--port", "0"]
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
