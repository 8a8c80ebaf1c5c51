"""Caches of clients that miniredis keeps right: redis-py's own, and one made of two connections, as for RESP2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

from conformance.servers import Server
from miniredis import MiniRedis

ROUNDS = 200


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def server(request: pytest.FixtureRequest) -> Iterator[MiniRedis]:
    with MiniRedis(emulate=request.param) as running:
        yield running


@pytest.fixture
def any_version(monkeypatch: pytest.MonkeyPatch, server: MiniRedis) -> None:
    """redis-py asks for Redis 7.4, by name and number alone: what it needs is there since 6.0."""
    monkeypatch.setattr(CacheProxyConnection, "MIN_ALLOWED_VERSION", "6.0.0")
    monkeypatch.setattr(CacheProxyConnection, "DEFAULT_SERVER_NAME", server.engine.version.family)


@pytest.fixture
def caching(server: MiniRedis, any_version: None) -> Iterator[redis.Redis]:
    """A client that answers from its cache what it has read."""
    with redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig(), decode_responses=True) as client:
        yield client


@pytest.fixture
def other(server: MiniRedis) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port, decode_responses=True) as client:
        yield client


def calls(client: redis.Redis, command: str) -> int:
    """How often the server was asked."""
    return int(client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))


def test_what_was_read_is_not_asked_for_again(caching: redis.Redis, other: redis.Redis) -> None:
    other.set("k", "v")
    assert [caching.get("k") for _ in range(10)] == ["v"] * 10
    assert caching.hgetall("h") == caching.hgetall("h") == {}
    assert calls(other, "get") == 1


def test_what_others_change_is_asked_for_again(caching: redis.Redis, other: redis.Redis) -> None:
    """At once, every time: who is told has it before the one that was the cause has its reply."""
    for number in range(ROUNDS):
        other.set("k", number)
        assert caching.get("k") == caching.get("k") == str(number)
        with other.pipeline() as pipe:
            pipe.incr("k").hset("h", "f", number).execute()
        assert caching.get("k") == str(number + 1)
        assert caching.hgetall("h") == caching.hgetall("h") == {"f": str(number)}
    assert calls(other, "get") == 2 * ROUNDS


def test_what_the_client_changes_itself_is_asked_for_again(caching: redis.Redis) -> None:
    for number in range(ROUNDS):
        caching.set("k", number)
        assert caching.get("k") == caching.get("k") == str(number)


def test_a_flush_empties_the_cache(caching: redis.Redis, other: redis.Redis) -> None:
    other.mset({"k": 1, "l": 2})
    assert (caching.get("k"), caching.mget("k", "l")) == ("1", ["1", "2"])
    other.flushdb()
    assert (caching.get("k"), caching.mget("k", "l")) == (None, [None, None])
    assert caching.get_cache() is not None


def test_keys_that_expire_leave_the_cache(server: MiniRedis, caching: redis.Redis, other: redis.Redis) -> None:
    server.clock.freeze()
    other.set("k", "v", ex=100)
    assert caching.get("k") == "v"
    server.clock.advance(101)
    assert other.exists("k") == 0
    assert caching.get("k") is None


class TwoConnections:
    """A cache as libraries have it that speak RESP2: one connection reads, another one hears what has changed."""

    def __init__(self, port: int) -> None:
        self.listener = redis.Connection(port=port, protocol=2, decode_responses=True)
        self.reader = redis.Connection(port=port, protocol=2, decode_responses=True)
        self.kept: dict[str, str | None] = {}
        number = self.ask(self.listener, "CLIENT", "ID")
        self.ask(self.listener, "SUBSCRIBE", "__redis__:invalidate")
        assert self.ask(self.reader, "CLIENT", "TRACKING", "on", "REDIRECT", number) == "OK"

    def ask(self, connection: redis.Connection, *words: object) -> object:
        connection.send_command(*words)
        return connection.read_response()

    def get(self, key: str) -> str | None:
        """The value, from the cache if it is there."""
        if key not in self.kept:
            self.kept[key] = self.ask(self.reader, "GET", key)
        return self.kept[key]

    def hear(self) -> list[str] | None:
        """Wait for one message, and forget what it says is invalid."""
        kind, channel, keys = self.listener.read_response()
        assert (kind, channel) == ("message", "__redis__:invalidate")
        for key in list(self.kept) if keys is None else keys:
            del self.kept[key]
        return keys

    def close(self) -> None:
        self.listener.disconnect()
        self.reader.disconnect()


@pytest.fixture(params=["miniredis", "redis_server", "valkey_server"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param == "miniredis":
        with MiniRedis() as running:
            yield running.port
    else:
        real: Server = request.getfixturevalue(request.param)
        with real.connect() as wire:
            wire.call("FLUSHALL")
        yield real.port


def test_two_connections_share_the_work(port: int) -> None:
    cache = TwoConnections(port)
    with redis.Redis(port=port) as other:
        other.set("k", "1")
        assert (cache.get("k"), cache.get("missing")) == ("1", None)
        other.set("k", "2")
        assert cache.hear() == ["k"]
        assert cache.get("k") == "2"
        other.set("missing", "3")
        assert cache.hear() == ["missing"]
        other.flushall()
        assert cache.hear() is None
        assert cache.kept == {}
    cache.close()


def test_a_listener_that_is_gone_is_found_out_by_asking(port: int) -> None:
    cache = TwoConnections(port)
    with redis.Redis(port=port, decode_responses=True) as other:
        cache.get("k")
        cache.ask(cache.listener, "UNSUBSCRIBE")
        number = cache.ask(cache.listener, "CLIENT", "ID")
        cache.listener.disconnect()
        while any(each["id"] == str(number) for each in other.client_list()):
            pass
        other.set("k", "1")
        described = cache.ask(cache.reader, "CLIENT", "TRACKINGINFO")
        assert described == ["flags", ["on", "broken_redirect"], "redirect", number, "prefixes", []]
    cache.close()
