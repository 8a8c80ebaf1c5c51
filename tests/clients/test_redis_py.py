"""redis-py, synchronous and asyncio, over RESP2 and RESP3, does not notice which server it talks to."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from conformance.servers import Server
from miniredis import MiniRedis
from tests.clients.tour import FAMILIES, Step

pytestmark = pytest.mark.filterwarnings(
    "ignore:Call to deprecated:DeprecationWarning"
)  # a tour visits old commands, too

ENDPOINTS = pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def server() -> Iterator[MiniRedis]:
    with MiniRedis(emulate="redis-7.0") as running:
        yield running


def outcome_of(error: redis.RedisError) -> tuple[str, str]:
    return type(error).__name__, str(error)


def take(client: redis.Redis, steps: list[Step]) -> list[Any]:
    """What each step gives, an error as its class and text."""
    results = []
    for each in steps:
        try:
            result = getattr(client, each.method)(*each.args, **each.options)
            results.append((each.method, each.certain(list(result) if inspect.isgenerator(result) else result)))
        except redis.RedisError as error:
            results.append((each.method, outcome_of(error)))
    return results


async def take_async(client: redis.asyncio.Redis, steps: list[Step]) -> list[Any]:
    """As :func:`take`, with the asyncio client."""
    results = []
    for each in steps:
        try:
            result = getattr(client, each.method)(*each.args, **each.options)
            gathered = [item async for item in result] if inspect.isasyncgen(result) else await result
            results.append((each.method, each.certain(gathered)))
        except redis.RedisError as error:
            results.append((each.method, outcome_of(error)))
    return results


@pytest.fixture
def on_the_real_one(redis_server: Server, protocol: int, family: str) -> list[Any]:
    """What the family's tour gives on Redis 7.0."""
    with redis.Redis(port=redis_server.port, protocol=protocol) as client:
        client.flushall()
        return take(client, FAMILIES[family])


@ENDPOINTS
@EVERY_FAMILY
def test_a_tour_gives_what_it_gives_on_redis(
    server: MiniRedis, protocol: int, family: str, on_the_real_one: list[Any]
) -> None:
    with redis.Redis(port=server.port, protocol=protocol) as client:
        assert take(client, FAMILIES[family]) == on_the_real_one


@ENDPOINTS
@EVERY_FAMILY
async def test_an_asyncio_tour_gives_what_it_gives_on_redis(
    protocol: int, family: str, on_the_real_one: list[Any]
) -> None:
    async with (
        MiniRedis(emulate="redis-7.0") as server,
        redis.asyncio.Redis(port=server.port, protocol=protocol) as client,
    ):
        assert await take_async(client, FAMILIES[family]) == on_the_real_one


@pytest.fixture
def client(server: MiniRedis, protocol: int) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port, protocol=protocol, decode_responses=True) as connected:
        yield connected


@pytest.fixture
async def async_client(protocol: int) -> AsyncIterator[redis.asyncio.Redis]:
    async with (
        MiniRedis() as server,
        redis.asyncio.Redis(port=server.port, protocol=protocol, decode_responses=True) as connected,
    ):
        yield connected


@ENDPOINTS
def test_a_transaction_retries_when_a_watched_key_changes(client: redis.Redis) -> None:
    attempts = []

    def increment(pipe: redis.client.Pipeline) -> None:
        value = int(pipe.get("n") or 0)
        attempts.append(value)
        if len(attempts) == 1:
            client.set("n", 10)
        pipe.multi()
        pipe.set("n", value + 1)

    client.transaction(increment, "n")
    assert attempts == [0, 10]
    assert client.get("n") == "11"


@ENDPOINTS
def test_a_pipeline_answers_in_order_and_names_the_command_that_failed(client: redis.Redis) -> None:
    pipe = client.pipeline(transaction=False)
    pipe.set("s", "x").incr("s").lpush("l", 1).get("s")
    stored, failed, pushed, value = pipe.execute(raise_on_error=False)
    assert (stored, pushed, value) == (True, 1, "x")
    assert "value is not an integer or out of range" in str(failed)


@ENDPOINTS
def test_subscribers_get_what_is_published(client: redis.Redis) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("news")
        pubsub.psubscribe("n*")
        assert [pubsub.get_message(timeout=5)["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
        assert client.publish("news", "hello") == 2
        messages = [pubsub.get_message(timeout=5) for _ in range(2)]
    assert [(message["type"], message["data"]) for message in messages] == [("message", "hello"), ("pmessage", "hello")]


@ENDPOINTS
async def test_asyncio_subscribers_get_what_is_published(async_client: redis.asyncio.Redis) -> None:
    async with async_client.pubsub() as pubsub:
        await pubsub.subscribe("news")
        assert (await pubsub.get_message(timeout=5))["type"] == "subscribe"
        assert await async_client.publish("news", "hello") == 1
        assert (await pubsub.get_message(timeout=5))["data"] == "hello"


@ENDPOINTS
def test_a_monitor_sees_the_commands_of_others(server: MiniRedis, client: redis.Redis, protocol: int) -> None:
    with client.monitor() as monitor:
        client.set("k", "v")
        seen = next(entry for entry in monitor.listen() if entry["command"].startswith("SET"))
    assert seen["command"] == "SET k v"
