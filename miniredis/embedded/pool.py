"""redis-py's pool of connections, with a short way to lend one out and to take it back.

Around each command redis-py's own ways cost as much as the command costs an engine: they count for OpenTelemetry, look
out for new credentials, ask a socket. The short way leaves out what comes to nothing, and is taken only where it does:
nobody can be counting, the options name nothing that listens, and the line is at rest. Else it is redis-py's.
"""

from __future__ import annotations

import sys
from inspect import Parameter, signature
from os import getpid
from typing import Any, Final

from redis.connection import ConnectionPool

from miniredis.embedded.connection import Connection

LISTEN: Final = ("cache", "cache_config", "credential_provider", "event_dispatcher")
"""Options of a client that want to know of each connection that is lent out."""

TELEMETRY: Final = "opentelemetry"
"""Without this module redis-py has nothing to count with."""

IS_TOLD_COMMAND: Final = signature(ConnectionPool.get_connection).parameters["command_name"].default is Parameter.empty
"""Before version 5.3 redis-py wants to know what a connection is for; later ones warn of whoever says it."""


class Pool(ConnectionPool):
    """The pool of a client whose connections are ours."""

    _available_connections: list[Any]
    _in_use_connections: set[Any]
    _lock: Any

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        with self._lock:
            available = self._available_connections
            if available and self.pid == getpid() and TELEMETRY not in sys.modules:
                connection: Connection = available[-1]
                line = connection._sock
                if line is not None and not line.inbox and not line.closed and not line.driver.has_errands:
                    del available[-1]
                    self._in_use_connections.add(connection)
                    return connection
        if command_name is None and not IS_TOLD_COMMAND:
            return super().get_connection()
        return super().get_connection(command_name or "_", *keys, **options)

    def release(self, connection: Any) -> None:
        if self.pid == connection.pid == getpid() and TELEMETRY not in sys.modules:
            with self._lock:
                if connection in self._in_use_connections:
                    self._in_use_connections.remove(connection)
                    self._available_connections.append(connection)
                    return
        super().release(connection)


def with_our_connections(pool: ConnectionPool, options: dict[str, Any]) -> ConnectionPool:
    """*pool*, which the client with *options* has just made, with our connections and, if they allow it, our ways."""
    pool.connection_class = Connection
    if type(pool) is ConnectionPool and not any(options.get(name) for name in LISTEN):
        pool.__class__ = Pool
    return pool
