"""MULTI's state, and the keys that WATCH looks at.

A transaction is a queue of commands that were checked when they were queued and run in one piece by EXEC. A watched key
breaks the transaction when it changes between WATCH and EXEC; once one has, there is nothing more to watch for, and the
session's watched keys are forgotten at once (but not by FLUSHALL and SWAPDB, which change many).

Time alone changes a key too: one that was alive at WATCH and has come to its end at EXEC breaks the transaction, be it
removed yet or not. One that was past its time already when it was watched does not exist for anybody, and removing it
is no change; whatever comes in its place is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniredis.resp.types import NO_REPLY, InProtocol, Replies, Reply

if TYPE_CHECKING:
    from miniredis.engine.engine import CommandState
    from miniredis.engine.keyspace import Database
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command


class Transaction:
    """The commands queued since MULTI.

    - ``broken`` is set when one of them was refused: EXEC will then abort.
    - ``writes``: whether EXEC counts as a command that writes, for one of those queued does (or may, like PUBLISH).
    """

    __slots__ = ("broken", "queue", "writes")

    def __init__(self) -> None:
        self.queue: list[tuple[CommandState, list[bytes]]] = []
        self.broken = False
        self.writes = False

    def append(self, state: CommandState, argv: list[bytes], command: Command) -> None:
        """Queue a command; *command* is what it counts as, for a script may have flags of its own."""
        self.queue.append((state, argv))
        self.writes = self.writes or command.is_write or command.may_replicate


def enqueue(session: Session, state: CommandState, argv: list[bytes], command: Command) -> None:
    """Queue a command of *session*, which is in MULTI, unless it is clear already that EXEC will not run it."""
    transaction = session.transaction
    assert transaction is not None
    if not transaction.broken and not session.watch_broken:
        transaction.append(state, argv, command)


def refuse(session: Session) -> None:
    """A command of the transaction of *session* was refused: EXEC will abort."""
    assert session.transaction is not None
    session.transaction.broken = True
    _give_up(session)


def break_watch(session: Session) -> None:
    """A key that *session* watches has changed: EXEC will do nothing."""
    session.watch_broken = True
    _give_up(session)


def _give_up(session: Session) -> None:
    """Forget what EXEC will not run. (Redis keeps it until then, and CLIENT LIST counts it.)"""
    if session.transaction is not None and session.engine.version.is_valkey:
        session.transaction.queue.clear()


def execute(session: Session, transaction: Transaction) -> Reply:
    """Run what is queued: the reply of EXEC. The transaction ends after its last command, not before.

    A message that a command sends to its own client stands in the array, before the reply, up to Redis 7.0; since then
    it is sent after the array. A client that switches its replies off in the middle gets no more of the array, though
    its header has promised it. One that switches the protocol gets the rest in another form than the beginning.
    """
    engine = session.engine
    pushes_in_place = engine.version.redis < (7, 2)
    pushes = session.pushes
    assert pushes is not None
    protocol = session.protocol
    was_silent = session.is_silent
    unwatch(session)
    denied_blocking, session.deny_blocking = session.deny_blocking, True
    replies: list[Reply] = []
    engine.propagation.nesting += 1
    for state, argv in transaction.queue:
        was_closing = session.closing
        reply: Reply = None
        if session.user.is_restricted:
            reply = engine.acl.refuse_in_exec(session, state.command, argv)
        if reply is None:
            reply = engine.call(session, state, argv)
        reply = NO_REPLY if was_closing else session.heard(reply)
        if session.protocol != protocol:
            replies = [InProtocol(protocol, before) for before in replies]
            pushes[:] = [InProtocol(protocol, before) for before in pushes]
            protocol = session.protocol
        if pushes and pushes_in_place:
            reply = Replies([*pushes, reply])
            pushes.clear()
        replies.append(reply)
    engine.propagation.nesting -= 1
    session.deny_blocking = denied_blocking
    discard(session)
    if was_silent:
        return Replies(replies)
    return Replies([replies]) if session.is_silent else replies


def discard(session: Session) -> None:
    """End the transaction of *session*, and its watch."""
    session.transaction = None
    session.watch_broken = False
    unwatch(session)
    session.update_gate()


def watch(session: Session, key: bytes) -> None:
    """Let *session* watch *key* of its current database."""
    database = session.db
    if (database, key) not in session.watched:
        session.watched[database, key] = database.is_past(key)
        database.watched.setdefault(key, {})[session] = None


def unwatch(session: Session) -> None:
    """Forget all watched keys of *session*."""
    for database, key in session.watched:
        watchers = database.watched[key]
        del watchers[session]
        if not watchers:
            del database.watched[key]
    session.watched.clear()


def watch_fails(session: Session) -> bool:
    """Whether a watched key was changed, or has come to its end, since WATCH."""
    return session.watch_broken or any(
        not was_past and database.is_past(key) for (database, key), was_past in session.watched.items()
    )


def touch(database: Database, key: bytes) -> None:
    """Make the transactions fail that watch *key*, which has just changed."""
    for session in list(database.watched.get(key, ())):
        if session.watched[database, key] and key not in database.data:
            session.watched[database, key] = False  # only now removed, but it did not exist before either
        else:
            break_watch(session)
            unwatch(session)


def touch_all(database: Database, replaced_with: Database | None = None) -> None:
    """Make the transactions fail that watch a key of *database* whose whole content is about to go.

    It is flushed, or *replaced_with* that of another database.
    """
    for key, watchers in database.watched.items():
        comes = replaced_with is not None and key in replaced_with.data
        if key not in database.data and not comes:
            continue
        comes_past = replaced_with is not None and replaced_with.is_past(key)
        for session in watchers:
            if session.watched[database, key]:
                if not comes_past:
                    if comes:
                        break_watch(session)
                    else:
                        session.watched[database, key] = False
            elif key not in database.data and comes_past:
                session.watched[database, key] = True
            else:
                break_watch(session)
