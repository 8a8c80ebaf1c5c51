"""INFO's ``lazyfreed_objects``: what Redis would have left to its background thread."""

from __future__ import annotations

import pytest

from tests.commands.client import Client


@pytest.fixture(params=["redis-7.0", "redis-7.2"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


def lazily_freed(client: Client) -> int:
    return int(bytes(client("INFO memory")).partition(b"lazyfreed_objects:")[2].split()[0])


def add_set(client: Client, key: str, count: int) -> None:
    client(f"SADD {key} " + " ".join(f"member{number}" for number in range(count)))


def test_unlink_leaves_what_takes_more_than_64_steps(client: Client) -> None:
    client("CONFIG SET set-max-listpack-entries 10") if client.engine.version.redis >= (7, 2) else None
    add_set(client, "small", 64)
    add_set(client, "large", 65)
    client("SET string " + "x" * 10000)
    client("UNLINK small large string")
    assert lazily_freed(client) == 1


def test_del_leaves_nothing_unless_it_is_configured_to(client: Client) -> None:
    for lazily in ("no", "yes"):
        client(f"CONFIG SET lazyfree-lazy-user-del {lazily}")
        add_set(client, "k", 200)
        client("DEL k")
        assert lazily_freed(client) == (lazily == "yes")


def test_a_stream_counts_by_its_nodes_and_what_is_pending(client: Client) -> None:
    client("CONFIG SET stream-node-max-entries 5")
    client("XGROUP CREATE s g 0 MKSTREAM")
    for number in range(1, 101):
        client(f"XADD s {number}-0 f v")
    client("COPY s with-pending")
    client("UNLINK s")
    freed = lazily_freed(client)
    client("XREADGROUP GROUP g c COUNT 80 STREAMS with-pending >")
    client("UNLINK with-pending")
    assert lazily_freed(client) == freed + 1


def test_flushing_asynchronously_leaves_every_key(client: Client) -> None:
    client("MSET a 1 b 2 c 3")
    client("FLUSHALL ASYNC")
    assert lazily_freed(client) == 3
    client("MSET a 1 b 2")
    client("FLUSHDB SYNC")
    assert lazily_freed(client) == 3


def test_expired_and_evicted_keys_are_left_where_the_configuration_says_so(client: Client) -> None:
    client.engine.clock.freeze()
    client("CONFIG SET lazyfree-lazy-expire yes lazyfree-lazy-eviction yes maxmemory-policy allkeys-random")
    add_set(client, "k", 600)
    client("PEXPIRE k 10")
    client.engine.clock.advance(1)
    assert lazily_freed(client) == 1
    add_set(client, "k", 600)
    client("CONFIG SET maxmemory 1")
    client("GET k")
    assert lazily_freed(client) == 2


def test_resetting_the_statistics_forgets_them(client: Client) -> None:
    client("SET k v")
    client("FLUSHALL ASYNC")
    client("CONFIG RESETSTAT")
    assert lazily_freed(client) == 0


def test_latency_events_tell_of_keys_that_expire(client: Client) -> None:
    client("CONFIG SET latency-monitor-threshold 1")
    client.engine.latency.threshold = 0  # every key takes long enough
    client.engine.clock.freeze()
    client("SET k v PX 10")
    client.engine.clock.advance(1)
    assert {b"expire-cycle", b"expire-del"} <= {event[0] for event in client("LATENCY LATEST")}
