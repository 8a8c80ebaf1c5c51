"""Code that makes its own clients: by a URL of our scheme, or with whatever host it names."""

from __future__ import annotations

import gc

import pytest
import redis
import redis.asyncio
import redis.sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

from miniredis import MiniRedis
from miniredis.embedded.connection import Connection


def test_a_url_of_our_own(server: MiniRedis, protocol: int) -> None:
    url = server.register("orders")
    assert url == "miniredis://orders"
    client = redis.from_url(f"{url}/2?protocol={protocol}", decode_responses=True)
    client.set("k", "v")
    assert client.client_info()["db"] == 2
    assert server.client(db=2).get("k") == b"v"
    assert redis.Redis.from_url(f"{url}?db=2").get("k") == b"v"
    assert redis.ConnectionPool.from_url(url).connection_class is Connection


async def test_a_url_of_our_own_for_asyncio(server: MiniRedis, protocol: int) -> None:
    url = server.register("orders")
    async with redis.asyncio.from_url(f"{url}/2?protocol={protocol}") as client:
        await client.set("k", "v")
    assert server.client(db=2).get("k") == b"v"


def test_user_and_password_of_a_url() -> None:
    server = MiniRedis(requirepass="se:cret")
    server.register("locked")
    assert redis.from_url("miniredis://default:se%3Acret@locked").ping()


def test_a_name_need_not_be_known_before_somebody_connects(server: MiniRedis) -> None:
    server.register("known")
    client = redis.from_url("miniredis://later", retry=Retry(NoBackoff(), 0))  # type: ignore[no-untyped-call]
    with pytest.raises(redis.ConnectionError, match="no MiniRedis is registered as 'later'"):
        client.ping()
    server.register("later")
    assert client.ping()


def test_a_name_lives_as_long_as_its_server_or_until_another_takes_it() -> None:
    first, second = MiniRedis(), MiniRedis()
    client = redis.from_url(first.register("shared"), retry=Retry(NoBackoff(), 0))  # type: ignore[no-untyped-call]
    second.client().set("k", "of the second")
    second.register("shared")
    assert client.get("k") == b"of the second"
    client.connection_pool.disconnect()
    del first, second
    gc.collect()
    with pytest.raises(redis.ConnectionError, match="registered"):
        client.ping()


def test_other_urls_are_redis_pys(server: MiniRedis) -> None:
    server.register("any")
    pool = redis.ConnectionPool.from_url("redis://example.org:1234/5")
    assert (pool.connection_kwargs["host"], pool.connection_kwargs["db"]) == ("example.org", 5)
    with pytest.raises(ValueError, match="must specify one of the following"):
        redis.from_url("http://example.org")


def test_every_client_reaches_the_server_while_a_patch_holds(server: MiniRedis, protocol: int) -> None:
    server.client().set("k", "v")
    with server.patch():
        clients = [
            redis.Redis(protocol=protocol),
            redis.Redis(host="nowhere.example", port=1, ssl=True, socket_keepalive=True, protocol=protocol),
            redis.Redis(unix_socket_path="/nowhere", protocol=protocol),
            redis.Redis.from_url(f"rediss://nowhere.example/0?protocol={protocol}"),
            redis.from_url(f"unix:///nowhere?protocol={protocol}"),
            redis.Redis(connection_pool=redis.ConnectionPool(host="nowhere.example", protocol=protocol)),
            redis.Redis(connection_pool=redis.ConnectionPool(redis.SSLConnection, 5, host="nowhere.example")),
            redis.Redis(connection_pool=redis.BlockingConnectionPool(host="nowhere.example", timeout=1)),
            redis.Redis(host="nowhere.example", single_connection_client=True, protocol=protocol),
            redis.sentinel.Sentinel([("nowhere.example", 1)]).master_for("mymaster"),
        ]
        assert [client.get("k") for client in clients] == [b"v"] * len(clients)
    assert clients[1].get("k") == b"v"  # made while the patch held


async def test_every_asyncio_client_as_well(server: MiniRedis, protocol: int) -> None:
    server.client().set("k", "v")
    with server.patch():
        clients = [
            redis.asyncio.Redis(protocol=protocol),
            redis.asyncio.Redis(host="nowhere.example", port=1, ssl=True, protocol=protocol),
            redis.asyncio.from_url(f"rediss://nowhere.example/0?protocol={protocol}"),
            redis.asyncio.Redis(
                connection_pool=redis.asyncio.BlockingConnectionPool(host="nowhere.example", protocol=protocol)
            ),
        ]
    for client in clients:
        assert await client.get("k") == b"v"
        await client.aclose()


def test_databases_and_options_are_the_clients_own(server: MiniRedis) -> None:
    with server.patch():
        client = redis.Redis(host="nowhere.example", db=4, decode_responses=True, client_name="me")
        client.set("k", "v")
        assert (client.get("k"), client.client_getname()) == ("v", "me")
    assert server.client(db=4).get("k") == b"v"


def test_patches_end_and_the_last_one_counts(server: MiniRedis) -> None:
    other = MiniRedis()
    other.client().set("k", "other")
    before = redis.ConnectionPool.__init__
    outer, inner = server.patch(), other.patch()
    outer.start()
    with inner:
        assert redis.Redis().get("k") == b"other"
        with pytest.raises(RuntimeError, match="in force already"):
            inner.start()
    assert redis.Redis().get("k") is None
    outer.stop()
    outer.stop()
    assert redis.ConnectionPool.__init__ is before
    assert redis.Redis().connection_pool.connection_class is redis.Connection


def test_clients_of_a_server_are_its_own_whatever_is_patched(server: MiniRedis) -> None:
    other = MiniRedis()
    with server.patch():
        other.client().set("k", "other")
        assert redis.from_url(other.register("other")).get("k") == b"other"
    assert server.client().get("k") is None
