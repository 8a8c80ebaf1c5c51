"""Time that is moved by hand, at its worst: everything happens at its own time, whatever lay between two looks."""

from __future__ import annotations

import random

import pytest

import miniredis.commands  # noqa: F401
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, OK, Push, Reply


class Bench:
    """A frozen engine; ``events`` has what happened, and how many milliseconds after the start."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.engine.clock.freeze()
        self.start = self.engine.clock.ns() // 1_000_000
        self.events: list[tuple[int, object]] = []

    @property
    def elapsed(self) -> int:
        return self.engine.clock.ns() // 1_000_000 - self.start

    def connect(self) -> Session:
        return self.engine.connect(self.note)

    def note(self, reply: Reply) -> None:
        self.events.append((self.elapsed, bytes(reply[-1]) if isinstance(reply, Push) else reply))

    def run(self, session: Session, line: str) -> Reply | Blocked:
        reply = self.engine.execute(session, line.encode().split())
        if isinstance(reply, Blocked):
            reply.on_done = self.note
        return reply


def test_what_a_pause_holds_back_runs_when_the_pause_ends() -> None:
    bench = Bench()
    bench.run(bench.connect(), "CLIENT PAUSE 10000")
    bench.run(bench.connect(), "SET key value EX 5")
    bench.run(bench.connect(), "BLPOP list 3")
    bench.engine.clock.advance(20)
    assert bench.events == [(10_000, OK), (13_000, NULL_ARRAY)]
    assert bench.run(bench.connect(), "EXISTS key") == 0


def test_a_wait_times_out_in_a_pause_all_the_same() -> None:
    bench = Bench()
    bench.run(bench.connect(), "BLPOP list 5")
    bench.run(bench.connect(), "CLIENT PAUSE 10000")
    bench.engine.clock.advance(20)
    assert bench.events == [(5_000, NULL_ARRAY)]


def test_keys_do_not_expire_in_a_pause_but_after_it() -> None:
    bench = Bench()
    bench.engine.config.set([(b"notify-keyspace-events", b"Ex")])
    bench.run(bench.connect(), "SUBSCRIBE __keyevent@0__:expired")
    client = bench.connect()
    bench.run(client, "SET key value PX 4999")
    bench.run(client, "CLIENT PAUSE 10000 WRITE")
    bench.engine.clock.advance(20)
    assert bench.events == [(10_000, b"key")]


def test_a_clock_that_is_put_back_fires_nothing_and_forgets_nothing() -> None:
    bench = Bench()
    client = bench.connect()
    bench.run(client, "SET key value EX 5")
    bench.run(bench.connect(), "BLPOP list 5")
    bench.engine.clock.set(bench.start / 1000 - 1_000_000)
    assert not bench.events
    assert bench.run(client, "TTL key") == 1_000_005
    bench.engine.clock.advance(1_000_004)
    assert not bench.events
    bench.engine.clock.advance(2)
    assert [reply for _, reply in bench.events] == [NULL_ARRAY]
    assert bench.run(client, "EXISTS key") == 0


@pytest.mark.parametrize("seed", range(10))
def test_everything_happens_in_order_and_at_its_own_time(seed: int) -> None:
    bench, rng = Bench(), random.Random(seed)
    bench.engine.config.set([(b"notify-keyspace-events", b"Ex")])
    bench.run(bench.connect(), "SUBSCRIBE __keyevent@0__:expired")
    client = bench.connect()
    due = {}
    for number in range(200):
        milliseconds = rng.randrange(1, 10_000)
        if number % 2:
            bench.run(client, f"SET key{number} value PX {milliseconds}")
            due[number] = milliseconds + 1  # a key lives through the millisecond of its end
        else:
            bench.run(bench.connect(), f"BLPOP list{number} {milliseconds / 1000}")
            due[number] = milliseconds
    while bench.elapsed < 10_000:
        bench.engine.clock.advance(rng.choice([0.001, 0.01, 1, 3]))
    assert [when for when, _ in bench.events] == sorted(due.values())
    assert not bench.engine.databases[0].data
    assert bench.engine.next_due() is None
