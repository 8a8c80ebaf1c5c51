"""Being woken: whoever waits stands at a list, and is served the moment somebody pushes to it; or reads a stream.

A push wakes one, an entry of a stream all who wait for news.

The rule of this file: a wake-up is only a hint. It may come for nothing, and it may be lost with a client that was
woken and died; so one wait lasts a slice at most (:mod:`patterns.patience`), after which the waiter looks for itself.
"""

from __future__ import annotations

from typing import Any

from redis.exceptions import TimeoutError as RedisTimeoutError

from patterns.patience import slice_ms
from patterns.steps import Command, Steps


def woken(client: Any, key: str, seconds: float) -> Steps[bool]:
    """Wait at the list *key* for so many seconds, but no longer than a slice: whether somebody woke us."""
    # A millisecond more, or a waiter would look just before what it waits for; and a timeout of 0 would last for ever.
    timeout = min(max(seconds, 0) + 0.001, slice_ms(client) / 1000)
    try:
        return (yield Command("BLPOP", key, timeout)) is not None
    except RedisTimeoutError:
        return False


def told(client: Any, key: str, after: bytes, seconds: float) -> Steps[None]:
    """Wait for an entry of the stream *key* after that one, for so many seconds, but no longer than a slice."""
    milliseconds = max(1, min(int(seconds * 1000) + 1, slice_ms(client)))
    try:
        yield Command("XREAD", "BLOCK", milliseconds, "STREAMS", key, after)
    except RedisTimeoutError:
        return
