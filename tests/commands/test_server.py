"""The commands about the server. Every expectation was answered by Redis 7.0.15 and, where 7.2 differs, Valkey 9.1."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniredis.engine.blocking import Blocked
from miniredis.engine.config import Config, ConfigError
from miniredis.engine.engine import Engine
from miniredis.resp.types import NO_REPLY, OK, Error, Reply, SimpleString, Verbatim
from tests.commands.client import NOT_AN_INTEGER, NOT_POSITIVE, SYNTAX, Client, arity

BAD_TIMEOUT = Error("ERR timeout is not an integer or out of range")
LOG_TYPES = Error("ERR type should be one of the following: slow, large-request, large-reply")
BAD_COUNT = Error("ERR count should be greater than or equal to -1")


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("DBSIZE", 0),
        ("DBSIZE x", arity("dbsize")),
        ("SAVE", OK),
        ("BGSAVE", SimpleString(b"Background saving started")),
        ("BGSAVE schedule", SimpleString(b"Background saving started")),
        ("BGSAVE SCHEDULE x", SYNTAX),
        ("BGSAVE CANCEL", SYNTAX),
        ("BGREWRITEAOF", SimpleString(b"Background append only file rewriting started")),
        ("FLUSHALL async", OK),
        ("FLUSHDB SYNC", OK),
        ("FLUSHALL ASYNC SYNC", SYNTAX),
        ("FLUSHDB bogus", SYNTAX),
        ("SWAPDB a 1", Error("ERR invalid first DB index")),
        ("SWAPDB 0 b", Error("ERR invalid second DB index")),
        ("SWAPDB 1 9999999999999", Error("ERR invalid second DB index")),
        ("SWAPDB 0 99", Error("ERR DB index is out of range")),
        ("SWAPDB -1 1", Error("ERR DB index is out of range")),
        ("SWAPDB 0 0", OK),
        ("ROLE", [b"master", 0, []]),
        ("REPLICAOF NO ONE", OK),
        ("SLAVEOF no one", OK),
        ("REPLICAOF NO TWO", Error("ERR Invalid master port")),
        ("REPLICAOF a 99999", Error("ERR Invalid master port")),
        ("WAIT 0 0", 0),
        ("WAIT -1 0", 0),
        ("WAIT a 0", NOT_AN_INTEGER),
        ("WAIT 0 a", BAD_TIMEOUT),
        ("WAIT 0 -1", Error("ERR timeout is negative")),
        ("WAITAOF 0 0 0", [0, 0]),
        ("WAITAOF 1 0 0", Error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")),
        ("WAITAOF 2 0 0", Error("ERR value is out of range, value must between 0 and 1")),
        ("WAITAOF 0 a 0", NOT_POSITIVE),
        ("WAITAOF 0 0 a", BAD_TIMEOUT),
        ("FAILOVER", Error("ERR FAILOVER requires connected replicas.")),
        ("FAILOVER ABORT", Error("ERR No failover in progress.")),
        ("FAILOVER TIMEOUT 0", Error("ERR FAILOVER timeout must be greater than 0")),
        ("FAILOVER foo", SYNTAX),
        ("REPLCONF", OK),
        ("REPLCONF foo", SYNTAX),
        ("REPLCONF foo bar", Error("ERR Unrecognized REPLCONF option: foo")),
        ("LOLWUT", Verbatim(b"Redis ver. 7.2.4\n")),
        ("LOLWUT VERSION a", NOT_AN_INTEGER),
        ("MODULE LIST", []),
        ("MODULE LOAD", arity("module|load")),
        ("MODULE FOO", Error("ERR unknown subcommand 'FOO'. Try MODULE HELP.")),
        ("SHUTDOWN foo", SYNTAX),
        ("SHUTDOWN SAVE NOSAVE", SYNTAX),
        ("SHUTDOWN ABORT", Error("ERR No shutdown in progress.")),
        ("SHUTDOWN ABORT NOW", SYNTAX),
        ("SLOWLOG GET a", BAD_COUNT),
        ("SLOWLOG GET -2", BAD_COUNT),
        (
            "SLOWLOG GET -1 2",
            Error("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."),
        ),
        ("SLOWLOG LEN", 0),
        ("SLOWLOG FOO", Error("ERR unknown subcommand 'FOO'. Try SLOWLOG HELP.")),
        ("CONFIG GET nosuch", {}),
        ("CONFIG GET hz timeout", {b"hz": b"10", b"timeout": b"0"}),
        ("CONFIG SET timeout", arity("config|set")),
        ("CONFIG SET timeout 1 hz", SYNTAX),
        (
            "CONFIG SET hz abc",
            Error(
                "ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an"
                " integer"
            ),
        ),
        ("CONFIG SET nosuch 1", Error("ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'")),
        ("CONFIG REWRITE", Error("ERR The server is running without a config file")),
        ("CONFIG RESETSTAT x", arity("config|resetstat")),
    ],
)
def test_reply(client: Client, line: str, reply: Reply) -> None:
    assert client(line) == reply


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("BGSAVE CANCEL", Error("ERR Background saving is currently not in progress or scheduled")),
        ("COMMANDLOG GET -1 LARGE-REQUEST", []),
        ("COMMANDLOG GET a SLOW", BAD_COUNT),
        ("COMMANDLOG GET 1 FOO", LOG_TYPES),
        ("COMMANDLOG LEN slow", 0),
        ("COMMANDLOG RESET large-reply", OK),
        ("COMMANDLOG RESET foo", LOG_TYPES),
    ],
)
def test_reply_of_valkey(line: str, reply: Reply) -> None:
    assert Client("valkey-9.1")(line) == reply


# Databases


def test_flushing_empties_one_database_or_all(client: Client) -> None:
    for line in ("SET a 1", "SELECT 1", "SET b 2"):
        client(line)
    client("FLUSHDB")
    assert (client("DBSIZE"), client("SELECT 0"), client("DBSIZE")) == (0, OK, 1)
    client("FLUSHALL")
    assert client("DBSIZE") == 0


def test_swapped_databases_have_each_others_keys(client: Client) -> None:
    client("SET a 1")
    client("SWAPDB 0 1")
    assert (client("GET a"), client("SELECT 1"), client("GET a")) == (None, OK, b"1")


# Waiting


def test_wait_ends_with_its_timeout(client: Client) -> None:
    client.engine.clock.freeze()
    blocked = client("WAIT 1 100")
    assert isinstance(blocked, Blocked)
    client.engine.clock.advance(0.1)
    assert (blocked.done, blocked.reply) == (True, 0)


def test_nobody_waits_inside_a_transaction(client: Client) -> None:
    for line in ("MULTI", "WAIT 1 0", "WAITAOF 0 1 0"):
        client(line)
    assert client("EXEC") == [0, [0, 0]]


# Saving


def test_a_save_resets_the_count_of_changes_and_the_time(client: Client) -> None:
    client.engine.clock.freeze()
    client("SET a 1")
    client.engine.clock.advance(5)
    saved = client("LASTSAVE")
    client("SAVE")
    assert client("LASTSAVE") == saved + 5
    assert b"rdb_changes_since_last_save:0\r\n" in client("INFO persistence")


def test_memory_usage_is_told_of_a_key_that_has_expired_unnoticed(client: Client) -> None:
    client.engine.clock.freeze()
    client.engine.active_expire = False
    client("SET a 1")
    client("PEXPIRE a 1")
    client.engine.clock.advance(1)
    assert isinstance(client("MEMORY USAGE a"), int)
    assert client("DBSIZE") == 1


@pytest.mark.parametrize(
    ("line", "changes"), [("FLUSHALL", 0), ("FLUSHDB", 0), ("FUNCTION FLUSH", 1), ("SWAPDB 0 0", 1)]
)
def test_changes_of_an_empty_dataset_count_as_in_redis(client: Client, line: str, changes: int) -> None:
    client(line)
    assert b"rdb_changes_since_last_save:%d\r\n" % changes in client("INFO persistence")


def test_shutdown_is_left_to_the_driver_and_not_answered(client: Client) -> None:
    assert client("SHUTDOWN") == Error("ERR Errors trying to SHUTDOWN. Check logs.")
    asked: list[str] = []
    client.engine.on_shutdown = lambda: asked.append("now")
    assert client("SHUTDOWN NOSAVE") == NO_REPLY
    assert (asked, client.session.closing) == (["now"], True)


# Configuration


def test_a_changed_setting_takes_effect(client: Client) -> None:
    client("CONFIG SET notify-keyspace-events KEA slowlog-log-slower-than 0")
    assert client.engine.event_classes
    client("GET a")
    assert client("SLOWLOG LEN") == 2  # CONFIG SET itself is the first to be slow
    client("CONFIG SET notify-keyspace-events A")  # neither K nor E: nothing is published
    assert not client.engine.event_classes


def test_resetting_the_statistics(client: Client) -> None:
    for line in ("SET a 1", "GET a", "GET"):
        client(line)
    client("CONFIG RESETSTAT")
    assert b"keyspace_hits:0\r\n" in client("INFO stats")
    assert client("INFO errorstats") == Verbatim(b"# Errorstats\r\n")
    assert b"cmdstat_get" not in client("INFO commandstats")


def test_denied_access_is_counted_from_the_start() -> None:
    client = Client("valkey-9.1")
    client("ACL SETUSER nobody on nopass")
    client("AUTH nobody x")
    client("GET a")
    client("RESET")
    client("CONFIG RESETSTAT")
    assert b"acl_access_denied_cmd:1\r\n" in client("INFO stats")


def test_the_config_file_is_rewritten(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("# mine\ntimeout 5\n")
    client.engine.config.file = str(path)
    client("CONFIG SET timeout 7")
    assert client("CONFIG REWRITE") == OK
    assert path.read_text().startswith("# mine\ntimeout 7\n")
    assert [each.name for each in tmp_path.iterdir()] == ["redis.conf"]


def test_renamed_commands_have_their_new_name_only() -> None:
    config = Config()
    config.set_at_startup("rename-command", ["DBSIZE", "Size"])
    config.set_at_startup("rename-command", ["FLUSHALL", ""])
    engine = Engine(config=config)
    session = engine.connect(lambda reply: None)
    assert engine.execute(session, [b"SIZE"]) == 0
    for gone in (b"DBSIZE", b"FLUSHALL"):
        assert engine.execute(session, [gone]).message.startswith(b"ERR unknown command")


def test_only_what_exists_can_be_renamed() -> None:
    config = Config()
    config.set_at_startup("rename-command", ["nosuch", "x"])
    with pytest.raises(ConfigError, match="No such command in rename-command"):
        Engine(config=config)


# The slow log


def test_the_slow_log_shows_the_newest_first_and_no_secrets(client: Client) -> None:
    client.engine.clock.freeze()
    client.session.address = "127.0.0.1:5"
    client("CONFIG SET slowlog-log-slower-than 0")
    for line in ("SLOWLOG RESET", "GET k", "AUTH secret", "AUTH me secret", "CONFIG SET requirepass ''"):
        client(line)
    now = client.engine.now // 1000
    assert client("SLOWLOG GET -1") == [
        [5, now, 0, [b"CONFIG", b"SET", b"requirepass", b"(redacted)"], b"127.0.0.1:5", b""],
        [4, now, 0, [b"AUTH", b"(redacted)", b"(redacted)"], b"127.0.0.1:5", b""],
        [3, now, 0, [b"AUTH", b"(redacted)"], b"127.0.0.1:5", b""],
        [2, now, 0, [b"GET", b"k"], b"127.0.0.1:5", b""],
        [1, now, 0, [b"SLOWLOG", b"RESET"], b"127.0.0.1:5", b""],
    ]
    assert len(client("SLOWLOG GET 2")) == 2


# MONITOR


class Watcher:
    """A second client of the same engine that monitors."""

    def __init__(self, client: Client) -> None:
        self.lines: list[str] = []
        self.session = client.engine.connect(lambda line: self.lines.append(bytes(line).decode()))
        client.engine.clock.freeze()
        client.engine.clock.set(1700000000.5)
        client.session.address = "127.0.0.1:5"
        assert client.engine.execute(self.session, [b"MONITOR"]) == OK

    def seen(self) -> list[str]:
        """What was shown since the last call."""
        lines, self.lines[:] = list(self.lines), []
        return lines


def test_monitor_shows_commands_as_they_end(client: Client) -> None:
    watcher = Watcher(client)
    for line in ('SET k v"\n\x01', "GET", "NOSUCH", "SELECT 3", "GET k", "CONFIG GET hz", "AUTH x"):
        client(line)
    assert watcher.seen() == [
        r'1700000000.500000 [0 127.0.0.1:5] "SET" "k" "v\"\n\x01"',
        '1700000000.500000 [3 127.0.0.1:5] "SELECT" "3"',
        '1700000000.500000 [3 127.0.0.1:5] "GET" "k"',
        '1700000000.500000 [3 127.0.0.1:5] "AUTH" "(redacted)"',
    ]


def test_monitor_shows_exec_behind_what_it_executes(client: Client) -> None:
    watcher = Watcher(client)
    for line in ("MULTI", "SET k 1", "SELECT 2", "EXEC"):
        client(line)
    assert [line.partition("] ")[2] for line in watcher.seen()] == [
        '"MULTI"',
        '"SET" "k" "1"',
        '"SELECT" "2"',
        '"EXEC"',
    ]


def test_a_monitoring_client_is_kept_off_the_keyspace_until_it_resets(client: Client) -> None:
    watcher = Watcher(client)
    execute, session = client.engine.execute, watcher.session
    assert execute(session, [b"GET", b"k"]) == Error("ERR Replica can't interact with the keyspace")
    assert execute(session, [b"MONITOR"]) == NO_REPLY
    execute(session, [b"RESET"])
    assert execute(session, [b"GET", b"k"]) is None
    assert not client.engine.monitors


def test_monitor_is_refused_where_nothing_may_block(client: Client) -> None:
    for line in ("MULTI", "MONITOR"):
        client(line)
    assert client("EXEC") == [Error("ERR MONITOR isn't allowed for DENY BLOCKING client")]
