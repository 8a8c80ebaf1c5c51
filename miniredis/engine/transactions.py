"""MULTI's state, and the keys that WATCH looks at.

A transaction is a queue of commands that were checked when they were queued and run in one piece by EXEC. A watched key
breaks the transaction when it changes between WATCH and EXEC; a key that was already past its time when it was watched
does not break it by being removed (Redis 7.0's ``touchWatchedKey``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniredis.engine.engine import CommandState
    from miniredis.engine.session import Session


class Transaction:
    """The commands queued since MULTI. ``broken`` is set when one of them was refused: EXEC will then abort."""

    __slots__ = ("broken", "queue")

    def __init__(self) -> None:
        self.queue: list[tuple[CommandState, list[bytes]]] = []
        self.broken = False


def watch(session: Session, key: bytes) -> None:
    """Let *session* watch *key* of its current database."""
    database = session.db
    if (database, key) in session.watched:
        return
    when = database.expires.get(key)
    expired = when is not None and session.engine.now > when
    session.watched[database, key] = expired
    database.watched.setdefault(key, {})[session] = None


def unwatch(session: Session) -> None:
    """Forget all watched keys of *session*, and that any of them changed."""
    for database, key in session.watched:
        watchers = database.watched[key]
        del watchers[session]
        if not watchers:
            del database.watched[key]
    session.watched.clear()
    session.watch_broken = False


def watch_fails(session: Session) -> bool:
    """Whether a watched key was changed, or has come to its end, since WATCH."""
    if session.watch_broken:
        return True
    now = session.engine.now
    return any(
        not expired and (when := database.expires.get(key)) is not None and now > when
        for (database, key), expired in session.watched.items()
    )
