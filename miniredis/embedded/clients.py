"""Clients of redis-py with a pool of connections to an engine in this process.

redis-py itself makes client and pool, with all options that it has; the pool is then told of another class of
connections before it has made one.

The classes are had from where they are defined: a test may have replaced ``redis.Redis`` by one that comes here.
"""

from __future__ import annotations

import inspect
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.client import Redis as AsyncRedis
from redis.client import Redis

from miniredis.embedded.async_connection import AsyncConnection
from miniredis.embedded.pool import with_our_connections
from miniredis.embedded.servers import HasDriver

NOWHERE = "miniredis"
"""Stands for the path of a socket. It keeps redis-py from what it does only for connections over TCP."""


def new_client(server: HasDriver | str, options: dict[str, Any]) -> redis.Redis:
    """A client of *server* with the *options* of ``redis.Redis``."""
    pool = new_pool(server, options)
    client = Redis(connection_pool=pool, single_connection_client=options.get("single_connection_client", False))
    client.auto_close_connection_pool = True
    return client


def new_pool(server: HasDriver | str, options: dict[str, Any]) -> redis.ConnectionPool:
    """The pool that ``redis.Redis(**options)`` would have, if *server* were where that looks for one."""
    client = Redis(**_without_address(Redis, options))
    client.auto_close_connection_pool = False
    pool = with_our_connections(client.connection_pool, options)
    pool.connection_kwargs["server"] = server
    return pool


def new_async_client(server: HasDriver | str, options: dict[str, Any]) -> redis.asyncio.Redis:
    """A client of *server* with the *options* of ``redis.asyncio.Redis``."""
    pool = new_async_pool(server, options)
    client = AsyncRedis(connection_pool=pool, single_connection_client=options.get("single_connection_client", False))
    client.auto_close_connection_pool = True
    return client


def new_async_pool(server: HasDriver | str, options: dict[str, Any]) -> redis.asyncio.ConnectionPool:
    """The pool that ``redis.asyncio.Redis(**options)`` would have, if *server* were where that looks for one."""
    client = AsyncRedis(**_without_address(AsyncRedis, options))
    client.auto_close_connection_pool = False
    pool: redis.asyncio.ConnectionPool = client.connection_pool
    pool.connection_class = AsyncConnection
    pool.connection_kwargs["server"] = server
    return pool


def _without_address(client_class: type, options: dict[str, Any]) -> dict[str, Any]:
    """*options* of a client over TCP, which can do more than one over a Unix socket, but for where that would connect.

    Maintenance notifications would only be asked for, and refused: they are about addresses.
    """
    kept = {name: value for name, value in options.items() if name not in ("host", "port", "ssl", "unix_socket_path")}
    if "maint_notifications_config" in inspect.signature(client_class).parameters:
        from redis.maint_notifications import MaintNotificationsConfig

        kept["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return kept | {"single_connection_client": False}
