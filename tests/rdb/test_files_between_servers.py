"""A server saves and ends, another one starts where the file is: ours and real ones, both ways, as processes.

What one has, the other has: every key of every type in every database, when keys and fields end, and functions.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from conformance.servers import Server, ServerError, find_server, start, start_miniredis
from conformance.wire import ConnectionClosedError, Wire
from miniredis import rdb
from miniredis.resp.types import OK, Reply, SimpleString
from miniredis.testing import MiniRedis
from tests.rdb.random_values import commands_of
from tests.requirements import missing

FILE: Final = "other-name.rdb"
OLD_FILE: Final = Path(__file__).parent / "files" / "redis-6.2.rdb"
KEYS: Final = 150
LIBRARY: Final = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"

Starts = Callable[..., AbstractContextManager[Server]]


class Pair(NamedTuple):
    """The two servers of a test, and which version both are."""

    version: str
    ours: Starts
    real: Starts


@pytest.fixture(params=["redis-7.0", "valkey-9.1"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """Both use the same file."""
    version: str = request.param
    binary = find_server(version)
    if binary is None:
        missing(f"a real {version} server")
    where = ("--dir", str(tmp_path), "--dbfilename", FILE)
    return Pair(
        version,
        lambda *args: start_miniredis(*where, *args, emulate=version),
        lambda *args: start(binary, *where, *args),
    )


def fill(wire: Wire, version: str) -> None:
    """Keys of all kinds in three databases, every fourth of which ends, and a library."""
    chance = Random(11)
    wire.call("FUNCTION", "LOAD", LIBRARY)
    for number in range(KEYS):
        key = b"key:%d" % number
        commands = [*commands_of(chance, key, reads=True, fields_end=version == "valkey-9.1")]
        wire.pipeline([(b"SELECT", number % 3 * 7), *commands])
        if number % 4 == 0:
            wire.call("EXPIRE", key, 100_000 + number)


class Content(NamedTuple):
    """All that a file holds."""

    digest: Reply
    ends: list[dict[bytes, Reply]]
    functions: Reply


def content(wire: Wire) -> Content:
    ends = []
    for database in (0, 7, 14):
        wire.call("SELECT", database)
        keys = sorted(wire.call("KEYS", "*").value)
        times = wire.pipeline([("PEXPIRETIME", key) for key in keys])
        ends.append({key: time.value for key, time in zip(keys, times, strict=True)})
    found = Content(wire.call("DEBUG", "DIGEST").value, ends, wire.call("FUNCTION", "LIST", "WITHCODE").value)
    assert sum(map(len, ends)) > KEYS // 2
    return found


def save(wire: Wire) -> None:
    assert wire.call("SAVE").value == OK


def save_in_background(wire: Wire) -> None:
    assert wire.call("BGSAVE").value == SimpleString(b"Background saving started")
    while b"rdb_bgsave_in_progress:1" in wire.call("INFO", "persistence").raw:
        wire.call("PING")
    assert b"rdb_last_bgsave_status:ok" in wire.call("INFO", "persistence").raw


def shut_down(wire: Wire) -> None:
    with pytest.raises(ConnectionClosedError):
        wire.call("SHUTDOWN", "SAVE")


WAYS: Final = [save, save_in_background, shut_down]


@pytest.mark.parametrize("way", WAYS)
def test_a_real_server_starts_with_what_was_saved_here(pair: Pair, way: Callable[[Wire], None], tmp_path: Path) -> None:
    with pair.ours() as server, server.connect() as wire:
        fill(wire, pair.version)
        saved = content(wire)
        way(wire)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    with pair.real() as server, server.connect() as wire:
        assert content(wire) == saved


@pytest.mark.parametrize("way", WAYS)
def test_we_start_with_what_a_real_server_saved(pair: Pair, way: Callable[[Wire], None], tmp_path: Path) -> None:
    with pair.real() as server, server.connect() as wire:
        fill(wire, pair.version)
        saved = content(wire)
        way(wire)
    with pair.ours() as server, server.connect() as wire:
        assert content(wire) == saved
    inside = MiniRedis(rdb=tmp_path / FILE, emulate=pair.version, enable_debug_command="yes")
    with inside, Wire(inside.host, inside.port) as wire:
        assert content(wire) == saved


def test_a_file_of_redis_6_2_is_read_as_a_real_server_reads_it(pair: Pair, tmp_path: Path) -> None:
    """Redis 6.2.14 wrote it: ziplists, quicklists of ziplists, streams without counters, a -0 in a ziplist."""
    shutil.copy(OLD_FILE, tmp_path / FILE)
    with pair.real() as server, server.connect() as wire:
        there = content(wire)
    with pair.ours() as server, server.connect() as wire:
        assert content(wire) == there


def test_a_damaged_file_lets_nobody_start(pair: Pair, tmp_path: Path) -> None:
    with pair.ours() as server, server.connect() as wire:
        fill(wire, pair.version)
        save(wire)
    path = tmp_path / FILE
    damaged = path.read_bytes()[:-4]
    path.write_bytes(damaged)
    with pytest.raises(ServerError, match="Short read or OOM loading DB"), pair.real():
        pass
    words = f"Fatal error loading the DB: {path}: .*Short read or OOM loading DB"
    with pytest.raises(ServerError, match=words), pair.ours():
        pass
    with pytest.raises(rdb.RdbError, match="Short read or OOM loading DB"):
        MiniRedis(rdb=path, emulate=pair.version)
    assert path.read_bytes() == damaged
