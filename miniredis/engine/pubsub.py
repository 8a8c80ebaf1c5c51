"""Who listens to which channel, and the delivery of messages.

Subscriptions of a session are kept twice: in the session, in the order they were made (``UNSUBSCRIBE`` with no argument
answers in that order), and here, by channel, so that ``PUBLISH`` costs what it delivers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from miniredis.resp.types import Push
from miniredis.structures.glob import compile_glob

if TYPE_CHECKING:
    from miniredis.engine.session import Session


class PubSub:
    """The subscriptions of one engine."""

    __slots__ = ("_matchers", "channels", "patterns", "shard_channels")

    def __init__(self) -> None:
        self.channels: dict[bytes, dict[Session, None]] = {}
        self.patterns: dict[bytes, dict[Session, None]] = {}
        self.shard_channels: dict[bytes, dict[Session, None]] = {}
        self._matchers: dict[bytes, Callable[[bytes], bool]] = {}

    def subscribe(self, session: Session, channel: bytes) -> bool:
        """Whether the subscription is new."""
        return _add(self.channels, session.channels, session, channel)

    def unsubscribe(self, session: Session, channel: bytes) -> bool:
        """Whether there was such a subscription."""
        return _discard(self.channels, session.channels, session, channel)

    def psubscribe(self, session: Session, pattern: bytes) -> bool:
        """Whether the subscription is new."""
        self._matchers.setdefault(pattern, compile_glob(pattern))
        return _add(self.patterns, session.patterns, session, pattern)

    def punsubscribe(self, session: Session, pattern: bytes) -> bool:
        """Whether there was such a subscription."""
        found = _discard(self.patterns, session.patterns, session, pattern)
        if pattern not in self.patterns:
            self._matchers.pop(pattern, None)
        return found

    def ssubscribe(self, session: Session, channel: bytes) -> bool:
        """Whether the subscription is new."""
        return _add(self.shard_channels, session.shard_channels, session, channel)

    def sunsubscribe(self, session: Session, channel: bytes) -> bool:
        """Whether there was such a subscription."""
        return _discard(self.shard_channels, session.shard_channels, session, channel)

    def forget(self, session: Session) -> None:
        """Drop all subscriptions of a session that ends or resets, without a word to it."""
        for channel in list(session.channels):
            self.unsubscribe(session, channel)
        for pattern in list(session.patterns):
            self.punsubscribe(session, pattern)
        for channel in list(session.shard_channels):
            self.sunsubscribe(session, channel)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Deliver to channel and pattern subscribers; returns how many received it (a client may count twice)."""
        sessions = self.channels.get(channel, {})
        push = Push([b"message", channel, message])  # one for all, so that drivers need to encode it only once
        for session in sessions:
            session.push(push)
        receivers = len(sessions)
        for pattern, sessions in self.patterns.items():
            if self._matchers[pattern](channel):
                push = Push([b"pmessage", pattern, channel, message])
                for session in sessions:
                    session.push(push)
                receivers += len(sessions)
        return receivers

    def spublish(self, channel: bytes, message: bytes) -> int:
        """Deliver to shard channel subscribers; returns how many received it."""
        sessions = self.shard_channels.get(channel, {})
        push = Push([b"smessage", channel, message])
        for session in sessions:
            session.push(push)
        return len(sessions)


def _add(registry: dict[bytes, dict[Session, None]], own: dict[bytes, None], session: Session, channel: bytes) -> bool:
    if channel in own:
        return False
    own[channel] = None
    registry.setdefault(channel, {})[session] = None
    return True


def _discard(
    registry: dict[bytes, dict[Session, None]], own: dict[bytes, None], session: Session, channel: bytes
) -> bool:
    if channel not in own:
        return False
    del own[channel]
    sessions = registry[channel]
    del sessions[session]
    if not sessions:
        del registry[channel]
    return True
