"""A server that is never started, and clients of it in RESP2 and in RESP3."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import redis
import redis.asyncio

from miniredis import MiniRedis


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    version: int = request.param
    return version


@pytest.fixture
def server() -> MiniRedis:
    return MiniRedis()


@pytest.fixture
def client(server: MiniRedis, protocol: int) -> Iterator[redis.Redis]:
    with server.client(protocol=protocol, decode_responses=True) as client:
        yield client


@pytest.fixture
async def async_client(server: MiniRedis, protocol: int) -> AsyncIterator[redis.asyncio.Redis]:
    async with server.async_client(protocol=protocol, decode_responses=True) as client:
        yield client


def in_thread(function: Callable[..., Any], *args: Any) -> Future[Any]:
    """What *function* returns, which runs on a thread of its own."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(function(*args))
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result


def connection_of(client: Any) -> Any:
    """A connection out of *client*'s pool. Before version 5.3 redis-py wants to know what for."""
    parameters = inspect.signature(type(client.connection_pool).get_connection).parameters
    is_asked = parameters["command_name"].default is inspect.Parameter.empty
    return client.connection_pool.get_connection(*(["_"] if is_asked else []))


class Watch:
    """Tells when clients wait, as an event and not by asking again and again."""

    def __init__(self, server: MiniRedis) -> None:
        self._server = server
        self._blocked = server.engine.blocked_clients
        self._enough: list[tuple[int, threading.Event]] = []
        block = type(self._blocked).block

        def noted(blocked_clients: Any, *args: Any) -> Any:
            blocked = block(blocked_clients, *args)
            for count, event in self._enough:
                if len(blocked_clients.clients) >= count:
                    event.set()
            return blocked

        self._blocked.__class__ = type("Watched", (type(self._blocked),), {"__slots__": (), "block": noted})

    def wait_for(self, count: int) -> None:
        """Return when so many clients wait."""
        event = threading.Event()
        self._enough.append((count, event))
        if self._server.call(lambda: len(self._blocked.clients)) >= count:
            return
        assert event.wait(20), "nobody waits"


@pytest.fixture
def watch(server: MiniRedis) -> Watch:
    return Watch(server)
