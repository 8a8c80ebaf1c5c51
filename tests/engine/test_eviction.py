"""maxmemory: what is evicted, what is refused, and what is known of each key's use."""

from __future__ import annotations

import pytest

from miniredis.engine.access import AccessFrequencies
from miniredis.resp.types import NULL_ARRAY, OK, QUEUED, Error
from tests.commands.client import Client, keyspace_events

OOM = Error("OOM command not allowed when used memory > 'maxmemory'.")
POLICIES = [f"{scope}-{kind}" for scope in ("allkeys", "volatile") for kind in ("lru", "lfu", "random")] + [
    "volatile-ttl"
]
VALUE = "x" * 100


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param, seed=1)


def limit(client: Client, above: int, policy: str = "noeviction") -> None:
    """Allow so many bytes above what is used now."""
    client(f"CONFIG SET maxmemory-policy {policy}")
    client(f"CONFIG SET maxmemory {client.engine.memory.used() + above}")


def keys(client: Client) -> set[bytes]:
    return set(client("KEYS *"))


def test_the_size_of_a_key_is_that_of_memory_usage(client: Client) -> None:
    before = client.engine.memory.used()
    client(f"SET k {VALUE}")
    assert client.engine.memory.used() - before == client("MEMORY USAGE k")
    client("CONFIG SET maxmemory 100mb")
    assert client.engine.memory.used() - before == client("MEMORY USAGE k")


@pytest.mark.parametrize(
    "change",
    [
        "SET k v",
        "APPEND k y",
        "DEL k",
        "RPUSH l a",
        "FLUSHALL",
        "SWAPDB 0 1",
        "RENAME k m",
        "MOVE k 1",
        "SETBIT k 9999 0",
    ],
)
def test_what_is_kept_of_sizes_follows_every_change(client: Client, change: str) -> None:
    client("CONFIG SET maxmemory 100mb")
    client(f"SET k {VALUE}")
    client(f"SET other {VALUE}")
    client.engine.memory.used()
    client(change)
    kept = client.engine.memory.used()
    client("CONFIG SET maxmemory 0")
    assert client.engine.memory.used() == kept


def test_what_needs_memory_is_refused_when_nothing_may_go(client: Client) -> None:
    limit(client, -1)
    assert client("SET k v") == OOM
    assert client("GET k") is None
    assert client("DEL k") == 0
    client("CONFIG SET maxmemory 0")
    assert client("SET k v") == OK


def from_elsewhere(client: Client, line: str) -> None:
    """What another client sends."""
    other = client.engine.connect(lambda reply: None)
    client.engine.execute(other, line.encode().split())
    client.engine.disconnect(other)


def test_a_transaction_is_refused_if_memory_ran_out_for_it(client: Client) -> None:
    client("MULTI")
    client("SET k v")
    from_elsewhere(client, "CONFIG SET maxmemory 1")
    assert client("EXEC") == Error(
        "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'."
    )


def test_a_transaction_that_only_reads_needs_no_memory(client: Client) -> None:
    client("SET k v")
    client("MULTI")
    client("GET k")
    from_elsewhere(client, "CONFIG SET maxmemory 1")
    assert client("EXEC") == [b"v"]


def test_nothing_is_queued_without_memory_before_valkey(client: Client) -> None:
    limit(client, -1)
    client("MULTI")
    is_valkey = client.engine.version.is_valkey
    assert client("GET k") == (QUEUED if is_valkey else OOM)
    assert client("SET k v") == OOM
    assert client("DISCARD") == OK


@pytest.mark.parametrize("policy", POLICIES)
def test_the_limit_is_kept(client: Client, policy: str) -> None:
    limit(client, 20_000, policy)
    for number in range(300):
        assert client(f"SET k{number} {VALUE} EX 1000") == OK
    client("PING")
    assert client.engine.memory.used() <= client.engine.config.maxmemory
    assert 50 < client("DBSIZE") < 110
    assert client.engine.statistics.evicted_keys == 300 - client("DBSIZE")


@pytest.mark.parametrize("policy", POLICIES)
def test_only_policies_for_all_keys_evict_those_without_a_time_to_live(client: Client, policy: str) -> None:
    client("SET k v")
    limit(client, -1, policy)
    assert client("SET other v") == (OK if policy.startswith("allkeys") else OOM)
    assert client("EXISTS k") == int(policy.startswith("volatile"))


def test_volatile_keys_go_and_the_others_stay(client: Client) -> None:
    client("SET stays v")
    client("SET goes v EX 1000")
    limit(client, -1, "volatile-lru")
    client("PING")
    assert keys(client) == {b"stays"}


def test_the_key_that_expires_next_goes_first(client: Client) -> None:
    for number, seconds in enumerate((300, 100, 200)):
        client(f"SET k{number} v EX {seconds}")
    client("SELECT 1")
    client("SET k3 v EX 50")
    for gone, left in (("k3", 3), ("k1", 2), ("k2", 1)):
        limit(client, -1, "volatile-ttl")
        client("PING")
        client("CONFIG SET maxmemory 0")
        assert client.engine.statistics.evicted_keys == 4 - left
        assert not any(gone.encode() in database.data for database in client.engine.databases)


