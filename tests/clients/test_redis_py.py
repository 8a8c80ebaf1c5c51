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


TAKE_AND_PUT = """
local taken = redis.call('LPOP', KEYS[1])
if not taken then return redis.error_reply('EMPTY nothing in ' .. KEYS[1]) end
redis.call('HSET', KEYS[2], taken, ARGV[1])
return {taken, redis.call('HLEN', KEYS[2])}
"""


@ENDPOINTS
def test_a_registered_script_is_loaded_when_the_server_does_not_know_it(client: redis.Redis) -> None:
    script = client.register_script(TAKE_AND_PUT)
    client.rpush("todo", "a", "b")
    assert client.script_exists(script.sha) == [False]
    assert script(keys=["todo", "taken"], args=["me"]) == ["a", 1]
    client.script_flush()
    assert script(keys=["todo", "taken"], args=["you"]) == ["b", 2]
    with pytest.raises(redis.ResponseError, match="EMPTY nothing in todo"):
        script(keys=["todo", "taken"], args=["nobody"])
    assert client.hgetall("taken") == {"a": "me", "b": "you"}


@ENDPOINTS
def test_a_registered_script_runs_in_a_pipeline(client: redis.Redis) -> None:
    script = client.register_script(TAKE_AND_PUT)
    client.rpush("todo", "a")
    with client.pipeline() as pipeline:
        pipeline.set("k", 1)
        script(keys=["todo", "taken"], args=["me"], client=pipeline)
        pipeline.get("k")
        assert pipeline.execute() == [True, ["a", 1], "1"]


@ENDPOINTS
def test_a_lock_is_one_holder_s_until_it_is_released_or_ends(server: MiniRedis, client: redis.Redis) -> None:
    first, second = client.lock("lock", timeout=10), client.lock("lock", timeout=10, blocking=False)
    assert first.acquire()
    assert not second.acquire()
    assert first.owned()
    assert first.extend(5)
    first.release()
    assert second.acquire()
    with pytest.raises(redis.exceptions.LockError):
        first.release()
    server.clock.advance(11)
    assert first.acquire()
    with pytest.raises(redis.exceptions.LockNotOwnedError):
        second.release()
    assert first.reacquire()


@ENDPOINTS
async def test_asyncio_scripts_and_locks(async_client: redis.asyncio.Redis) -> None:
    script = async_client.register_script(TAKE_AND_PUT)
    await async_client.rpush("todo", "a")
    assert await script(keys=["todo", "taken"], args=["me"]) == ["a", 1]
    assert await async_client.eval("return {KEYS[1], ARGV[1], 3, false, {1.9}}", 1, "k", "x") == [
        "k",
        "x",
        3,
        None,
        [1],
    ]
    async with async_client.lock("lock", timeout=10) as lock:
        assert await lock.owned()
        assert not await async_client.lock("lock", blocking=False).acquire()
    assert await async_client.exists("lock") == 0


@ENDPOINTS
def test_functions_are_called_by_their_names(client: redis.Redis) -> None:
    code = """#!lua name=mine
    local function twice(keys, args) return args[1] * 2 end
    redis.register_function{function_name='twice', callback=twice, flags={'no-writes'}}"""
    assert client.function_load(code) == "mine"
    assert client.fcall("twice", 0, 21) == 42
    assert client.fcall_ro("twice", 0, 4) == 8
    dumped = client.function_dump()
    client.function_flush()
    with pytest.raises(redis.ResponseError, match="Function not found"):
        client.fcall("twice", 0, 1)
    client.function_restore(dumped)
    assert client.fcall("twice", 0, 5) == 10
    client.function_delete("mine")
    assert client.function_list() == []
