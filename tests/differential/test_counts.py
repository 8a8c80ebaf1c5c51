"""What INFO counts: hits and misses, expired keys, calls and failures, and who failed when a client waits no more.

What counts is seen only in INFO, so no scenario has it. Each command here is run alone, on both servers, and all of
its figures are compared, and its keyspace events with them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from conformance.duel import Duel
from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp.inline import split_arguments
from miniredis.resp.types import Reply

FIGURES: Final = (
    "keyspace_",
    "expired_keys",
    "expired_fields",
    "expired_subkeys",
    "total_error_replies",
    "total_blocking_keys",
    "cmdstat_",
    "errorstat_",
)
INFO: Final = "INFO stats clients commandstats errorstats"
PATIENCE: Final = 30.0

VALUES: Final = {
    "string": "SET {} 12",
    "list": "RPUSH {} a b c",
    "set": "SADD {} 1 2 3",
    "hash": "HSET {} f 1 g 2",
    "zset": "ZADD {} 1 a 2 b",
    "stream": "XADD {} 1-1 f v",
}

COMMANDS: Final = {
    "string": """
        GET k | GETSET k v | GETDEL k | GETEX k PERSIST | GETEX k PXAT 1 | SET k v XX GET | SET k v PXAT 1 | SETNX k v
        SETEX k 10 v | STRLEN k | APPEND k x | INCR k | GETRANGE k 0 1 | SETRANGE k 1 "" | MGET k o | MSETNX k 1 o 2
        LCS k o | SETBIT k 1 1 | GETBIT k 1 | BITCOUNT k | BITPOS k 1 | BITOP AND o k | BITFIELD k GET u8 0
        BITFIELD_RO k GET u8 0 | OBJECT ENCODING k | OBJECT FREQ k | OBJECT IDLETIME k | OBJECT REFCOUNT k
        DEBUG OBJECT k | DEBUG SDSLEN k | DEBUG LISTPACK k | DEBUG QUICKLIST k | DEBUG HTSTATS-KEY k
        DEBUG DIGEST-VALUE k | TYPE k | TTL k | PEXPIRETIME k | EXISTS k k o | TOUCH k o | DUMP k | COPY k o | COPY k k
        RENAME k o | RENAMENX k o | MOVE k 1 | DEL k o | UNLINK k | PERSIST k | EXPIRE k 100 XX | EXPIRE k -1
        PEXPIREAT k 1 | KEYS * | SCAN 0 TYPE list | RANDOMKEY | DBSIZE | WATCH k | SORT k | MEMORY USAGE k
        RESTORE k 0 bad REPLACE | RESTORE k 0 bad | EVAL "return redis.call('get', KEYS[1])" 1 k
        EVAL "return redis.pcall('incr', KEYS[1], 'x')" 1 k | XINFO STREAM k | GEOPOS k a | PFCOUNT k o | LLEN k
    """,
    "list": """
        LPUSHX k a | LPOP k | LPOP k 0 | RPOP k 10 | LLEN k | LRANGE k 0 -1 | LINDEX k 0 | LSET k 0 x | LREM k 0 zz
        LINSERT k BEFORE a x | LTRIM k 0 0 | LPOS k a | LMOVE k o LEFT RIGHT | LMPOP 2 k o LEFT | BLPOP k o 0.001
        BLMOVE k o LEFT LEFT 0.001 | SORT k BY o* ALPHA | SORT k BY nosort GET o GET w* GET # | SORT k ALPHA STORE o
        OBJECT ENCODING k | DEBUG LISTPACK k | DEBUG QUICKLIST k | GET k
    """,
    "set": """
        SADD k 1 | SREM k 9 | SMOVE k o 1 | SMOVE k k 1 | SISMEMBER k 1 | SMISMEMBER k 1 9 | SCARD k | SMEMBERS k
        SPOP k | SPOP k 2 | SPOP k 3 | SPOP k 10 | SPOP k 0 | SRANDMEMBER k 2 | SINTER k o | SUNIONSTORE o k
        SDIFFSTORE k k o | SINTERCARD 2 k o | SSCAN k 0
    """,
    "hash": """
        HSET k f 2 | HSETNX k f 2 | HGET k f | HMGET k f x | HGETALL k | HLEN k | HDEL k f g | HINCRBY k f 1
        HRANDFIELD k 2 | HSCAN k 0 | DEBUG HTSTATS-KEY k
    """,
    "zset": """
        ZADD k XX 1 a | ZINCRBY k 1 a | ZREM k a | ZSCORE k a | ZRANK k a | ZRANGE k 0 -1 | ZRANGESTORE o k 0 -1
        ZREMRANGEBYRANK k 0 0 | ZPOPMIN k 0 | ZPOPMAX k 2 | ZMPOP 2 k o MIN | BZPOPMIN k o 0.001 | ZUNION 2 k o
        ZINTERSTORE o 2 k o | ZDIFFSTORE k 2 k o | ZRANDMEMBER k 2 | GEOSEARCHSTORE o k FROMLONLAT 0 0 BYRADIUS 1 m
        GEORADIUSBYMEMBER k a 1 m | OBJECT ENCODING k
    """,
    "stream": """
        XADD k * f v | XADD k NOMKSTREAM * f v | XLEN k | XRANGE k - + | XDEL k 1-1 | XTRIM k MAXLEN 0 | XSETID k 9-9
        XREAD STREAMS k o 0 0 | XREAD BLOCK 1 STREAMS k o $ $ | XGROUP CREATE k g 0 | XGROUP DESTROY k g
        XREADGROUP GROUP g c STREAMS k > | XPENDING k g | XCLAIM k g c 0 1-1 | XINFO STREAM k FULL | XINFO GROUPS k
    """,
}
"""By the type of their keys, ``k`` and ``o``."""


class Counted(NamedTuple):
    figures: dict[str, str]
    events: list[str]


class Counter:
    """A client of a server, that looks at what is counted."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.wire = server.connect()
        self._listener = server.connect()
        self._listener.call("PSUBSCRIBE", "__keyevent@*")
        self.send("CONFIG SET notify-keyspace-events AEm", "DEBUG SET-ACTIVE-EXPIRE 0")

    def close(self) -> None:
        self.send("CONFIG SET notify-keyspace-events ''", "DEBUG SET-ACTIVE-EXPIRE 1", "FLUSHALL")
        self.wire.close()
        self._listener.close()

    def send(self, *lines: str) -> list[Reply]:
        """Send *lines* at once. Their replies."""
        frames = self.wire.pipeline([tuple(split_arguments(line.encode())) for line in lines])
        return [frame.value for frame in frames]

    def figures(self) -> dict[str, str]:
        """What is counted."""
        return _figures(self.send(INFO)[0])

    def make(self, *lines: str, count: int) -> None:
        """Run *lines* on an empty dataset, until that has so many keys: what ends soon may have ended at once."""
        while self.send("UNWATCH", "FLUSHALL", *lines, "DBSIZE")[-1] != count:
            pass

    def count(self, line: str) -> Counted:
        """What *line* counts, and its keyspace events."""
        *_, text, _ = self.send(
            "PUBLISH __keyevent@begin ''", "CONFIG RESETSTAT", line, INFO, "PUBLISH __keyevent@end ''"
        )
        list(self._events_until(b"__keyevent@begin"))
        return Counted(_figures(text), sorted(self._events_until(b"__keyevent@end")))

    def _events_until(self, channel: bytes) -> Iterator[str]:
        while (message := self._listener.read().value)[2] != channel:
            yield f"{message[2].decode()} {message[3].decode()}"


