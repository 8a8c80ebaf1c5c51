"""redis-py, the client that most of our users have, finds nothing to complain about."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import redis
import redis.asyncio

from miniredis.testing import MiniRedis
from tests.server.conftest import Host

protocols = pytest.mark.parametrize("protocol", [2, 3])


@protocols
def test_the_synchronous_client(host: Host, protocol: int) -> None:
    with redis.Redis.from_url(host.server.url, protocol=protocol, decode_responses=True) as client:
        assert client.ping() is True
        assert client.set("k", "v") is True
        assert client.get("k") == "v"
        assert client.hset("h", mapping={"a": "1", "b": "2"}) == 2
        assert client.hgetall("h") == {"a": "1", "b": "2"}
        assert client.smembers("none") == set()
        assert client.pipeline().incr("n").incr("n").lpush("l", "x").execute() == [1, 2, 1]
        assert client.pipeline(transaction=False).get("n").get("none").execute() == ["2", None]
        with pytest.raises(redis.ResponseError, match="wrong kind of value"):
            client.lpush("k", "x")
        assert client.blpop(["l"], timeout=1) == protocol_list(protocol, "l", "x")


def protocol_list(protocol: int, *items: str) -> object:
    """redis-py makes a tuple of what RESP2 brings."""
    return list(items) if protocol == 3 else items


@protocols
def test_its_pub_sub(host: Host, protocol: int) -> None:
    with redis.Redis.from_url(host.server.url, protocol=protocol) as client, client.pubsub() as subscriber:
        subscriber.subscribe("c")
        assert subscriber.get_message(timeout=5) == {"type": "subscribe", "pattern": None, "channel": b"c", "data": 1}
        assert client.publish("c", "hello") == 1
        message = subscriber.get_message(timeout=5)
        assert message == {"type": "message", "pattern": None, "channel": b"c", "data": b"hello"}


@protocols
async def test_the_asyncio_client(protocol: int) -> None:
    async with (
        MiniRedis() as server,
        redis.asyncio.Redis.from_url(server.url, protocol=protocol, decode_responses=True) as client,
    ):
        assert await client.set("k", "v") is True
        assert await client.get("k") == "v"
        async with client.pipeline() as pipeline:
            assert await pipeline.incr("n").incr("n").execute() == [1, 2]
        async with client.pubsub() as subscriber:
            await subscriber.subscribe("c")
            assert (await subscriber.get_message(timeout=5))["type"] == "subscribe"
            await client.publish("c", "hello")
            assert (await subscriber.get_message(timeout=5))["data"] == "hello"


@protocols
def test_authentication(start: Callable[..., Host], protocol: int) -> None:
    host = start(requirepass="secret")
    with redis.Redis.from_url(host.server.url, protocol=protocol, password="secret") as client:
        assert client.set("k", "x" * 100_000) is True
    with (
        redis.Redis.from_url(host.server.url, protocol=protocol, password="wrong") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_many_threads(host: Host) -> None:
    with redis.Redis.from_url(host.server.url) as client:

        def count() -> None:
            for _ in range(100):
                client.incr("n")

        threads = [threading.Thread(target=count) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("n") == b"2000"


def test_shutdown(host: Host) -> None:
    with redis.Redis.from_url(host.server.url) as client:
        client.shutdown(nosave=True)
    host.server.stop()
    assert not host.server.is_running
