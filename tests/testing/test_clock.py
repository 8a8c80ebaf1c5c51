"""The server's clock in a test's hands: what it moves, from where, and that all is delivered when a move returns."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from miniredis.resp.types import NULL_ARRAY
from miniredis.testing import MiniRedis
from tests.commands.peers import Peer
from tests.testing.wire import Wire

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def still() -> MiniRedis:
    """One that was never started, and stands at new year."""
    server = MiniRedis()
    server.clock.freeze()
    server.clock.set(NEW_YEAR)
    return server


@pytest.fixture
def server() -> Iterator[MiniRedis]:
    with MiniRedis() as running:
        yield running


def test_frozen_it_stands_and_moves_by_hand_only(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    seconds = b"%d" % NEW_YEAR.timestamp()
    assert still.clock.frozen
    assert peer("TIME") == [seconds, b"0"]
    time.sleep(0.002)
    assert peer("TIME") == [seconds, b"0"]
    still.clock.advance(timedelta(milliseconds=1500))
    assert peer("TIME") == [b"%d" % (NEW_YEAR.timestamp() + 1), b"500000"]
    assert still.clock.now() == NEW_YEAR + timedelta(seconds=1.5)
    assert still.clock.time() == NEW_YEAR.timestamp() + 1.5


def test_it_flows_again_from_where_it_stands(still: MiniRedis) -> None:
    still.clock.resume()
    assert not still.clock.frozen
    before = still.clock.time()
    time.sleep(0.002)
    assert NEW_YEAR.timestamp() <= before < still.clock.time() < NEW_YEAR.timestamp() + 60


def test_frozen_for_a_block(still: MiniRedis) -> None:
    still.clock.resume()
    with still.clock.freeze():
        assert still.clock.frozen
    assert not still.clock.frozen


def test_a_flowing_clock_can_be_moved_and_set(still: MiniRedis) -> None:
    still.clock.resume()
    still.clock.set(NEW_YEAR.timestamp() + 3600)
    still.clock.advance(3600)
    assert 7200 <= still.clock.time() - NEW_YEAR.timestamp() < 7260


def test_what_makes_no_sense_is_refused(still: MiniRedis) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        still.clock.set(datetime(2030, 1, 1))
    with pytest.raises(ValueError, match="only advances"):
        still.clock.advance(-1)
    with pytest.raises(ValueError, match="only advances"):
        still.clock.advance(timedelta(seconds=-1))
    assert still.clock.now() == NEW_YEAR


def test_keys_end_with_their_events(still: MiniRedis) -> None:
    peer, listener = Peer(still.engine), Peer(still.engine, protocol=3)
    peer("CONFIG SET notify-keyspace-events Ex")
    listener("PSUBSCRIBE __keyevent@*__:expired")
    peer("SET a 1 PX 2000")
    peer("SET b 1 PX 1000")
    still.clock.advance(3)
    assert [message[3] for message in listener.seen()] == [b"b", b"a"]
    assert peer("DBSIZE") == 0


def test_blocking_timeouts(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer.send("BLPOP l 10")
    still.clock.advance(9.999)
    assert peer.seen() == []
    still.clock.advance(0.001)
    assert peer.seen() == [NULL_ARRAY]


def test_stream_ids_and_idle_times(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    milliseconds = round(NEW_YEAR.timestamp() * 1000)
    assert peer("XADD s * f v") == b"%d-0" % milliseconds
    still.clock.advance(5)
    assert peer("XADD s * f v") == b"%d-0" % (milliseconds + 5000)
    peer("SET k v")
    still.clock.advance(100)
    assert peer("OBJECT IDLETIME k") == 100


def test_all_falls_due_in_order_each_at_its_own_time(still: MiniRedis) -> None:
    first, second = Peer(still.engine), Peer(still.engine)
    seen: list[tuple[str, float]] = []
    for name, each, timeout in (("first", first, 2), ("second", second, 1)):
        each.send(f"BLPOP l {timeout}")
        blocked = each.session.blocked
        assert blocked is not None
        blocked.on_done = lambda _, name=name: seen.append((name, still.clock.time() - NEW_YEAR.timestamp()))  # type: ignore[misc]
    still.clock.advance(60)
    assert seen == [("second", 1), ("first", 2)]


def test_it_may_go_back(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer("SET k v EX 10")
    still.clock.set(NEW_YEAR - timedelta(hours=1))
    assert peer("TTL k") == 3610


def test_on_a_server_what_fell_due_is_sent_when_the_call_returns(server: MiniRedis) -> None:
    server.clock.freeze()
    with Wire(server) as waiter, Wire(server) as other:
        waiter.send("BLPOP l 3600")
        server.wait_for_blocked("l")
        other("SET k v EX 3600")
        server.clock.advance(3601)
        assert not waiter.has_nothing()
        assert waiter.receive() == b"*-1\r\n"
        assert other("GET k") == b"$-1\r\n"


def test_from_several_threads(server: MiniRedis) -> None:
    server.clock.freeze()
    before = server.clock.time()
    threads = [threading.Thread(target=server.clock.advance, args=(1,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.clock.time() == pytest.approx(before + 10, abs=1e-6)


async def test_on_the_callers_loop() -> None:
    async with MiniRedis() as server:
        server.clock.freeze()
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"BLPOP l 10\r\n")
        await server.async_wait_for_blocked("l")
        server.clock.advance(10)
        assert await reader.readline() == b"*-1\r\n"
        writer.close()
        await writer.wait_closed()


def test_a_seed_can_be_given_again() -> None:
    server = MiniRedis()
    server.load({"s": set(range(1000))})
    peer = Peer(server.engine)
    drawn = []
    for seed in (1, 1, 2):
        server.seed(seed)
        drawn.append([peer("SRANDMEMBER s") for _ in range(5)])
    assert drawn[0] == drawn[1] != drawn[2]
