"""Coroutines."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('local t = setmetatable({}, {__call = function(s) for i = 1, 3 do coroutine.yield(i) end end}) local co = coroutine.wrap(function() t() return 9 end) return co(), co(), co(), co()', '1\t2\t3\t9'),
    ('local t = setmetatable({}, {__call = coroutine.yield}) local co = coroutine.wrap(function() return t(5) end) local s, x = co() return s == t, x, co(7)', 'true\t5\t7'),
    ('local t = setmetatable({}, {__call = function(s, n) if n == 0 then return coroutine.yield(1) end return t(n - 1) end}) getfenv().t = t local co = coroutine.wrap(function() return t(10) end) return co(), co(2)', '1\t2'),
    ('coroutine.resume(coroutine.create(function(a, b) return a + b end), 1, 2)', 'true\t3'),
    ('local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) local c, d = coroutine.yield(b * 2) return c, d end) return coroutine.resume(co, 1), select(2, coroutine.resume(co, 10)), coroutine.resume(co, "x", "y")', 'true\t20\ttrue\tx\ty'),
    ('local co = coroutine.create(function() error("inside") end) return coroutine.resume(co), coroutine.status(co), coroutine.resume(co)', 'false\tdead\tfalse\tcannot resume dead coroutine'),
    ('local co = coroutine.create(function() error({}) end) local ok, e = coroutine.resume(co) return ok, type(e)', 'false\ttable'),
    ('local co = coroutine.create(function() coroutine.yield() end) local s = coroutine.status(co) coroutine.resume(co) local t = coroutine.status(co) coroutine.resume(co) return s, t, coroutine.status(co)', 'suspended\tsuspended\tdead'),
    ('local f = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) return f(), f(), f(), f()', '1\t2\t3'),
    ('local f = coroutine.wrap(function() end) f() f()', 'error: it:1: cannot resume dead coroutine'),
    ('local f = coroutine.wrap(function() error("wrapped") end) f()', 'error: it:1: it:1: wrapped'),
    ('local f = coroutine.wrap(function() error({}) end) local ok, e = pcall(f) return ok, type(e)', 'false\ttable'),
    ('coroutine.yield(1)', 'error: attempt to yield across metamethod/C-call boundary'),
    ('coroutine.running()', 'nil'),
    ('local co co = coroutine.create(function() return coroutine.status(co), coroutine.running() == co end) return coroutine.resume(co)', 'true\trunning\ttrue'),
    ('local co co = coroutine.create(function() return coroutine.resume(co) end) return coroutine.resume(co)', 'true\tfalse\tcannot resume running coroutine'),
    ('local co = coroutine.create(function() local inner = coroutine.create(function() return coroutine.status(outer) end) return coroutine.resume(inner) end) outer = co return coroutine.resume(co)', 'true\ttrue\tnormal'),
    ('coroutine.resume(5)', "error: it:1: bad argument #1 to 'resume' (coroutine expected)"),
    ('coroutine.resume()', "error: it:1: bad argument #1 to 'resume' (coroutine expected)"),
    ('coroutine.create(5)', "error: it:1: bad argument #1 to 'create' (Lua function expected)"),
    ('coroutine.create(print)', "error: it:1: bad argument #1 to 'create' (Lua function expected)"),
    ('coroutine.status({})', "error: it:1: bad argument #1 to 'status' (coroutine expected)"),
    ('coroutine.wrap(nil)', "error: it:1: bad argument #1 to 'wrap' (Lua function expected)"),
    ('local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end) end local s = 0 for i, sq in gen(4) do s = s + sq end return s', '30'),
    ('local co = coroutine.wrap(function() return pcall(function() coroutine.yield(1) end) end) return co()', 'false\tattempt to yield across metamethod/C-call boundary'),
    ('local co = coroutine.create(function() table.sort({3, 2, 1}, function(a, b) coroutine.yield() end) end) return coroutine.resume(co)', 'false\tattempt to yield across metamethod/C-call boundary'),
    ('local co = coroutine.create(function() return ("abc"):gsub("b", function() coroutine.yield() end) end) return coroutine.resume(co)', 'false\tattempt to yield across metamethod/C-call boundary'),
    ('local co = coroutine.create(function() local t = setmetatable({}, {__index = function() coroutine.yield() end}) return t.x end) return coroutine.resume(co)', 'false\tattempt to yield across metamethod/C-call boundary'),
    ('local co = coroutine.create(function() for k in function() coroutine.yield("it") return nil end do end return "end" end) return coroutine.resume(co)', 'false\tattempt to yield across metamethod/C-call boundary'),
    ('local co = coroutine.create(function(...) return select("#", ...), coroutine.yield(...) end) return coroutine.resume(co, nil, nil), coroutine.resume(co, 1, 2)', 'true\ttrue\t2\t1\t2'),
    ('local function tree(n) if n > 0 then tree(n - 1) coroutine.yield(n) tree(n - 1) end end local r = {} for v in coroutine.wrap(function() tree(3) end) do r[#r + 1] = v end return table.concat(r)', '1213121'),
    ('local co = coroutine.wrap(function() local x = coroutine.yield() while true do x = coroutine.yield(x * 2) end end) co() return co(1), co(2), co(3)', '2\t4\t6'),
    ('local co = coroutine.create(function() local function f() return f() + 1 end return f() end) local ok, m = coroutine.resume(co) return ok, m', 'false\tit:1: stack overflow'),
    ('local function loop(n) if n == 0 then return coroutine.yield("deep") end return loop(n - 1) end local co = coroutine.wrap(function() return loop(50000) end) return co(), co("back")', 'deep\tback'),
    ('local co = coroutine.create(function() return coroutine.wrap(function() return coroutine.running() ~= nil end)() end) return coroutine.resume(co)', 'true\ttrue'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
