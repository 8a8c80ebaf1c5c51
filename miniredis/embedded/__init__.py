"""Clients of redis-py inside the server's own process: their connections call the engine, with no socket between.

``driver``, ``line`` and ``sleepers`` are a driver of the engine, as the server is one with sockets: who may use it, one
client, and how one waits. They know no redis-py. ``arguments`` and ``replies`` stand for the bytes of both directions;
``connection`` and ``async_connection`` are redis-py's connection classes, ``dialogue`` what they share, ``pool`` where
they are kept; ``clients``, ``urls`` and ``patching`` are the three ways to a client that has them. ``redis`` is
imported by these alone, when somebody asks for a client.
"""

from miniredis.embedded.driver import Driver

__all__ = ["Driver"]
