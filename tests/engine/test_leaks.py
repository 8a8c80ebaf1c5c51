"""What an engine keeps of those who are gone, and of what went wrong: nothing."""

from __future__ import annotations

import gc

import pytest

import miniredis.commands  # noqa: F401
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session

REFUSED = [
    b"NOPE",
    b"GET",
    b"INCR list",
    b"BLPOP list never",
    b"CONFIG SET nothing 1",
    b"CONFIG SET maxmemory much",
    b"SET key value EX soon",
    b"HELLO 9",
    b"EXEC",
    b"CLIENT KILL nobody",
    b"COPY key other DB 99",
    b"ZADD zset nan member",
]


def run(session: Session, line: bytes) -> object:
    return session.engine.execute(session, line.split())


@pytest.mark.parametrize("line", REFUSED)
def test_a_refused_command_leaves_nothing_for_the_garbage_collector(line: bytes) -> None:
    session = Engine().connect(lambda _: None)
    run(session, b"RPUSH list element")
    for _ in range(3):
        run(session, line)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(200):
            run(session, line)
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_clients_that_go_leave_nothing_whatever_they_were_doing() -> None:
    engine = Engine()
    for line in (
        "SUBSCRIBE c",
        "PSUBSCRIBE p*",
        "SSUBSCRIBE s",
        "WATCH key",
        "MULTI",
        "MONITOR",
        "BLPOP list 0",
        "BLPOP list 1000",
        "BZPOPMIN zset 1000",
        "BLMOVE list other LEFT LEFT 0",
        "CLIENT TRACKING on",
        "CLIENT TRACKING on BCAST PREFIX a PREFIX b NOLOOP",
        "CLIENT TRACKING on BCAST REDIRECT 1",
    ):
        session = engine.connect(lambda _: None)
        run(session, b"WATCH another")
        run(session, line.encode())
        engine.disconnect(session)
    pubsub, blocked = engine.pubsub, engine.blocked_clients
    registries = [pubsub.channels, pubsub.patterns, pubsub.shard_channels, pubsub._matchers]
    registries += [engine.sessions, engine.monitors, blocked.clients, blocked.ready]
    registries += [engine.tracking.clients, engine.tracking._prefixes, engine.tracks, engine.gate, engine.observed]
    assert not any(registries)
    assert not any(blocked._waiting_for.values())
    assert not any(database.watched or database.waiting for database in engine.databases)
    assert engine.next_due() is None


def test_clients_that_have_read_leave_the_numbers_of_keys_until_these_change_and_never_themselves() -> None:
    engine = Engine()
    for number in range(10):
        session = engine.connect(lambda _: None)
        run(session, b"CLIENT TRACKING on")
        run(session, b"MGET key other%d" % number)
        engine.disconnect(session)
    del session
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, Session) and each.engine is engine]
    assert (engine.tracking.total_keys, engine.gate, engine.observed) == (11, False, False)
    session = engine.connect(lambda _: None)
    run(session, b"MSET key 1 " + b" ".join(b"other%d 1" % number for number in range(10)))
    assert (engine.tracking.total_keys, engine.tracking.total_items, engine.tracks) == (0, 0, False)


def test_the_heap_of_times_to_live_does_not_outgrow_the_keys() -> None:
    engine = Engine()
    session = engine.connect(lambda _: None)
    for number in range(5000):
        run(session, b"SET key value EX %d" % (1000 - number % 100))
        run(session, b"SET key%d value EX 1000" % number)
        run(session, b"DEL key%d" % number)
    assert len(engine.databases[0]._expire_heap) < 2000
