"""Clients that wait: blocking pops, ``WAIT``, commands held back by ``CLIENT PAUSE``.

A command that has to wait returns a :class:`Blocked`. While it waits it costs nothing: no polling, no thread, one entry
in the queue of each key it waits for. When a command, transaction or script has *ended*, the keys that it made ready are
served: for each key, in the order the keys became ready, the waiters are asked in the order they came. A waiter that
times out, is unblocked, killed or disconnected leaves every queue at once, so it can never swallow an element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from miniredis.engine.timers import Timer
from miniredis.resp.types import NO_REPLY, Error, Reply

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.keyspace import Database
    from miniredis.engine.session import Session


class Blocked:
    """A reply that is still to come. The driver sets ``on_done`` and is called once, with the reply.

    - *kind*: ``list``, ``zset``, ``stream``, ``wait`` or ``postponed``; what ``CLIENT LIST`` and ``UNBLOCK`` care about.
    - *attempt*: tries the command again for a key that became ready; None when the key still has nothing for it.
    - *silent*: the client has switched its replies off.
    - *timeout_reply*: what a client gets whose time runs out, or that is unblocked with ``TIMEOUT``.
    """

    __slots__ = ("attempt", "database", "done", "keys", "kind", "on_done", "reply", "session", "silent", "timeout_reply", "timer")

    def __init__(
        self,
        session: Session,
        kind: str,
        keys: Sequence[bytes] = (),
        attempt: Callable[[bytes], Reply | None] | None = None,
        timeout_reply: Reply = None,
    ) -> None:
        self.session = session
        self.kind = kind
        self.database = session.db
        self.keys = tuple(dict.fromkeys(keys))
        self.attempt = attempt
        self.timeout_reply = timeout_reply
        self.timer: Timer | None = None
        self.done = False
        self.silent = False
        self.reply: Reply = None
        self.on_done: Callable[[Reply], None] | None = None


class BlockedClients:
    """Every waiting client of an engine, and the keys that became ready since the last time they were served."""

    __slots__ = ("_engine", "_ready", "clients")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ready: dict[tuple[Database, bytes], None] = {}
        self.clients: dict[Blocked, None] = {}

    def block(self, blocked: Blocked, timeout: int) -> Blocked:
        """Let *blocked* wait for its keys until *timeout* (milliseconds since the epoch; 0 for ever)."""
        blocked.session.blocked = blocked
        self.clients[blocked] = None
        waiting = blocked.database.waiting
        for key in blocked.keys:
            waiting.setdefault(key, {})[blocked] = None
        if timeout:
            blocked.timer = self._engine.timers.call_at(timeout, lambda: self.time_out(blocked))
        return blocked

    def signal_ready(self, database: Database, key: bytes) -> None:
        """Note that *key* has come into being while somebody waits for it."""
        self._ready[(database, key)] = None

    def has_ready(self) -> bool:
        return bool(self._ready)

    def serve(self) -> None:
        """Serve the waiters of all ready keys, including those that become ready by serving."""
        while self._ready:
            ready, self._ready = self._ready, {}
            for database, key in ready:
                for blocked in list(database.waiting.get(key, ())):
                    if not blocked.done:
                        self._attempt(blocked, key)

    def _attempt(self, blocked: Blocked, key: bytes) -> None:
        assert blocked.attempt is not None
        try:
            reply = blocked.attempt(key)
        except Error as error:
            reply = error
        if reply is not None:
            self.finish(blocked, reply)

    def time_out(self, blocked: Blocked) -> None:
        """End the wait with the reply of an expired timeout."""
        if not blocked.done:
            self.finish(blocked, blocked.timeout_reply)

    def finish(self, blocked: Blocked, reply: Reply) -> None:
        """End the wait: leave every queue, then hand over *reply*."""
        self.detach(blocked)
        self.hand_over(blocked, reply)

    def hand_over(self, blocked: Blocked, reply: Reply) -> None:
        """Give the driver the reply of a wait that has ended."""
        if blocked.silent:
            reply = NO_REPLY
        blocked.reply = reply
        if blocked.on_done is not None:
            blocked.on_done(reply)

    def cancel(self, blocked: Blocked) -> None:
        """End the wait with no reply: the client is gone, or its driver no longer wants to know."""
        if not blocked.done:
            self.detach(blocked)

    def detach(self, blocked: Blocked) -> None:
        """Take *blocked* out of every queue."""
        blocked.done = True
        blocked.session.blocked = None
        self.clients.pop(blocked, None)
        waiting = blocked.database.waiting
        for key in blocked.keys:
            queue = waiting.get(key)
            if queue is not None:
                queue.pop(blocked, None)
                if not queue:
                    del waiting[key]
        if blocked.timer is not None:
            blocked.timer.cancel()
            blocked.timer = None
