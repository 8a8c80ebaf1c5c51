"""A script that does not end: others are told so, and one of them ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from miniredis import MiniRedis

ENDLESS = [
    "while true do end",
    "repeat until false",
    "for i = 1, math.huge do end",
    "local function f() return f() end f()",
    "local function f() f() return 1 end while true do pcall(f) end",
    "local t = {} for i = 1, 1000 do t[i] = i end while true do for k in pairs(t) do end end",
    "for _ in function() return 1 end do end",
    "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "while true do pcall(error, {}) end",
    "load(function() return ' ' end)",
    "while true do redis.call('PING') end",
]


@pytest.fixture
def server() -> Iterator[MiniRedis]:
    with MiniRedis() as running, redis.Redis.from_url(running.url) as client:
        client.config_set("busy-reply-threshold", 10)
        yield running


@pytest.fixture
def client(server: MiniRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as connected:
        yield connected


def until_busy(client: redis.Redis) -> str:
    """What everybody is told as soon as the script takes too long."""
    while True:
        try:
            client.ping()
        except redis.exceptions.ResponseError as busy:
            return str(busy)


def in_background(server: MiniRedis, action: Callable[[redis.Redis], object]) -> tuple[threading.Thread, list[str]]:
    """A client on a thread of its own; what it was told in the end."""
    told: list[str] = []

    def run() -> None:
        with redis.Redis.from_url(server.url) as other:
            try:
                told.append(repr(action(other)))
            except redis.RedisError as error:
                told.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, told


@pytest.mark.parametrize("source", ENDLESS)
def test_a_script_without_end_is_killed(server: MiniRedis, client: redis.Redis, source: str) -> None:
    thread, told = in_background(server, lambda other: other.eval(source, 0))
    assert until_busy(client).startswith("BUSY Redis is busy running a script. You can only call SCRIPT KILL")
    assert client.script_kill() is True
    thread.join()
    assert "Script killed by user with SCRIPT KILL" in told[0]
    assert client.ping() is True


def test_a_script_that_has_written_cannot_be_killed(server: MiniRedis, client: redis.Redis) -> None:
    thread, told = in_background(
        server, lambda other: other.eval("redis.call('SET', 'k', 1) for i = 1, 3e6 do end return 'ended'", 0)
    )
    until_busy(client)
    with pytest.raises(redis.ResponseError, match="the script already executed write commands"):
        client.script_kill()
    thread.join()
    assert told == ["b'ended'"]


def test_a_function_without_end_is_killed_as_a_function(server: MiniRedis, client: redis.Redis) -> None:
    client.function_load("#!lua name=lib\nredis.register_function('spin', function() while true do end end)")
    thread, told = in_background(server, lambda other: other.fcall("spin", 0))
    until_busy(client)
    with pytest.raises(redis.ResponseError, match="FUNCTION KILL"):
        client.script_kill()
    assert client.function_kill() == b"OK"
    thread.join()
    assert "killed by user" in told[0]


def test_there_is_nothing_to_kill(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="No scripts in execution right now"):
        client.script_kill()
