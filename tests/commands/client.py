"""A client of an engine without a server, for tests that say what Redis answers to a line of words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import miniredis.commands  # noqa: F401
from miniredis.engine.engine import Engine
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import Error, Reply

WRONGTYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SYNTAX = Error("ERR syntax error")
NOT_AN_INTEGER = Error("ERR value is not an integer or out of range")
NOT_A_FLOAT = Error("ERR value is not a valid float")
NOT_POSITIVE = Error("ERR value is out of range, must be positive")
NOT_NEGATABLE = Error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")


class Client:
    """Sends lines whose words are separated by single spaces; ``''`` is the empty word."""

    def __init__(self, version: str = "redis-7.2", protocol: int = 2, seed: int | None = None) -> None:
        self.engine = Engine(VERSIONS[version], seed=seed)
        self.session = self.engine.connect(lambda reply: None)
        self.session.protocol = protocol

    def __call__(self, line: str) -> Reply:
        return self.engine.execute(
            self.session, [b"" if word == "''" else word.encode("latin-1") for word in line.split(" ")]
        )

    def encoding(self, key: str) -> str:
        """What OBJECT ENCODING answers."""
        return bytes(self(f"OBJECT ENCODING {key}")).decode()

    def events(self, line: str) -> list[str]:
        """The keyspace events of one command, as ``event key``."""
        with keyspace_events(self.engine) as events:
            self(line)
        return events

    def changes(self, line: str) -> int:
        """By how much one command raises the count of changes since the last save."""
        before = self.engine.dirty
        self(line)
        return self.engine.dirty - before


@contextmanager
def keyspace_events(engine: Engine) -> Iterator[list[str]]:
    """What a subscriber to all keyspace events of *engine* hears within the block, each as ``event key``."""
    heard: list[str] = []

    def hear(message: Reply) -> None:
        _, _, channel, key = message
        heard.append(f"{channel.partition(b':')[2].decode()} {key.decode()}")

    subscriber = engine.connect(hear)
    subscriber.protocol = 3  # so that it may send commands besides
    engine.execute(subscriber, [b"PSUBSCRIBE", b"__keyevent@*__:*"])
    engine.execute(subscriber, [b"CONFIG", b"SET", b"notify-keyspace-events", b"AEn"])
    yield heard
    engine.execute(subscriber, [b"CONFIG", b"SET", b"notify-keyspace-events", b""])
    engine.disconnect(subscriber)


def arity(command: str) -> Error:
    """The error for a wrong number of arguments."""
    return Error(f"ERR wrong number of arguments for '{command}' command")
