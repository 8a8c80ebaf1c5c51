"""Clients in the server's own process, from :class:`~miniredis.testing.mini_redis.MiniRedis`. They need no ``start()``.

redis-py is imported when the first of them is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniredis.embedded.driver import Driver

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from miniredis.embedded.patching import Patch


class InProcess:
    """A server whose clients can be in its process."""

    driver: Driver
    """Who lets them in to the engine."""

    def client(self, **options: Any) -> redis.Redis:
        """A ``redis.Redis`` whose connections call this server directly: no socket, no thread, no encoding.

        It has all options of redis-py; those about sockets and addresses mean nothing.
        """
        from miniredis.embedded.clients import new_client

        return new_client(self, options)

    def async_client(self, **options: Any) -> redis.asyncio.Redis:
        """As :meth:`client`, a ``redis.asyncio.Redis``. It can be used on any event loop."""
        from miniredis.embedded.clients import new_async_client

        return new_async_client(self, options)

    def patch(self) -> Patch:
        """Let all of redis-py's clients reach this server, whatever host they name: for code that makes its own.

        For a ``with`` block, or from the result's ``start()`` to its ``stop()``. It holds for clients and pools that
        are made meanwhile.
        """
        from miniredis.embedded.patching import Patch

        return Patch(self)

    def register(self, name: str) -> str:
        """Let this server be found by ``redis.from_url("miniredis://name")``; returns that URL.

        The name is this server's until another one takes it.
        """
        from miniredis.embedded.servers import name_server
        from miniredis.embedded.urls import SCHEME, register_scheme

        register_scheme()
        name_server(name, self)
        return SCHEME + name
