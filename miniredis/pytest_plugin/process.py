"""A real server in a process of its own, for ``--redis=real``.

The rule of this file: it listens on a free port of the loopback interface and writes nothing; it is there once it has
answered, and gone, with its directory, after ``stop()``.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from miniredis.pytest_plugin.wire import Wire
from miniredis.real_servers import ServerBinary

PATIENCE: Final = 20.0
"""Seconds a server may take until it answers, on a machine with much to do."""

LOOK: Final = 0.005
"""Seconds between two looks at a server that starts."""

ATTEMPTS: Final = 5
"""How often another port is tried, where somebody else took the one that was free."""


class StartError(Exception):
    """A server that does not start: the message says why, with what it printed."""


class Process:
    """*binary*, running. Raises :class:`StartError` if it does not get that far."""

    def __init__(self, binary: ServerBinary) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="miniredis-pytest-")
        self._log = Path(self._folder.name) / "output"
        try:
            for _ in range(ATTEMPTS):
                self.url = f"redis://127.0.0.1:{_free_port()}"
                if self._starts(binary):
                    return
            raise StartError(f"{binary} does not start:\n{self._log.read_text(errors='replace')[-2000:]}")
        except BaseException:
            self._folder.cleanup()
            raise

    def stop(self) -> None:
        """End it."""
        self._end()
        self._folder.cleanup()

    def _starts(self, binary: ServerBinary) -> bool:
        port = self.url.rpartition(":")[2]
        line = [str(binary.path), "--port", port, "--bind", "127.0.0.1", "--dir", self._folder.name]
        line += ["--save", "", "--appendonly", "no"]
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C is for the tests, which stop the server in good order.
            self._popen = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            if self._answers():
                return True
        except BaseException:
            self._end()
            raise
        self._end()
        return False

    def _answers(self) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._popen.poll() is None:
            try:
                with Wire(self.url) as wire:
                    # Lest a stranger answers, who took the port in between.
                    return wire.info("server")["process_id"] == str(self._popen.pid)
            except OSError:
                time.sleep(LOOK)
        return False

    def _end(self) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
