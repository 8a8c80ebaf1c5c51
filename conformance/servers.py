"""Start one of the real servers of this machine, and be sure it is gone afterwards.

The rule of this file: a started server belongs to its context manager, and one that somebody else started
(``remote.py``) is never stopped. What is started listens on a free port of the loopback
interface, keeps nothing on disk outside a directory of its own, counts as started only once it has answered, and
its process and its directory are gone when the ``with`` block ends, however it ends.
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from conformance.wire import PATIENCE, Wire
from miniredis.real_servers import ServerBinary, find_server, find_servers, identify
from miniredis.resp import ProtocolError

__all__ = [
    "REFERENCES",
    "Server",
    "ServerBinary",
    "ServerError",
    "find_server",
    "find_servers",
    "identify",
    "start",
    "start_miniredis",
]

REFERENCES: Final = ("redis-7.0", "valkey-9.1")
"""The servers that say what is right: Redis as Debian has it, and Valkey, which went on from Redis 7.2."""

START_DEADLINE: Final = 20.0
"""Seconds a server may take until it answers. Generous, for loaded machines; one that is ready is not waited for."""

STOP_DEADLINE: Final = 5.0
"""Seconds between the polite signal and the one that cannot be refused."""

POLL_INTERVAL: Final = 0.005
"""Seconds between two looks at a server that is starting."""

PORT_ATTEMPTS: Final = 5
"""How often another port is tried when somebody else took the one we found free."""

READY_LINE: Final = re.compile(rb"ready on redis://([^\s:]+|\[[^\]]+\]):(\d+)")

LAST_LINES: Final = 12
"""How many lines of what a server printed are shown of one that is gone."""


class ServerError(Exception):
    """A server that cannot be had: the message says why, with the last lines that it printed if it printed any."""


@dataclass(frozen=True)
class Server:
    """A server that runs, and what it takes to be let in."""

    name: str
    """Family and series (``redis-7.0``), or ``miniredis``."""
    host: str
    port: int
    pid: int | None = None
    """``None`` for a server that somebody else started."""
    address: str = ""
    """How it was started, or the URL at which it is reached, without password."""
    path: str = ""
    """Of its Unix socket, which then counts instead of host and port."""
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    username: str = ""
    password: str = field(default="", repr=False)
    log: Path | None = field(default=None, repr=False, compare=False)
    """What it prints goes to this file."""

    def connect(self, *, timeout: float = PATIENCE) -> Wire:
        """A new connection, authenticated. ``timeout`` is in seconds, for connecting and for each later read.

        Raises ``OSError`` where nobody listens, and :class:`ServerError` if user or password are refused.
        """
        wire = Wire(self.host, self.port, timeout=timeout, path=self.path, tls=self.tls)
        if self.password:
            credentials = (self.username, self.password) if self.username else (self.password,)
            try:
                answer = wire.call("AUTH", *credentials)
            except BaseException:
                wire.close()
                raise
            if answer.raw != b"+OK\r\n":
                wire.close()
                raise ServerError(f"{self.address} refuses the password: {answer.raw.decode(errors='replace').strip()}")
        return wire

    def answers(self, *, timeout: float = 2.0) -> bool:
        """Whether a new connection gets any reply to PING within so many seconds."""
        try:
            with self.connect(timeout=timeout) as wire:
                wire.call("PING")
        except (OSError, ServerError, ProtocolError):
            return False
        return True

    def last_lines(self) -> str:
        """The last lines that it printed; empty for a server that somebody else started."""
        try:
            printed = self.log.read_text(errors="replace") if self.log is not None else ""
        except OSError:
            return ""
        return "\n".join(printed.splitlines()[-LAST_LINES:])


@contextmanager
def start(binary: ServerBinary, *args: str) -> Iterator[Server]:
    """Run ``binary`` on a free port of the loopback interface, without persistence, for the length of the block.

    ``args`` go to its command line after ours, so that they win. Raises :class:`ServerError` if it does not start.
    """

    def command(port: int, folder: Path) -> list[str]:
        line = [str(binary.path), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        line += ["--save", "", "--appendonly", "no"]
        if binary.version >= (7, 0):  # Older ones always allow DEBUG and reject the directive.
            line += ["--enable-debug-command", "yes"]
        return [*line, *args]

    def answers(process: _Process) -> Server | None:
        try:
            with Wire("127.0.0.1", process.port, timeout=1.0) as wire:
                # The process id, lest a stranger answers who took the port between our look and our server's bind.
                if b"\r\nprocess_id:%d\r\n" % process.pid in wire.call("INFO", "server").raw:
                    return Server(
                        binary.name, "127.0.0.1", process.port, process.pid, str(binary.path), log=process.log
                    )
        except OSError:
            return None
        return None

    with _running(command, answers) as server:
        yield server


@contextmanager
def start_miniredis(
    *args: str, emulate: str | None = None, program: Sequence[str] = ("-m", "miniredis")
) -> Iterator[Server]:
    """Run this project's own server in a process of its own for the length of the block, set up as the real ones are.

    ``emulate`` names the server version it plays (``redis-7.0``); ``args`` are further options of its command line;
    ``program`` is what Python runs.
    """

    def command(port: int, folder: Path) -> list[str]:
        line = [sys.executable, "-u", *program, "--port", "0", "--dir", str(folder)]
        line += ["--save", "", "--enable-debug-command", "yes"]
        return [*line, *(["--emulate", emulate] if emulate else []), *args]

    def announced(process: _Process) -> Server | None:
        match = READY_LINE.search(process.output())
        if match is None:
            return None
        address = "python -m miniredis" + (f" --emulate {emulate}" if emulate else "")
        host, port = match[1].decode().strip("[]"), int(match[2])
        return Server("miniredis", host, port, process.pid, address, log=process.log)

    with _running(command, announced) as server:
        yield server


class _Process:
    """A server's process, the directory it lives in, and what it has printed so far."""

    def __init__(self, command: Sequence[str], port: int, folder: Path) -> None:
        self.port = port
        self.log = folder / "output"
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C is for us, who stop the server in good order.
            self._popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.pid = self._popen.pid

    def output(self) -> bytes:
        return self.log.read_bytes()

    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    def stop(self) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


@contextmanager
def _running(command: Callable[[int, Path], list[str]], ready: Callable[[_Process], Server | None]) -> Iterator[Server]:
    for attempt in range(1, PORT_ATTEMPTS + 1):
        port = _free_port()
        with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            process = _Process(command(port, Path(folder)), port, Path(folder))
            try:
                server = _wait_until_ready(process, ready)
                if server is not None:
                    yield server
                    return
                output = process.output()
                if b"in use" not in output or attempt == PORT_ATTEMPTS:
                    tail = output.decode(errors="replace")[-2000:]
                    raise ServerError(f"no answer from {command(port, Path(folder))}:\n{tail}")
            finally:
                process.stop()


def _wait_until_ready(process: _Process, ready: Callable[[_Process], Server | None]) -> Server | None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline and not process.has_ended():
        server = ready(process)
        if server is not None:
            return server
        time.sleep(POLL_INTERVAL)
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
