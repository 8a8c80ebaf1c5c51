"""A real server as a replica of miniredis holds, after whatever was done, what miniredis holds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

import pytest

from conformance.servers import REFERENCES, Server, find_server, start, start_miniredis
from conformance.state import Dataset, differences, snapshot
from conformance.wire import Wire
from tests.requirements import missing

DEADLINE: Final = 20.0
"""Seconds within which a replica connects, and follows."""

COMMANDS: Final = """
    SET {k} {v} | SET {k} {n} | SET {k} {v} EX 100 | SET {k} {v} PX 1 | SET {k} {v} GET | SET {k} {v} KEEPTTL
    SETEX {k} 100 {v} | SETNX {k} {v} | GETSET {k} {v} | GETDEL {k} | GETEX {k} PX 2 | GETEX {k} PERSIST | GET {k}
    MSET {k} {v} {k} {v} | MSETNX {k} {v} {k} {v} | INCR {k} | DECRBY {k} {n} | INCRBYFLOAT {k} 1.37 | APPEND {k} {v}
    SETRANGE {k} 3 {v} | EXPIRE {k} 100 | PEXPIRE {k} 1 | EXPIRE {k} 100 GT | EXPIREAT {k} 1 | PERSIST {k}
    DEL {k} | UNLINK {k} {k} | RENAME {k} {k} | RENAMENX {k} {k} | COPY {k} {k} REPLACE | COPY {k} {k} DB 3 | MOVE {k} 3
    LPUSH {k} {v} {v} {v} | RPUSH {k} {n} {v} | LPOP {k} | RPOP {k} 2 | LMOVE {k} {k} LEFT RIGHT | RPOPLPUSH {k} {k}
    LREM {k} 0 {v} | LTRIM {k} 1 3 | LSET {k} 0 {v} | LINSERT {k} BEFORE {v} {n} | LMPOP 2 {k} {k} LEFT COUNT 2
    BLPOP {k} {k} 0.001 | BLMOVE {k} {k} RIGHT LEFT 0.001 | BLMPOP 0.001 1 {k} RIGHT COUNT 3
    SADD {k} {v} {n} {v} | SADD {k} {n} | SREM {k} {v} | SPOP {k} | SPOP {k} 2 | SMOVE {k} {k} {v}
    SUNIONSTORE {k} {k} {k}
    SINTERSTORE {k} {k} {k} | SDIFFSTORE {k} {k} {k} | SMEMBERS {k} | HSET {k} {v} {n} {n} {v} | HDEL {k} {v}
    HINCRBY {k} {v} {n} | HINCRBYFLOAT {k} {v} 0.1 | HSETNX {k} {v} {v} | ZADD {k} {n} {v} {n} {v} | ZADD {k} GT {n} {v}
    ZADD {k} INCR 1.5 {v} | ZINCRBY {k} 0.3 {v} | ZREM {k} {v} | ZPOPMIN {k} | ZPOPMAX {k} 2
    ZMPOP 2 {k} {k} MAX COUNT 2
    BZPOPMIN {k} 0.001 | ZUNIONSTORE {k} 2 {k} {k} | ZINTERSTORE {k} 2 {k} {k} | ZRANGESTORE {k} {k} 0 1
    ZREMRANGEBYRANK {k} 0 0 | SORT {k} ALPHA STORE {k} | SORT {k} BY nosort STORE {k} | SETBIT {k} {n} 1
    BITOP OR {k} {k} {k}
    BITFIELD {k} SET u8 0 {n} | SELECT 1 | SELECT 0 | SWAPDB 0 1 | PUBLISH c {v} | RANDOMKEY | SCAN 0 | KEYS *
    TYPE {k}
    MULTI | EXEC | EXEC | EXEC | DISCARD | WATCH {k}
    XADD {k} * f {v} | XADD {k} MAXLEN ~ 3 * f {v} | XTRIM {k} MAXLEN 2 | XGROUP CREATE {k} g 0 MKSTREAM | XDEL {k} 1-1
    XREADGROUP GROUP g c COUNT 2 STREAMS {k} > | XREADGROUP GROUP g c NOACK STREAMS {k} > | XAUTOCLAIM {k} g d 0 0
    XGROUP CREATECONSUMER {k} g e | XGROUP DELCONSUMER {k} g c | XADD {k} 5-* f {v} | XSETID {k} 99999999999999-1
