"""One clock for everything, and keys that end when their time comes."""

from __future__ import annotations

import pytest

from miniredis.engine import notifications
from miniredis.engine.clock import Clock
from miniredis.resp.types import Push, Reply
from tests.commands.client import Client


def test_a_frozen_clock_moves_only_by_hand() -> None:
    clock = Clock()
    clock.freeze()
    before = clock.ns()
    assert clock.ns() == before
    clock.advance(1.5)
    assert clock.ns() == before + 1_500_000_000


def test_a_flowing_clock_flows_on_from_where_it_was_put() -> None:
    clock = Clock()
    clock.set(1000.0)
    assert 1_000_000_000_000 <= clock.ns() < 1_060_000_000_000
    assert not clock.frozen


def test_a_resumed_clock_goes_on_from_where_it_stood() -> None:
    clock = Clock()
    clock.freeze()
    clock.set(1000.0)
    clock.resume()
    assert 1_000_000_000_000 <= clock.ns() < 1_060_000_000_000


def test_a_clock_does_not_advance_backwards() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Clock().advance(-1)


@pytest.fixture
def client() -> Client:
    made = Client()
    made.engine.clock.freeze()
    return made


def test_a_key_lives_through_its_last_millisecond(client: Client) -> None:
    client("SET k v PX 100")
    client.engine.clock.advance(0.1)
    assert client("PTTL k") == 0
    assert client("GET k") == b"v"
    client.engine.clock.advance(0.001)
    assert client("GET k") is None


def test_an_expired_key_is_gone_though_nobody_looks_at_it(client: Client) -> None:
    client("SET k v PX 100")
    client("SET stays v")
    client.engine.clock.advance(1)
    assert list(client.engine.databases[0].data) == [b"stays"]
    assert client.engine.databases[0].access.keys() == {b"stays"}
    assert client.engine.statistics.expired_keys == 1


def test_without_active_expiry_a_key_stays_until_somebody_looks(client: Client) -> None:
    client.engine.active_expire = False
    client("SET k v PX 100")
    client.engine.clock.advance(1)
    assert client("DBSIZE") == 1
    assert client("EXISTS k") == 0
    assert client("DBSIZE") == 0


def test_what_falls_due_by_a_move_happens_in_the_order_of_its_time(client: Client) -> None:
    """Expiry events and the timeouts of blocked clients are one sequence."""
    heard: list[tuple[str, int]] = []
    listener = client.engine.connect(lambda reply: heard.append(_heard(reply, client)))
    client.engine.event_classes = notifications.KEYEVENT | notifications.EXPIRED
    client.engine.execute(listener, [b"SUBSCRIBE", b"__keyevent@0__:expired"])
    start = client.engine.now
    client("SET late v PX 3000")
    client("SET early v PX 1000")
    waiting = client("BLPOP nothing 2")
    waiting.on_done = lambda reply: heard.append(("timeout", client.engine.now))
    client.engine.clock.advance(10)
    assert heard == [("early", start + 1001), ("timeout", start + 2000), ("late", start + 3001)]


def _heard(reply: Reply, client: Client) -> tuple[str, int]:
    assert isinstance(reply, Push)
    return reply[2].decode(), client.engine.now


def test_nothing_expires_in_the_middle_of_a_transaction() -> None:
    client = Client()
    client.engine.clock.freeze()
    client("SET k v PX 10")
    client("MULTI")
    client("GET k")
    client("PTTL k")
    assert client("EXEC") == [b"v", 10]


def test_the_heap_of_expiries_does_not_grow_with_the_changes_of_one_key(client: Client) -> None:
    client("SET k v")
    for seconds in range(1, 20_000):
        client(f"EXPIRE k {seconds}")
    assert len(client.engine.databases[0]._expire_heap) < 2_000


def test_a_key_given_more_time_does_not_end_at_its_old_time(client: Client) -> None:
    client("SET k v PX 100")
    client("PEXPIRE k 10000")
    client.engine.clock.advance(1)
    assert client("PTTL k") == 9000


def test_idle_time_follows_the_clock_and_only_use_ends_it(client: Client) -> None:
    client("SET k v")
    client.engine.clock.advance(100)
    client("TTL k")
    client("EXISTS k")
    client("TYPE k")
    assert client("OBJECT IDLETIME k") == 100
    client("GET k")
    assert client("OBJECT IDLETIME k") == 0


def test_time_is_the_clock(client: Client) -> None:
    client.engine.clock.set(1_700_000_000.25)
    assert client("TIME") == [b"1700000000", b"250000"]
