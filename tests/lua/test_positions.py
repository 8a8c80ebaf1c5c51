"""Errors in PUC's words: what is named, and on which line."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('error("plain")', 'error: it:1: plain'),
    ('error("no position", 0)', 'error: no position'),
    ('error("level two", 2)', 'error: level two'),
    ('error({code = 5})', 'error: table: 0x'),
    ('error(nil)', 'error: nil'),
    ('error()', 'error: nil'),
    ('error(42)', 'error: it:1: 42'),
    ('error(true)', 'error: true'),
    ('local x = 1', ''),
    ('x.y.z = 1', "error: it:1: attempt to index global 'x' (a nil value)"),
    ('local x = nil; x()', "error: it:1: attempt to call local 'x' (a nil value)"),
    ('local t = {} t.a.b.c = 1', "error: it:1: attempt to index field 'a' (a nil value)"),
    ('local t = {a = {}} t.a.b()', "error: it:1: attempt to call field 'b' (a nil value)"),
    ('local up local function f() up() end f()', "error: it:1: attempt to call upvalue 'up' (a nil value)"),
    ('local up local function f() return up.x end f()', "error: it:1: attempt to index upvalue 'up' (a nil value)"),
    ('local up = {} local function f() up.a.b = 1 end f()', "error: it:1: attempt to index field 'a' (a nil value)"),
    ('(nil)()', 'error: it:1: attempt to call a nil value'),
    ('({})()', 'error: it:1: attempt to call a table value'),
    ('(1)()', 'error: it:1: attempt to call a number value'),
    ('("x")()', 'error: it:1: attempt to call a string value'),
    ('local t = {} t[1]()', "error: it:1: attempt to call field '?' (a nil value)"),
    ('local t = {} t["a b"]()', "error: it:1: attempt to call field 'a b' (a nil value)"),
    ('local a = {} a = a + 1', "error: it:1: attempt to perform arithmetic on local 'a' (a table value)"),
    ('local a = "x" return a + 1', "error: it:1: attempt to perform arithmetic on local 'a' (a string value)"),
    ('local a = {} return a.b + 1', "error: it:1: attempt to perform arithmetic on field 'b' (a nil value)"),
    ('local t = {} return t.x .. "y"', "error: it:1: attempt to concatenate field 'x' (a nil value)"),
    ('return nothing .. "x"', "error: it:1: attempt to concatenate global 'nothing' (a nil value)"),
    ('return nothing + 1', "error: it:1: attempt to perform arithmetic on global 'nothing' (a nil value)"),
    ('return -nothing', "error: it:1: attempt to perform arithmetic on global 'nothing' (a nil value)"),
    ('return #nothing', "error: it:1: attempt to get length of global 'nothing' (a nil value)"),
    ('return nothing.x', "error: it:1: attempt to index global 'nothing' (a nil value)"),
    ('return nothing[1]', "error: it:1: attempt to index global 'nothing' (a nil value)"),
    ('return nothing < 1', 'error: it:1: attempt to compare nil with number'),
    ('local s = "a" return s < 1', 'error: it:1: attempt to compare string with number'),
    ('local a, b = {}, {} return a < b', 'error: it:1: attempt to compare two table values'),
    ('string.rep()', "error: it:1: bad argument #1 to 'rep' (string expected, got no value)"),
    ('string.rep("x", {})', "error: it:1: bad argument #2 to 'rep' (number expected, got table)"),
    ('string.rep("x", "y")', "error: it:1: bad argument #2 to 'rep' (number expected, got string)"),
    ('("x"):rep({})', "error: it:1: bad argument #1 to 'rep' (number expected, got table)"),
    ('("x"):rep()', "error: it:1: bad argument #1 to 'rep' (number expected, got no value)"),
    ('string.rep(nil, 1)', "error: it:1: bad argument #1 to 'rep' (string expected, got nil)"),
    ('math.floor("x")', "error: it:1: bad argument #1 to 'floor' (number expected, got string)"),
    ('math.floor({})', "error: it:1: bad argument #1 to 'floor' (number expected, got table)"),
    ('setmetatable({})', "error: it:1: bad argument #2 to 'setmetatable' (nil or table expected)"),
    ('table.concat({1, {}, 3})', "error: it:1: invalid value (table) at index 2 in table for 'concat'"),
    ('table.concat({}, {})', "error: it:1: bad argument #2 to 'concat' (string expected, got table)"),
    ('ipairs()', "error: it:1: bad argument #1 to 'ipairs' (table expected, got no value)"),
    ('ipairs(nil)', "error: it:1: bad argument #1 to 'ipairs' (table expected, got nil)"),
    ('pairs(5)', "error: it:1: bad argument #1 to 'pairs' (table expected, got number)"),
    ('local f = string.rep f()', "error: it:1: bad argument #1 to 'f' (string expected, got no value)"),
    ('local t = {f = string.rep} t.f()', "error: it:1: bad argument #1 to 'f' (string expected, got no value)"),
    ('(string.rep)()', "error: it:1: bad argument #1 to 'rep' (string expected, got no value)"),
    ('local s = string s.rep(1, {})', "error: it:1: bad argument #2 to 'rep' (number expected, got table)"),
    ('table.insert({}, 1, 2, 3)', "error: it:1: wrong number of arguments to 'insert'"),
    ('table.insert(nil, 1)', "error: it:1: bad argument #1 to 'insert' (table expected, got nil)"),
    ('tostring()', "error: it:1: bad argument #1 to 'tostring' (value expected)"),
    ('error("in\\nlines")', 'error: it:1: in\nlines'),
    ('local function f() error("deep") end local function g() f() end g()', 'error: it:1: deep'),
    ('local function f() error("who", 2) end local function g() f() end g()', 'error: it:1: who'),
    ('local function f() error("far", 3) end local function g() f() end local function h() g() end h()', 'error: it:1: far'),
    ('local function f() error("tail", 2) end local function g() return f() end g()', 'error: tail'),
    ('local function f() error("tail", 3) end local function g() return f() end g()', 'error: it:1: tail'),
    ('pcall(error), pcall(error, nil), pcall(error, "x", 0), pcall(error, "x"), pcall(error, {}, 2)', 'false\tfalse\tfalse\tfalse\tfalse\ttable: 0x'),
    ('pcall(), xpcall(print)', "error: it:1: bad argument #1 to 'pcall' (value expected)"),
    ('pcall(nil)', 'false\tattempt to call a nil value'),
    ('pcall(1)', 'false\tattempt to call a number value'),
    ('xpcall(error, function(e) return "handled: " .. tostring(e) end)', 'false\thandled: nil'),
    ('xpcall(function() error("x") end, function(e) return e .. "!" end)', 'false\tit:1: x!'),
    ('xpcall(function() error("x") end, function(e) error("again") end)', 'false\terror in error handling'),
    ('xpcall(function() return 1, 2, 3 end, print)', 'true\t1\t2\t3'),
    ('xpcall(function() local x = nil; x.y = 1 end, nil)', 'false\terror in error handling'),
    ('select(2, pcall(error, setmetatable({}, {__tostring = function() return "custom" end})))', 'custom'),
    ('pcall(string.rep, "x", -1)', 'true\t'),
    ('pcall(pcall, error, "e")', 'true\tfalse\te'),
    ('pcall(function() error("a", 1) end)', 'false\tit:1: a'),
    ('pcall(function() error("a", 2) end)', 'false\ta'),
    ('return 1 +\n\n nil\n\n+ x', 'error: it:3: attempt to perform arithmetic on a nil value'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_an_error_says_what_and_where(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
