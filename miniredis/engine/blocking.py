"""Clients that wait: blocking pops, ``WAIT``, commands held back by ``CLIENT PAUSE``.

A command that has to wait returns a :class:`Blocked`. While it waits it costs nothing: no polling, no thread, one
entry in the queue of each key it waits for. When a command, transaction or script has *ended*, the keys that it made
ready are served: for each key, in the order the keys became ready, the waiters are asked in the order they came. A
waiter that times out, is unblocked, killed or disconnected leaves every queue at once, so it can never swallow an
element.

How a waiter is served changed in Redis 7.2. Before, it got what had come into the very key that became ready. Since
then its whole command runs once more, and so ``BLPOP a b`` looks at ``a`` first even if it was ``b`` that became ready,
and fails if ``a`` meanwhile holds something else than a list. It is the *attempt* given by the command that does one or
the other.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from miniredis.engine.timers import Timer
from miniredis.engine.tracking import forget_caching
from miniredis.engine.values import Value, type_name
from miniredis.resp.types import NO_REPLY, NULL_ARRAY, Error, Reply

if TYPE_CHECKING:
    from miniredis.engine.engine import CommandState, Engine
    from miniredis.engine.keyspace import Database
    from miniredis.engine.session import Session

logger = logging.getLogger("miniredis")

KIND_OF_TYPE: Final = {b"list": "list", b"zset": "zset", b"stream": "stream"}
"""The types that a client can wait for, and the kind of a client that does."""

UNBLOCKED: Final = "UNBLOCKED client unblocked via CLIENT UNBLOCK"


class Blocked:
    """A reply that is still to come. The driver sets ``on_done`` and is called once, with the reply.

    - *kind*: ``list``, ``zset``, ``stream``, ``wait`` or ``postponed``. A client of the first three is asked when one
      of its keys holds that type.
    - *attempt*: tries the command again for a key that became ready; None when there is still nothing for it.
    - *timeout_reply*: what a client gets whose time runs out, or that is unblocked with ``TIMEOUT``.
    - *unblock_on_nokey*: ask it as well when a key it waits for is deleted or gets another type (XREADGROUP).

    ``silent`` says that the client has switched its replies off. ``command_state`` and ``argv`` are what it has sent,
    ``nanoseconds`` what that took until it had to wait.
    """

    __slots__ = (
        "argv",
        "attempt",
        "command_state",
        "database",
        "done",
        "keys",
        "kind",
        "nanoseconds",
        "on_done",
        "reply",
        "session",
        "silent",
        "timeout_reply",
        "timer",
        "unblock_on_nokey",
    )

    def __init__(
        self,
        session: Session,
        kind: str,
        keys: Sequence[bytes] = (),
        attempt: Callable[[bytes], Reply | None] | None = None,
        timeout_reply: Reply = NULL_ARRAY,
        *,
        unblock_on_nokey: bool = False,
    ) -> None:
        self.session = session
        self.kind = kind
        self.database = session.db
        self.keys = tuple(dict.fromkeys(keys))
        self.attempt = attempt
        self.timeout_reply = timeout_reply
        self.unblock_on_nokey = unblock_on_nokey
        self.command_state: CommandState | None = None
        self.argv: list[bytes] = []
        self.nanoseconds = 0
        self.timer: Timer | None = None
        self.done = False
        self.silent = False
        self.reply: Reply = None
        self.on_done: Callable[[Reply], None] | None = None


class BlockedClients:
    """Every waiting client of an engine; ``ready`` are the keys that became ready since they were last served."""

    __slots__ = ("_engine", "_overdue", "_waiting_for", "clients", "ready")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.ready: OrderedDict[tuple[Database, bytes], None] = OrderedDict()
        self._waiting_for = dict.fromkeys(KIND_OF_TYPE.values(), 0)
        self.clients: dict[Blocked, None] = {}
        self._overdue: list[Blocked] = []

    # Waiting

    def block(self, blocked: Blocked, timeout: int) -> Blocked:
        """Let *blocked* wait for its keys until *timeout* (milliseconds since the epoch; 0 for ever)."""
        blocked.session.blocked = blocked
        self.clients[blocked] = None
        if blocked.kind in self._waiting_for:
            self._waiting_for[blocked.kind] += 1
        waiting = blocked.database.waiting
        for key in blocked.keys:
            waiting.setdefault(key, {})[blocked] = None
        if timeout:
            blocked.timer = self._engine.timers.call_at(timeout, lambda: self.time_out(blocked))
        return blocked

    def detach(self, blocked: Blocked) -> None:
        """Take *blocked* out of every queue."""
        blocked.done = True
        blocked.session.blocked = None
        self.clients.pop(blocked, None)
        if blocked.kind in self._waiting_for:
            self._waiting_for[blocked.kind] -= 1
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

    # Keys that become ready

    def signal_ready(self, database: Database, key: bytes) -> None:
        """Note that *key*, which somebody waits for, has come into being or (a stream) has something new.

        A type that nobody at all waits for is not noted, as in Redis: it decides whose turn it is when a transaction
        deletes such a key and brings it back with another type.
        """
        if self._is_waited_for(database.data[key]):
            self.ready[database, key] = None

    def signal_deleted(self, database: Database, key: bytes, value: Value) -> None:
        """Note that *key*, which somebody waits for, has lost *value*: it was deleted, or something else put there."""
        if self._is_waited_for(value) and any(blocked.unblock_on_nokey for blocked in database.waiting[key]):
            self.ready[database, key] = None

    def _is_waited_for(self, value: Value) -> bool:
        kind = KIND_OF_TYPE.get(type_name(value))
        return kind is not None and self._waiting_for[kind] > 0

    def has_ready(self) -> bool:
        """Whether :meth:`serve` has anything to do."""
        return bool(self.ready) and not self._engine.pause.hangs and self._engine.busy is None

    def serve(self) -> None:
        """Serve the waiters of all ready keys, including those that become ready by serving."""
        ready = self.ready
        while ready:
            (database, key), _ = ready.popitem(last=False)
            for blocked in list(database.waiting.get(key, ())):
                if not blocked.done and self._concerns(blocked, key):
                    self._attempt(blocked, key)
            self._engine.propagation.flush()  # a key that was found expired, with nobody to serve

    def _concerns(self, blocked: Blocked, key: bytes) -> bool:
        """Whether *key* has, at this moment, what *blocked* waits for."""
        if blocked.unblock_on_nokey:
            return True
        value = blocked.database.peek(key)
        return value is not None and KIND_OF_TYPE.get(type_name(value)) == blocked.kind

    def _attempt(self, blocked: Blocked, key: bytes) -> None:
        assert blocked.attempt is not None
        engine, session = self._engine, blocked.session
        tracks = engine.tracks
        if tracks:
            engine.tracking.wait_ends(session, blocked.command_state)
        started = engine.clock.ns()
        try:
            reply = self._refuse(blocked) or blocked.attempt(key)
        except Error as error:
            reply = error.as_reply()
        except Exception:
            logger.exception("a bug in serving a client blocked for %s", blocked.kind)
            reply = Error("ERR internal error")
        if engine.propagation.active:
            engine.propagation.unblocked(session)
            session.write_offset = engine.replication.offset
        if tracks and engine.version.redis >= (7, 2) and blocked.command_state is not None:
            engine.tracking.remember(session, blocked.command_state.command, blocked.argv)
        if reply is not None:
            self._note_duration(blocked, engine.clock.ns() - started)
            self.finish(blocked, reply)
        elif engine.version.redis >= (7, 2):
            self._requeue(blocked)
        if tracks:
            engine.tracking.command_ended()

    def _refuse(self, blocked: Blocked) -> Error | None:
        """The error for a client that may not do any more what it waits for: its whole command runs once more."""
        session, state = blocked.session, blocked.command_state
        if not session.user.is_restricted or state is None or self._engine.version.redis < (7, 2):
            return None
        return self._engine.acl.refuse(session, state.command, blocked.argv)

    def _requeue(self, blocked: Blocked) -> None:
        """Put *blocked* at the end of its queues: its command ran once more, and blocked once more."""
        for key in blocked.keys:
            queue = blocked.database.waiting[key]
            del queue[blocked]
            queue[blocked] = None

    # The end of a wait

    def time_out(self, blocked: Blocked) -> None:
        """End the wait with the reply of an expired timeout; in a server that hangs, when it does so no more."""
        if blocked.done:
            return
        if self._engine.pause.hangs:
            self._overdue.append(blocked)
        else:
            self.release(blocked, blocked.timeout_reply)

    def time_out_overdue(self) -> None:
        """End the waits whose time ran out while the server hung."""
        overdue, self._overdue = self._overdue, []
        for blocked in overdue:
            self.time_out(blocked)

    def unblock(self, session: Session, *, error: bool = False) -> bool:
        """End the wait of *session* as ``CLIENT UNBLOCK`` does: like a timeout, or with an error. Whether it waited.

        A command that a pause holds back is not unblocked.
        """
        blocked = session.blocked
        if blocked is None or blocked.kind == "postponed":
            return False
        if self._engine.version.redis < (7, 2) and blocked.command_state is not None:
            # Redis 7.0 counts a failure in any case, and has forgotten the words when it comes to the slow log.
            blocked.command_state.failed_calls += 1
            blocked.argv = []
            self._note_duration(blocked, 0)
        if error:
            self.fail(blocked, Error(UNBLOCKED))
        else:
            self.release(blocked, blocked.timeout_reply)
        return True

    def fail(self, blocked: Blocked, error: Error) -> None:
        """End the wait with *error*, which another client's command has brought about.

        Up to Redis 7.0 it is that command alone that failed. Since 7.2 the one that waited did, too; for Valkey, it was
        rejected.
        """
        self._engine.statistics.count_error(error.code)
        state, version = blocked.command_state, self._engine.version
        if state is not None and version.redis >= (7, 2):
            self._note_duration(blocked, 0)
            state.calls += 1
            if version.is_valkey:
                state.rejected_calls += 1
            else:
                state.failed_calls += 1
            self._count_leaving(blocked)
        self.detach(blocked)
        forget_caching(blocked.session)
        self.hand_over(blocked, error)

    def release(self, blocked: Blocked, reply: Reply) -> None:
        """End a wait without any work for it. Up to Redis 7.0 its duration does not count."""
        if self._engine.version.redis >= (7, 2):
            self._note_duration(blocked, 0)
        self.finish(blocked, reply)

    def cancel(self, blocked: Blocked) -> None:
        """End the wait with no reply: the client is gone, or its driver no longer wants to know."""
        if not blocked.done:
            self._count_leaving(blocked)
            self.detach(blocked)
            self._engine.pause.forget(blocked)

    def finish(self, blocked: Blocked, reply: Reply) -> None:
        """End the wait: leave every queue, count the command, then hand over *reply*."""
        self.detach(blocked)
        forget_caching(blocked.session)
        self._count(blocked, reply)
        self.hand_over(blocked, reply)

    def _count(self, blocked: Blocked, reply: Reply) -> None:
        """Count in ``INFO``. Since Redis 7.2 a command that blocks is a call only when it has its reply."""
        state = blocked.command_state
        if state is not None and self._engine.version.redis >= (7, 2):
            state.calls += 1
        if reply.__class__ is Error:
            self._engine.statistics.count_error(reply.code)
            if state is not None:
                state.failed_calls += 1

    def _count_leaving(self, blocked: Blocked) -> None:
        """Count a wait that ends with an error, or because the client is gone, if it is for replicas.

        Since Redis 7.2 a ``WAIT`` counts as it leaves its queue, whatever the reason: one that fails counts twice.
        """
        state = blocked.command_state
        if blocked.kind == "wait" and state is not None and self._engine.version.redis >= (7, 2):
            self._note_duration(blocked, 0)
            state.calls += 1

    def _note_duration(self, blocked: Blocked, taken: int) -> None:
        """Note what the command took: until it had to wait, and *taken* nanoseconds in the end; not the wait."""
        state = blocked.command_state
        if state is not None and blocked.kind != "postponed":
            self._engine.note_end(blocked.session, state, blocked.argv, blocked.nanoseconds, taken)
            blocked.nanoseconds = 0

    def hand_over(self, blocked: Blocked, reply: Reply) -> None:
        """Give the driver the reply of a wait that has ended."""
        if blocked.silent:
            reply = NO_REPLY
        blocked.reply = reply
        if blocked.on_done is not None:
            blocked.on_done(reply)
