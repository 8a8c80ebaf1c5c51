"""Waiting in tests: for something to become true, never for a time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis

DEADLINE = 30.0


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as it is true; fail if it never is."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.002)


async def until_async(condition: Callable[[], bool]) -> None:
    """The same for the event loop."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.002)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel it until it is. Python 3.11 forgets a cancellation that comes while redis-py sends (asyncio.wait_for)."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)
    assert task.cancelled()


def blocked(client: redis.Redis) -> int:
    """How many clients wait in a blocking command."""
    return int(client.info("clients")["blocked_clients"])
