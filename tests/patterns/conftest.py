"""The servers that patterns are proven on: miniredis, whose clock stands still until a test moves it, and a real one.

A test that takes ``stage`` runs on both. Time passes by ``stage.advance``: at once on miniredis, by waiting on a real
server, so that a test lets milliseconds pass, not hours, unless it is for miniredis alone (``fake``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import redis
import redis.asyncio

import patterns
from conformance.servers import Server
from miniredis import MiniRedis
from tests.patterns.topologies import ask, binary_of, cluster, cluster_url

PATIENT: Final[dict[str, Any]] = {"socket_connect_timeout": 60, "socket_timeout": 60}
"""Options of clients: on a busy machine a hundred that connect at once can take longer than redis-py waits."""


@dataclass
class Stage:
    """A server, and how time passes on it."""

    url: str
    mini: MiniRedis | None = None
    client: redis.Redis = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.new_client()

    @property
    def real(self) -> bool:
        return self.mini is None

    def advance(self, seconds: float) -> None:
        """Let so much time pass for the server."""
        if self.mini is not None:
            self.mini.clock.advance(seconds)
        else:
            # A little more: the server's clock is not this process's.
            time.sleep(seconds + 0.005)

    def new_client(self, **options: Any) -> redis.Redis:
        return redis.Redis.from_url(self.url, **PATIENT | options)

    def new_async_client(self, **options: Any) -> redis.asyncio.Redis:
        return redis.asyncio.Redis.from_url(self.url, **PATIENT | options)

    def empty(self) -> None:
        self.client.flushall()

    @contextmanager
    def expires_in(self, key: str, least: float, most: float | None = None) -> Iterator[None]:
        """What is written meanwhile has this time to live, in milliseconds, however long the writing takes."""
        before = self._now()
        yield
        after = self._now()
        assert before + least <= self.client.pexpiretime(key) <= after + (least if most is None else most)

    def _now(self) -> int:
        seconds, microseconds = self.client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def rest(self) -> None:
        """Wait until nothing goes on in the background: what is left behind would disturb a test that comes later."""
        for thread in threading.enumerate():
            if thread.name == "patterns-background":
                thread.join(10)
                assert not thread.is_alive(), "what was begun in the background does not come to an end"

    def commands(self) -> int:
        """How many commands the server has processed, those of scripts included."""
        return int(self.client.info("stats")["total_commands_processed"])


def _mini() -> Iterator[Stage]:
    with MiniRedis() as server:
        server.clock.freeze()
        stage = Stage(server.url, server)
        yield stage
        stage.rest()
        stage.client.close()


@pytest.fixture
def fake() -> Iterator[Stage]:
    """miniredis alone, for what takes hours."""
    yield from _mini()


@pytest.fixture(params=["miniredis", "redis", "valkey"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """miniredis and both real servers, each empty."""
    if request.param == "miniredis":
        yield from _mini()
        return
    server: Server = request.getfixturevalue(f"{request.param}_server")
    stage = Stage(f"redis://127.0.0.1:{server.port}/0")
    stage.empty()
    yield stage
    stage.rest()
    stage.client.close()


@pytest.fixture(scope="session", params=["redis-7.0", "valkey-9.1"])
def nodes(request: pytest.FixtureRequest) -> Iterator[list[Server]]:
    """A cluster of three nodes; its tests share it."""
    with cluster(binary_of(request.param)) as servers:
        yield servers


@pytest.fixture
def url(nodes: list[Server]) -> str:
    """The cluster, empty and without scripts."""
    for node in nodes:
        ask(node, "FLUSHALL")
        ask(node, "SCRIPT", "FLUSH")
    return cluster_url(nodes)


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    """A client of the cluster."""
    with patterns.connect(url) as client:
        yield client
