"""What scripts cost: three that everybody has, beside the commands in them, and nothing but computing, beside Redis.

The three are called in this process, so that no socket hides what a script costs: by an engine, whose own commands are
the measure; as users do, by a client of redis-py, who would send those commands one by one; and by fakeredis, if it is
installed with its Lua. Computing is compared over a socket, where it is all
there is to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import miniredis.commands  # noqa: F401
from conformance.servers import Server
from conformance.speed.contenders import FAKEREDIS, MINIREDIS
from miniredis import MiniRedis
from miniredis.engine.engine import Engine
from miniredis.lua.compiler import compile_chunk

COMMANDS: Final = "its commands"
"""The contender that does without the script."""

BY_A_CLIENT: Final = "%s, by a client"
"""The workload where a client of redis-py sends it, or the commands."""

FIXED_WINDOW: Final = b"""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count <= tonumber(ARGV[1]) and 1 or 0"""

TOKEN_BUCKET: Final = b"""
local room, rate, wanted, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1]) or room, tonumber(held[2]) or now
tokens = math.min(room, tokens + (now - at) * rate)
local granted = 0
if tokens >= wanted then tokens, granted = tokens - wanted, 1 end
redis.call('HMSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('EXPIRE', KEYS[1], 2 * room / rate)
return granted"""

COMPARE_AND_DELETE: Final = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""

Step = tuple[bytes, ...]
Send = Callable[[list[bytes]], object]

SCRIPTS: Final[dict[str, tuple[bytes, Step, tuple[Step, ...], Step | None]]] = {
    "fixed window": (FIXED_WINDOW, (b"k", b"100", b"60"), ((b"INCR", b"k"),), None),
    "token bucket": (
        TOKEN_BUCKET,
        (b"k", b"10", b"0.8", b"1", b"1700000000.25"),
        (
            (b"HMGET", b"k", b"tokens", b"at"),
            (b"HMSET", b"k", b"tokens", b"9.25", b"at", b"1700000000.25"),
            (b"EXPIRE", b"k", b"25"),
        ),
        None,
    ),
    "compare and delete": (
        COMPARE_AND_DELETE,
        (b"k", b"me"),
        ((b"GET", b"k"), (b"DEL", b"k")),
        (b"SET", b"k", b"me"),
    ),
}
"""By its name: the script, its key and arguments, the commands that it comes to, and what makes it find something."""

COMPUTING: Final = {
    "a loop of 10⁶": b"local s = 0 for i = 1, 1e6 do s = s + i end return tostring(s)",
    "fib(25)": b"local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(25)",
    "10⁵ strings joined": b"local t = {} for i = 1, 1e5 do t[#t + 1] = 'item ' .. i end return #table.concat(t, ',')",
    "10⁵ numbers sorted": b"local t = {} for i = 1, 1e5 do t[i] = (i * 7919) % 100003 end table.sort(t) return t[1]",
    "10⁴ sorted by a function": b"local t = {} for i = 1, 1e4 do t[i] = (i * 7919) % 100003 end"
    b" table.sort(t, function(a, b) return a > b end) return t[1]",
}

LINES: Final = b"""local function step%d(a, b)
  local c = a + b * 2
  if c > 10 then
    total[c] = {x = 1, y = redis.call('GET', KEYS[1])}
  end
  return c
end
"""


def calls(count: int) -> Iterator[tuple[str, str, float]]:
    """Each script, who called it, and the microseconds of a call."""
    for name, (script, arguments, commands, before) in SCRIPTS.items():
        engine = Engine(seed=1)
        send = partial(engine.execute, engine.connect(lambda reply: None))
        sha = send([b"SCRIPT", b"LOAD", script])
        assert isinstance(sha, bytes)
        call = [b"EVALSHA", sha, b"1", *arguments]
        yield name, MINIREDIS, _microseconds(send, count, [call], before)
        yield name, COMMANDS, _microseconds(send, count, [list(step) for step in commands], before)
        client: Any = MiniRedis(seed=1).client()
        send = partial(_send, client)
        call[1] = client.script_load(script).encode()
        yield BY_A_CLIENT % name, MINIREDIS, _microseconds(send, count // 4, [call], before)
        steps = [list(step) for step in commands]
        yield BY_A_CLIENT % name, COMMANDS, _microseconds(send, count // 4, steps, before)
    if find_spec("fakeredis") is not None and find_spec("lupa") is not None:
        yield from _calls_of_fakeredis(max(count // 10, 100))


def _calls_of_fakeredis(count: int) -> Iterator[tuple[str, str, float]]:
    fakeredis: Any = import_module("fakeredis")
    for name, (script, arguments, _, before) in SCRIPTS.items():
        client = fakeredis.FakeRedis()
        call = [b"EVALSHA", client.script_load(script), b"1", *arguments]
        yield BY_A_CLIENT % name, FAKEREDIS, _microseconds(partial(_send, client), count, [call], before)


def _send(client: Any, argv: list[bytes]) -> object:
    return client.execute_command(*argv)


def _microseconds(send: Send, count: int, commands: list[list[bytes]], before: Step | None) -> float:
    """Processor time of *commands*, that of what is sent *before* each time left out."""
    if before is None:
        return _seconds(send, count, commands) / count * 1e6
    first = [list(before)]
    return (_seconds(send, count, first + commands) - _seconds(send, count, first)) / count * 1e6


def _seconds(send: Send, count: int, commands: list[list[bytes]]) -> float:
    began = time.process_time()
    for _ in range(count):
        for argv in commands:
            send(argv)
    return time.process_time() - began


def computing(server: Server) -> Iterator[tuple[str, float]]:
    """Each piece of computing, and its milliseconds on *server*."""
    with server.connect(timeout=120) as wire:
        for name, script in COMPUTING.items():
            wire.call("EVAL", "return 1", "0")
            began = time.perf_counter()
            wire.call("EVAL", script, "0")
            yield name, (time.perf_counter() - began) * 1e3


def compiling() -> float:
    """Milliseconds that a script of 300 lines takes to be compiled."""
    source = b"local total = {}\n" + b"".join(LINES % number for number in range(43))
    began = time.process_time()
    compile_chunk(source, b"@user_script")
    return (time.process_time() - began) * 1e3
