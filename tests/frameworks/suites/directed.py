"""A plugin for pytest: all of redis-py's clients of a foreign test suite find one server, whatever host they name.

``SUITE_SERVER`` says to which: ``in-process``, a miniredis in the suite's own process by ``MiniRedis.patch``, or the
port of a real one. What else a suite expects (docker) is there by name only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
import redis.asyncio.connection
import redis.connection

from miniredis import MiniRedis

POOLS = (
    (redis.connection.ConnectionPool, redis.connection.Connection),
    (redis.asyncio.connection.ConnectionPool, redis.asyncio.connection.Connection),
)


def lead_to(port: int) -> None:
    """Let every pool that is made connect to *port* of this machine. What a pool says of itself stays as it was."""

    def led(connection_class: Any) -> type:
        class Led(connection_class):  # type: ignore[misc]
            def __init__(self, **options: Any) -> None:
                options.pop("path", None)
                super().__init__(**options | {"host": "127.0.0.1", "port": port})

        return Led

    def leading(original: Callable[..., None], connection_class: type) -> Callable[..., None]:
        @wraps(original)
        def construct(pool: Any, *args: Any, **options: Any) -> None:
            options.pop("connection_class", None)
            original(pool, connection_class, *args[1:], **options)

        return construct

    for pool_class, connection_class in POOLS:
        pool_class.__init__ = leading(pool_class.__init__, led(connection_class))


def pytest_configure() -> None:
    server = os.environ["SUITE_SERVER"]
    if server == "in-process":
        MiniRedis().patch().start()
    else:
        lead_to(int(server))


@pytest.fixture(scope="session")
def docker_services() -> Any:
    """Starts nothing: the server is there."""

    class Services:
        def start(self, *names: str) -> None:
            return None

    return Services()
