"""The deterministic core: a Redis without sockets, threads or a wall clock of its own.

A driver (the TCP server, an in-process client, a test that steps by hand) gives :meth:`Engine.execute` a session and a
request and gets a typed reply, or a :class:`~miniredis.engine.blocking.Blocked` to wait for. The commands themselves
live one floor up, in :mod:`miniredis.commands`; importing that package fills the command table this one reads.
"""

from miniredis.engine.engine import Engine

__all__ = ["Engine"]
