"""Saving to a file and loading from it: whole or not at all, when asked, and when a save point says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniredis import rdb
from miniredis.rdb import RdbError
from miniredis.resp.types import NO_REPLY, OK, Error, Reply, SimpleString
from tests.commands.client import Client

STARTED = SimpleString(b"Background saving started")
NOT_LOADED = Error("ERR Error trying to load the RDB dump, check server logs.")
LIBRARY = b"#!lua name=lib\nredis.register_function('f', function() end)"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    client = Client()
    client.engine.config.dir = str(tmp_path)
    client.engine.config.enable_debug_command = "yes"
    client.engine.clock.freeze()
    return client


def another(client: Client) -> Client:
    """A server that starts where that one saved."""
    other = Client()
    other.engine.config.dir = client.engine.config.dir
    assert other.engine.persistence.load()
    return other


def run(client: Client, *argv: bytes) -> Reply:
    return client.engine.execute(client.session, list(argv))


def info(client: Client, field: str) -> str:
    for line in bytes(client("INFO persistence")).decode().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value
    raise AssertionError(field)


@pytest.mark.parametrize(("line", "reply"), [("SAVE", OK), ("BGSAVE", STARTED)])
def test_what_was_saved_is_there_after_a_restart(client: Client, line: str, reply: object) -> None:
    for each in ("SET a 1", "RPUSH l 1 2", "SELECT 3", "SET b 2 PX 100000"):
        client(each)
    assert client(line) == reply
    other = another(client)
    assert other("LRANGE l 0 -1") == [b"1", b"2"]
    assert other.engine.databases[3].data == {b"b": b"2"}
    assert other.engine.databases[3].expires == client.engine.databases[3].expires
    assert info(other, "rdb_last_load_keys_loaded") == "3"


def test_nothing_but_the_file_is_left_in_the_folder(client: Client, tmp_path: Path) -> None:
    client("SET a 1")
    client.engine.config.dbfilename = "other.rdb"
    client("SAVE")
    client("SAVE")
    assert [path.name for path in tmp_path.iterdir()] == ["other.rdb"]


def test_a_reload_is_not_counted_as_a_save(client: Client) -> None:
    for line, counted in (("SAVE", 1), ("DEBUG RELOAD", 1), ("BGSAVE", 2)):
        client(line)
        assert info(client, "rdb_saves") == str(counted)


def test_without_a_file_there_is_nothing_to_load(client: Client) -> None:
    assert not client.engine.persistence.load()


def test_a_damaged_file_is_not_loaded_and_stays(client: Client, tmp_path: Path) -> None:
    client("SET a 1")
    client("SAVE")
    path = tmp_path / "dump.rdb"
    damaged = path.read_bytes()[:-3]
    path.write_bytes(damaged)
    client("SET a 2")
    with pytest.raises(RdbError, match="Short read or OOM loading DB"):
        client.engine.persistence.load()
    assert client("GET a") == b"2"
    assert client("DEBUG RELOAD NOSAVE") == NOT_LOADED
    assert path.read_bytes() == damaged


def test_debug_reload_saves_and_loads(client: Client, tmp_path: Path) -> None:
    for line in ("SET a 1", "SET short 1 PX 10", "XADD s 1-1 f v", "XGROUP CREATE s g 0", "ZADD z 1.5 a", "HSET h f v"):
        client(line)
    before = client("DEBUG DIGEST-VALUE a s z h")
    client.engine.active_expire = False
    client.engine.clock.advance(1)
    assert client("DEBUG RELOAD") == OK
    assert client("DEBUG DIGEST-VALUE a s z h") == before
    assert client("DBSIZE") == 4
    client("SET later 1")
    assert client("DEBUG RELOAD NOSAVE NOFLUSH MERGE") == OK
    assert client("DBSIZE") == 5
    assert client("DEBUG RELOAD NOSAVE") == OK
    assert client("DBSIZE") == 4
    (tmp_path / "dump.rdb").unlink()
    assert client("DEBUG RELOAD NOSAVE") == NOT_LOADED


def test_a_reload_beside_what_there_is_replaces_only_by_merge(client: Client) -> None:
    run(client, b"FUNCTION", b"LOAD", LIBRARY)
    client("SET a 1")
    client("SAVE")
    for line in ("SET a 2", "SET b 2"):
        client(line)
    assert client("DEBUG RELOAD NOSAVE NOFLUSH") == NOT_LOADED  # of the key; Redis does not survive it
    assert client("MGET a b") == [b"2", b"2"]
    assert client("DEBUG RELOAD NOSAVE NOFLUSH MERGE") == OK
    assert client("MGET a b") == [b"1", b"2"]
    client("FLUSHALL")
    assert client("DEBUG RELOAD NOSAVE NOFLUSH") == NOT_LOADED  # of the library
    assert client("DBSIZE") == 0


def test_redis_7_0_says_less_of_a_reload_that_fails(tmp_path: Path) -> None:
    client = Client("redis-7.0")
    client.engine.config.dir = str(tmp_path)
    client.engine.config.enable_debug_command = "yes"
    assert client("DEBUG RELOAD NOSAVE") == Error("ERR Error trying to load the RDB dump")


def test_function_libraries_of_a_file_are_saved_again(client: Client) -> None:
    client.engine.load_functions([LIBRARY], flush=True)
    client("SAVE")
    assert another(client).engine.function_codes() == [LIBRARY]


def test_a_file_whose_library_cannot_be_loaded_changes_nothing(client: Client) -> None:
    run(client, b"FUNCTION", b"LOAD", LIBRARY)
    client("SET kept 1")
    data = rdb.dump(Client().engine, functions=[LIBRARY.replace(b"lib", b"other"), b"#!lua name=broken\nreturn"])
    with pytest.raises(rdb.RdbError, match="Failed loading library, "):
        client.engine.persistence.load_data(data)
    assert client("GET kept") == b"1"
    assert client.engine.function_codes() == [LIBRARY]


# Failures


def test_a_save_that_fails_says_so_and_forbids_to_write_until_one_succeeds(client: Client, tmp_path: Path) -> None:
    client.engine.config.dir = str(tmp_path / "missing")
    client("SET a 1")
    assert client("SAVE") == Error("ERR")
    assert client("SET a 2") == OK  # as in Redis, it is the background save that counts
    assert client("BGSAVE") == STARTED
    assert info(client, "rdb_last_bgsave_status") == "err"
    refusal = client("SET a 3")
    assert isinstance(refusal, Error)
    assert refusal.message.startswith(b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable")
    assert client("PING") == refusal
    assert client("GET a") == b"2"
    client.engine.config.stop_writes_on_bgsave_error = False
    assert client("SET a 4") == OK
    client.engine.config.stop_writes_on_bgsave_error = True
    client.engine.config.dir = str(tmp_path)
    assert client("BGSAVE") == STARTED
    assert client("SET a 5") == OK
    assert info(client, "rdb_last_bgsave_status") == "ok"


def test_shutdown_saves_if_there_are_save_points_or_it_is_told_to(client: Client, tmp_path: Path) -> None:
    ended: list[bool] = []
    client.engine.on_shutdown = lambda: ended.append(True)
    client("SET a 1")
    assert client("SHUTDOWN NOSAVE") == NO_REPLY
    assert not list(tmp_path.iterdir())
    assert client("SHUTDOWN") == NO_REPLY
    assert another(client)("GET a") == b"1"
    client.engine.config.save = ()
    client("SET a 2")
    assert client("SHUTDOWN") == NO_REPLY
    assert another(client)("GET a") == b"1"
    assert client("SHUTDOWN SAVE") == NO_REPLY
    assert another(client)("GET a") == b"2"
    client.engine.config.dir = str(tmp_path / "missing")
    assert client("SHUTDOWN SAVE") == Error("ERR Errors trying to SHUTDOWN. Check logs.")
    assert client("SHUTDOWN SAVE FORCE") == NO_REPLY
    assert len(ended) == 5


# Save points


def test_a_save_point_saves_when_its_time_and_its_changes_have_come(client: Client, tmp_path: Path) -> None:
    client.engine.config.save = ((60, 2), (3600, 1))
    client.engine.persistence.watch_save_points()
    path = tmp_path / "dump.rdb"
    client("SET a 1")
    client.engine.clock.advance(100)
    assert not path.exists()
    client("SET b 1")
    client.engine.clock.advance(2)
    assert path.exists()
    assert client.engine.dirty == 0
    path.unlink()
    client("SET c 1")
    client.engine.clock.advance(3590)
    assert not path.exists()
    client.engine.clock.advance(20)
    assert path.exists()
    assert client.engine.persistence.background_saves == 2


def test_save_points_can_be_changed_and_taken_away(client: Client, tmp_path: Path) -> None:
    client.engine.config.save = ()
    client.engine.persistence.watch_save_points()
    assert client.engine.persistence.timer is None
    client.engine.execute(client.session, [b"CONFIG", b"SET", b"save", b"10 1"])
    client("SET a 1")
    client.engine.clock.advance(12)
    assert (tmp_path / "dump.rdb").exists()
    client.engine.execute(client.session, [b"CONFIG", b"SET", b"save", b""])
    assert client.engine.persistence.timer is None


def test_nothing_saves_of_its_own_accord_before_somebody_wants_that(client: Client, tmp_path: Path) -> None:
    client("SET a 1")
    client.engine.clock.advance(100_000)
    assert not list(tmp_path.iterdir())
