"""All of it works for clients in the server's own process, which have no socket, no thread and no event loop of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import pytest
import redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from miniredis.testing import MiniRedis
from miniredis.testing.lint import LintWarning

FAULTS: Final[dict[str, Callable[[MiniRedis], AbstractContextManager[Any]]]] = {
    "LOADING": lambda server: server.faults.fail("GET", "LOADING", times=2),
    "READONLY": lambda server: server.faults.fail("GET", "READONLY", times=2),
    "dropped before": lambda server: server.faults.drop("GET", times=2),
    "dropped after": lambda server: server.faults.drop("GET", executed=True, times=2),
    "cut": lambda server: server.faults.cut("GET", times=2),
    "in pieces": lambda server: server.faults.dribble("GET"),
    "late": lambda server: server.faults.delay("GET", 0.05),
    "late after it ran": lambda server: server.faults.delay("GET", 0.05, executed=True),
}


@pytest.fixture
def server() -> MiniRedis:
    server = MiniRedis()
    server.load({"k": "value"})
    return server


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_survived_by_retries(server: MiniRedis, name: str) -> None:
    client = server.client(retry=Retry(NoBackoff(), 3), retry_on_error=[ReadOnlyError], decode_responses=True)
    client.ping()
    with FAULTS[name](server) as fault:
        assert client.get("k") == "value"
    assert fault.hits >= 1


@pytest.mark.parametrize("name", [name for name in FAULTS if "late" not in name and name != "in pieces"])
def test_and_seen_without_them(server: MiniRedis, name: str) -> None:
    client = server.client(retry=Retry(NoBackoff(), 0))
    client.ping()
    with FAULTS[name](server), pytest.raises((LostConnection, ReadOnlyError)):
        client.get("k")


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_is_survived_by_tasks(server: MiniRedis, name: str) -> None:
    client = server.async_client(retry=AsyncRetry(NoBackoff(), 3), retry_on_error=[ReadOnlyError])
    await client.ping()
    with FAULTS[name](server) as fault:
        assert await client.get("k") == b"value"
    assert fault.hits >= 1
    await client.aclose()


def test_outages(server: MiniRedis) -> None:
    client = server.client(retry=Retry(NoBackoff(), 0), socket_timeout=0.05, decode_responses=True)
    client.ping()
    with server.faults.outage(), pytest.raises((LostConnection, redis.ResponseError)):
        client.get("k")
    assert client.get("k") == "value"
    with server.faults.pause(), pytest.raises(NoAnswer):
        client.get("k")
    assert client.get("k") == "value"
    server.faults.restart()
    retrying = server.client(decode_responses=True)
    assert retrying.get("k") == "value"
    server.faults.restart(keep_data=False)
    assert retrying.get("k") is None


def test_who_waits_for_a_pause_to_end_is_answered(server: MiniRedis) -> None:
    client, answers = server.client(), []
    client.ping()
    thread = threading.Thread(target=lambda: answers.append(client.get("k")))
    with server.faults.pause(), server.log as log:
        thread.start()
        log.wait_for("GET")
        assert not answers
    thread.join()
    assert answers == [b"value"]


def test_a_move_of_the_clock_ends_a_threads_wait(server: MiniRedis) -> None:
    server.clock.freeze()
    client, answers = server.client(), []
    thread = threading.Thread(target=lambda: answers.append(client.blpop(["l"], timeout=3600)))
    thread.start()
    server.wait_for_blocked("l")
    server.clock.advance(3600)
    thread.join()
    assert answers == [None]


async def test_a_move_of_the_clock_ends_a_tasks_wait(server: MiniRedis) -> None:
    server.clock.freeze()
    client = server.async_client()
    task = asyncio.create_task(client.blpop(["l"], timeout=3600))
    await server.async_wait_for_blocked("l")
    server.clock.advance(3600)
    assert await task is None
    await client.aclose()


def test_a_delay_is_on_the_servers_clock(server: MiniRedis) -> None:
    server.clock.freeze()
    client, answers = server.client(), []
    with server.faults.delay("GET", 60), server.log as log:
        thread = threading.Thread(target=lambda: answers.append(client.get("k")))
        thread.start()
        log.wait_for("GET")
        server.clock.advance(59)
        time.sleep(0.01)
        assert not answers
        server.clock.advance(1)
        thread.join()
    assert answers == [b"value"]


def test_watching(server: MiniRedis) -> None:
    client = server.client(client_name="app")
    with server.log as log, server.expect.round_trips(exactly=2), server.expect.called("SET", with_ttl=True):
        client.set("lock", "me", ex=10)
        client.pipeline().incr("n").incr("n").execute()
    assert [call.name for call in log.calls(client="app")][-5:] == ["set", "multi", "incrby", "incrby", "exec"]
    with pytest.raises(AssertionError, match="expected no KEYS"), server.expect.no("KEYS"):
        client.keys("*")
    with pytest.warns(LintWarning, match="KEYS"), server.lint():
        client.keys("*")


def test_subscribers_are_waited_for(server: MiniRedis) -> None:
    client = server.client()
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    thread = threading.Thread(target=pubsub.subscribe, args=("news",))
    thread.start()
    server.wait_for_subscriber("news")
    thread.join()
    client.publish("news", "hello")
    message = None
    while message is None:
        message = pubsub.get_message(timeout=1)
    assert message["data"] == b"hello"
    pubsub.close()


def test_a_snapshot_rolls_back_what_clients_did(server: MiniRedis) -> None:
    client = server.client()
    with server.snapshot():
        client.set("k", "other")
        client.rpush("l", "a")
    assert server.db(0) == {"k": "value"}
    assert client.get("k") == b"value"


# Other servers


def test_keys_migrate_from_a_server_that_is_not_started(server: MiniRedis) -> None:
    source = server.client()
    source.rpush("queue", "a", "b")
    with MiniRedis(requirepass="hush") as target:
        port = target.port
        with pytest.raises(redis.ResponseError, match="Target instance replied with error: NOAUTH"):
            source.migrate("127.0.0.1", port, "queue", 0, 5000)
        assert source.llen("queue") == 2
        source.migrate("127.0.0.1", port, "queue", 3, 5000, auth="hush")
        assert target.db(3) == {"queue": ["a", "b"]}
        assert source.exists("queue") == 0
        source.set("k", "v")
        source.eval("return redis.call('MIGRATE', '127.0.0.1', ARGV[1], 'k', 0, 5000, 'AUTH', 'hush')", 0, port)
        assert target.db()["k"] == "v"
    source.set("k", "v")
    with pytest.raises(redis.ResponseError, match="IOERR error or timeout writing to target instance"):
        source.migrate("127.0.0.1", port, "k", 0, 5000)
    assert source.get("k") == b"v"
