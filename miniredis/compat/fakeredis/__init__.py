"""fakeredis's classes, with a :class:`~miniredis.MiniRedis` behind them.

``from miniredis.compat import fakeredis`` in place of ``import fakeredis`` is all that a test suite has to change. The
clients are redis-py's own, on the connections of :mod:`miniredis.embedded`; a ``FakeServer`` is a ``MiniRedis``, and so
its clock and all the rest are at hand, too.
"""

from miniredis.compat.fakeredis.aioredis import FakeAsyncRedisConnection
from miniredis.compat.fakeredis.aioredis import FakeRedis as FakeAsyncRedis
from miniredis.compat.fakeredis.clients import FakeRedis, FakeRedisConnection, FakeStrictRedis
from miniredis.compat.fakeredis.server import FakeServer
from miniredis.compat.fakeredis.tcp_server import TcpFakeServer

FakeConnection = FakeRedisConnection
FakeAsyncConnection = FakeAsyncRedisConnection

__all__ = [
    "FakeAsyncConnection",
    "FakeAsyncRedis",
    "FakeAsyncRedisConnection",
    "FakeConnection",
    "FakeRedis",
    "FakeRedisConnection",
    "FakeServer",
    "FakeStrictRedis",
    "TcpFakeServer",
]
