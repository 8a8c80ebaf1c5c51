"""Waiting for the server to have come so far, in place of sleeping: until somebody blocks, subscribes, does whatever.

::

    thread.start()
    server.wait_for_blocked("jobs")         # now it stands in BLPOP, whatever the machine is busy with
    client.rpush("jobs", "job")

The rule of this file: nobody polls. A condition is asked once, and then after each command, where the commands run. It
is bounded by real time, because what it waits for is the work of a thread, a task or a process, not of the server's
clock; and when that time is up the error says what was there instead.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, TypeAlias

from miniredis.testing.patterns import text_of
from miniredis.testing.transcript import quoted

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session
    from miniredis.testing.instruments import Instruments
    from miniredis.testing.interception import Call

PATIENCE: Final = 5.0
"""Real seconds that somebody waits unless told otherwise: long for a test, and no more than that."""

Condition: TypeAlias = Callable[[], bool]


class Wait:
    """One wait: for *condition*, asked after each command; *complaint* says what there is while it does not hold.

    ``passed()`` blocks the calling thread, ``passed_async()`` its task only.
    """

    def __init__(self, server: Instruments, condition: Condition, complaint: Callable[[], str]) -> None:
        self._server = server
        self._condition = condition
        self._complaint = complaint
        self._holds: Future[None] = Future()

    def passed(self, timeout: float) -> None:
        """Return when it holds. Raises ``TimeoutError`` after *timeout* real seconds."""
        server = self._server
        server.call(self._begin)
        try:
            if server.is_served_here and not self._holds.done():
                raise RuntimeError("this thread serves the clients that it would wait for: await the async_… form")
            self._holds.result(timeout)
        except concurrent.futures.TimeoutError:
            raise TimeoutError(self._words(timeout)) from None
        finally:
            server.call(server.interception.remove_observer, self._look)

    async def passed_async(self, timeout: float) -> None:
        """As :meth:`passed`; others on this event loop go on meanwhile."""
        import asyncio

        server = self._server
        server.call(self._begin)
        try:
            await asyncio.wait_for(asyncio.wrap_future(self._holds), timeout)
        except TimeoutError:
            raise TimeoutError(self._words(timeout)) from None
        finally:
            server.call(server.interception.remove_observer, self._look)

    def _words(self, timeout: float) -> str:
        return f"{self._server.call(self._complaint)} (after {timeout:g} s)"

    def _begin(self) -> None:
        self._server.interception.add_observer(self._look)
        self._look(None)

    def _look(self, call: Call | None) -> None:
        if self._holds.done():
            return
        with contextlib.suppress(concurrent.futures.InvalidStateError):  # who waits has given up just now
            try:
                if self._condition():
                    self._holds.set_result(None)
            except Exception as error:
                self._holds.set_exception(error)


def for_blocked(server: Instruments, key: str | bytes, clients: int, db: int) -> Wait:
    """Until *clients* of them wait for *key* (BLPOP, XREAD, …)."""
    database, name = server.engine.databases[db], text_of(key)

    def blocked() -> int:
        return len(database.waiting.get(name, ()))

    def complaint() -> str:
        return f"{_clients(blocked(), clients)} blocked on {quoted(name)} in db {db}; " + _who_waits(server.engine)

    return Wait(server, lambda: blocked() >= clients, complaint)


def for_subscriber(server: Instruments, channel: str | bytes, clients: int) -> Wait:
    """Until *clients* of them have subscribed to *channel*: to that name, be it a channel's, a pattern's or a shard
    channel's."""
    pubsub, name = server.engine.pubsub, text_of(channel)
    registries = (pubsub.channels, pubsub.patterns, pubsub.shard_channels)

    def subscribed() -> int:
        return len({session for registry in registries for session in registry.get(name, ())})

    def complaint() -> str:
        names = sorted({each for registry in registries for each in registry})
        there = ", ".join(map(quoted, names)) if names else "nobody has subscribed to anything"
        return f"{_clients(subscribed(), clients)} subscribed to {quoted(name)}; subscribed to: {there}"

    return Wait(server, lambda: subscribed() >= clients, complaint)


def until(server: Instruments, condition: Condition, description: str) -> Wait:
    """Until *condition* holds, whatever it is: it is called where it may look at ``engine``."""
    return Wait(server, condition, lambda: f"it has not come about: {description}")


def _clients(there: int, wanted: int) -> str:
    if wanted == 1:
        return "no client is"
    return f"{there} of {wanted} clients are"


def _who_waits(engine: Engine) -> str:
    waiting = [
        f"{_name(blocked.session)} in {blocked.session.last_command.upper()} for {', '.join(map(quoted, blocked.keys))}"
        for blocked in engine.blocked_clients.clients
        if blocked.keys
    ]
    return f"waiting: {'; '.join(waiting)}" if waiting else f"nobody waits, of {len(engine.sessions)} clients"


def _name(session: Session) -> str:
    return session.name.decode(errors="backslashreplace") or f"client {session.id}"
