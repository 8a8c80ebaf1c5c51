"""Closing an asyncio client at the end of the test that used it, whoever runs the test's event loop.

A fixture that is no coroutine itself works with pytest-asyncio, in each of its modes, with anyio, and in a test that
calls ``asyncio.run``. But a connection has to be closed on its own loop: so the test function, if it is a coroutine, is
wrapped in one that does so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import pytest


def close_after_test(item: pytest.Item, client: Any) -> Callable[[], None]:
    """Have *client* closed when the coroutine of *item* ends; returns what is to be called when all is over."""
    function = getattr(item, "obj", None)
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(function):
        return lambda: _hang_up(client)

    @wraps(function)
    async def closing(*args: Any, **options: Any) -> Any:
        try:
            return await function(*args, **options)
        finally:
            await client.aclose()

    def end() -> None:
        item.obj = function
        _hang_up(client)

    item.obj = closing
    return end


def _hang_up(client: Any) -> None:
    """Drop the connections that are left, without a word: there is no loop any more on which to say it."""
    pool = client.connection_pool
    for connection in [*pool._available_connections, *pool._in_use_connections]:
        with suppress(RuntimeError):  # its loop is closed
            connection._close()
        connection._reader = connection._writer = None
