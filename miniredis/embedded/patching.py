"""All of redis-py's clients to one server, whatever host they name: for code that makes its own.

Every client makes its connections in a pool, and every pool is made by the constructor of one of two classes; that is
what is replaced, for as long as the patch is in force. A pool that was made meanwhile stays with the server; one that
was there before stays where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Final

import redis.asyncio.connection
import redis.connection

from miniredis.embedded.async_connection import AsyncConnection
from miniredis.embedded.clients import NOWHERE
from miniredis.embedded.connection import Connection
from miniredis.embedded.servers import HasDriver

_POOLS: Final[tuple[tuple[Any, type], ...]] = (
    (redis.connection.ConnectionPool, Connection),
    (redis.asyncio.connection.ConnectionPool, AsyncConnection),
)

_lock: Final = threading.Lock()
_in_force: Final[list[Patch]] = []
_originals: Final[list[Callable[..., None]]] = []


class Patch:
    """Directs all pools that are made to *server*: for a ``with`` block, or from :meth:`start` to :meth:`stop`.

    Of several patches the one that was started last counts.
    """

    def __init__(self, server: HasDriver) -> None:
        self._server = server

    def start(self) -> None:
        """Begin. Raises ``RuntimeError`` if it has begun."""
        with _lock:
            if self in _in_force:
                raise RuntimeError("this patch is in force already")
            _in_force.append(self)
            if len(_in_force) == 1:
                _replace_constructors()

    def stop(self) -> None:
        """End; nothing happens if it has not begun."""
        with _lock:
            if self in _in_force:
                _in_force.remove(self)
                if not _in_force:
                    _restore_constructors()

    def __enter__(self) -> None:
        self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def destination(self) -> dict[str, Any]:
        """The options that lead a connection to the server."""
        return {"server": self._server, "path": NOWHERE}


def _replace_constructors() -> None:
    for pool_class, connection_class in _POOLS:
        _originals.append(pool_class.__init__)
        pool_class.__init__ = _constructor(pool_class.__init__, connection_class)


def _restore_constructors() -> None:
    for (pool_class, _), original in zip(_POOLS, _originals, strict=True):
        pool_class.__init__ = original
    _originals.clear()


def _constructor(original: Callable[..., None], connection_class: type) -> Callable[..., None]:
    @wraps(original)
    def construct(pool: Any, *args: Any, **options: Any) -> None:
        patch = _in_force[-1] if _in_force else None
        if patch is None or _is_for_this_process(args, options):
            original(pool, *args, **options)
        else:
            options.pop("connection_class", None)
            original(pool, connection_class, *args[1:], **{**options, **patch.destination})

    return construct


def _is_for_this_process(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether the pool is one of ours already."""
    given = args[0] if args else options.get("connection_class")
    return isinstance(given, type) and issubclass(given, Connection | AsyncConnection)
