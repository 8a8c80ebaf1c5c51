"""Clients that wait for streams. Every expectation was answered by Redis 7.0.15 and, for 7.2, by Valkey 9.1."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis.resp.types import NULL_ARRAY, Error, Pairs, Reply
from tests.commands.peers import Peer, frozen_engine

BOTH = pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2"])
NO_GROUP = Error("NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option")


def entries(*ids: int) -> list[Reply]:
    return [[b"%d-0" % number, [b"a", b"b"]] for number in ids]


def served(*ids: int, key: bytes = b"s") -> list[Reply]:
    """What a reader of one stream gets in RESP2."""
    return [[key, entries(*ids)]]


@BOTH
def test_a_reader_gets_what_comes_after_it_began_to_wait(version: str) -> None:
    engine = frozen_engine(version)
    own, reader = Peer(engine), Peer(engine)
    own("XADD s 1 a b")
    reader.send("XREAD BLOCK 0 STREAMS s $")
    assert reader.seen() == []
    own("XADD s 2 a b")
    assert reader.seen() == [served(2)]


@BOTH
def test_a_reader_waits_until_its_time_is_over(version: str) -> None:
    engine = frozen_engine(version)
    reader = Peer(engine)
    reader.send("XREAD BLOCK 1500 STREAMS s $")
    engine.clock.advance(1.4)
    assert reader.seen() == []
    engine.clock.advance(0.1)
    assert reader.seen() == [NULL_ARRAY]


def test_the_reply_is_a_map_for_who_speaks_resp3() -> None:
    engine = frozen_engine()
    own, reader = Peer(engine), Peer(engine, protocol=3)
    reader.send("XREAD BLOCK 0 STREAMS s 0")
    own("XADD s 1 a b")
    assert reader.seen() == [Pairs([(b"s", entries(1))])]


@BOTH
def test_nobody_is_served_before_a_transaction_has_ended(version: str) -> None:
    engine = frozen_engine(version)
    own, reader, hasty = Peer(engine), Peer(engine), Peer(engine)
    reader.send("XREAD BLOCK 0 STREAMS s $")
    hasty.send("XREAD COUNT 1 BLOCK 0 STREAMS s $")
    own.send("MULTI", "XADD s 1 a b", "XADD s 2 a b")
    assert reader.seen() == []
    own.send("EXEC")
    assert reader.seen() == [served(1, 2)]
    assert hasty.seen() == [served(1)]


def test_of_several_streams_7_0_gives_the_ready_one_and_7_2_all() -> None:
    for version, reply in (
        ("redis-7.0", served(1, key=b"t")),
        ("redis-7.2", [[b"s", entries(2)], [b"t", entries(1)]]),
    ):
        engine = frozen_engine(version)
        own, reader = Peer(engine), Peer(engine)
        reader.send("XREAD BLOCK 0 STREAMS s t 0 0")
        own.send("MULTI", "XADD t 1 a b", "XADD s 2 a b", "EXEC")
        assert reader.seen() == [reply]


def test_without_count_7_0_gives_a_thousand_at_most_to_who_waited() -> None:
    for version, count in (("redis-7.0", 1000), ("redis-7.2", 1005)):
        engine = frozen_engine(version)
        own, reader = Peer(engine), Peer(engine)
        reader.send("XREAD BLOCK 0 STREAMS s 0")
        own.send("MULTI", *(f"XADD s {number} a b" for number in range(1, 1006)), "EXEC")
        ((_, found),) = reader.seen()[0]
        assert len(found) == count


def test_an_entry_that_is_gone_at_once_serves_with_nothing_in_7_0_only() -> None:
    for version, reply in (("redis-7.0", [served()]), ("redis-7.2", [])):
        engine = frozen_engine(version)
        own, reader = Peer(engine), Peer(engine)
        reader.send("XREAD BLOCK 0 STREAMS s $")
        own.send("MULTI", "XADD s 1 a b", "XDEL s 1", "EXEC")
        assert reader.seen() == reply


@pytest.mark.parametrize(
    ("lines", "redis_7_0", "redis_7_2"),
    [
        (("XGROUP DESTROY s g",), "NOGROUP the consumer group this client was blocked on no longer exists", NO_GROUP),
        (("DEL s",), "UNBLOCKED the stream key no longer exists", NO_GROUP),
        (("FLUSHALL",), "UNBLOCKED the stream key no longer exists", NO_GROUP),
        (("RENAME s t",), "UNBLOCKED the stream key no longer exists", NO_GROUP),
        (("MOVE s 1",), "UNBLOCKED the stream key no longer exists", NO_GROUP),
        (("PEXPIRE s 0",), "UNBLOCKED the stream key no longer exists", NO_GROUP),
        (
            ("SET s text",),
            "UNBLOCKED the stream key no longer exists",
            Error("WRONGTYPE Operation against a key holding the wrong kind of value"),
        ),
        (
            ("MULTI", "DEL s", "XADD s 1 a b", "EXEC"),
            "NOGROUP the consumer group this client was blocked on no longer exists",
            NO_GROUP,
        ),
        (("MULTI", "DEL s", "XGROUP CREATE s g $ MKSTREAM", "EXEC"), None, None),
    ],
)
def test_a_consumer_hears_that_its_group_is_gone(lines: list[str], redis_7_0: str, redis_7_2: Error | None) -> None:
    for version, reply in (("redis-7.0", redis_7_0 and Error(redis_7_0)), ("redis-7.2", redis_7_2)):
        engine = frozen_engine(version)
        own, consumer = Peer(engine), Peer(engine)
        own("XGROUP CREATE s g $ MKSTREAM")
        consumer.send("XREADGROUP GROUP g alice BLOCK 0 STREAMS s >")
        own.send(*lines)
        assert consumer.seen() == ([reply] if reply else [])


@BOTH
def test_a_reader_without_group_does_not_mind_that_its_key_is_gone(version: str) -> None:
    engine = frozen_engine(version)
    own, reader = Peer(engine), Peer(engine)
    own("XADD s 1 a b")
    reader.send("XREAD BLOCK 0 STREAMS s $")
    own.send("DEL s", "SET s text", "DEL s", "XADD s 2 a b")
    assert reader.seen() == [served(2)]


@BOTH
def test_in_a_transaction_nobody_waits(version: str) -> None:
    own = Peer(frozen_engine(version))
    own("XGROUP CREATE s g $ MKSTREAM")
    own.send("MULTI", "XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g alice BLOCK 0 STREAMS s >")
    own.seen()
    assert own("EXEC") == [NULL_ARRAY, NULL_ARRAY]


@BOTH
def test_a_timeout_is_a_whole_number_of_milliseconds(version: str) -> None:
    own = Peer(frozen_engine(version))
    assert own("XREAD BLOCK 1.5 STREAMS s 0") == Error("ERR timeout is not an integer or out of range")
    assert own("XREAD BLOCK -1 STREAMS s 0") == Error("ERR timeout is negative")


@pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2"])
@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["wait", "wait", "add", "add twice", "leave", "time out", "unblock"]), min_size=3, max_size=40
    )
)
def test_each_entry_goes_to_the_consumer_who_waits_longest_and_is_still_there(version: str, steps: list[str]) -> None:
    engine = frozen_engine(version)
    own = Peer(engine)
    own("XGROUP CREATE s g $ MKSTREAM")
    waiting: list[Peer] = []
    unread: list[int] = []
    last = 0
    for number, step in enumerate(steps):
        if step == "wait":
            consumer = Peer(engine)
            consumer.send(f"XREADGROUP GROUP g c{number} COUNT 1 BLOCK 5000 STREAMS s >")
            if unread:
                assert consumer.seen() == [served(unread.pop(0))]
            else:
                assert consumer.seen() == []
                waiting.append(consumer)
        elif step.startswith("add"):
            count = 2 if step == "add twice" else 1
            ids = range(last + 1, last + count + 1)
            own.send("MULTI", *(f"XADD s {entry} a b" for entry in ids), "EXEC")
            own.seen()
            last += count
            unread += ids
            while waiting and unread:
                assert waiting.pop(0).seen() == [served(unread.pop(0))]
        elif waiting:
            consumer = waiting.pop(0)
            if step == "leave":
                consumer.leave()
            elif step == "unblock":
                assert own(f"CLIENT UNBLOCK {consumer.session.id}") == 1
                assert consumer.seen() == [NULL_ARRAY]
            else:
                engine.clock.advance(5)
                assert [each.seen() for each in [consumer, *waiting]] == [[NULL_ARRAY]] * (1 + len(waiting))
                waiting.clear()
    assert all(consumer.seen() == [] for consumer in waiting)
    assert own("XPENDING s g")[0] == last - len(unread)
