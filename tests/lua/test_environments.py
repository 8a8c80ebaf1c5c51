"""``getfenv``, ``setfenv`` and ``newproxy``, which servers keep from scripts."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('getfenv() ~= nil, getfenv(0) == _G, getfenv(print) == _G', 'true\ttrue\ttrue'),
    ('local f = setfenv(function() return x end, {x = 5}) return f()', '5'),
    ('local function f() setfenv(1, {y = 6}) return y end return f(), y', '6\tnil'),
    ('local function f() z = 1 end local e = {} setfenv(f, e) f() return z, e.z', 'nil\t1'),
    ('local mk = setfenv(function() return function() return w end end, {w = 7}) return mk()(), w', '7\tnil'),
    ('local a = function() return v end local b = function() return v end setfenv(a, {v = 1}) setfenv(b, {v = 2}) return a(), b()', '1\t2'),
    ('setfenv(print, {})', "error: it:1: 'setfenv' cannot change environment of given object"),
    ('setfenv(1, 5)', "error: it:1: bad argument #2 to 'setfenv' (table expected, got number)"),
    ('setfenv({}, {})', "error: it:1: bad argument #1 to 'setfenv' (number expected, got table)"),
    ('getfenv(100)', "error: it:1: bad argument #1 to 'getfenv' (invalid level)"),
    ('getfenv(-1)', "error: it:1: bad argument #1 to 'getfenv' (level must be non-negative)"),
    ('getfenv("x")', "error: it:1: bad argument #1 to 'getfenv' (number expected, got string)"),
    ('getfenv({})', "error: it:1: bad argument #1 to 'getfenv' (number expected, got table)"),
    ('local e = {} local f = loadstring("a = 1 return a") setfenv(f, e) return f(), e.a, a', '1\t1\tnil'),
    ('local function f() return getfenv(2) == getfenv(1) end return f()', 'error: it:1: no function environment for tail call at level 2'),
    ('local e = setmetatable({}, {__index = _G}) setfenv(1, e) q = 3 return rawget(e, "q"), rawget(_G, "q")', '3\tnil'),
    ('local co = coroutine.wrap(setfenv(function() coroutine.yield(u) return u end, {u = 9, coroutine = coroutine})) return co(), co()', '9\t9'),
    ('type(newproxy()), getmetatable(newproxy(true)) ~= nil, getmetatable(newproxy())', 'userdata\ttrue\tnil'),
    ('newproxy(1)', "error: it:1: bad argument #1 to 'newproxy' (boolean or proxy expected)"),
    ('local p = newproxy(true) getmetatable(p).__index = function(_, k) return k end return p.hello, newproxy(p).x', 'hello\tx'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
