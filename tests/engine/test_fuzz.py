"""Every command of the table with arguments that nobody would give it: there is an answer, and it is never a bug.

What the answer is others compare with real servers. Here it only must be one: nothing is raised, nothing is logged,
whatever comes can be encoded, and clients that go leave nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

import miniredis.commands  # noqa: F401
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.syntax import Argument
from miniredis.engine.table import Command
from miniredis.engine.version import VERSIONS
from miniredis.resp.encoder import Encoder
from miniredis.resp.types import Reply
from miniredis.structures.numbers import format_double_shortest

COMMANDS = 30_000
KEYS = b"string number list large-list hash large-hash set numbers large-set zset large-zset missing mortal".split()
NUMBERS = [
    *b"0 1 -1 2 3 100 -100 255 65536 2147483647 2147483648 -2147483649 4294967296 536870911 536870912".split(),
    *b"9223372036854775807 9223372036854775808 -9223372036854775807 -9223372036854775808 18446744073709551615".split(),
    *b"1000000000000000000 9223372036854775 1.5 -0.0 1e3 1e18 1e400 1e-400 0x10 +1 00 -0 inf -inf nan 1_0".split(),
    *b"(1 (inf [a [ ( - + * $ 0-0 1-1 -1-1 u8 i65 #1".split(),
    b" 1",
    b"1\x00",
    b"1" * 400,
    "١".encode(),  # a digit to Python, not to Redis
]
TEXTS = [b"", b" ", b"a", b"\xff\xfe", b"\x00", b"\r\n", b"%s%n", b"*", b"[a-", b"\\", b"'", b'"', b"x" * 70_000]
SETUP = [
    b"SET string hello",
    b"SET number 10",
    b"SET mortal x PX 100000",
    b"RPUSH list a b 1",
    b"RPUSH large-list " + b" ".join(b"element%d" % n for n in range(300)),
    b"HSET hash a 1 b x",
    b"HSET large-hash " + b" ".join(b"field%d v" % n for n in range(300)),
    b"SADD set a b",
    b"SADD numbers 1 2 3",
    b"SADD large-set " + b" ".join(b"member%d" % n for n in range(300)),
    b"ZADD zset 1 a 2 b 2 c",
    b"ZADD large-zset " + b" ".join(b"%d member%d" % (n, n) for n in range(300)),
]
LEFT_OUT = {"shutdown"}


def words(arguments: Iterable[Argument]) -> list[bytes]:
    """The words of a command's syntax."""
    found: list[bytes] = []
    for argument in arguments:
        if argument.token:
            found.append(argument.token.encode())
        found += words(argument.children)
    return found


class Fuzzer:
    """Clients of one engine who send what comes to their mind."""

    def __init__(self, version: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.engine = Engine(VERSIONS[version], seed=seed)
        self.engine.config.set_at_startup("enable-debug-command", ["yes"])
        self.engine.clock.freeze()
        self.commands = [command for command in self.engine.table.all() if command.name not in LEFT_OUT]
        self.words = {command: words(command.arguments) for command in self.commands}
        self.frames = [Encoder(protocol, format_double_shortest) for protocol in (2, 3)]
        self.sessions: list[Session] = []

    def encode(self, reply: Reply) -> bytes:
        return b"".join(encoder.encode(reply) for encoder in self.frames)

    def connect(self) -> Session:
        return self.engine.connect(self.encode)

    def set_up(self) -> None:
        """Begin again, as somebody whom nothing holds back."""
        self.engine.pause.end()
        self.engine.config.set([(b"requirepass", b"")])
        session = self.connect()
        for line in [b"FLUSHALL", *SETUP]:
            self.engine.execute(session, line.split(b" "))
        self.engine.disconnect(session)

    def argument(self, command: Command) -> bytes:
        pools = [KEYS, KEYS, NUMBERS, NUMBERS, TEXTS, self.words[command] or KEYS]
        return self.random.choice(self.random.choice(pools))

    def argv(self) -> list[bytes]:
        command = self.random.choice(self.commands)
        name = command.name.encode().split(b"|")
        count = command.minimum - len(name) + self.random.choice([-1, 0, 0, 0, 1, 1, 2, 3, 4, 6])
        argv = name + [self.argument(command) for _ in range(count)]
        if command.is_write and count > 0 and self.random.random() < 0.5:
            argv[1] = self.random.choice(KEYS)
        if [word.lower() for word in argv[:2]] == [b"debug", b"populate"]:
            argv[2:3] = [b"10"]
        return argv

    def step(self) -> None:
        """One client does something; or another one goes, or time does."""
        if len(self.sessions) < 6:
            self.sessions.append(self.connect())
        session = self.random.choice(self.sessions)
        if session.blocked is not None or session.closing:
            if session.closing or self.random.random() < 0.2:
                self.engine.disconnect(session)
                self.sessions.remove(session)
            elif self.random.random() < 0.2:
                self.engine.clock.advance(self.random.choice([0.001, 1, 1000]))
            return
        argv = self.argv()
        reply = self.engine.execute(session, list(argv))
        if not isinstance(reply, Blocked):
            assert b"internal error" not in self.encode(reply), argv

    def leave(self) -> None:
        for session in self.sessions:
            self.engine.disconnect(session)


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_is_sent_is_answered(version: str, caplog: pytest.LogCaptureFixture) -> None:
    fuzzer = Fuzzer(version, seed=len(version))
    for number in range(COMMANDS):
        if number % 300 == 0:
            fuzzer.set_up()
        fuzzer.step()
    fuzzer.leave()
    assert not [record for record in caplog.records if record.exc_info]
    engine = fuzzer.engine
    assert not engine.sessions
    assert not engine.monitors
    assert not engine.blocked_clients.clients
    assert not engine.pubsub.channels
    assert not engine.pubsub.patterns
    assert not any(database.watched or database.waiting for database in engine.databases)
