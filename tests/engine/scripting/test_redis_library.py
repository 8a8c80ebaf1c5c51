"""The table ``redis``, as a real server has it."""

from __future__ import annotations

import pytest

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine

# ruff: noqa: E501
# fmt: off
CASES = [
    ('redis.call("SET", KEYS and "k" or "k", "v"), redis.call("GET", "k"), redis.call("GET", "nokey")', 'table: 0x\tv\tfalse'),
    ('redis.call("SET", "n", 10), redis.call("GET", "n"), redis.call("SET", "n", 1.5), redis.call("GET", "n"), redis.call("SET", "n", 1e20), redis.call("GET", "n"), redis.call("SET", "n", 0.1), redis.call("GET", "n")', 'table: 0x\t10\ttable: 0x\t1.5\ttable: 0x\t1e+20\ttable: 0x\t0.10000000000000001'),
    ('redis.call("SET", "k", "v").ok, type(redis.call("PING")), redis.call("PING").ok, redis.call("INCR", "c1"), redis.call("DEL", "c1")', 'OK\ttable\tPONG\t1\t1'),
    ('redis.call("DEL", "l"), redis.call("RPUSH", "l", "a", "b"), #redis.call("LRANGE", "l", 0, -1), redis.call("LRANGE", "l", 0, -1)[2], redis.call("EXISTS", "l")', '0\t2\t2\tb\t1'),
    ('redis.call()', 'error: ERR Please specify at least one argument for this redis lib call'),
    ('redis.call("NOSUCH")', 'error: ERR Unknown Redis command called from script'),
    ('redis.call("GET")', 'error: ERR Wrong number of args calling Redis command from script'),
    ('redis.call("GET", {})', 'error: ERR Lua redis lib command arguments must be strings or integers'),
    ('redis.call("GET", true)', 'error: ERR Lua redis lib command arguments must be strings or integers'),
    ('redis.call("GET", nil)', 'error: ERR Lua redis lib command arguments must be strings or integers'),
    ('redis.call({})', 'error: ERR Lua redis lib command arguments must be strings or integers'),
    ('redis.call("SUBSCRIBE", "x")', 'error: ERR This Redis command is not allowed from script'),
    ('redis.call("MULTI")', 'error: ERR This Redis command is not allowed from script'),
    ('redis.call("EVAL", "return 1", 0)', 'error: ERR This Redis command is not allowed from script'),
    ('redis.call("DEL", "l") redis.call("RPUSH", "l", "a") redis.call("INCR", "l")', 'error: WRONGTYPE Operation against a key holding the wrong kind of value'),
    ('redis.call("DEL", "l") redis.call("RPUSH", "l", "a") return redis.pcall("INCR", "l").err, redis.pcall("NOSUCH").err, redis.pcall("GET").err, redis.pcall().err', 'WRONGTYPE Operation against a key holding the wrong kind of value\tERR Unknown Redis command called from script\tERR Wrong number of args calling Redis command from script\tERR Please specify at least one argument for this redis lib call'),
    ('redis.call("DEL", "l") redis.call("RPUSH", "l", "a") local ok, e = pcall(redis.call, "INCR", "l") return ok, type(e) == "table" and e.err or e', 'false\tWRONGTYPE Operation against a key holding the wrong kind of value'),
    ('redis.error_reply("My Err").err, redis.error_reply("NOCODE").err, redis.error_reply("-DASH x").err, redis.status_reply("FINE").ok', 'My Err\tERR NOCODE\tDASH x\tFINE'),
    ('redis.error_reply(1).err, redis.error_reply().err, redis.status_reply({}).err, redis.error_reply("a", "b").err', 'ERR wrong number or type of arguments\tERR wrong number or type of arguments\tERR wrong number or type of arguments\tERR wrong number or type of arguments'),
    ('redis.sha1hex(""), redis.sha1hex("abc"), redis.sha1hex(5)', 'da39a3ee5e6b4b0d3255bfef95601890afd80709\ta9993e364706816aba3e25717850c26c9cd0d89d\tac3478d69a3c81fa62e60f5c3696165a4e5e6ac4'),
    ('redis.sha1hex()', 'error: ERR wrong number of arguments'),
    ('redis.sha1hex("a", "b")', 'error: ERR wrong number of arguments'),
    ('redis.log(redis.LOG_DEBUG, "x")', ''),
    ('redis.log("x")', 'error: ERR redis.log() requires two arguments or more.'),
    ('redis.log("x", "y")', 'error: ERR First argument must be a number (log level).'),
    ('redis.log(10, "y")', 'error: ERR Invalid debug level.'),
    ('redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING, redis.REPL_NONE, redis.REPL_AOF, redis.REPL_SLAVE, redis.REPL_REPLICA, redis.REPL_ALL', '0\t1\t2\t3\t0\t1\t2\t2\t3'),
    ('redis.setresp(3), redis.setresp(2)', 'nil'),
    ('redis.setresp(4)', 'error: ERR RESP version must be 2 or 3.'),
    ('redis.setresp()', 'error: ERR redis.setresp() requires one argument.'),
    ('redis.setresp("3", 1)', 'error: ERR redis.setresp() requires one argument.'),
    ('redis.set_repl(redis.REPL_ALL), redis.set_repl(redis.REPL_NONE), redis.set_repl(redis.REPL_ALL)', 'nil\tnil'),
    ('redis.set_repl(100)', 'error: ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.'),
    ('redis.set_repl()', 'error: ERR redis.set_repl() requires two arguments.'),
    ('redis.replicate_commands(), redis.breakpoint(), redis.debug("x")', 'true\tfalse'),
    ('redis.acl_check_cmd("GET", "k"), redis.acl_check_cmd("SET", "k", "v")', 'true\ttrue'),
    ('redis.acl_check_cmd("NOSUCH")', 'error: ERR Invalid command passed to redis.acl_check_cmd()'),
    ('redis.acl_check_cmd()', 'error: ERR Please specify at least one argument for this redis lib call'),
    ('redis.acl_check_cmd({})', 'error: ERR Lua redis lib command arguments must be strings or integers'),
    ('redis.nosuch', 'nil'),
    ('redis.nosuch()', "error: it:1: attempt to call field 'nosuch' (a nil value)"),
    ('redis.x = 1', 'error: it:1: Attempt to modify a readonly table'),
    ('KEYS[1], ARGV ~= nil, #KEYS', 'nil\ttrue\t0'),
    ('redis.setresp(3) local r = redis.call("HGETALL", "nokey") redis.setresp(2) return type(r), type(r.map)', 'table\ttable'),
    ('redis.call("SET", "bin", "a\\0b\\255"), #redis.call("GET", "bin"), redis.call("STRLEN", "bin")', 'table: 0x\t4\t4'),
    ('redis.call("set", "k", "v", "px", 100000).ok, redis.call("PTTL", "k") > 0, redis.call("OBJECT", "ENCODING", "k")', 'OK\ttrue\tembstr'),
    ('redis.call("DEL", "l") redis.call("RPUSH", "l", "a") return #redis.call("TIME"), redis.call("ECHO", "x"), redis.call("TYPE", "l").ok', '2\tx\tlist'),
    ('redis.call("HSET", "h", "f", 3.0), redis.call("HGET", "h", "f"), redis.call("HINCRBYFLOAT", "h", "f", 0.1)', '1\t3\t3.10000000000000001'),
    ('redis.call("ZADD", "z", 1.5, "m"), redis.call("ZSCORE", "z", "m"), redis.call("ZADD", "z", "nan", "m")', 'error: ERR value is not a valid float'),
    ('redis.REDIS_VERSION_NUM >= 0x070000, type(redis.REDIS_VERSION)', 'true\tstring'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours_in_engine(source) == told


def test_a_real_server_says_so(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        assert by_server(wire, [source for source, _ in CASES]) == [told for _, told in CASES]
