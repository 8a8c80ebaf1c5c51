"""The library ``table``, and the borders of tables."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from miniredis.lua.values import Table
from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('table.concat({1, 2, 3}), table.concat({1, 2, 3}, ", "), table.concat({}, "x"), table.concat({1, 2, 3}, "-", 2), table.concat({1, 2, 3}, "-", 2, 3), table.concat({"a", 1.5, "b"}, "|")', '123\t1, 2, 3\t\t2-3\t2-3\ta|1.5|b'),
    ('table.concat({1, 2, 3}, 0), table.concat({1, 2}, "", 3), table.concat({1, nil, 3}, "", 1, 1)', '10203\t\t1'),
    ('table.concat({1, 2, 3}, ",", 1, 5)', "error: it:1: invalid value (nil) at index 4 in table for 'concat'"),
    ('table.concat({true})', "error: it:1: invalid value (boolean) at index 1 in table for 'concat'"),
    ('table.concat()', "error: it:1: bad argument #1 to 'concat' (table expected, got no value)"),
    ('local t = {1, 2} table.insert(t, 3) table.insert(t, 1, 0) return table.concat(t, " ")', '0 1 2 3'),
    ('local t = {1, 2} table.insert(t, 10, "x") return #t, t[10]', '2\tx'),
    ('local t = {1, 2} table.insert(t, 0, "x") return t[0], t[1], t[2], t[3]', 'x\tnil\t1\t2'),
    ('local t = {1, 2} table.insert(t, -1, "x") return t[-1], t[1], #t', 'x\tnil\t0'),
    ('table.insert({})', "error: it:1: wrong number of arguments to 'insert'"),
    ('table.insert({}, 1, 2, 3)', "error: it:1: wrong number of arguments to 'insert'"),
    ('table.insert({}, "x", 1)', "error: it:1: bad argument #2 to 'insert' (number expected, got string)"),
    ('local t = {1, 2, 3} return table.remove(t), table.remove(t, 1), #t, t[1]', '3\t1\t1\t2'),
    ('local t = {} return table.remove(t), table.remove(t, 1), #t', 'nil\tnil\t0'),
    ('local t = {1, 2, 3} return table.remove(t, 5), table.remove(t, 0), #t', 'nil\tnil\t3'),
    ('local t = {n = 5, 1, 2} return table.getn(t), table.maxn(t), table.maxn({}), table.maxn({[10] = 1, [1.5] = 2, [-1] = 3})', '2\t2\t0\t10'),
    ('table.setn({}, 1)', "error: it:1: 'setn' is obsolete"),
    ('local t = {3, 1, 2} table.sort(t) return table.concat(t, " ")', '1 2 3'),
    ('local t = {"b", "a", "C", "B"} table.sort(t) return table.concat(t, " ")', 'B C a b'),
    ('local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t, " ")', '3 2 1'),
    ('local t = {5, 2, 8, 1, 9, 3, 7, 4, 6, 0} table.sort(t, function(a, b) return a % 3 < b % 3 end) return table.concat(t, " ")', '0 3 6 9 7 4 1 8 2 5'),
    ('local t = {1, "x"} table.sort(t)', 'error: attempt to compare string with number'),
    ('local t = {{}, {}} table.sort(t)', 'error: attempt to compare two table values'),
    ('local t = {3, 1, 2} table.sort(t, function(a, b) return true end) return "survived"', 'survived'),
    ('local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function(a, b) return true end)', 'error: it:1: invalid order function for sorting'),
    ('local t = {3, 2, 1, 4} table.sort(t, function(a, b) error("cmp") end)', 'error: it:1: cmp'),
    ('table.sort({1, 2}, 5)', "error: it:1: bad argument #2 to 'sort' (function expected, got number)"),
    ('table.sort()', "error: it:1: bad argument #1 to 'sort' (table expected, got no value)"),
    ('table.sort({3, 1, nil, 2})', 'error: attempt to compare nil with number'),
    ('local t = {} for i = 1, 50 do t[i] = (i * 37) % 101 end table.sort(t) local ok = true for i = 2, 50 do ok = ok and t[i - 1] <= t[i] end return ok, t[1], t[50]', 'true\t2\t100'),
    ('local t = {{n = 2}, {n = 1}} table.sort(t, function(a, b) return a.n < b.n end) return t[1].n, t[2].n', '1\t2'),
    ('local s = 0 table.foreach({1, 2, x = 3}, function(k, v) s = s + v end) return s', '6'),
    ('return table.foreach({1, 2}, function(k, v) if v == 2 then return k end end)', '2'),
    ('return table.foreachi({5, 6, 7}, function(i, v) if v == 6 then return i end end)', '2'),
    ('table.foreach({})', "error: it:1: bad argument #2 to 'foreach' (function expected, got no value)"),
    ('table.foreach(1, print)', "error: it:1: bad argument #1 to 'foreach' (table expected, got number)"),
    ('local t = setmetatable({}, {__index = function(_, i) if i <= 3 then return i end end}) return #t, table.concat(t, ",")', '0\t'),
    ('local t = {} t[1] = 1 t[2] = 2 t[4] = 4 return #t', '4'),
    ('local t = {1, 2, 3, nil, 5} return #t', '5'),
    ('local t = {nil, nil, 3} return #t', '3'),
    ('local t = {n = nil} return next(t)', 'nil'),
    ('local t = {} for i = 1, 10 do t[i] = i end for i = 10, 6, -1 do t[i] = nil end return #t', '5'),
    ('local r = {} for k in pairs({10, 20, 30, a = 1}) do r[#r + 1] = tostring(k) end return table.concat(r, " ")', '1 2 3 a'),
    ('local r = {} for i, v in ipairs({1, 2, nil, 4}) do r[#r + 1] = v end return #r', '2'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_a_table_becomes_what_it_becomes(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]


def _with_room_for(frames: int, function: Callable[[], object]) -> bool:
    """Call *function* with so many frames left of the stack; whether they were enough."""
    depth, frame = 0, sys._getframe()
    while (frame := frame.f_back) is not None:  # type: ignore[assignment]
        depth += 1
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(depth + frames)  # refuses what is less than the stack of now, however that is reckoned
        function()
    except RecursionError:
        return False
    finally:
        sys.setrecursionlimit(before)
    return True


@pytest.mark.parametrize("change", ["looked at", "added", "removed", "of nothing removed"])
def test_a_stack_that_overflows_while_keys_are_laid_out_loses_none_of_them(change: str) -> None:
    overflows = 0
    for frames in range(2, 80):
        table = Table({b"a": 1.0})
        keys = {b"a", b"b", b"c", 1.0, 2.0, 3.0, 10.0}
        changes: dict[str, Callable[[], object]] = {
            "looked at": lambda table=table: table.laid_out().catch_up(),
            "added": table.length,
            "removed": lambda table=table: table.remove(b"c"),
            "of nothing removed": lambda table=table: table.remove(b"nothing"),
        }
        if change == "added":
            table.laid_out()
        table.hash.update(dict.fromkeys(keys, 1.0))
        overflows += not _with_room_for(frames, changes[change])
        assert table.hash.keys() <= set(table.laid_out().keys())
        assert table.hash.keys() >= keys - {b"c"}
    assert overflows > 1
