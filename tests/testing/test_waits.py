"""Waiting for others to have come so far: no sleep, no poll, and an error that says what there is instead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from miniredis.testing import MiniRedis
from tests.commands.peers import Peer
from tests.testing.wire import Wire


@pytest.fixture
def server() -> Iterator[MiniRedis]:
    with MiniRedis() as running:
        yield running


def test_until_somebody_is_blocked(server: MiniRedis) -> None:
    with Wire(server) as first, Wire(server) as second:
        thread = threading.Thread(target=server.wait_for_blocked, args=("l", 2))
        thread.start()
        first.send("BLPOP l 0")
        server.wait_for_blocked("l")
        assert thread.is_alive()
        second.send("BRPOP l 0")
        thread.join()
        server.wait_for_blocked("l", 2)


def test_in_another_database(server: MiniRedis) -> None:
    with Wire(server) as wire:
        wire("SELECT 2")
        wire.send("XREAD BLOCK 0 STREAMS s $")
        server.wait_for_blocked("s", db=2)
        with pytest.raises(TimeoutError):
            server.wait_for_blocked("s", db=0, timeout=0.01)


def test_until_somebody_has_subscribed(server: MiniRedis) -> None:
    with Wire(server) as one, Wire(server) as other:
        one.send("SUBSCRIBE news")
        server.wait_for_subscriber("news")
        one.send("PSUBSCRIBE new*")
        server.wait_for_subscriber("new*")
        other.send("SSUBSCRIBE shard")
        server.wait_for_subscriber(b"shard")
        with pytest.raises(TimeoutError, match='1 of 2 clients are subscribed to "news"; subscribed to: "new'):
            server.wait_for_subscriber("news", 2, timeout=0.01)
        other.send("SUBSCRIBE news")
        server.wait_for_subscriber("news", 2)


def test_a_subscription_in_a_transaction_is_seen(server: MiniRedis) -> None:
    with Wire(server) as wire:
        wire.send("MULTI", "SUBSCRIBE news", "EXEC")
        server.wait_for_subscriber("news")


def test_until_anything(server: MiniRedis) -> None:
    with Wire(server) as wire:
        wire.send("RPUSH l a", "RPUSH l b")
        server.wait_until(lambda: len(server.db(0).get("l", [])) == 2, "l has two elements")
        with pytest.raises(TimeoutError, match=r"it has not come about: l has three elements \(after 0.01 s\)"):
            server.wait_until(lambda: len(server.db(0)["l"]) == 3, "l has three elements", timeout=0.01)


def test_an_error_in_a_condition_is_the_callers() -> None:
    server = MiniRedis()
    with pytest.raises(ZeroDivisionError):
        server.wait_until(lambda: bool(1 / 0))
    assert server.engine.interceptor is None


def test_an_error_in_a_condition_later_is_the_callers_as_well(server: MiniRedis) -> None:
    asked = threading.Event()

    def condition() -> bool:
        if asked.is_set():
            raise ZeroDivisionError
        asked.set()
        return False

    errors: list[BaseException] = []

    def wait() -> None:
        try:
            server.wait_until(condition)
        except ZeroDivisionError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert asked.wait(10)
    with Wire(server) as wire:
        while thread.is_alive():
            assert wire("PING") == b"+PONG\r\n"
    assert len(errors) == 1


def test_the_error_says_who_waits_for_what() -> None:
    server = MiniRedis()
    peer, other = Peer(server.engine), Peer(server.engine)
    with pytest.raises(TimeoutError, match=r'no client is blocked on "l" in db 0; nobody waits, of 2 clients'):
        server.wait_for_blocked("l", timeout=0.01)
    peer("CLIENT SETNAME worker")
    peer.send("BLPOP a b 0")
    other.send("BLPOP c 0")
    with pytest.raises(TimeoutError) as raised:
        server.wait_for_blocked("l", 3, timeout=0.01)
    assert str(raised.value) == (
        '0 of 3 clients are blocked on "l" in db 0; waiting: worker in BLPOP for "a", "b"; '
        f'client {other.session.id} in BLPOP for "c" (after 0.01 s)'
    )
    with pytest.raises(TimeoutError, match="nobody has subscribed to anything"):
        server.wait_for_subscriber("news", timeout=0.01)


def test_afterwards_nothing_is_left(server: MiniRedis) -> None:
    with pytest.raises(TimeoutError):
        server.wait_for_blocked("l", timeout=0.01)
    assert server.engine.interceptor is None
    assert not server.engine.gate


async def test_tasks_wait_without_holding_up_the_loop() -> None:
    async with MiniRedis() as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        waiting = asyncio.create_task(server.async_wait_for_blocked("l"))
        subscribed = asyncio.create_task(server.async_wait_for_subscriber("news"))
        anything = asyncio.create_task(server.async_wait_until(lambda: "k" in server.db(0)))
        await asyncio.sleep(0)
        assert not waiting.done()
        writer.write(b"SET k v\r\nSUBSCRIBE news\r\nUNSUBSCRIBE\r\nBLPOP l 0\r\n")
        await asyncio.gather(waiting, anything)
        assert not subscribed.cancelled()
        with pytest.raises(TimeoutError, match='no client is blocked on "m"'):
            await server.async_wait_for_blocked("m", timeout=0.01)
        await subscribed
        writer.close()
        await writer.wait_closed()


async def test_a_task_that_stops_waiting_leaves_nothing() -> None:
    async with MiniRedis() as server:
        waiting = asyncio.create_task(server.async_wait_for_blocked("l"))
        await asyncio.sleep(0)
        assert server.engine.interceptor is not None
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert server.engine.interceptor is None


async def test_a_task_can_wait_for_a_server_on_a_thread(server: MiniRedis) -> None:
    with Wire(server) as wire:
        waiting = asyncio.create_task(server.async_wait_for_blocked("l"))
        await asyncio.sleep(0)
        wire.send("BLPOP l 0")
        await waiting


async def test_blocking_the_loop_that_serves_is_refused() -> None:
    async with MiniRedis() as server:
        with pytest.raises(RuntimeError, match="this thread serves the clients"):
            server.wait_for_blocked("l")
        server.wait_until(lambda: True)
