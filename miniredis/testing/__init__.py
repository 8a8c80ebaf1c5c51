"""miniredis inside a test: :class:`MiniRedis` starts a server in this very process, in a millisecond or two."""

from miniredis.testing.mini_redis import MiniRedis, ServerClock

__all__ = ["MiniRedis", "ServerClock"]
