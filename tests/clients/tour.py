"""A tour of every command family, as calls of redis-py's methods.

The tour is data, so that the synchronous and the asyncio
client take the very same one, on miniredis and on a real server; what they return must be equal. Steps whose result a
server may choose (order, chance, ids, time) name a function that reduces it to what is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Step(NamedTuple):
    """A method of the client, what it is called with, and what of its result must be the same everywhere."""

    method: str
    args: tuple[Any, ...]
    options: dict[str, Any]
    certain: Callable[[Any], Any]


def step(method: str, *args: Any, certain: Callable[[Any], Any] = lambda result: result, **options: Any) -> Step:
    return Step(method, args, options, certain)


def in_any_order(result: Any) -> Any:
    return sorted(result)


def length(result: Any) -> int:
    return len(result)


def kind(result: Any) -> str:
    return type(result).__name__


def is_close_to(milliseconds: int) -> Callable[[int], bool]:
    return lambda result: 0 <= milliseconds - result <= 10_000


STRINGS = [
    step("set", "k", "v"),
    step("get", "k"),
    step("set", "k", "w", nx=True),
    step("set", "k", "w", xx=True, get=True),
    step("set", "k", "x", ex=100),
    step("ttl", "k"),
    step("getex", "k", persist=True),
    step("getdel", "k"),
    step("mset", {"a": "1", "b": "2"}),
    step("mget", "a", "b", "missing"),
    step("msetnx", {"a": "3", "c": "4"}),
    step("incr", "n"),
    step("incrby", "n", 41),
    step("decr", "n"),
    step("incrbyfloat", "f", 0.1),
    step("append", "s", "Hello "),
    step("append", "s", "World"),
    step("getrange", "s", 0, 4),
    step("setrange", "s", 6, "Redis"),
    step("strlen", "s"),
    step("getset", "s", "new"),
    step("setex", "e", 10, "v"),
    step("psetex", "e", 10_000, "v"),
    step("setnx", "e", "w"),
    step("lcs", "a", "b"),
    step("incr", "s"),
]

KEYS = [
    step("mset", {"one": "1", "two": "2", "three": "3"}),
    step("exists", "one", "two", "missing"),
    step("type", "one"),
    step("expire", "one", 100),
    step("expire", "one", 50, gt=True),
    step("pttl", "one", certain=is_close_to(100_000)),
    step("persist", "one"),
    step("expireat", "one", 33_177_117_420),
    step("expiretime", "one"),
    step("rename", "two", "zwei"),
    step("renamenx", "zwei", "three"),
    step("copy", "three", "drei"),
    step("keys", "*e*", certain=in_any_order),
    step("scan", 0, match="*", count=1000, certain=lambda result: (result[0], sorted(result[1]))),
    step("scan_iter", _type="string", certain=in_any_order),
    step("object", "ENCODING", "one"),
    step("touch", "one", "missing"),
    step("randomkey", certain=kind),
    step("rpush", "l", "3", "1", "2"),
    step("sort", "l", desc=True),
    step("sort", "l", by="w_*", get=["#", "g_*"], groups=True),
    step("sort", "l", store="sorted"),
    step("dbsize"),
    step("delete", "one", "missing"),
    step("unlink", "three"),
    step("move", "drei", 1),
    step("swapdb", 0, 1),
    step("dbsize"),
]

HASHES = [
    step("hset", "h", mapping={"name": "Ada", "born": "1815"}),
    step("hset", "h", "died", "1852"),
    step("hget", "h", "name"),
    step("hgetall", "h"),
    step("hmget", "h", "name", "missing"),
    step("hexists", "h", "born"),
    step("hincrby", "h", "born", 1),
    step("hincrbyfloat", "h", "born", 0.5),
    step("hkeys", "h"),
    step("hvals", "h"),
    step("hlen", "h"),
    step("hstrlen", "h", "name"),
    step("hsetnx", "h", "name", "Bob"),
    step("hrandfield", "h", 3, withvalues=True, certain=length),
    step("hscan", "h"),
    step("hdel", "h", "name", "missing"),
    step("hget", "h", "name"),
]

LISTS = [
    step("rpush", "l", "a", "b", "c", "d"),
    step("lpush", "l", "z"),
    step("lpushx", "missing", "z"),
    step("rpushx", "l", "e"),
    step("lrange", "l", 0, -1),
    step("lindex", "l", 1),
    step("linsert", "l", "before", "c", "B"),
    step("lset", "l", 0, "Z"),
    step("lpos", "l", "c"),
    step("lrem", "l", 1, "B"),
    step("ltrim", "l", 0, 4),
    step("lpop", "l"),
    step("lpop", "l", 2),
    step("rpop", "l"),
    step("lmove", "l", "m", "LEFT", "RIGHT"),
    step("rpush", "l", "x", "y"),
    step("rpoplpush", "l", "m"),
    step("lmpop", 2, "none", "m", direction="LEFT", count=10),
    step("blpop", ["none", "l"], 1),
    step("brpop", ["none"], 0.01),
    step("rpush", "l", "x", "y"),
    step("blmove", "l", "m", 1, "LEFT", "LEFT"),
    step("brpoplpush", "l", "m", 1),
    step("blmpop", 1, 1, "m", direction="LEFT", count=2),
    step("llen", "l"),
    step("lset", "l", 0, "x"),
]

SETS = [
    step("sadd", "a", "1", "2", "3"),
    step("sadd", "b", "2", "3", "4"),
    step("smembers", "a", certain=in_any_order),
    step("sismember", "a", "1"),
    step("smismember", "a", ["1", "9"]),
    step("scard", "a"),
    step("sinter", "a", "b", certain=in_any_order),
    step("sintercard", 2, ["a", "b"], limit=1),
    step("sunion", "a", "b", certain=in_any_order),
    step("sdiff", "a", "b", certain=in_any_order),
    step("sinterstore", "i", "a", "b"),
    step("sunionstore", "u", "a", "b"),
    step("sdiffstore", "d", "a", "b"),
    step("smove", "a", "b", "1"),
    step("srandmember", "b", 2, certain=length),
    step("spop", "b", certain=kind),
    step("sscan", "u", certain=lambda result: (result[0], sorted(result[1]))),
    step("srem", "a", "2", "missing"),
]

SORTED_SETS = [
    step("zadd", "z", {"a": 1, "b": 2.5, "c": 3}),
    step("zadd", "z", {"a": 5}, gt=True, ch=True),
    step("zadd", "z", {"a": 0.1}, incr=True),
    step("zscore", "z", "a"),
    step("zmscore", "z", ["a", "missing"]),
    step("zrank", "z", "a"),
    step("zrevrank", "z", "a"),
    step("zcard", "z"),
    step("zcount", "z", "(1", "+inf"),
    step("zincrby", "z", 1.5, "b"),
    step("zrange", "z", 0, -1, withscores=True),
    step("zrange", "z", "+inf", "-inf", byscore=True, desc=True, offset=0, num=2),
    step("zrevrange", "z", 0, 1, withscores=True),
    step("zrangebyscore", "z", 0, 10, withscores=True),
    step("zrangestore", "copy", "z", 0, 1),
    step("zadd", "lex", {"a": 0, "b": 0, "c": 0}),
    step("zrangebylex", "lex", "[a", "(c"),
    step("zlexcount", "lex", "-", "+"),
    step("zunion", ["z", "lex"], withscores=True),
    step("zinter", ["z", "lex"], aggregate="MAX", withscores=True),
    step("zintercard", 2, ["z", "lex"]),
    step("zdiff", ["z", "copy"]),
    step("zunionstore", "u", {"z": 2, "lex": 1}),
    step("zpopmin", "z"),
    step("zpopmax", "z", 2),
    step("bzpopmin", "u", 1),
    step("bzpopmax", ["none", "u"], 1),
    step("bzmpop", 1, 1, ["u"], min=True),
    step("zmpop", 1, ["lex"], max=True, count=2),
    step("zrandmember", "lex", 1, certain=length),
    step("zscan", "lex"),
    step("zremrangebyscore", "copy", "-inf", "+inf"),
    step("zrem", "lex", "a"),
]

CONNECTION_AND_SERVER = [
    step("ping"),
    step("echo", "hello"),
    step("client_setname", "tourist"),
    step("client_getname"),
    step("client_id", certain=kind),
    step("client_list", certain=lambda result: "tourist" in [client["name"] for client in result]),
    step("client_info", certain=lambda result: result["name"]),
    step("config_set", "timeout", 0),
    step("config_get", "timeout"),
    step("command_count", certain=kind),
    step("command_getkeys", "MSET", "a", "1", "b", "2"),
    step("info", "server", certain=lambda result: result["redis_mode"]),
    step("info", certain=lambda result: {"used_memory", "connected_clients", "uptime_in_seconds"} <= set(result)),
    step("time", certain=length),
    step("lastsave", certain=kind),
    step("slowlog_len", certain=kind),
    step("memory_usage", "missing"),
    step("publish", "nobody", "hears this"),
    step("pubsub_channels"),
    step("pubsub_numsub", "a"),
    step("wait", 0, 10),
    step("role", certain=length),
    step("flushdb"),
    step("flushall"),
]

FAMILIES: dict[str, list[Step]] = {
    "strings": STRINGS,
    "keys": KEYS,
    "hashes": HASHES,
    "lists": LISTS,
    "sets": SETS,
    "sorted sets": SORTED_SETS,
    "connection and server": CONNECTION_AND_SERVER,
}