def _figures(text: Reply) -> dict[str, str]:
    """The figures in *text*, but not how long something took, nor the commands that ask."""
    fields = (line.split(":", 1) for line in bytes(text).decode().splitlines() if line.startswith(FIGURES))
    return {
        name: ",".join(part for part in value.split(",") if not part.startswith("usec"))
        for name, value in fields
        if name not in ("cmdstat_info", "cmdstat_config|resetstat")
    }


@pytest.fixture
def counters(duel: Duel) -> Iterator[list[Counter]]:
    counters = [Counter(duel.reference), Counter(duel.target)]
    yield counters
    for counter in counters:
        counter.close()


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("state", ["alive", "missing", "expired", "of another type"])
def test_a_command_counts_what_it_looks_up(counters: list[Counter], kind: str, state: str) -> None:
    value = VALUES[kind if state != "of another type" else "list" if kind != "list" else "string"]
    make = [value.format(key) for key in "ko"] if state != "missing" else []
    end = ["PEXPIRE k 1", "PEXPIRE o 1"] if state == "expired" else []
    different = []
    for line in COMMANDS[kind].replace("\n", "|").split("|"):
        if line := line.strip():
            for counter in counters:
                counter.make(*make, *end, count=len(make))
            if end:
                time.sleep(0.003)
            reference, target = (counter.count(line) for counter in counters)
            if reference != target:
                different.append((line, reference, target))
    assert not different


# Ends of waits

WAITS: Final = ("BLPOP k 0", "BZMPOP 0 1 k MIN", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "WAIT 1 0")

ENDS: Final = {
    "like a timeout": ["CLIENT UNBLOCK {id}"],
    "with an error": ["CLIENT UNBLOCK {id} ERROR"],
    "with an error, in a transaction": ["MULTI", "CLIENT UNBLOCK {id} ERROR", "PING", "EXEC"],
    "not": ["CLIENT UNBLOCK 0", "CLIENT UNBLOCK {id} LATER"],
    "killed": ["CLIENT KILL ID {id}"],
    "replica": ["REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"],
    "served": ["RPUSH k a", "DEL k", "ZADD k 1 a", "XADD s * f v"],
    "key gone": ["DEL s"],
}


@pytest.mark.parametrize("end", ENDS)
def test_who_fails_when_a_wait_ends(counters: list[Counter], end: str) -> None:
    different = []
    for line in WAITS:
        reference, target = (_count_wait(counter, line, ENDS[end]) for counter in counters)
        if reference != target:
            different.append((line, reference, target))
    assert not different


def _count_wait(counter: Counter, line: str, end: list[str]) -> list[object]:
    """The figures while a client waits, those after the *end* of it, and what then stands in the slow log."""
    wire = counter.wire
    counter.send("FLUSHALL", "XGROUP CREATE s g $ MKSTREAM", "CONFIG SET slowlog-log-slower-than 0")
    with counter.server.connect() as waiter:
        name = waiter.call("CLIENT", "ID").value
        counter.send("CONFIG RESETSTAT", "SLOWLOG RESET")
        waiter.send(*line.split())
        _await_blocked(wire)
        while_it_waits = counter.figures()
        counter.send(*(words.format(id=name) for words in end))
        after = counter.figures()
        entries = [entry[3] for entry in counter.send("SLOWLOG GET -1")[0]]
    counter.send("CONFIG SET slowlog-log-slower-than 10000")
    slow = [words for words in entries if words[:1] not in ([b"INFO"], [b"SLOWLOG"], [b"CLIENT"], [b"CONFIG"])]
    return [while_it_waits, after, slow]


def _await_blocked(wire: Wire) -> None:
    deadline = time.monotonic() + PATIENCE
    while b"\r\nblocked_clients:1\r\n" not in wire.call("INFO", "clients").raw:
        assert time.monotonic() < deadline