def test_the_key_that_was_not_used_longest_goes_first(client: Client) -> None:
    client.engine.clock.freeze()
    for number in range(5):
        client(f"SET k{number} v")
        client.engine.clock.advance(10)
    client("GET k0")
    limit(client, -1, "allkeys-lru")
    client("PING")
    assert keys(client) == {b"k0", b"k2", b"k3", b"k4"}


def test_the_key_that_was_used_least_goes_first(client: Client) -> None:
    client("CONFIG SET lfu-log-factor 0")
    limit(client, 10_000, "allkeys-lfu")
    for number in range(5):
        client(f"SET k{number} v")
        for _ in range(abs(number - 2)):
            client(f"GET k{number}")
    limit(client, -1, "allkeys-lfu")
    client("PING")
    assert keys(client) == {b"k0", b"k1", b"k3", b"k4"}


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-random"])
def test_keys_of_every_database_may_go(client: Client, policy: str) -> None:
    for number in range(3):
        client(f"SELECT {number}")
        client("SET k v EX 1000")
    client(f"CONFIG SET maxmemory-policy {policy}")
    client("CONFIG SET maxmemory 1")
    assert client("SET k v") == OOM
    assert client.engine.statistics.evicted_keys == 3


def test_what_is_above_a_new_limit_goes_without_another_command(client: Client) -> None:
    for number in range(1000):
        client(f"SET k{number} v")
    engine = client.engine
    engine.clock.freeze()
    client("CONFIG SET maxmemory-policy allkeys-random")
    client("CONFIG SET maxmemory 1")
    turns = 0
    while any(database.data for database in engine.databases):
        engine.clock.advance(0.001)
        turns += 1
    assert 5 < turns < 20  # Redis would take half a millisecond for each


def test_an_eviction_is_told_and_breaks_transactions(client: Client) -> None:
    client("SET k v")
    client("WATCH k")
    client("CONFIG SET maxmemory-policy allkeys-lru")
    with keyspace_events(client.engine) as events:
        from_elsewhere(client, "CONFIG SET maxmemory 1")
        client("PING")
        assert events == ["evicted k"]
    client("CONFIG SET maxmemory 0")
    client("MULTI")
    assert client("EXEC") is NULL_ARRAY


def test_nothing_is_evicted_in_a_pause(client: Client) -> None:
    client("SET k v")
    client("CLIENT PAUSE 100000 WRITE")
    limit(client, -1, "allkeys-lru")
    client("PING")
    assert client("EXISTS k") == 1


def frequencies(client: Client) -> AccessFrequencies:
    access = client.session.db.access
    assert isinstance(access, AccessFrequencies)
    return access


@pytest.mark.parametrize(
    ("lines", "frequency"),
    [
        (["SET k v"], 5),
        (["SET k v", "GET k"], 6),
        (["SET k v", "SET k w"], 6),
        (["SET k v", "APPEND k w"], 6),
        (["SET k v", "TTL k", "EXISTS k", "TYPE k", "OBJECT FREQ k"], 5),
        (["SET k v", "TOUCH k", "STRLEN k", "EXPIRE k 10"], 8),
    ],
)
def test_every_access_counts_where_the_factor_is_0(client: Client, lines: list[str], frequency: int) -> None:
    client("CONFIG SET lfu-log-factor 0")
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    for line in lines:
        client(line)
    assert client("OBJECT FREQ k") == frequency


def test_the_more_a_key_was_used_the_less_does_it_count(client: Client) -> None:
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    client("SET k v")
    counters = []
    for _ in range(3):
        for _ in range(1000):
            client("GET k")
        counters.append(client("OBJECT FREQ k"))
    assert 10 < counters[0] < counters[1] < counters[2] < 50


def test_an_unused_key_loses_one_each_lfu_decay_time(client: Client) -> None:
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    client.engine.clock.freeze()
    client("SET k v")
    client.engine.clock.advance(180)
    assert client("OBJECT FREQ k") == 2
    client("CONFIG SET lfu-decay-time 2")
    assert client("OBJECT FREQ k") == 4
    client("CONFIG SET lfu-decay-time 0")
    assert client("OBJECT FREQ k") == 5
    client.engine.clock.advance(1_000_000)
    client("CONFIG SET lfu-decay-time 1")
    assert client("OBJECT FREQ k") == 0


def test_the_minute_wraps_around(client: Client) -> None:
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    client.engine.clock.freeze()
    minutes = client.engine.second // 60
    client.engine.clock.advance((0xFFFF - minutes % 0x10000) * 60)
    client("SET k v")
    client.engine.clock.advance(120)
    assert client("OBJECT FREQ k") == 4  # from 65535 over 0 to 1: as Redis reckons, one minute


def test_frequencies_survive_flushing_and_swapping(client: Client) -> None:
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    client("SET k v")
    client("FLUSHALL")
    client("SWAPDB 0 1")
    client("SET k v")
    assert frequencies(client).frequency(b"k") == 5


def test_restore_brings_the_frequency_back(client: Client) -> None:
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    client("SET k v")
    payload = client("DUMP k")
    client.engine.execute(client.session, [b"RESTORE", b"other", b"0", payload, b"FREQ", b"77"])
    assert client("OBJECT FREQ other") == 77
