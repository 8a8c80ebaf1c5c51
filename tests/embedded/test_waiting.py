"""Threads that wait: served in order, on the engine's clock, and none of them polls or is forgotten."""

from __future__ import annotations

import threading
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from miniredis import MiniRedis
from tests.embedded.conftest import Watch, in_thread


def test_several_threads_wait_in_the_order_they_came(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    waiting = []
    for count in range(1, 6):
        waiting.append(in_thread(client.blpop, "queue", 0))
        watch.wait_for(count)
    client.rpush("queue", *range(5))
    assert [each.result(10)[1] for each in waiting] == ["0", "1", "2", "3", "4"]


def test_a_timeout_is_the_engines(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    server.clock.freeze()
    waiting = in_thread(client.blpop, "queue", 100)
    watch.wait_for(1)
    server.clock.advance(99.9)
    assert not waiting.done()
    server.clock.advance(0.1)
    assert waiting.result(10) is None


def test_a_move_of_the_clock_has_reached_everybody_when_it_returns(
    server: MiniRedis, client: redis.Redis, watch: Watch
) -> None:
    server.clock.freeze()
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe("__keyevent@0__:*")
        client.set("k", "v", ex=50)
        waiting = in_thread(client.blpop, "queue", 60)
        watch.wait_for(1)
        server.clock.advance(61)
        assert not server.engine.blocked_clients.clients
        assert pubsub.get_message() is None  # the confirmation, which is ignored
        message = pubsub.get_message()
        assert message is not None
        assert message["data"] == "k"
    assert waiting.result(10) is None


def test_time_flows_for_who_waits_alone(client: redis.Redis) -> None:
    began = time.monotonic()
    assert client.blpop("queue", 0.1) is None  # type: ignore[arg-type]
    assert 0.09 <= time.monotonic() - began < 5


def test_many_timeouts_end_in_their_order(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    server.clock.freeze()
    waiting = {delay: in_thread(client.blpop, "queue", delay) for delay in (5, 1, 4, 2, 3)}
    watch.wait_for(len(waiting))
    for delay in sorted(waiting):
        server.clock.advance(1)
        assert waiting[delay].result(10) is None
        assert not any(waiting[later].done() for later in waiting if later > delay)


def test_a_clock_that_goes_on_wakes_who_waits(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    server.clock.freeze()
    waiting = in_thread(client.blpop, "queue", 0.05)
    watch.wait_for(1)
    server.clock.resume()
    assert waiting.result(10) is None


def test_who_drives_the_timers_hands_that_on(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    first = in_thread(client.blpop, "first", 0)
    watch.wait_for(1)
    second = in_thread(client.blpop, "second", 0.1)
    watch.wait_for(2)
    client.rpush("first", "job")
    assert first.result(10)[1] == "job"
    assert second.result(10) is None


def test_nobody_takes_a_processor_while_waiting(client: redis.Redis, watch: Watch) -> None:
    waiting = [in_thread(client.blpop, "queue", 0.3) for _ in range(20)]
    watch.wait_for(20)
    used = time.process_time()
    for each in waiting:
        each.result(10)
    assert time.process_time() - used < 0.15


def test_the_clients_own_patience(server: MiniRedis, protocol: int) -> None:
    client = server.client(
        protocol=protocol,
        socket_timeout=0.05,
        retry=Retry(NoBackoff(), 0),  # type: ignore[no-untyped-call]
    )
    with pytest.raises(redis.TimeoutError):
        client.blpop("queue", 0)
    assert not server.engine.blocked_clients.clients
    assert client.ping()


def test_a_client_that_is_killed_while_it_waits(server: MiniRedis, protocol: int, watch: Watch) -> None:
    client = server.client(protocol=protocol, retry=Retry(NoBackoff(), 0))  # type: ignore[no-untyped-call]
    waiting = in_thread(client.blpop, "queue", 0)
    watch.wait_for(1)
    server.client().client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(redis.ConnectionError, match="Connection closed by server"):
        waiting.result(10)
    assert not server.engine.blocked_clients.clients


def test_a_client_that_is_closed_while_it_waits(server: MiniRedis, protocol: int, watch: Watch) -> None:
    client = server.client(protocol=protocol, retry=Retry(NoBackoff(), 0))  # type: ignore[no-untyped-call]
    waiting = in_thread(client.blpop, "queue", 0)
    watch.wait_for(1)
    client.close()
    with pytest.raises(redis.ConnectionError):
        waiting.result(10)
    other = server.client()
    other.rpush("queue", "job")
    assert other.llen("queue") == 1


def test_client_unblock(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    waiting = in_thread(client.blpop, "queue", 0)
    watch.wait_for(1)
    blocked = next(iter(server.engine.blocked_clients.clients))
    assert client.client_unblock(blocked.session.id)
    assert waiting.result(10) is None


def test_a_pause_holds_back_and_ends(server: MiniRedis, client: redis.Redis, watch: Watch) -> None:
    client.client_pause(50, all=False)
    began = time.monotonic()
    assert client.set("k", "v")
    assert time.monotonic() - began >= 0.04


def test_a_script_that_does_not_end_can_be_killed(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol, retry=Retry(NoBackoff(), 0))  # type: ignore[no-untyped-call]
    client.config_set("busy-reply-threshold", 1)
    began = threading.Event()
    engine = server.engine
    let_others_in = engine.on_slow_script
    assert let_others_in is not None

    def noted(session: object) -> None:
        began.set()
        let_others_in(session)  # type: ignore[arg-type]

    engine.on_slow_script = noted
    running = in_thread(client.eval, "while true do end", 0)
    assert began.wait(20)
    with pytest.raises(redis.ResponseError, match="BUSY"):
        client.get("k")
    assert client.script_kill()
    with pytest.raises(redis.ResponseError, match="Script killed by user"):
        running.result(20)
