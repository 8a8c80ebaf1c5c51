"""The directives: their values, their bounds, their errors. Every text was printed by Redis 7.0.15 and Valkey 9.1."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.engine.config import Config, ConfigError
from miniredis.engine.version import VERSIONS

FAILED = "CONFIG SET failed (possibly related to argument '{}') - {}"
NOT_AN_INTEGER = "argument couldn't be parsed into an integer"
NOT_MEMORY = "argument must be a memory value"


@pytest.fixture
def config() -> Config:
    return Config()


def set_(config: Config, *settings: str) -> None:
    config.set([(name.encode(), value.encode()) for name, value in zip(settings[::2], settings[1::2], strict=True)])


def get(config: Config, *patterns: str) -> dict[str, str]:
    found = config.get([pattern.encode() for pattern in patterns])
    return {name.decode(): value.decode() for name, value in found.items()}


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("maxmemory", "1k", "1000"),
        ("maxmemory", "1KB", "1024"),
        ("maxmemory", "1m", "1000000"),
        ("maxmemory", "1mb", "1048576"),
        ("maxmemory", "1g", "1000000000"),
        ("maxmemory", "1gb", "1073741824"),
        ("maxmemory", "1b", "1"),
        ("maxmemory", "", "0"),
        ("maxmemory", "kb", "0"),
        ("maxmemory", "18446744073709551616", "18446744073709551615"),
        ("maxmemory", "18014398509481984kb", "0"),
        ("maxmemory-clients", "5%", "5%"),
        ("maxmemory-clients", "100mb", "104857600"),
        ("appendonly", "YES", "yes"),
        ("maxmemory-policy", "AllKeys-LRU", "allkeys-lru"),
        ("save", "900 1 300 10", "900 1 300 10"),
        ("save", "", ""),
        ("notify-keyspace-events", "KEA", "AKE"),
        ("notify-keyspace-events", "KEAmn", "AKEm"),
        ("notify-keyspace-events", "EKKg", "gKE"),
        ("notify-keyspace-events", "$lshzxetdnm", "$lshzxetdnm"),
        (
            "client-output-buffer-limit",
            "normal 1kb 2mb 3",
            "normal 1024 2097152 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        (
            "client-output-buffer-limit",
            "replica 1 2 3 slave 4 5 6",
            "normal 0 0 0 slave 4 5 6 pubsub 33554432 8388608 60",
        ),
        (
            "client-output-buffer-limit",
            "",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        ("oom-score-adj", "relative", "yes"),
        ("oom-score-adj-values", "3 2 1", "3 2 1"),
        ("latency-tracking-info-percentiles", "50.123456789 100 0.1 1e1", "50.123457 100 0.1 10"),
        ("latency-tracking-info-percentiles", "", ""),
        ("shutdown-on-sigint", "now nosave", "nosave now"),
        ("repl-backlog-size", "100", "16384"),
        ("hz", "0", "1"),
        ("hz", "501", "500"),
        ("list-max-listpack-size", "-6", "-6"),
    ],
)
def test_a_value_is_shown_as_redis_shows_it(config: Config, name: str, text: str, shown: str) -> None:
    set_(config, name, text)
    assert get(config, name) == {name: shown}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("timeout", "007", NOT_AN_INTEGER),
        ("timeout", " 7", NOT_AN_INTEGER),
        ("timeout", "+7", NOT_AN_INTEGER),
        ("timeout", "-1", "argument must be between 0 and 2147483647 inclusive"),
        ("maxclients", "0", "argument must be between 1 and 4294967295 inclusive"),
        ("maxmemory", "1tb", NOT_MEMORY),
        ("maxmemory", "-1", NOT_MEMORY),
        ("maxmemory", "1.5gb", NOT_MEMORY),
        ("maxmemory", " 1", NOT_MEMORY),
        ("proto-max-bulk-len", "", "argument must be between 1048576 and 9223372036854775807 inclusive"),
        (
            "hash-max-listpack-value",
            "99999999999999999999",
            "argument must be between 0 and 9223372036854775807 inclusive",
        ),
        ("maxmemory-clients", "101%", "percentage argument must be less or equal to 100"),
        ("maxmemory-clients", "%", "argument must be a memory or percent value"),
        ("maxmemory-clients", "-1", "argument must be a memory or percent value"),
        ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
        ("appendfsync", "x", "argument(s) must be one of the following: everysec, always, no"),
        ("shutdown-on-sigint", "", "argument(s) must be one of the following: default, save, nosave, now, force"),
        ("save", "900 1 300", "Invalid save parameters"),
        ("save", "0 1", "Invalid save parameters"),
        ("save", "900 -1", "Invalid save parameters"),
        ("save", "  900   1  ", "Invalid save parameters"),
        ("notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        (
            "client-output-buffer-limit",
            "master 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit",
            "normal 1 2 3x",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
        ("client-output-buffer-limit", "normal 1 2", "Wrong number of arguments in buffer limit configuration."),
        ("oom-score-adj-values", "1 2", "wrong number of arguments"),
        (
            "oom-score-adj-values",
            "1 2 3000",
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        ),
        ("latency-tracking-info-percentiles", "50 a", "Invalid latency-tracking-info-percentiles parameters"),
        (
            "latency-tracking-info-percentiles",
            "101",
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
        ),
        ("proc-title-template", "{bad}", "template format is invalid or contains unknown variables"),
        (
            "cluster-announce-hostname",
            "a~",
            "Hostnames may only contain alphanumeric characters, hyphens or dots",
        ),
        ("databases", "1", "can't set immutable config"),
        ("replicaof", "no one", "can't set immutable config"),
        ("dir", "/", "can't set protected config"),
        ("dbfilename", "x", "can't set protected config"),
    ],
)
def test_a_bad_value_is_refused_in_the_words_of_redis(config: Config, name: str, text: str, reason: str) -> None:
    before = get(config, name)
    with pytest.raises(ConfigError) as refusal:
        set_(config, name, text)
    assert str(refusal.value) == FAILED.format(name, reason)
    assert get(config, name) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["nosuch", "1"], "Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
        (["", "1"], "Unknown option or number of arguments for CONFIG SET - ''"),
        (["timeout", "1", "timeout", "2"], FAILED.format("timeout", "duplicate parameter")),
        (["timeout", "1", "TIMEOUT", "2"], FAILED.format("TIMEOUT", "duplicate parameter")),
        (["timeout", "5", "hz", "abc"], FAILED.format("hz", NOT_AN_INTEGER)),
        (["TIMEOUT", "abc"], FAILED.format("timeout", NOT_AN_INTEGER)),
        (["DATABASES", "abc"], FAILED.format("DATABASES", "can't set immutable config")),
        (["slave-priority", "abc"], FAILED.format("slave-priority", NOT_AN_INTEGER)),
        (["databases", "1", "nosuch", "2"], FAILED.format("databases", "can't set immutable config")),
        (
            ["timeout", "9", "nosuch", "2", "databases", "1"],
            "Unknown option or number of arguments for CONFIG SET - 'nosuch'",
        ),
        (["timeout", "x", "databases", "1"], FAILED.format("databases", "can't set immutable config")),
    ],
)
def test_of_several_settings_all_take_effect_or_none(config: Config, settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        set_(config, *settings)
    assert str(refusal.value) == message
    assert config.timeout == 0


def test_both_names_of_a_directive_may_be_set_at_once(config: Config) -> None:
    set_(config, "slave-priority", "5", "replica-priority", "6")
    assert get(config, "*-priority") == {"replica-priority": "6", "slave-priority": "6"}


def test_a_name_without_wildcards_comes_back_as_it_was_asked_for(config: Config) -> None:
    assert get(config, "TIMEOUT", "timeout", "nosuch") == {"TIMEOUT": "0"}
    assert get(config, "TIME*", "[ht]z", "h?") == {"timeout": "0", "hz": "10"}


def test_only_its_exact_name_finds_a_hidden_directive(config: Config) -> None:
    assert get(config, "key-load-delay") == {"key-load-delay": "0"}
    assert get(config, "key-load-dela?") == {}


def test_the_engine_reads_values_as_attributes(config: Config) -> None:
    set_(config, "hash-max-ziplist-entries", "7", "appendonly", "yes", "save", "60 5", "requirepass", "sëcret")
    assert (config.hash_max_listpack_entries, config.appendonly, config.save) == (7, True, ((60, 5),))
    assert config.requirepass == "sëcret"


def test_every_annotated_attribute_has_a_directive_in_some_version() -> None:
    known = {each.attribute for version in VERSIONS.values() for each in Config(version).directives.values()}
    annotated = {name for name in Config.__annotations__ if not name.startswith("_")}
    assert annotated <= known


# Who is told


def test_a_hook_is_called_after_a_change_only(config: Config) -> None:
    seen: list[int] = []
    config.on_change("timeout", lambda: seen.append(config.timeout))
    set_(config, "timeout", "5")
    set_(config, "timeout", "5")
    assert seen == [5]


def test_what_a_hook_refuses_is_put_back(config: Config) -> None:
    seen: list[int] = []

    def refuse() -> None:
        raise ConfigError("Unable to listen on this port")

    config.on_change("timeout", lambda: seen.append(config.timeout))
    config.on_change("port", refuse)
    with pytest.raises(ConfigError) as refusal:
        set_(config, "timeout", "5", "port", "1")
    assert str(refusal.value) == FAILED.format("port", "Unable to listen on this port")
    assert (config.timeout, config.port) == (0, 6379)
    assert seen == [5, 0]


# Startup


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("timeout", ["abc"], NOT_AN_INTEGER),
        ("port", [], "wrong number of arguments"),
        ("timeout", ["1", "2"], "wrong number of arguments"),
        ("nosuch", ["1"], "Bad directive or wrong number of arguments"),
        ("rename-command", ["get"], "Bad directive or wrong number of arguments"),
        ("user", [], "Bad directive or wrong number of arguments"),
        ("save", ["1"], "Invalid save parameters"),
        ("databases", ["0"], "argument must be between 1 and 2147483647 inclusive"),
        ("slaveof", ["1"], "wrong number of arguments"),
        ("bind", list("abcdefghijklmnopqr"), "Too many bind addresses specified."),
        ("unixsocketperm", ["999"], "argument couldn't be parsed as an octal number"),
        ("appendfilename", ["a/b"], "appendfilename can't be a path, just a filename"),
    ],
)
def test_redis_would_not_start_with_it(config: Config, name: str, values: list[str], reason: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        config.set_at_startup(name, values)
    assert str(refusal.value) == reason


def test_save_points_of_the_config_replace_the_default_and_add_up(config: Config) -> None:
    config.set_at_startup("save", ["900", "1"])
    config.set_at_startup("save", ["300 10"])
    assert get(config, "save") == {"save": "900 1 300 10"}
    config.set_at_startup("save", [""])
    assert config.save == ()


def test_an_immutable_directive_can_be_set_at_startup(config: Config) -> None:
    config.set_at_startup("DATABASES", ["3"])
    config.set_at_startup("unixsocketperm", ["700"])
    config.set_at_startup("bind", ["127.0.0.1 -::1"])
    assert (config.databases, config.unixsocketperm, config.bind) == (3, 0o700, ("127.0.0.1", "-::1"))
    assert get(config, "unixsocketperm", "bind") == {"unixsocketperm": "700", "bind": "127.0.0.1 -::1"}


def test_a_directory_must_exist_and_becomes_absolute(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        config.set_at_startup("dir", ["/nonexistent"])
    (tmp_path / "data").mkdir()
    config.set_at_startup("dir", [str(tmp_path)])
    config.set_at_startup("dir", ["data"])
    assert config.dir == os.path.realpath(tmp_path / "data")


def test_a_version_has_its_own_directives() -> None:
    assert get(Config(VERSIONS["redis-7.0"]), "set-max-listpack-entries", "commandlog-*") == {}
    assert get(Config(VERSIONS["redis-7.2"]), "set-max-listpack-entries") == {"set-max-listpack-entries": "128"}
    assert get(Config(VERSIONS["valkey-9.1"]), "slowlog-max-len", "lazyfree-lazy-expire", "dynamic-hz") == {
        "slowlog-max-len": "128",
        "lazyfree-lazy-expire": "yes",
    }


# Against real servers


@pytest.mark.parametrize("reference", ["redis-7.0", "valkey-9.1"])
def test_every_directive_has_the_default_of_the_real_server(reference: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue({"redis-7.0": "redis_server", "valkey-9.1": "valkey_server"}[reference])
    with Wire(server.host, server.port, timeout=5) as wire:
        flat = wire.call("CONFIG", "GET", "*").value
    real = dict(zip(flat[::2], flat[1::2], strict=True))
    ours = Config(VERSIONS[reference]).get([b"*"])
    set_by_the_command_line = {b"port", b"bind", b"dir", b"save", b"enable-debug-command", b"pidfile", b"logfile"}
    for name in set_by_the_command_line:
        del real[name], ours[name]
    assert ours == real
