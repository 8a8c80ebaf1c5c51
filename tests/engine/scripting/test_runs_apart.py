"""One run of a script and the next: each has its own KEYS and ARGV, and its numbers go into commands as they should."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random

import pytest

from conformance.servers import Server, start_miniredis
from conformance.wire import Wire

LOOK = """
local found = {}
for name, list in pairs({keys = KEYS, argv = ARGV}) do
  local count = 0
  for _ in pairs(list) do count = count + 1 end
  found[#found + 1] = {name, #list, count, type(getmetatable(list)), type(list.x), list[1] or 'none', list[9] or 'none'}
end
table.sort(found, function(a, b) return a[1] < b[1] end)
return found
"""
"""What there is in both."""

LEAVINGS = [
    "KEYS.x = 1 ARGV.x = 1",
    "KEYS[9] = 'more' ARGV[9] = 'more'",
    "setmetatable(KEYS, {__index = function() return 'left' end}) setmetatable(ARGV, {__index = {x = 1}})",
    "KEYS[1] = nil ARGV[1] = nil return {#KEYS, #ARGV}",
    "table.remove(ARGV) table.remove(ARGV) table.remove(ARGV) return #ARGV",
    "for i = 1, 20 do table.insert(ARGV, 1, i) end return #ARGV",
    "table.sort(ARGV, function(a, b) return a > b end) return ARGV",
    "for name in pairs(ARGV) do ARGV[name] = nil end return next(ARGV) == nil",
    "next(KEYS, 1) KEYS[1] = nil next(KEYS, 1) error('in the middle')",
    "local keep = KEYS redis.call('SET', KEYS[1], ARGV[1]) coroutine.wrap(function() coroutine.yield(keep) end)()",
    "KEYS = {}",
    "redis.setresp(3) redis.set_repl(redis.REPL_NONE) redis.call('INCR', 'n')",
]


@pytest.fixture(scope="module")
def pair(redis_server: Server) -> Iterator[tuple[Wire, Wire]]:
    with start_miniredis(emulate="redis-7.0") as ours, ours.connect() as left, redis_server.connect() as right:
        yield left, right


@pytest.mark.parametrize("script", LEAVINGS)
@pytest.mark.parametrize("arguments", [["0"], ["1", "k"], ["2", "k", "l", "1", "2", "3"]])
def test_what_a_script_does_to_its_keys_and_arguments_ends_with_it(
    pair: tuple[Wire, Wire], script: str, arguments: list[str]
) -> None:
    commands = [("FLUSHALL",), ("EVAL", LOOK, *arguments), ("EVAL", script, *arguments), ("EVAL", LOOK, *arguments)]
    ours, theirs = ([wire.call(*command).raw for command in commands] for wire in pair)
    assert ours == theirs
    assert ours[1] == ours[3]


def test_other_numbers_of_arguments_one_after_the_other(pair: tuple[Wire, Wire]) -> None:
    for count in (4, 2, 0, 3, 1, 9, 2, 5):
        arguments = [str(number) for number in range(count)]
        script = "local n, at = 0, ARGV[1] and 1 while at do n, at = n + 1, next(ARGV, at) end return n"
        replies = [
            [wire.call("EVAL", LOOK, "0", *arguments).raw, wire.call("EVAL", script, "0", *arguments).raw]
            for wire in pair
        ]
        assert replies[0] == replies[1]


@pytest.mark.parametrize("keys", [0, 1, 2, 7, 8, 9, 10, 99, 100, 101, 1000])
def test_keys_and_arguments_are_all_there_in_their_order(pair: tuple[Wire, Wire], keys: int) -> None:
    script = "return {#KEYS, table.concat(KEYS, ','), #ARGV, table.concat(ARGV, ',')}"
    names = [str(number) for number in range(keys)]
    for arguments in ([], ["a"], names):
        replies = [wire.call("EVAL", script, str(keys), *names, *arguments).raw for wire in pair]
        assert replies[0] == replies[1]


def test_a_script_that_may_not_write_does_not_keep_the_next_from_it(pair: tuple[Wire, Wire]) -> None:
    script = "return redis.call('INCR', KEYS[1])"
    commands = [("FLUSHALL",), ("EVAL_RO", script, "1", "k"), ("EVAL", script, "1", "k"), ("EVAL_RO", script, "1", "k")]
    ours, theirs = ([wire.call(*command).raw for command in commands] for wire in pair)
    assert ours == theirs
    assert ours[2] == b":1\r\n"


def numbers() -> list[str]:
    """Doubles as texts that read back as they are: of few digits, of any, and those that lie on the edges of a form."""
    random = Random(20)
    few = [f"{random.randrange(-(10 ** random.randrange(1, 16)), 10**15)}e-{random.randrange(8)}" for _ in range(1500)]
    any_bits = [struct.unpack("<d", random.randbytes(8))[0] for _ in range(500)]
    edges = [0.1, -0.0, 1e15, 1e16, 1e17, 2.0**53, 2.0**62, 2.0**63, 9.25, 1700000000.25, 99999999999.999, 1e-7, 1e300]
    return [repr(float(text)) for text in few] + [repr(number) for number in (*any_bits, *edges) if number == number]


@pytest.mark.parametrize(("server", "version"), [("redis_server", "redis-7.0"), ("valkey_server", "valkey-9.1")])
def test_a_number_is_written_as_the_server_writes_it(server: str, version: str, request: pytest.FixtureRequest) -> None:
    script = "for _, text in ipairs(ARGV) do redis.call('RPUSH', 'l', tonumber(text)) end"
    judge: Server = request.getfixturevalue(server)
    with start_miniredis(emulate=version) as ours, ours.connect() as left, judge.connect() as right:
        told = []
        for wire in (left, right):
            wire.call("DEL", "l")
            wire.call("EVAL", script, "0", *numbers())
            told.append(wire.call("LRANGE", "l", "0", "-1").raw)
    assert told[0] == told[1]
    assert told[0].startswith(b"*20")
