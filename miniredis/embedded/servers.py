"""Servers in this process that clients find by a name: ``miniredis://name``.

A name is a name for as long as its server lives, or until another server takes it.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from miniredis.embedded.driver import Driver


class HasDriver(Protocol):
    """A server, as far as a client in its process has to know it: a ``MiniRedis``."""

    @property
    def driver(self) -> Driver:
        """Who lets clients in to its engine."""


_NAMED: Final[weakref.WeakValueDictionary[str, Any]] = weakref.WeakValueDictionary()


class UnknownServerError(OSError):
    """There is no server of that name; a client meets it as a ``ConnectionError``."""


def name_server(name: str, server: HasDriver) -> None:
    """Let *server* be found as *name*, in place of whoever was before."""
    _NAMED[name] = server


def driver_of(server: HasDriver | str) -> Driver:
    """The driver of *server*, which may be a name. Raises :class:`UnknownServerError`."""
    if not isinstance(server, str):
        return server.driver
    found: HasDriver | None = _NAMED.get(server)
    if found is None:
        raise UnknownServerError(f"no MiniRedis is registered as {server!r}")
    return found.driver