"""
"""What may be done, one command as likely as another: keys, values and numbers are drawn from few."""

TEMPLATES: Final = [command.split() for line in COMMANDS.strip().splitlines() for command in line.split("|")]

MAKE_CONSUMERS_UNTOLD: Final = ("XREADGROUP GROUP g c COUNT", "XAUTOCLAIM")
"""Where these find nothing, a new consumer comes into being since Redis 7.2, and no replica hears of it."""

RARE: Final = ("FLUSHDB", "FLUSHALL", "FLUSHALL ASYNC")


def commands_for(name: str) -> list[list[str]]:
    """The :data:`TEMPLATES` that a server of that *name* tells its replicas of in full."""
    left_out = () if name == "redis-7.0" else MAKE_CONSUMERS_UNTOLD
    return [template for template in TEMPLATES if not " ".join(template).startswith(left_out)]


def random_command(random: Random, templates: list[list[str]]) -> list[str]:
    """Any of :data:`COMMANDS`, and once in 300 times one that ends all."""
    if random.random() < 1 / 300:
        return random.choice(RARE).split()
    drawn = {
        "{k}": lambda: random.choice("abcdefghij"),
        "{v}": lambda: random.choice(("x", "yy", "zzz", "long" * 30, "w")),
        "{n}": lambda: str(random.choice((0, 1, 2, 7, 100, 12345678901))),
    }
    return [drawn[word]() if word in drawn else word for word in random.choice(templates)]


@contextmanager
def replica_of(master: Server, name: str) -> Iterator[Wire]:
    """A connection to a real server that is a replica of *master*."""
    binary = find_server(name)
    if binary is None:
        missing(name)
    with start(binary, "--replicaof", "127.0.0.1", str(master.port)) as server, server.connect() as wire:
        wait_until(lambda: info(wire, "master_link_status") == b"up")
        yield wire


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when *holds*."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def info(wire: Wire, field: str) -> bytes:
    """A field of INFO."""
    match = re.search(rb"^%b:(.*)\r$" % field.encode(), wire.call("INFO", "everything").value, re.MULTILINE)
    assert match is not None
    return bytes(match[1])


def do_anything(master: Wire, name: str, random: Random, count: int) -> None:
    """Send so many random commands, and end what they began."""
    templates = commands_for(name)
    commands = [random_command(random, templates) for _ in range(count)]
    # In parts, as a real client sends, and no larger than what both ends of the socket hold.
    for first in range(0, count, 100):
        master.pipeline(commands[first : first + 100])
    master.call("DISCARD")
    master.call("UNWATCH")


def about_to_end(dataset: Dataset) -> bool:
    """Whether a key would come to its end while the servers are compared."""
    return any(state.type == b"none" or 0 <= state.pttl < 1000 for state in dataset.values())


def assert_follows(master: Wire, replica: Wire) -> None:
    """The replica has acknowledged everything, and holds the same.

    But for the encodings: what INCRBYFLOAT leaves is raw, and an integer where it is told as SET.
    """
    wait_until(lambda: not about_to_end(snapshot(master)))
    master.call("SELECT", 0)
    master.call("PUBLISH", "all", "said")
    assert master.call("WAIT", 1, int(DEADLINE * 1000)).value == 1
    found = [line for line in differences(snapshot(master), snapshot(replica)) if " encoding: " not in line]
    assert not found, "\n".join(found)


@pytest.fixture(params=REFERENCES)
def name(request: pytest.FixtureRequest) -> str:
    """The name of each real server in turn."""
    value: str = request.param
    return value


@pytest.mark.parametrize("seed", range(3))
def test_a_replica_holds_what_its_master_holds(name: str, seed: int) -> None:
    random = Random(seed)
    with (
        start_miniredis(emulate=name) as server,
        server.connect(timeout=DEADLINE) as master,
        replica_of(server, name) as replica,
    ):
        for _ in range(3):
            do_anything(master, name, random, 1000)
            assert_follows(master, replica)


def test_a_replica_begins_with_the_dataset_that_is_there(name: str) -> None:
    with start_miniredis(emulate=name) as server, server.connect(timeout=DEADLINE) as master:
        do_anything(master, name, Random(3), 2000)
        with replica_of(server, name) as replica:
            assert_follows(master, replica)
            do_anything(master, name, Random(4), 500)
            assert_follows(master, replica)


def test_two_replicas_follow_one_master(name: str) -> None:
    with (
        start_miniredis(emulate=name) as server,
        server.connect(timeout=DEADLINE) as master,
        replica_of(server, name) as first,
        replica_of(server, name) as second,
    ):
        do_anything(master, name, Random(5), 1000)
        master.call("SELECT", 0)
        master.call("PUBLISH", "all", "said")
        assert master.call("WAIT", 2, int(DEADLINE * 1000)).value == 2
        assert_follows(master, first)
        assert_follows(master, second)
        assert info(master, "connected_slaves") == b"2"


def test_a_replica_that_lost_the_link_goes_on_where_it_was(name: str) -> None:
    random = Random(6)
    with (
        start_miniredis(emulate=name) as server,
        server.connect(timeout=DEADLINE) as master,
        replica_of(server, name) as replica,
    ):
        for round_ in range(1, 4):
            do_anything(master, name, random, 300)
            assert master.call("CLIENT", "KILL", "TYPE", "replica").value == 1
            do_anything(master, name, random, 300)
            wait_until(lambda count=round_: info(master, "sync_partial_ok") == b"%d" % count)  # type: ignore[misc]
            assert_follows(master, replica)
        assert info(master, "sync_full") == b"1"


def test_a_replica_that_missed_more_than_the_backlog_begins_anew(name: str) -> None:
    options = ("--repl-backlog-size", "16384")
    with (
        start_miniredis(*options, emulate=name) as server,
        server.connect(timeout=DEADLINE) as master,
        replica_of(server, name) as replica,
    ):
        # Both at once: a replica that is quick to come back would still hear the rest of its stream.
        for words in (["MULTI"], ["CLIENT", "KILL", "TYPE", "replica"], ["SET", "large", "x" * 100_000], ["EXEC"]):
            master.call(*words)
        wait_until(lambda: info(master, "sync_full") == b"2")
        assert_follows(master, replica)
        assert info(master, "sync_partial_err") == b"1"
