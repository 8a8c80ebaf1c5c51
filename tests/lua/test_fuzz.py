"""Nothing but errors of Lua comes out of a script, whatever it is: not Python's, and not the end of the process."""

from __future__ import annotations

import contextlib
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.programs.mangled import mangled_scripts
from conformance.servers import Server
from miniredis.lua.standalone import standalone_state
from miniredis.lua.values import LuaError
from tests.lua.judge import by_server, ours, ours_in_engine

SETTINGS = settings(
    max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)  # fmt: skip
TURNS = 30
"""How often a script is asked before it is stopped."""


class StoppedError(Exception):
    """The script has had its time."""


def _cuts(text: str) -> st.SearchStrategy[list[str]]:
    """A script cut off in many places: so each piece of it is the last one once."""
    return st.just([text[:end] for end in range(0, len(text) + 1, max(len(text) // 40, 1))])


@SETTINGS
@given(mangled_scripts())
def test_a_mangled_script_is_refused_or_runs_into_an_error_of_lua(source: bytes) -> None:
    state = standalone_state()
    turns = count()

    def interrupt() -> None:
        if next(turns) > TURNS:
            raise StoppedError

    state.interrupt = interrupt
    with contextlib.suppress(LuaError, StoppedError):
        state.run(state.load(b"local out, emit, burn, text, sorted = {}, type, type, type, type\n" + source, b"=it"))


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(mangled=mangled_scripts().map(lambda text: text.decode("latin-1")).flatmap(_cuts))
def test_a_mangled_script_is_refused_in_the_words_of_a_real_server(redis_server: Server, mangled: list[str]) -> None:
    sources = [f"select(2, loadstring({_long(text)}, '=it'))" for text in mangled]
    with redis_server.connect(timeout=60) as wire:
        told = by_server(wire, sources)
    assert [ours_in_engine(source) for source in sources] == told


def _long(text: str) -> str:
    return "'" + "".join(f"\\{ord(each):03d}" for each in text) + "'"


# ruff: noqa: E501
DEEP = {
    "parentheses": "x = " + "(" * 20_000 + "1" + ")" * 20_000,
    "tables": "x = " + "{" * 20_000,
    "not": "x = " + "not " * 20_000 + "1",
    "minus": "x = " + "- " * 20_000 + "1",
    "concatenation": "x = " + "1 .. " * 10_000 + "1",
    "powers": "return 1" + " ^ 1" * 10_000,
    "blocks": "do " * 20_000,
    "if": "if x then " * 20_000,
    "while": "while true do " * 20_000,
    "functions": "function f() " * 20_000,
    "anonymous functions": "x = function() " * 20_000,
    "functions in functions": "return " + "function() return " * 150 + "1" + " end" * 150,
    "a long table": "local t = {" + "1," * 20_000 + "} return #t",
    "locals": "local " + ",".join(f"a{number}" for number in range(201)) + " = 1",
    "calls in calls": "return " + "f(" * 190 + ")" * 190,
    "too many calls in calls": "return " + "f(" * 250 + ")" * 250,
    "strings": "x = " + '"a"' * 20_000,
    "lines": "\n" * 20_000 + "x = = 1",
    "brackets": "local x = [" + "=" * 10_000 + "[",
    "a long name": "goto " + "x" * 20_000,
    "escapes": 'return "' + "\\65" * 10_000 + '"',
    "recursion": "local function f() return 1 + f() end return f()",
    "recursion through metamethods": "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x",
    "recursion through calls": "local m = {} local t = setmetatable({}, m) function m:__call() return 1 + self() end return t()",
    "recursion through tostring": "local m = {} local t = setmetatable({}, m) m.__tostring = tostring return tostring(t)",
    "recursion through gsub": "local function f(x) return (x:gsub('.', f)) end return f('a')",
    "recursion through sort": "local function f(a, b) table.sort({3, 2, 1}, f) return a < b end table.sort({3, 2, 1}, f)",
    "recursion through pcall": "local function f() return pcall(f) end return f()",
    "recursion through coroutines": "local function f() return coroutine.wrap(f)() end return f()",
    "recursion through load": "local function f() return load(f) end return f()",
    "a chain of __index": "local t = {} setmetatable(t, {__index = t}) return t.x",
    "a chain of __newindex": "local t = {} setmetatable(t, {__newindex = t}) t.x = 1",
    "nested arrays": "local t = {} for i = 1, 5000 do t = {t} end return cjson.encode(t)",
    "a table in itself": "local t = {} t[1] = t return cjson.encode(t)",
    "a table in itself, packed": "local t = {} t[1] = t return #cmsgpack.pack(t)",
    "text of brackets": "return cjson.decode(('['):rep(100000))",
    "packed brackets": "return cmsgpack.unpack(('\\145'):rep(100000))",
    "huge string": "return ('x'):rep(2^31)",
    "huge repetition": "return ('x'):rep(1e308)",
    "huge range": "return unpack({}, 1, 1e8)",
    "huge range, wrapped": "return unpack({}, -2^31, 2^31 - 1)",
    "huge width": "return ('%1000d'):format(1)",
    "many captures": "return ('x'):find(('()'):rep(40))",
    "nested captures": "return ('x'):rep(30):find(('('):rep(32) .. 'x' .. (')'):rep(32))",
    "many balances": "return ('('):rep(1000):find(('%b()'):rep(20))",
    "packed sizes": "return struct.pack('i2147483648', 1)",
    "packed fields": "return struct.unpack(('b'):rep(10000), ('x'):rep(10000))",
    "an endless text": "return load(function() return '\\27Lua' end)",
}  # fmt: skip

AS_FAR_AS_MEMORY_GOES = {
    "huge string", "huge repetition", "recursion", "recursion through gsub", "recursion through sort",
    "recursion through coroutines", "recursion through load", "recursion through calls",
    "recursion through metamethods", "recursion through tostring", "recursion through pcall",
}  # fmt: skip
"""Where Lua's own limit is that of its stack in C, and only the kind of error is the same."""


@pytest.mark.parametrize("name", DEEP)
def test_what_goes_deep_or_far_ends_in_lua(name: str) -> None:
    assert not ours_in_engine(DEEP[name]).startswith("no reply: b'ERR internal")
    if "cjson" not in DEEP[name]:
        ours(DEEP[name])


@pytest.mark.parametrize("name", sorted(DEEP.keys() - AS_FAR_AS_MEMORY_GOES))
def test_it_ends_there_as_on_a_real_server(redis_server: Server, name: str) -> None:
    with redis_server.connect(timeout=60) as wire:
        assert [ours_in_engine(DEEP[name])] == by_server(wire, [DEEP[name]])


@pytest.mark.parametrize("operator", [" + 1", " or 1", ".a", "()", "{}"])
def test_a_long_row_of_operations_is_no_depth_up_to_a_point(operator: str) -> None:
    source = "local a = {} return a" + operator * 500
    assert "too many syntax levels" not in ours_in_engine(source)
    assert "too many syntax levels" in ours_in_engine("local a = {} return a" + operator * 20_000)
