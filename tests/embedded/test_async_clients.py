"""What redis-py's asyncio client offers works on a connection to an engine, on whatever loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from miniredis import MiniRedis
from tests.embedded.conftest import Watch, connection_of, in_thread


def once() -> Retry:
    return Retry(NoBackoff(), 0)  # type: ignore[no-untyped-call]


async def take_until(monitor: Any, command: str) -> AsyncIterator[dict[str, Any]]:
    """What *monitor* sees, up to that command: a client that connects says a few before."""
    while True:
        entry = await monitor.next_command()
        yield entry
        if entry["command"].startswith(command):
            return


async def blocked(server: MiniRedis, count: int = 1) -> None:
    """Return when so many tasks of this loop wait."""
    while len(server.engine.blocked_clients.clients) < count:
        await asyncio.sleep(0)


async def test_nothing_is_started(async_client: redis.asyncio.Redis) -> None:
    threads = threading.active_count()
    await async_client.set("k", "v")
    assert await async_client.get("k") == "v"
    assert threading.active_count() == threads
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_pipelines(async_client: redis.asyncio.Redis) -> None:
    pipe = async_client.pipeline(transaction=False)
    pipe.set("s", "x").incr("s").lpush("l", 1).get("s")
    stored, failed, pushed, value = await pipe.execute(raise_on_error=False)
    assert (stored, pushed, value) == (True, 1, "x")
    assert isinstance(failed, redis.ResponseError)
    async with async_client.pipeline() as transaction:
        await transaction.watch("n")
        await async_client.set("n", 1)
        transaction.multi()
        transaction.incr("n")
        with pytest.raises(redis.WatchError):
            await transaction.execute()


async def test_pubsub(async_client: redis.asyncio.Redis) -> None:
    async with async_client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("news")
        assert await pubsub.get_message(timeout=5) is None
        assert await pubsub.get_message(timeout=0) is None
        assert await pubsub.get_message(timeout=0.01) is None
        waiting = asyncio.create_task(anext(pubsub.listen()))
        await asyncio.sleep(0)
        assert await async_client.publish("news", "hello") == 1
        assert (await waiting)["data"] == "hello"


async def test_pubsub_run(async_client: redis.asyncio.Redis) -> None:
    got = asyncio.Event()
    async with async_client.pubsub() as pubsub:
        await pubsub.subscribe(news=lambda message: got.set())
        running = asyncio.create_task(pubsub.run(poll_timeout=20))
        await async_client.publish("news", "hello")
        await asyncio.wait_for(got.wait(), 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_lock_script_and_monitor(async_client: redis.asyncio.Redis) -> None:
    async with async_client.lock("lock", timeout=10):
        assert not await async_client.lock("lock").acquire(blocking=False)
    script = async_client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert await script(keys=["n"], args=[5]) == 5
    async with async_client.monitor() as monitor:
        await async_client.set("k", "v")
        seen = [entry["command"] async for entry in take_until(monitor, "SET")]
        assert seen[-1] == "SET k v"


async def test_pools_of_one_connection(server: MiniRedis, protocol: int) -> None:
    url = server.register("async pools") + f"?protocol={protocol}"
    pool = redis.asyncio.BlockingConnectionPool.from_url(url, max_connections=1)
    async with redis.asyncio.Redis.from_pool(pool) as client:
        waiting = asyncio.create_task(client.blpop("queue", 0))
        await blocked(server)
        second = asyncio.create_task(client.ping())
        async with server.async_client() as other:
            await other.rpush("queue", "job")
        assert (await waiting)[1] == b"job"
        assert await second
    async with server.async_client(protocol=protocol, single_connection_client=True) as single:
        assert await single.client_id() == await single.client_id()


async def test_who_is_killed_connects_again(server: MiniRedis, protocol: int) -> None:
    retry = Retry(NoBackoff(), 1)  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {"retry": retry, "retry_on_error": [redis.ConnectionError]}
    async with server.async_client(protocol=protocol, **options) as client, server.async_client() as other:
        first = await client.client_id()
        waiting = asyncio.create_task(client.blpop("queue", 0))
        await blocked(server)
        await other.client_kill_filter(_id=first)
        await blocked(server)  # it has sent its command again
        await other.rpush("queue", "job")
        assert (await waiting)[1] == b"job"


async def test_health_checks(server: MiniRedis, protocol: int) -> None:
    async with server.async_client(protocol=protocol, health_check_interval=1) as client:
        pings = server.engine.state_of(server.engine.table.lookup(b"ping"))  # type: ignore[arg-type]
        await client.get("k")
        connection: Any = client.connection_pool._available_connections[0]
        connection.next_health_check = 0
        before = pings.calls
        await client.get("k")
        await client.get("k")
        assert pings.calls == before + 1


async def test_passwords(protocol: int) -> None:
    server = MiniRedis(requirepass="secret")
    async with server.async_client(protocol=protocol, password="secret") as client:
        assert await client.ping()
    async with server.async_client(protocol=protocol, password="wrong", retry=once()) as stranger:
        with pytest.raises(redis.AuthenticationError):
            await stranger.ping()


# Waiting


async def test_a_task_that_is_cancelled_takes_nothing_with_it(
    server: MiniRedis, async_client: redis.asyncio.Redis
) -> None:
    waiting = asyncio.create_task(async_client.blpop("queue", 0))
    await blocked(server)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not server.engine.blocked_clients.clients
    await async_client.rpush("queue", "job")
    assert await async_client.lrange("queue", 0, -1) == ["job"]


async def test_a_cancellation_that_comes_too_late_loses_nothing(
    server: MiniRedis, async_client: redis.asyncio.Redis
) -> None:
    """The element is on its way to the task when that is cancelled: the task has it, then it is cancelled."""
    had = []

    async def work() -> None:
        while True:
            had.append((await async_client.blpop("queue", 0))[1])
            await asyncio.sleep(0)

    working = asyncio.create_task(work())
    await blocked(server)
    server.client().rpush("queue", "job")
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert had == ["job"]
    assert working.cancelling() == 1


async def test_a_timeout_that_comes_too_late_loses_nothing(
    server: MiniRedis, async_client: redis.asyncio.Redis
) -> None:
    async def pop() -> Any:
        async with asyncio.timeout(None) as timeout:
            waiting.append(timeout)
            result = await async_client.blpop("queue", 0)
        await asyncio.sleep(0)  # the timeout is over: nothing is left that would cancel this
        return result

    waiting: list[asyncio.Timeout] = []
    popping = asyncio.create_task(pop())
    await blocked(server)
    loop = asyncio.get_running_loop()
    waiting[0].reschedule(loop.time())
    loop.call_soon(server.client().rpush, "queue", "job")
    try:
        element = (await popping)[1]
    except TimeoutError:
        element = await async_client.lpop("queue")
    assert element == "job"


async def test_no_element_is_lost_between_pushes_and_cancellations(
    server: MiniRedis, async_client: redis.asyncio.Redis
) -> None:
    had: list[str] = []

    async def pop() -> None:
        had.append((await async_client.blpop("queue", 0))[1])

    pusher = server.client()
    for number in range(300):
        task = asyncio.create_task(pop())
        for _ in range(number % 7):
            await asyncio.sleep(0)
        pushing = in_thread(pusher.rpush, "queue", number) if number % 2 else pusher.rpush("queue", number)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if number % 2:
            await asyncio.wrap_future(pushing)
    had += await async_client.lrange("queue", 0, -1)
    assert sorted(had, key=int) == [str(number) for number in range(300)]


async def test_timeouts_go_by_the_servers_clock(server: MiniRedis, async_client: redis.asyncio.Redis) -> None:
    server.clock.freeze()
    waiting = asyncio.create_task(async_client.blpop("queue", 100))
    await blocked(server)
    server.clock.advance(99.9)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    server.clock.advance(0.1)
    assert await waiting is None
    server.clock.resume()
    began = time.monotonic()
    assert await async_client.blpop("queue", 0.05) is None  # type: ignore[arg-type]
    assert time.monotonic() - began >= 0.04


async def test_the_clock_can_be_moved_from_a_thread(server: MiniRedis, async_client: redis.asyncio.Redis) -> None:
    server.clock.freeze()
    waiting = asyncio.create_task(async_client.blpop("queue", 100))
    await blocked(server)
    await asyncio.to_thread(server.clock.advance, 100)
    assert await waiting is None


async def test_the_clients_own_patience(server: MiniRedis, protocol: int) -> None:
    async with server.async_client(protocol=protocol, socket_timeout=0.05, retry=once()) as client:
        with pytest.raises(redis.TimeoutError):
            await client.blpop("queue", 0)
        assert not server.engine.blocked_clients.clients
        assert await client.ping()


async def test_a_client_that_is_closed_waits_no_more(server: MiniRedis, async_client: redis.asyncio.Redis) -> None:
    waiting = asyncio.create_task(async_client.blpop("queue", 0))
    await blocked(server)
    await async_client.aclose()
    assert not server.engine.blocked_clients.clients
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_client_that_is_gone_waits_no_more(server: MiniRedis, protocol: int) -> None:
    client = server.async_client(protocol=protocol)
    connection = await connection_of(client)
    await connection.send_command("BLPOP", "queue", 0)
    assert len(server.engine.blocked_clients.clients) == 1
    client.connection_pool.reset()
    del client, connection
    gc.collect()
    assert server.call(lambda: (len(server.engine.blocked_clients.clients), len(server.engine.sessions))) == (0, 0)


def test_a_loop_that_is_closed_is_forgotten(server: MiniRedis, watch: Watch) -> None:
    """Its tasks never woke up; others that wait for the same are served all the same."""

    async def begin() -> None:
        client = server.async_client()
        connection = await connection_of(client)
        await connection.send_command("BLPOP", "queue", 0)
        forgotten.append((client, connection, loop.create_task(connection.read_response())))
        await asyncio.sleep(0)

    forgotten: list[Any] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    task = forgotten[0][2]
    task._log_destroy_pending = False
    loop.close()
    waiting = in_thread(server.client().blpop, "other", 0.05)
    assert waiting.result(10) is None
    server.client().rpush("queue", "job")
    forgotten.clear()


def test_one_client_serves_one_loop_after_the_other(server: MiniRedis, protocol: int) -> None:
    client = server.async_client(protocol=protocol)

    async def use() -> Any:
        await client.incr("n")
        return await client.get("n")

    assert [asyncio.run(use()) for _ in range(3)] == [b"1", b"2", b"3"]
