"""INFO, MEMORY and LATENCY. Names, orders and texts are those of Redis 7.0.15 and Valkey 9.1."""

from __future__ import annotations

import re

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.engine.latency import POWERS, histogram, percentile
from miniredis.resp.types import OK, Error, Verbatim
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, Client, arity

BEFORE_STATISTICS = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules"]
DEFAULT = [*BEFORE_STATISTICS, "Errorstats", "Cluster", "Keyspace"]
ALL = [*BEFORE_STATISTICS, "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"]


@pytest.fixture
def client() -> Client:
    client = Client()
    client.engine.clock.freeze()
    return client


def titles(text: bytes) -> list[str]:
    return re.findall(r"^# (.+)\r$", text.decode(), re.MULTILINE)


@pytest.mark.parametrize(
    ("sections", "shown"),
    [
        ("", DEFAULT),
        (" default", DEFAULT),
        (" all", ALL),
        (" EVERYTHING", ALL),
        (" all server", ALL),
        (" keyspace clients nosuch", ["Clients", "Keyspace"]),
        (" default commandstats", [*DEFAULT[:8], "Commandstats", *DEFAULT[8:]]),
        (" nosuch", []),
    ],
)
def test_sections_stand_in_their_order(client: Client, sections: str, shown: list[str]) -> None:
    assert titles(client(f"INFO{sections}")) == shown


def test_the_form_of_the_text(client: Client) -> None:
    assert client("INFO nosuch") == Verbatim(b"")
    assert client("INFO cluster keyspace") == Verbatim(b"# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n")


@pytest.mark.parametrize(
    ("port", "unix", "tls_port", "lines"),
    [
        (7, "", 0, ["tcp_port:7", "listener0:name=tcp,bind=a,bind=-b,port=7"]),
        (0, "/s", 0, ["tcp_port:0", "listener1:name=unix,bind=/s"]),
        (0, "", 8, ["tcp_port:8", "listener2:name=tls,bind=a,bind=-b,port=8"]),
        (7, "/s", 8, ["tcp_port:7", "listener0:name=tcp,bind=a,bind=-b,port=7", "listener1:name=unix,bind=/s",
                      "listener2:name=tls,bind=a,bind=-b,port=8"]),
    ],
)  # fmt: skip
def test_the_ways_in(client: Client, port: int, unix: str, tls_port: int, lines: list[str]) -> None:
    config = client.engine.config
    config.port, config.unixsocket, config.tls_port, config.bind = port, unix, tls_port, ("a", "-b")
    info = bytes(client("INFO server")).decode().split("\r\n")
    assert [line for line in info if line.startswith(("tcp_port", "listener"))] == lines


def test_the_keyspace(client: Client) -> None:
    for line in ("SET a 1", "SET b 2 PX 1000", "SET c 3 PX 3000", "SELECT 9", "SET d 4"):
        client(line)
    assert client("INFO keyspace") == (
        Verbatim(b"# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=2000\r\ndb9:keys=1,expires=0,avg_ttl=0\r\n")
    )


def test_commands_and_errors_are_counted(client: Client) -> None:
    for line in ("SET a x", "GET", "INCR a", "LPUSH a 1", "CONFIG GET hz"):
        client(line)
    text = client("INFO commandstats").decode()
    assert "cmdstat_set:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0\r\n" in text
    assert "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n" in text
    assert "cmdstat_incr:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1\r\n" in text
    assert "cmdstat_config|get:calls=1," in text
    assert client("INFO errorstats") == (
        Verbatim(b"# Errorstats\r\nerrorstat_ERR:count=2\r\nerrorstat_WRONGTYPE:count=1\r\n")
    )


def test_rates_are_those_since_the_last_look(client: Client) -> None:
    client("INFO stats")
    for _ in range(19):
        client("GET a")
    client.engine.clock.advance(2)
    assert b"instantaneous_ops_per_sec:10\r\n" in client("INFO stats")


