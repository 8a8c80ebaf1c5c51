"""DEBUG. Every expectation was answered by Redis 7.0.15 and Valkey 9.1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from miniredis.engine.blocking import Blocked
from miniredis.resp.types import (
    OK,
    PONG,
    Attribute,
    BigNumber,
    Error,
    Push,
    Replies,
    Reply,
    ReplySet,
    SimpleString,
    Verbatim,
)
from tests.commands.client import NOT_AN_INTEGER, NOT_POSITIVE, Client

NO_SUCH_KEY = Error("ERR no such key")


def unknown(name: str) -> Error:
    return Error(f"ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP.")


def debugging(version: str = "redis-7.2", protocol: int = 2) -> Client:
    client = Client(version, protocol)
    client.engine.config.enable_debug_command = "yes"
    return client


@pytest.fixture
def client() -> Client:
    return debugging()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("DEBUG FOO", unknown("FOO")),
        ("DEBUG SLEEP", unknown("SLEEP")),
        ("DEBUG SLEEP abc", OK),
        ("DEBUG SLEEP 0", OK),
        ("DEBUG SET-ACTIVE-EXPIRE 1", OK),
        ("DEBUG JMAP", unknown("JMAP")),
        ("DEBUG CHANGE-REPL-ID", OK),
        ("DEBUG ERROR foo", Error("foo")),
        ("DEBUG ERROR", unknown("ERROR")),
        ("DEBUG QUICKLIST-PACKED-THRESHOLD 100B", OK),
        (
            "DEBUG QUICKLIST-PACKED-THRESHOLD 5gb",
            Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb"),
        ),
        ("DEBUG OBJECT none", NO_SUCH_KEY),
        ("DEBUG SDSLEN none", NO_SUCH_KEY),
        ("DEBUG LISTPACK none", NO_SUCH_KEY),
        ("DEBUG HTSTATS 99", Error("ERR Out of range database")),
        ("DEBUG HTSTATS abc", NOT_AN_INTEGER),
        ("DEBUG DIGEST", SimpleString(b"0" * 40)),
        ("DEBUG DIGEST-VALUE", []),
        ("DEBUG DIGEST-VALUE none", [SimpleString(b"0" * 40)]),
        ("DEBUG PAUSE-CRON 0", OK),
        ("DEBUG SET-DISABLE-DENY-SCRIPTS 1", OK),
        ("DEBUG REPLICATE *1", OK),
        ("DEBUG POPULATE a", NOT_POSITIVE),
        ("DEBUG POPULATE -1", NOT_POSITIVE),
        ("DEBUG POPULATE 3 p x", NOT_POSITIVE),
        ("DEBUG RELOAD", OK),
        ("DEBUG RELOAD FOO", Error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")),
        ("DEBUG REPLYBUFFER RESIZING 1", OK),
        ("DEBUG REPLYBUFFER FOO 1", unknown("REPLYBUFFER")),
        ("DEBUG CLIENT-EVICTION", Error("ERR maxmemory-clients is disabled.")),
    ],
)
def test_reply(client: Client, line: str, reply: Reply) -> None:
    assert client(line) == reply


@pytest.mark.parametrize(("setting", "address"), [("no", ""), ("no", "127.0.0.1:5"), ("local", "10.0.0.1:5")])
def test_debug_has_to_be_permitted(client: Client, setting: str, address: str) -> None:
    client.engine.config.enable_debug_command = setting
    client.session.address = address
    assert client("DEBUG SLEEP 0") == Error(
        'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a'
        " local"
        " connection, otherwise you need to set this option in the configuration file, and then restart the server."
    )


@pytest.mark.parametrize("address", ["", "127.0.0.1:5", "[::1]:5"])
def test_local_clients_are_those_of_this_machine(client: Client, address: str) -> None:
    client.engine.config.enable_debug_command = "local"
    client.session.address = address
    assert client("DEBUG SLEEP 0") == OK


PUSH = Push([b"server-cpu-usage", 42])
BESIDE_PUSH = b"Some real reply following the push reply"


@pytest.mark.parametrize(
    ("type_name", "reply"),
    [
        ("string", b"Hello World"),
        ("integer", 12345),
        ("DOUBLE", 3.141),
        ("null", None),
        ("array", [0, 1, 2]),
        ("set", ReplySet([0, 1, 2])),
        ("map", {0: False, 1: True, 2: False}),
        ("bignum", BigNumber(1234567999999999999999999999999999999)),
        ("true", True),
        ("false", False),
        ("verbatim", Verbatim(b"This is a verbatim\nstring")),
        (
            "attrib",
            Replies([Attribute({b"key-popularity": [b"key:123", 90]}), b"Some real reply following the attribute"]),
        ),
        ("push", Replies([BESIDE_PUSH, PUSH])),
        (
            "foo",
            Error(
                "ERR Wrong protocol type name. Please use one of the following:"
                " string|integer|double|bignum|null|array|set|"
                "map|attrib|push|verbatim|true|false"
            ),
        ),
    ],
)
def test_a_reply_of_every_type(type_name: str, reply: Reply) -> None:
    assert debugging(protocol=3)(f"DEBUG PROTOCOL {type_name}") == reply


def test_a_push_stood_before_the_reply_until_redis_7_2() -> None:
    assert debugging("redis-7.0", protocol=3)("DEBUG PROTOCOL push") == Replies([PUSH, BESIDE_PUSH])
    assert debugging()("DEBUG PROTOCOL push") == Error("ERR RESP2 is not supported by this command")


def test_the_digest_is_that_of_the_real_servers(client: Client) -> None:
    for line in (
        "SET s v",
        "SET i 123",
        "SET e x EX 1000",
        "RPUSH l a b 3",
        "SADD st c b a",
        "SADD si 3 1 2",
        "HSET h g 2 f v",
        "ZADD z 1.1 a 2 b -inf c",
    ):
        client(line)
    assert client("DEBUG DIGEST-VALUE s i e l st si h") == [
        SimpleString(b"d79ee9fe5d5ad902d7f6620efc3b07b75ddd742f"),
        SimpleString(b"89f7f51b707418f666d5b45e053bd5bbbf82ac2b"),
        SimpleString(b"0745672cb1bf060476eedeb8a28f5ffe1ff5a2be"),
        SimpleString(b"09eb1fc9381ee92790d59930ab462945f8cd948b"),
        SimpleString(b"593c2414786d75446e97f4ea5d4b731f3313da72"),
        SimpleString(b"2a462a3f51a1db89738ebbeef0c47ce1bbc85246"),
        SimpleString(b"9dc7e1ed596e8ccab4b91d04b8317fc85b68294a"),
    ]
    assert client("DEBUG DIGEST-VALUE z") == [SimpleString(b"057bb04d4b348973e521535f9116ae6317dcfd68")]


def test_scores_entered_the_digest_otherwise_in_redis_7_0() -> None:
    client = debugging("redis-7.0")
    client("ZADD z 1.1 a 2 b -inf c")
    assert client("DEBUG DIGEST-VALUE z") == [SimpleString(b"32e97b3c33cdb278f8135d919422c3c9f833b0d3")]


def test_a_dataset_is_digested_with_its_keys_and_databases(client: Client) -> None:
    client("RPUSH l a b c")
    assert client("DEBUG DIGEST") != client("DEBUG DIGEST-VALUE l")[0]
    first = client("DEBUG DIGEST")
    client("SWAPDB 0 1")
    assert client("DEBUG DIGEST") != first
    client("SWAPDB 0 1")
    assert client("DEBUG DIGEST") == first


def test_debug_object_describes_a_value() -> None:
    client = debugging("redis-7.0")
    for line in ("SET k v", "SET i 5", "RPUSH l a b c", "SADD si 1", "HSET h f v", "SADD s a"):
        client(line)
    described = {key: re.sub("0x[0-9a-f]+", "0x", bytes(client(f"DEBUG OBJECT {key}")).decode()) for key in "kilhs"}
    lru = client.engine.second & 0xFFFFFF
    assert described == {
        "k": f"Value at:0x refcount:1 encoding:embstr serializedlength:2 lru:{lru} lru_seconds_idle:0",
        "i": f"Value at:0x refcount:2147483647 encoding:int serializedlength:2 lru:{lru} lru_seconds_idle:0",
        "l": f"Value at:0x refcount:1 encoding:quicklist serializedlength:19 lru:{lru} lru_seconds_idle:0"
        " ql_nodes:1 ql_avg_node:3.00 ql_listpack_max:-2 ql_compressed:0 ql_uncompressed_size:16",
        "h": f"Value at:0x refcount:1 encoding:listpack serializedlength:14 lru:{lru} lru_seconds_idle:0",
        "s": f"Value at:0x refcount:1 encoding:hashtable serializedlength:3 lru:{lru} lru_seconds_idle:0",
    }
    assert client("DEBUG SDSLEN k") == SimpleString(
        b"key_sds_len:1, key_sds_avail:0, key_zmalloc: 8, val_sds_len:1, val_sds_avail:0, val_zmalloc: 16"
    )
    assert client("DEBUG SDSLEN i") == Error("ERR Not an sds encoded string.")
    assert client("DEBUG OBJECT k fast") == unknown("OBJECT")


def test_a_config_file_can_be_made_to_hold_the_defaults_too(tmp_path: Path) -> None:
    client = debugging("redis-7.0")
    path = tmp_path / "redis.conf"
    client.engine.config.file = str(path)
    client("CONFIG SET maxmemory-samples 7")
    assert client("CONFIG REWRITE") == OK
    lines = path.read_text().splitlines()
    assert "maxmemory-samples 7" in lines
    assert "hash-max-listpack-entries 512" not in lines
    assert client("DEBUG CONFIG-REWRITE-FORCE-ALL") == OK
    lines = path.read_text().splitlines()
    assert {"maxmemory-samples 7", "hash-max-listpack-entries 512", "repl-backlog-size 1mb"} <= set(lines)
    client.engine.config.file = str(tmp_path / "missing" / "redis.conf")
    assert client("DEBUG CONFIG-REWRITE-FORCE-ALL") == Error(
        "ERR CONFIG-REWRITE-FORCE-ALL failed: No such file or directory"
    )


def test_debug_sdslen_tells_the_room_a_string_has() -> None:
    client = debugging("redis-7.0")
    told = {}
    for size in (1, 44, 45, 60, 100, 120, 500, 1000, 5000):
        client(f"SET k{size} {'x' * size}")
        told[size] = bytes(client(f"DEBUG SDSLEN k{size}")).decode()
    rooms = {1: (0, 16), 44: (0, 48), 45: (0, 64), 60: (0, 64), 100: (8, 112), 120: (4, 128), 500: (6, 512)}
    rooms |= {1000: (18, 1024), 5000: (114, 5120)}
    assert told == {
        size: f"key_sds_len:{len(str(size)) + 1}, key_sds_avail:0, key_zmalloc: 8, val_sds_len:{size},"
        f" val_sds_avail:{free}, val_zmalloc: {room}"
        for size, (free, room) in rooms.items()
    }


def test_valkey_has_key_and_short_value_in_the_object() -> None:
    client = debugging("valkey-9.1")
    client("SET short x")
    client("SET long " + "x" * 120)
    shown = [bytes(client(f"DEBUG SDSLEN {key}")).decode() for key in ("short", "long")]
    # How much is allocated hangs on the allocator that a server was built with.
    assert [re.sub(r"(alloc|val_sds_avail):[1-9]\d*", r"\1:N", line) for line in shown] == [
        "key_sds_len:5 key_sds_avail:0 obj_alloc:N val_sds_len:1 val_sds_avail:N val_alloc:0",
        "key_sds_len:4 key_sds_avail:0 obj_alloc:N val_sds_len:120 val_sds_avail:N val_alloc:N",
    ]


@pytest.mark.parametrize(("compression", "sizes"), [("yes", [16, 176, 134, 57]), ("no", [502, 199, 139, 57])])
def test_an_object_s_serialized_length_is_that_in_an_rdb_file(compression: str, sizes: list[int]) -> None:
    client = debugging("redis-7.0")
    client(f"CONFIG SET rdbcompression {compression}")
    client("SET x " + "x" * 500)
    client("HSET h " + " ".join(f"f{number}" for number in range(40)))
    client("ZADD z " + " ".join(f"{number} m{number}" for number in range(20)))
    client("XADD s 1-1 f v")
    lines = [bytes(client(f"DEBUG OBJECT {key}")) for key in "xhzs"]
    assert [int(line.partition(b"serializedlength:")[2].split()[0]) for line in lines] == sizes


@pytest.mark.parametrize("line", ["DEBUG HTSTATS 0 full", "DEBUG HTSTATS-KEY k full"])
def test_full_statistics_of_tables_came_with_redis_7_2(line: str) -> None:
    for version, is_known in (("redis-7.0", False), ("redis-7.2", True)):
        client = debugging(version)
        client("SADD k " + " ".join(f"m{number}" for number in range(300)))
        assert isinstance(client(line), Error) is not is_known


def test_an_integer_is_changed_where_it_is() -> None:
    client = debugging("redis-7.0")
    client("SET i 20000")
    places = set()
    for line in ("INCR i", "INCRBY i 7", "DECR i"):
        client(line)
        places.add(bytes(client("DEBUG OBJECT i")).split()[1])
    assert len(places) == 1


def test_populate_adds_what_is_missing(client: Client) -> None:
    client("SET key:1 mine")
    assert client("DEBUG POPULATE 3") == OK
    assert client("MGET key:0 key:1 key:2") == [b"value:0", b"mine", b"value:2"]
    client("DEBUG POPULATE 1 long 10")
    client("DEBUG POPULATE 1 short 3")
    assert client("MGET long:0 short:0") == [b"value:0\0\0\0", b"val"]


def test_keys_do_not_expire_by_themselves_while_that_is_switched_off(client: Client) -> None:
    client.engine.clock.freeze()
    client("DEBUG SET-ACTIVE-EXPIRE 0")
    client("SET k v PX 100")
    client.engine.clock.advance(1)
    assert client("DBSIZE") == 1
    client("DEBUG SET-ACTIVE-EXPIRE 1")
    client.engine.run_due()
    assert client("DBSIZE") == 0


# SLEEP


def test_a_sleeping_server_answers_nobody_and_then_everybody_in_order(client: Client) -> None:
    engine = client.engine
    engine.clock.freeze()
    other = engine.connect(lambda reply: None)
    order: list[object] = []
    sleeper = client("DEBUG SLEEP 0.25")
    assert isinstance(sleeper, Blocked)
    sleeper.on_done = order.append
    ping = engine.execute(other, [b"ECHO", b"hello"])
    assert isinstance(ping, Blocked)
    ping.on_done = order.append
    engine.clock.advance(0.249)
    assert order == []
    engine.clock.advance(0.001)
    assert order == [OK, b"hello"]


def test_the_slow_log_and_the_latency_monitor_take_note_of_it(client: Client) -> None:
    client.engine.clock.freeze()
    client("CONFIG SET latency-monitor-threshold 100")
    client("DEBUG SLEEP 0.25")
    client.engine.clock.advance(0.25)
    assert client("SLOWLOG GET")[0][2:4] == [250000, [b"DEBUG", b"SLEEP", b"0.25"]]
    assert client("LATENCY LATEST")[0][2:] == [250, 250]
    assert b"cmdstat_debug:calls=1,usec=250000," in client("INFO commandstats")


def test_a_pause_outlasts_a_sleep_in_its_midst(client: Client) -> None:
    client.engine.clock.freeze()
    client("CLIENT PAUSE 10000 WRITE")
    client("DEBUG SLEEP 1")
    client.engine.clock.advance(1)
    assert client("GET k") is None
    write = client("SET k v")
    assert isinstance(write, Blocked)
    client.engine.clock.advance(8.9)
    assert not write.done
    client.engine.clock.advance(0.1)
    assert write.reply == OK


def test_a_sleep_inside_a_transaction_holds_back_what_comes_after(client: Client) -> None:
    client.engine.clock.freeze()
    for line in ("MULTI", "DEBUG SLEEP 1"):
        client(line)
    assert client("EXEC") == [OK]
    late = client("PING")
    assert isinstance(late, Blocked)
    client.engine.clock.advance(1)
    assert late.reply == PONG


def test_who_waits_for_a_key_that_ended_during_a_sleep_waits_on(client: Client) -> None:
    client.engine.clock.freeze()
    client("DEBUG SET-ACTIVE-EXPIRE 0")
    waiting = client.engine.execute(client.engine.connect(lambda reply: None), [b"BLPOP", b"k", b"0"])
    assert isinstance(waiting, Blocked)
    for line in ("MULTI", "RPUSH k hello", "PEXPIRE k 100", "DEBUG SLEEP 0.2", "EXEC"):
        client(line)
    client.engine.clock.advance(0.2)
    assert not waiting.done
    assert client("EXISTS k") == 0


def test_who_waits_for_a_key_is_served_after_a_sleep_and_before_those_who_came_meanwhile(client: Client) -> None:
    client.engine.clock.freeze()
    waiting = client.engine.execute(client.engine.connect(lambda reply: None), [b"BLPOP", b"k", b"0"])
    assert isinstance(waiting, Blocked)
    for line in ("MULTI", "RPUSH k hello", "DEBUG SLEEP 0.2", "EXEC"):
        client(line)
    late = client("LPOP k")
    assert isinstance(late, Blocked)
    assert not waiting.done
    client.engine.clock.advance(0.2)
    assert (waiting.reply, late.reply) == ([b"k", b"hello"], None)
