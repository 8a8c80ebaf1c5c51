"""``FakeRedis``, ``FakeStrictRedis``: clients that need no server but their own."""

from __future__ import annotations

from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.client import Redis
from redis.retry import Retry

from miniredis.compat.fakeredis.arguments import named, of_url
from miniredis.compat.fakeredis.server import CUT_OFF, FakeServer, Version, server_for
from miniredis.embedded.clients import new_pool
from miniredis.embedded.connection import Connection
from miniredis.embedded.line import Line


class FakeRedisConnection(Connection):
    """A connection to a ``FakeServer``, as long as that is connected: to *server*, or to that of its address."""

    def __init__(
        self,
        *,
        server: FakeServer | None = None,
        version: Version = (7,),
        server_type: str = "redis",
        **options: Any,
    ) -> None:
        found = server or server_for({"host": "localhost", **options}, version, server_type)
        super().__init__(server=found, **options)

    def _connect(self) -> Line:
        if isinstance(self._server, FakeServer) and not self._server.connected:
            raise redis.ConnectionError(CUT_OFF)
        return super()._connect()


class FakeRedis(Redis):
    """``redis.Redis`` with all its arguments, and those of fakeredis: *server*, *version*, *server_type*, *connected*.

    It does not try again when it is cut off, unless *retry* says so. *lua_modules* are taken and mean nothing: the
    libraries that Redis has are there.
    """

    def __init__(
        self,
        *args: Any,
        server: FakeServer | None = None,
        version: Version = (7,),
        server_type: str = "redis",
        lua_modules: set[str] | None = None,
        **options: Any,
    ) -> None:
        options = named(Redis, args, options)
        connected = options.pop("connected", True)
        pool = options.get("connection_pool")
        if pool is None:
            if server is None:
                server = server_for(options, version, server_type)
                server.connected = connected
            options.setdefault("retry", Retry(NoBackoff(), 0))
            pool = new_pool(server, options)
            pool.connection_class = FakeRedisConnection
        is_single = options.get("single_connection_client", False)
        super().__init__(connection_pool=pool, single_connection_client=is_single)
        self.auto_close_connection_pool = options.get("connection_pool") is None

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """A client by a URL of redis-py: one of the same host and port has the same server."""
        parse_url: Any = redis.connection.parse_url
        return cls(**of_url(parse_url(url), options))


class FakeStrictRedis(FakeRedis):
    """The same, under the name that ``redis.Redis`` once had."""
