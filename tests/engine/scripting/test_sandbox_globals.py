"""What scripts must not have, and must not change: a real server refuses it in the same words."""

from __future__ import annotations

import pytest

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine

# ruff: noqa: E501
# fmt: off
CASES = [
    ('x = 1', 'error: it:1: Attempt to modify a readonly table'),
    ('return x', "error: it:1: Script attempted to access nonexistent global variable 'x'"),
    ('print("x")', "error: it:1: Script attempted to access nonexistent global variable 'print'"),
    ('os.exit()', "error: it:1: Script attempted to access nonexistent global variable 'os'"),
    ('io.open("/etc/passwd")', "error: it:1: Script attempted to access nonexistent global variable 'io'"),
    ('require("x")', "error: it:1: Script attempted to access nonexistent global variable 'require'"),
    ('dofile("/etc/passwd")', "error: it:1: Script attempted to access nonexistent global variable 'dofile'"),
    ('loadfile("/etc/passwd")', "error: it:1: Script attempted to access nonexistent global variable 'loadfile'"),
    ('package.loaded', "error: it:1: Script attempted to access nonexistent global variable 'package'"),
    ('debug.getinfo(1)', "error: it:1: Script attempted to access nonexistent global variable 'debug'"),
    ('getfenv()', "error: it:1: Script attempted to access nonexistent global variable 'getfenv'"),
    ('setfenv(1, {})', "error: it:1: Script attempted to access nonexistent global variable 'setfenv'"),
    ('newproxy(true)', "error: it:1: Script attempted to access nonexistent global variable 'newproxy'"),
    ('module("x")', "error: it:1: Script attempted to access nonexistent global variable 'module'"),
    ('_G.x = 1', 'error: it:1: Attempt to modify a readonly table'),
    ('_G.redis = nil', 'error: it:1: Attempt to modify a readonly table'),
    ('_G["__index"]', "error: it:1: Script attempted to access nonexistent global variable '__index'"),
    ('_G.x', "error: it:1: Script attempted to access nonexistent global variable 'x'"),
    ('rawset(_G, "x", 1)', 'error: Attempt to modify a readonly table'),
    ('rawset(redis, "call", 1)', 'error: Attempt to modify a readonly table'),
    ('redis.call = print', "error: it:1: Script attempted to access nonexistent global variable 'print'"),
    ('string.upper = 1', 'error: it:1: Attempt to modify a readonly table'),
    ('rawset(string, "upper", 1)', 'error: Attempt to modify a readonly table'),
    ('rawset(math, "x", 1)', 'error: Attempt to modify a readonly table'),
    ('table.insert(_G, 1)', 'error: Attempt to modify a readonly table'),
    ('table.insert(string, 1, 1)', 'error: Attempt to modify a readonly table'),
    ('table.sort(_G, function() end)', ''),
    ('table.remove(_G)', ''),
    ('setmetatable(_G, {})', 'error: Attempt to modify a readonly table'),
    ('setmetatable(string, {})', 'error: Attempt to modify a readonly table'),
    ('setmetatable(redis, nil)', 'error: Attempt to modify a readonly table'),
    ('getmetatable("").__index.upper = 1', 'error: it:1: Attempt to modify a readonly table'),
    ('getmetatable("").__add = function() end', 'error: it:1: Attempt to modify a readonly table'),
    ('rawset(getmetatable(""), "__add", 1)', 'error: Attempt to modify a readonly table'),
    ('getmetatable(_G).__index = nil', 'error: it:1: Attempt to modify a readonly table'),
    ('rawset(getmetatable(_G), "__index", 1)', 'error: Attempt to modify a readonly table'),
    ('getmetatable(redis), getmetatable(string), type(getmetatable("")), type(getmetatable(_G))', 'nil\tnil\ttable\ttable'),
    ('for k in pairs(_G) do if k == "print" then return "found" end end return "not there"', 'not there'),
    ('loadstring("y = 1")()', 'error: [string "y = 1"]:1: Attempt to modify a readonly table'),
    ('loadstring("return y")()', 'error: [string "return y"]:1: Script attempted to access nonexistent global variable \'y\''),
    ('loadstring("return _G")() == _G, loadstring("return redis")() == redis', 'true\ttrue'),
    ('load(function() return nil end)() == nil', 'true'),
    ('coroutine.wrap(function() z = 1 end)()', 'error: it:1: it:1: Attempt to modify a readonly table'),
    ('coroutine.wrap(function() return _G end)() == _G', 'true'),
    ('string.dump(5)', "error: it:1: bad argument #1 to 'dump' (function expected, got number)"),
    ('("x").y, pcall(function() return ("x").y.z end)', "nil\tfalse\tit:1: attempt to index field 'y' (a nil value)"),
    ('("__class__").__class__, ({})["__class__"], ({}).__dict__, string.__class__, redis.__globals__, rawget(string, "__init__")', 'nil\tnil\tnil\tnil\tnil\tnil'),
    ('pcall.__code__', "error: it:1: attempt to index global 'pcall' (a function value)"),
    ('(function() end).__globals__', 'error: it:1: attempt to index a function value'),
    ('coroutine.create(function() end).cr_frame', 'error: it:1: attempt to index a thread value'),
    ('local t = {} t.__class__ = 1 t["hash"] = 2 t["meta"] = 3 return t.__class__, t.hash, t.meta, t.x', '1\t2\t3\tnil'),
    ('string.format("%s", setmetatable({}, {__tostring = function() return "x" end}))', "error: it:1: bad argument #2 to 'format' (string expected, got table)"),
    ('string.format("{0.__class__} %s {}", "x"), ("{0.__class__}"):format(1), string.format("%%(x)s")', '{0.__class__} x {}\t{0.__class__}\t%(x)s'),
    ('error(string)', 'error: table: 0x'),
    ('pcall(error, string)', 'false\ttable: 0x\tnil'),
    ('tostring(setmetatable({}, {__tostring = function() error("inside") end}))', 'error: it:1: inside'),
    ('select(2, pcall(setmetatable({}, {__call = error}), "x"))', "bad argument #2 to '?' (number expected, got string)"),
    ('type(collectgarbage), type(gcinfo), type(xpcall), type(unpack)', 'function\tfunction\tfunction\tfunction'),
    ('__redis__err__handler ~= nil', 'true'),
    ('KEYS.x = 1 return KEYS.x', '1'),
    ('KEYS = nil', 'error: it:1: Attempt to modify a readonly table'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_a_script_is_refused_what_a_real_server_refuses_it(source: str, told: str) -> None:
    assert ours_in_engine(source) == told


def test_a_real_server_says_so(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        assert by_server(wire, [source for source, _ in CASES]) == [told for _, told in CASES]
