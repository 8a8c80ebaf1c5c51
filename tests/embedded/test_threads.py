"""One engine, whoever uses it: a server's loop, threads, other loops. No update is lost, nobody waits for ever."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import Any

import pytest
import redis
import redis.asyncio

from miniredis import MiniRedis
from tests.embedded.conftest import Watch, in_thread

SECONDS = float(os.environ.get("MINIREDIS_STRESS_SECONDS", "1.5"))
"""How long the crowds are at work; 30 seconds are for somebody who has them."""


def test_in_process_and_tcp_clients_see_each_other(client: redis.Redis, server: MiniRedis, protocol: int) -> None:
    client.set("k", "before")
    with server, redis.Redis.from_url(server.url, protocol=protocol, decode_responses=True) as remote:
        assert remote.get("k") == "before"
        client.set("k", "meanwhile")
        assert remote.get("k") == "meanwhile"
        waiting = in_thread(remote.blpop, "queue", 10)
        while not server.call(lambda: len(server.engine.blocked_clients.clients)):
            time.sleep(0.001)
        client.rpush("queue", "job")
        assert waiting.result(10)[1] == "job"
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe("news")
            assert pubsub.get_message(timeout=5) is None
            remote.publish("news", "hello")
            assert pubsub.get_message(timeout=5)["data"] == "hello"
    client.set("k", "after")
    assert client.get("k") == "after"


def test_who_waits_while_a_server_starts_and_stops(client: redis.Redis, server: MiniRedis, watch: Watch) -> None:
    server.clock.freeze()
    alone = in_thread(client.blpop, "alone", 10)
    forever = in_thread(client.blpop, "queue", 0)
    watch.wait_for(2)
    server.start()
    server.clock.advance(10)
    assert alone.result(10) is None
    short = in_thread(client.blpop, "short", 10)
    watch.wait_for(2)
    server.stop()
    server.clock.advance(10)
    assert short.result(10) is None
    client.rpush("queue", "job")
    assert forever.result(10)[1] == "job"


async def test_on_the_servers_own_loop(protocol: int) -> None:
    async with (
        MiniRedis() as server,
        server.async_client(protocol=protocol) as client,
        redis.asyncio.Redis.from_url(server.url, protocol=protocol) as remote,
    ):
        here = server.client(protocol=protocol)
        here.set("k", "v")  # a synchronous client, on the thread that serves
        assert await remote.get("k") == b"v"
        waiting = asyncio.create_task(client.blpop("queue", 0))
        await asyncio.sleep(0)
        await remote.rpush("queue", "job")
        assert (await waiting)[1] == b"job"
        waiting = asyncio.create_task(remote.blpop("queue", 5))
        while not server.engine.blocked_clients.clients:
            await asyncio.sleep(0)
        await client.rpush("queue", "job")
        assert (await waiting)[1] == b"job"
        assert await asyncio.to_thread(here.get, "k") == b"v"
        server.clock.freeze()
        waiting = asyncio.create_task(client.blpop("queue", 10))
        await asyncio.sleep(0)
        server.clock.advance(10)
        assert await waiting is None


async def test_a_synchronous_client_that_waits_on_the_servers_loop(protocol: int) -> None:
    """It keeps the loop from running. Its timeout comes all the same, and other threads are let in."""
    async with MiniRedis() as server:
        client = server.client(protocol=protocol)
        assert client.blpop("queue", 0.05) is None  # type: ignore[arg-type]
        other = server.client()
        pushing = in_thread(lambda: other.rpush("queue", "job"))
        assert client.blpop("queue", 10)[1] == b"job"
        assert pushing.result(10) == 1


async def test_an_asyncio_client_of_a_server_on_another_thread(server: MiniRedis, protocol: int) -> None:
    with server:
        async with server.async_client(protocol=protocol) as client:
            await client.set("k", "v")
            waiting = asyncio.create_task(client.blpop("queue", 0))
            await asyncio.sleep(0.01)
            with redis.Redis.from_url(server.url) as remote:
                await asyncio.to_thread(remote.rpush, "queue", "job")
            assert (await waiting)[1] == b"job"
            waiting = asyncio.create_task(client.blpop("queue", 0))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not server.call(lambda: server.engine.blocked_clients.clients)


async def test_a_request_that_nobody_has_executed_when_its_task_is_cancelled(server: MiniRedis, protocol: int) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        assert go_on.wait(20)

    with server:
        async with server.async_client(protocol=protocol) as client:
            await client.rpush("queue", "job")
            holding = in_thread(server.call, hold)
            assert await asyncio.to_thread(busy.wait, 20)
            popping = asyncio.create_task(client.lpop("queue"))
            while not server.driver._asked:
                await asyncio.sleep(0)
            popping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await popping
            go_on.set()
            await asyncio.wrap_future(holding)
            assert await client.lrange("queue", 0, -1) == [b"job"]


def test_a_hundred_threads_and_a_thousand_tasks(server: MiniRedis) -> None:
    """No update lost, nobody left waiting, nothing left behind, while a server comes and goes."""
    objects_before = len(gc.get_objects())
    done = threading.Event()
    counted = [0] * 100
    client = server.client(max_connections=200)

    def work(number: int) -> None:
        while not done.is_set():
            client.incr("by threads")
            counted[number] += 1
            if number % 10 == 0:
                client.rpush("queue", number)
            elif number % 10 == 1:
                counted_pops[number] += client.blpop("queue", 0.01) is not None  # type: ignore[arg-type]

    async def tasks() -> tuple[int, int]:
        async with server.async_client(max_connections=1_000) as many:
            return await crowd(many)

    async def crowd(many: redis.asyncio.Redis) -> tuple[int, int]:
        increments = pops = 0

        async def one(number: int) -> None:
            nonlocal increments, pops
            while not done.is_set():
                if number % 4:
                    await many.incr("by tasks")
                    increments += 1
                else:
                    waiting = asyncio.ensure_future(many.blpop("queue", 0))
                    await asyncio.wait([waiting], timeout=0.05)
                    waiting.cancel()
                    [outcome] = await asyncio.gather(waiting, return_exceptions=True)
                    pops += isinstance(outcome, list | tuple)
                await asyncio.sleep(0)

        await asyncio.gather(*(one(number) for number in range(1_000)))
        return increments, pops

    counted_pops = [0] * 100
    threads = [in_thread(work, number) for number in range(100)]
    running = in_thread(lambda: asyncio.run(tasks()))
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        with server, redis.Redis.from_url(server.url) as remote:
            remote.incr("by servers")
            done.wait(0.2)
        done.wait(0.1)
    done.set()
    for thread in threads:
        thread.result(60)
    increments, pops = running.result(60)
    assert int(client.get("by threads") or 0) == sum(counted)
    assert int(client.get("by tasks") or 0) == increments
    pushed = sum(counted[0::10])
    assert pops + sum(counted_pops) + client.llen("queue") == pushed
    assert min(counted) > 0
    client.close()
    threads.clear()
    gc.collect()
    assert server.call(lambda: len(server.engine.sessions)) == 0
    assert not server.engine.blocked_clients.clients
    assert len(gc.get_objects()) - objects_before < 20_000


@pytest.mark.parametrize("started", [False, True], ids=["alone", "with a server"])
def test_the_engine_is_never_used_by_two_at_once(server: MiniRedis, started: bool) -> None:
    inside = 0
    most = 0
    execute = server.engine.proceed

    def noted(*args: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0)
        try:
            return execute(*args)
        finally:
            inside -= 1

    server.engine.interceptor = noted
    server.engine.update_gate()
    if started:
        server.start()
    client = server.client()
    for waiting in [in_thread(lambda: [client.incr("n") for _ in range(50)]) for _ in range(8)]:
        waiting.result(20)
    server.stop()
    assert client.get("n") == b"400"
    assert most == 1
