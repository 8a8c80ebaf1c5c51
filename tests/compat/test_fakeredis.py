"""fakeredis's classes and arguments, as its documentation has them."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import uuid
import weakref
from typing import Any

import pytest
import redis
import redis.asyncio

from miniredis import MiniRedis
from miniredis.compat import fakeredis
from miniredis.compat.fakeredis import aioredis


@pytest.fixture
def host() -> str:
    """An address that nobody has used before."""
    return uuid.uuid4().hex


def test_a_client_without_an_address_has_a_server_to_itself() -> None:
    one, other = fakeredis.FakeRedis(), fakeredis.FakeStrictRedis()
    one.set("k", "v")
    assert one.get("k") == b"v"
    assert other.get("k") is None
    assert isinstance(one, redis.Redis)
    assert isinstance(other, fakeredis.FakeRedis)


def test_clients_share_the_server_that_they_are_given() -> None:
    server = fakeredis.FakeServer()
    first = fakeredis.FakeStrictRedis(server=server)
    first.set("k", "v")
    assert fakeredis.FakeRedis(server=server, decode_responses=True).get("k") == "v"
    assert fakeredis.FakeRedis(server=server, db=1).get("k") is None


def test_clients_of_the_same_address_share_a_server(host: str) -> None:
    fakeredis.FakeRedis(host=host, port=7000).set("k", "v")
    assert fakeredis.FakeRedis(host, 7000).get("k") == b"v"
    assert fakeredis.FakeRedis(host=host, port=7001).get("k") is None
    assert fakeredis.FakeRedis(host, 7000, 1).get("k") is None
    assert fakeredis.FakeRedis.from_url(f"redis://{host}:7000").get("k") == b"v"
    assert fakeredis.FakeStrictRedis.from_url(f"redis://{host}:7000/1", decode_responses=True).get("k") is None


async def test_synchronous_and_asyncio_clients_share_servers(host: str) -> None:
    fakeredis.FakeRedis(host=host).set("k", "v")
    for client in (
        fakeredis.FakeAsyncRedis(host=host),
        aioredis.FakeRedis.from_url(f"redis://{host}:6379"),
        aioredis.FakeRedis(host=host, decode_responses=False, single_connection_client=True),
    ):
        async with client:
            assert isinstance(client, redis.asyncio.Redis)
            assert await client.get("k") == b"v"


def test_a_server_that_is_cut_off() -> None:
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server)
    client.set("k", "v")
    server.connected = False
    for _ in range(2):
        with pytest.raises(redis.ConnectionError, match="FakeRedis is emulating a connection error"):
            client.get("k")
    with pytest.raises(redis.ConnectionError):
        fakeredis.FakeRedis(server=server).ping()
    server.connected = True
    assert client.get("k") == b"v"


async def test_a_server_that_is_cut_off_from_asyncio_clients() -> None:
    server = fakeredis.FakeServer()
    async with fakeredis.FakeAsyncRedis(server=server) as client:
        waiting = asyncio.create_task(client.blpop("queue", 0))
        while not server.engine.blocked_clients.clients:
            await asyncio.sleep(0)
        server.connected = False
        with pytest.raises(redis.ConnectionError):
            await waiting
        with pytest.raises(redis.ConnectionError, match="FakeRedis is emulating a connection error"):
            await client.get("k")


def test_connected_as_an_argument(host: str) -> None:
    client = fakeredis.FakeRedis(host=host, connected=False)
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert fakeredis.FakeRedis(host=host, connected=True).ping()


@pytest.mark.parametrize(
    ("arguments", "emulated"),
    [
        ({}, "redis-7.2"),
        ({"version": 6}, "redis-7.0"),
        ({"version": (6, 2)}, "redis-7.0"),
        ({"version": "7.0"}, "redis-7.0"),
        ({"version": (7, 2)}, "redis-7.2"),
        ({"version": 8}, "redis-7.2"),
        ({"version": 8, "server_type": "valkey"}, "valkey-9.1"),
    ],
)
def test_versions(arguments: dict[str, Any], emulated: str) -> None:
    assert fakeredis.FakeServer(**arguments).engine.version.name == emulated
    client = fakeredis.FakeRedis(**arguments)
    assert client.connection_pool.connection_kwargs["server"].engine.version.name == emulated


def test_what_is_not_emulated_is_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported server type: dragonfly"):
        fakeredis.FakeServer(server_type="dragonfly")


def test_a_servers_configuration() -> None:
    server = fakeredis.FakeServer(config={b"requirepass": b"secret"})
    with pytest.raises(redis.AuthenticationError):
        fakeredis.FakeRedis(server=server).ping()
    assert fakeredis.FakeRedis(server=server, password="secret").ping()


@pytest.mark.parametrize("client_class", [fakeredis.FakeRedis, fakeredis.FakeStrictRedis])
def test_options_of_redis_py(client_class: type[fakeredis.FakeRedis]) -> None:
    client = client_class(
        db=2, encoding="latin-1", decode_responses=True, client_name="me", max_connections=1, protocol=3
    )
    client.set("k", "ü")
    assert client.get("k") == "ü"
    assert (client.client_getname(), client.client_info()["db"]) == ("me", 2)
    assert client.eval("return cjson.encode({1})", 0) == "[1]"
    single = client_class(single_connection_client=True)
    assert single.client_id() == single.client_id()


def test_a_pool_of_ones_own() -> None:
    server = fakeredis.FakeServer()
    pool = redis.BlockingConnectionPool(
        connection_class=fakeredis.FakeRedisConnection, server=server, max_connections=2
    )
    fakeredis.FakeRedis(connection_pool=pool).set("k", "v")
    assert redis.Redis(connection_pool=pool).get("k") == b"v"


def test_its_server_is_a_mini_redis() -> None:
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server)
    client.set("k", "v", ex=100)
    server.clock.advance(101)
    assert client.get("k") is None


def test_a_server_to_oneself_goes_with_its_client() -> None:
    client = fakeredis.FakeRedis()
    client.set("k", "v")
    server = weakref.ref(client.connection_pool.connection_kwargs["server"])
    del client
    gc.collect()
    assert server() is None


# A server at an address


def test_a_tcp_server_in_the_way_of_fakeredis() -> None:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis", server_version=(7, 0))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host, port = server.server_address
    with redis.Redis(host=host, port=port) as client:
        client.set("k", "v")
        assert client.info("server")["redis_version"].startswith("7.0")
    assert fakeredis.FakeRedis(server=server.fake_server).get("k") == b"v"
    server.shutdown()
    thread.join(10)
    assert not thread.is_alive()
    server.server_close()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(host=host, port=port).ping()


def test_a_tcp_server_as_a_context_manager() -> None:
    with (
        fakeredis.TcpFakeServer(("localhost", 0), True, "valkey", "9.1") as server,
        redis.Redis(*server.server_address) as client,
    ):
        assert "valkey_version" in client.info("server")
        with pytest.raises(OSError, match="in use"):
            fakeredis.TcpFakeServer(server.server_address)
    fakeredis.TcpFakeServer(server.server_address).server_close()


def test_a_tcp_server_that_is_activated_later() -> None:
    server = fakeredis.TcpFakeServer((b"127.0.0.1", 0), bind_and_activate=False)
    assert server.server_address == ("127.0.0.1", 0)
    server.shutdown()  # nobody serves, and nobody waits for it
    server.server_activate()
    with redis.Redis(*server.server_address) as client:
        assert client.ping()
    server.server_close()


# A connection class for pools that are made by others


def test_a_connection_finds_its_server_by_its_address(host: str) -> None:
    pool = redis.ConnectionPool.from_url(f"redis://{host}:7000/1", connection_class=fakeredis.FakeConnection)
    redis.Redis(connection_pool=pool).set("k", "v")
    assert fakeredis.FakeRedis(host=host, port=7000, db=1).get("k") == b"v"
    nameless = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=fakeredis.FakeRedisConnection))
    nameless.set(host, "v")
    other = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=fakeredis.FakeRedisConnection))
    assert other.get(host) == b"v"


async def test_an_asyncio_connection_finds_its_server_by_its_address(host: str) -> None:
    pool = redis.asyncio.ConnectionPool.from_url(f"redis://{host}", connection_class=fakeredis.FakeAsyncConnection)
    async with redis.asyncio.Redis.from_pool(pool) as client:
        await client.set("k", "v")
        assert fakeredis.FakeRedis(host=host).get("k") == b"v"
    assert aioredis.FakeConnection is fakeredis.FakeAsyncRedisConnection


@pytest.mark.parametrize("is_first", [True, False])
def test_it_takes_the_place_of_redis_pys_own(is_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests do that cannot hand a client over. It makes no difference when our modules are imported."""
    if is_first:
        for name in [name for name in sys.modules if name.startswith("miniredis.embedded.clients")]:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(redis, "Redis", fakeredis.FakeRedis)
    monkeypatch.setattr(redis, "StrictRedis", fakeredis.FakeStrictRedis)
    monkeypatch.setattr(redis.asyncio, "Redis", fakeredis.FakeAsyncRedis)
    redis.Redis("nowhere.example", 1, db=2).set("k", "v")
    assert redis.StrictRedis("nowhere.example", 1, db=2).get("k") == b"v"
    own = MiniRedis().client()
    assert own.get("k") is None
    assert type(own) is redis.client.Redis

    async def ask() -> bytes | None:
        async with redis.asyncio.Redis(host="nowhere.example", port=1, db=2) as client:
            return await client.get("k")

    assert asyncio.run(ask()) == b"v"
