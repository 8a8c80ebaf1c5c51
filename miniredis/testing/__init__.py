"""miniredis inside a test: :class:`MiniRedis` starts a server in this very process, in a millisecond or two."""

from miniredis.testing.clock import ServerClock
from miniredis.testing.mini_redis import MiniRedis
from miniredis.testing.python_values import Expiring, SortedSet, Stream

__all__ = ["Expiring", "MiniRedis", "ServerClock", "SortedSet", "Stream"]
