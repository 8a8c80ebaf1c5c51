"""Limits, leases and queues on clients in the server's own process, without a socket: waits and wake-ups included."""

from __future__ import annotations

import asyncio
import threading

from miniredis import MiniRedis
from patterns import GCRA, Leaderboard, Lock, Queue, Semaphore, aio


def test_blocking() -> None:
    server = MiniRedis()
    with server.client() as client, server.client() as other:
        assert GCRA(client, "1/day").hit("user")
        assert not GCRA(other, "1/day").hit("user")
        lease = Lock(client, "l").acquire()
        assert lease is not None
        got: list[bool] = []

        def wait() -> None:
            with Lock(other, "l", wait=30) as theirs:
                got.append(theirs.held)

        waiting = threading.Thread(target=wait)
        waiting.start()
        lease.release()
        waiting.join()
        assert got == [True]
        with Semaphore(client, "s", 1):
            assert Semaphore(other, "s", 1).acquire(wait=0) is None
        queue = Queue(client, "q")
        queue.put({"n": 1})
        job = queue.take()
        assert job is not None
        with job as value:
            assert value == {"n": 1}
        assert Leaderboard(client, "b").submit("ada", 1) is not None


async def test_asyncio() -> None:
    server = MiniRedis()
    async with server.async_client() as client:
        queue = aio.Queue(client, "q")
        taking = asyncio.create_task(queue.take(wait=30))
        await asyncio.sleep(0)
        await queue.put("job")
        job = await taking
        assert job is not None
        assert await job.ack()
        lock = aio.Lock(client, "l", wait=30)
        turns: list[int] = []

        async def work(number: int) -> None:
            async with lock:
                turns.append(number)

        await asyncio.gather(*map(work, range(5)))
        assert sorted(turns) == [0, 1, 2, 3, 4]