@pytest.mark.parametrize("reference", ["redis-7.0", "valkey-9.1"])
def test_every_field_of_the_real_server_stands_in_its_place(reference: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue({"redis-7.0": "redis_server", "valkey-9.1": "valkey_server"}[reference])

    def fields(text: str) -> list[str]:
        lines = [line.partition(":")[0] for line in text.split("\r\n")]
        varying = ("cmdstat_", "latency_percentiles_", "errorstat_", "db0", "used_active_time_io_thread_")
        return [line for line in lines if not line.startswith(varying)]

    with Wire(server.host, server.port) as wire:
        real = bytes(wire.call("INFO", "everything").value).decode()
    assert fields(Client(reference)("INFO everything").decode()) == fields(real)


# LATENCY


def test_durations_are_shown_cumulatively_by_powers_of_two() -> None:
    durations = [0] * POWERS
    for nanoseconds in (500, 900, 3_000, 3_500, 20_000, 130_000, 5_000_000_000):
        durations[nanoseconds.bit_length()] += 1
    assert histogram(durations) == {1: 2, 4: 4, 33: 5, 132: 6, 1082130: 7}
    assert histogram([0] * POWERS) == {}


def test_percentiles_lie_within_the_right_power_of_two() -> None:
    durations = [0] * POWERS
    durations[(1500).bit_length()] = 99
    durations[(100_000).bit_length()] = 1
    assert 1024 <= percentile(durations, 50) < 2048
    assert 1024 <= percentile(durations, 99) < 2048
    assert 65536 <= percentile(durations, 100) < 131072
    assert percentile([0] * POWERS, 50) == 0


def test_a_histogram_of_each_command(client: Client) -> None:
    for line in ("GET k", "GET k", "CONFIG GET hz", "CONFIG RESETSTAT", "GET k", "CONFIG GET hz"):
        client(line)
    get = {b"calls": 1, b"histogram_usec": {1: 1}}
    assert client("LATENCY HISTOGRAM get nosuch CONFIG") == {b"get": get, b"config|get": get, b"config|resetstat": get}
    client("CONFIG SET latency-tracking no")
    client("GET k")
    assert client("LATENCY HISTOGRAM GET") == {b"get": get}
    assert client("INFO latencystats") == Verbatim(b"# Latencystats\r\n")


def spike(client: Client, milliseconds: int) -> None:
    client.engine.latency.add(b"command", milliseconds * 1_000_000)


def test_the_latency_monitor_keeps_the_worst_of_each_second(client: Client) -> None:
    client.engine.clock.set(1700000000)
    assert (client("LATENCY LATEST"), client("LATENCY HISTORY command")) == ([], [])
    spike(client, 500)
    assert client("LATENCY LATEST") == []
    client("CONFIG SET latency-monitor-threshold 50")
    for milliseconds in (49, 110, 60):
        spike(client, milliseconds)
    client.engine.clock.advance(1)
    spike(client, 70)
    assert client("LATENCY HISTORY command") == [[1700000000, 110], [1700000001, 70]]
    assert client("LATENCY LATEST") == [[b"command", 1700000001, 70, 110]]
    assert (client("LATENCY RESET nosuch command"), client("LATENCY LATEST")) == (1, [])


def test_valkey_adds_up_the_spikes() -> None:
    client = Client("valkey-9.1")
    client.engine.clock.freeze()
    client("CONFIG SET latency-monitor-threshold 50")
    spike(client, 110)
    spike(client, 60)
    assert client("LATENCY LATEST")[0][2:] == [110, 110, 170, 2]


def test_a_graph_of_spikes(client: Client) -> None:
    assert client("LATENCY GRAPH command") == Error("ERR No samples available for event 'command'")
    client("CONFIG SET latency-monitor-threshold 1")
    for milliseconds in (50, 200, 100):
        spike(client, milliseconds)
        client.engine.clock.advance(1)
    assert client("LATENCY GRAPH command") == Verbatim(
        b"command - high 200 ms, low 50 ms (all time high 200 ms)\n" + b"-" * 80 + b"\n"
        b" # \n"
        b" | \n"
        b" |o\n"
        b"_||\n"
        b"   \n"
        b"321\n"
        b"sss\n"
    )


def test_the_doctor(client: Client) -> None:
    assert client("LATENCY DOCTOR") == Verbatim(
        b"I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use"
        b' "CONFIG SET'
        b" latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd"
        b" suggest to take a look at https://redis.io/topics/latency-monitor.\n"
    )
    client("CONFIG SET latency-monitor-threshold 50")
    assert client("LATENCY DOCTOR").startswith(b"Dave, no latency spike was observed during the lifetime")
    spike(client, 110)
    assert client("LATENCY DOCTOR") == Verbatim(
        b"Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you"
        b" Dave?\n\n"
        b"1. command: 1 latency spikes (average 110ms, mean deviation 0ms, period 1.00 sec). Worst all time event"
        b" 110ms."
        b"\n\nI have a few advices for you:\n\n- Check your Slow Log to understand what are the commands you are"
        b" running"
        b" which are too slow to execute. Please check https://redis.io/commands/slowlog for more information.\n-"
        b" Deleting,"
        b" expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very"
        b" large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple"
        b" smaller"
        b" objects.\n"
    )


# MEMORY


@pytest.fixture
def keys() -> Client:
    """Redis 7.0.15 with a key of each kind."""
    client = Client("redis-7.0")
    for line in (
        "SET k v",
        "SET i 5",
        "SET long " + "x" * 72,
        "RPUSH l a b c",
        "SADD s a",
        "SADD si 1",
        "HSET h f v",
        "ZADD z 1 a",
    ):
        client(line)
    return client


@pytest.mark.parametrize(
    ("key", "size"),
    [("k", 64), ("i", 48), ("long", 128), ("l", 144), ("s", 168), ("si", 64), ("h", 64), ("z", 64), ("none", None)],
)
def test_what_a_key_takes_in_redis(keys: Client, key: str, size: int | None) -> None:
    assert keys(f"MEMORY USAGE {key}") == size


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("MEMORY USAGE k SAMPLES 0", 64),
        ("MEMORY USAGE k SAMPLES 1 SAMPLES 2", 64),
        ("MEMORY USAGE k SAMPLES -1", SYNTAX),
        ("MEMORY USAGE k SAMPLES a", NOT_AN_INTEGER),
        ("MEMORY USAGE k SAMPLES", SYNTAX),
        ("MEMORY USAGE k FOO 1", SYNTAX),
        ("MEMORY USAGE", arity("memory|usage")),
        ("MEMORY PURGE", OK),
        ("MEMORY FOO", Error("ERR unknown subcommand 'FOO'. Try MEMORY HELP.")),
    ],
)
def test_memory(keys: Client, line: str, reply: object) -> None:
    assert keys(line) == reply


def test_a_large_collection_is_judged_by_a_sample(keys: Client) -> None:
    for number in range(1000):
        keys(f"SADD big member:{number:04}")
    assert keys("MEMORY USAGE big") == keys("MEMORY USAGE big SAMPLES 0") == 48296


def test_memory_stats_has_the_figures_of_each_database(keys: Client) -> None:
    stats = keys("MEMORY STATS")
    assert stats[b"keys.count"] == 8
    assert stats[b"db.0"] == {
        b"overhead.hashtable.main": 8 * 40 + 8 * 8,
        b"overhead.hashtable.expires": 0,
        b"overhead.hashtable.slot-to-keys": 0,
    }


def test_clients_are_counted_with_the_buffers_that_redis_gives_them() -> None:
    client = Client("redis-7.0")
    client.engine.clock.freeze()
    fields = dict(line.split(b":", 1) for line in client("INFO memory clients").split(b"\r\n") if b":" in line)
    assert fields[b"mem_clients_normal"] == b"37632"
    assert fields[b"mem_clients_slaves"] == b"0"
    assert fields[b"client_recent_max_input_buffer"] == b"20474"
    assert fields[b"client_recent_max_output_buffer"] == b"0"
