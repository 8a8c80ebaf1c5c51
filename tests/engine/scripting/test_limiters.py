"""Two scripts that every guide has: a limiter by fixed windows, and a bucket of tokens that fills with time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.servers import Server, start_miniredis
from conformance.wire import Wire

FIXED_WINDOW = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return count <= tonumber(ARGV[1]) and 1 or 0
"""
"""KEYS: the window. ARGV: how many are let through, the seconds it lasts."""

TOKEN_BUCKET = """
local room, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, now = tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1]) or room, tonumber(held[2]) or now
tokens = math.min(room, tokens + (now - at) * rate)
local granted = 0
if tokens >= wanted then
  tokens = tokens - wanted
  granted = 1
end
redis.call('HMSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('EXPIRE', KEYS[1], 2 * room / rate)
return {granted, tokens, tostring(tokens)}
"""
"""KEYS: the bucket. ARGV: how many it holds, how many come in a second, how many are wanted, the time in seconds."""


@pytest.fixture(scope="module")
def pair(redis_server: Server) -> Iterator[tuple[Wire, Wire]]:
    with start_miniredis(emulate="redis-7.0") as ours, ours.connect() as left, redis_server.connect() as right:
        yield left, right


def on_both(pair: tuple[Wire, Wire], commands: list[tuple[str, ...]]) -> list[bytes]:
    """The replies, which are the same."""
    replies = [[wire.call(*command).raw for command in [("FLUSHALL",), *commands]] for wire in pair]
    assert replies[0] == replies[1]
    return replies[0][1:]


def test_a_window_lets_so_many_through_and_ends(pair: tuple[Wire, Wire]) -> None:
    tries = [("EVAL", FIXED_WINDOW, "1", "window", "3", "60")] * 5
    replies = on_both(pair, [*tries, ("GET", "window")])
    assert replies == [b":1\r\n", b":1\r\n", b":1\r\n", b":0\r\n", b":0\r\n", b"$1\r\n5\r\n"]
    assert all(40_000 < int(wire.call("PTTL", "window").raw[1:]) <= 60_000 for wire in pair)


def test_a_bucket_empties_and_fills_to_the_last_digit(pair: tuple[Wire, Wire]) -> None:
    now, commands = 1_700_000_000.0, []
    for step in range(60):
        now += step * 37 % 11 * 0.173
        commands += [
            ("EVAL", TOKEN_BUCKET, "1", "bucket", "10", "0.8", str(1 + step % 3), repr(now)),
            ("HGETALL", "bucket"),
        ]
    replies = on_both(pair, commands)
    assert all(15_000 < int(wire.call("PTTL", "bucket").raw[1:]) <= 25_000 for wire in pair)
    assert {reply[4:8] for reply in replies[::2]} == {b":0\r\n", b":1\r\n"}


def test_seconds_that_are_no_whole_number_are_refused(pair: tuple[Wire, Wire]) -> None:
    (reply,) = on_both(pair, [("EVAL", TOKEN_BUCKET, "1", "bucket", "10", "3", "1", "5.5")])
    assert reply.startswith(b"-ERR value is not an integer or out of range script: ")


def test_arguments_that_are_no_numbers_end_on_their_line(pair: tuple[Wire, Wire]) -> None:
    (reply,) = on_both(pair, [("EVAL", TOKEN_BUCKET, "1", "bucket", "ten", "3", "1", "5")])
    assert reply.startswith(
        b"-ERR user_script:6: attempt to perform arithmetic on local 'tokens' (a nil value) script: "
    )
