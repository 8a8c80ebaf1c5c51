"""Servers are had by URL, path or name, and those of other people are treated with respect."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.parties import Miniredis, Remote, describe, named, nearest, same_server, unavailable
from conformance.remote import empty, parse_url
from conformance.results import Party
from conformance.servers import Server, ServerBinary, ServerError, find_server, find_servers, start
from tests.requirements import missing


def redis_binary() -> ServerBinary:
    binary = find_server("redis-7.0")
    if binary is None:
        missing("a real redis-7.0 server")
    return binary


@contextmanager
def running(*args: str) -> Iterator[Server]:
    with start(redis_binary(), *args) as server:
        yield server


def url(server: Server, credentials: str = "") -> str:
    return f"redis://{credentials}{server.host}:{server.port}"


# URLs


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("redis://example.org:7000", "example.org", 7000, ""),
        ("redis://example.org", "example.org", 6379, ""),
        ("redis://example.org/0", "example.org", 6379, ""),
        ("redis://[::1]:7000", "::1", 7000, ""),
        ("rediss://example.org:6380", "example.org", 6380, ""),
        ("unix:///run/redis.sock", "", 0, "/run/redis.sock"),
    ],
)
def test_a_url_says_where(text: str, host: str, port: int, path: str) -> None:
    server = parse_url(text)
    assert (server.host, server.port, server.path) == (host, port, path)
    assert (server.tls is not None) == text.startswith("rediss")


def test_a_url_says_who_and_is_shown_without_the_password() -> None:
    server = parse_url("redis://me:s%40fe@example.org")
    assert (server.username, server.password) == ("me", "s@fe")
    assert "s@fe" not in repr(server)
    assert server.address == "redis://example.org:6379"
    assert named("redis://:secret@example.org").name == "redis://example.org:6379"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://example.org", "begins with"),
        ("redis://example.org:port", "[Pp]ort"),
        ("redis://example.org/3", "all databases"),
        ("unix://", "path"),
        ("rediss://example.org?ssl_ca_certs=/no/such/file", "certificates"),
        ("rediss://example.org?sslcert=/no/such/file", "unknown"),
    ],
)
def test_what_is_no_url_is_refused(text: str, why: str) -> None:
    with pytest.raises(ServerError, match=why):
        parse_url(text)


def test_a_refused_url_does_not_tell_the_password() -> None:
    with pytest.raises(ServerError) as error:
        parse_url("redis://:secret@example.org/3")
    assert "secret" not in str(error.value)


# Other people's servers


def test_a_server_named_by_url_is_used_left_empty_and_left_running() -> None:
    with running() as server:
        with named(url(server)).open() as used:
            assert used.name == "redis-7.0"
            assert used.pid is None
            with used.connect() as wire:
                wire.call("SET", "k", "v")
        with server.connect() as wire:
            assert wire.call("DBSIZE").value == 0


def test_a_server_that_holds_something_is_not_touched_unless_flush_is_said() -> None:
    with running() as server, server.connect() as wire:
        wire.pipeline([("SELECT", 5), ("SET", "theirs", "v")])
        with (
            pytest.raises(ServerError, match=r"not empty \(1 keys in database 5\).*--flush"),
            named(url(server)).open(),
        ):
            pass
        assert wire.call("GET", "theirs").value == b"v"
        with named(url(server), flush=True).open():
            assert wire.call("DBSIZE").value == 0


def test_function_libraries_count_as_something() -> None:
    with running() as server, server.connect() as wire:
        wire.call("FUNCTION", "LOAD", "#!lua name=theirs\nredis.register_function('f', function() end)")
        with pytest.raises(ServerError, match="1 function libraries"), named(url(server)).open():
            pass


def test_a_password_is_given() -> None:
    with running() as server, server.connect() as wire:
        wire.call("CONFIG", "SET", "requirepass", "s@fe")
        with named(url(server, ":s%40fe@")).open() as used, used.connect() as inside:
            assert inside.call("PING").raw == b"+PONG\r\n"
        with pytest.raises(ServerError, match="refuses the password: -WRONGPASS"), named(url(server, ":no@")).open():
            pass
        with pytest.raises(ServerError, match="NOAUTH"), named(url(server)).open():
            pass


def test_a_user_is_named() -> None:
    with running() as server, server.connect() as wire:
        wire.call("ACL", "SETUSER", "me", "on", ">secret", "~*", "&*", "+@all")
        with named(url(server, "me:secret@")).open() as used, used.connect() as inside:
            assert inside.call("ACL", "WHOAMI").value == b"me"


def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    with (
        running("--unixsocket", str(tmp_path / "s")),
        named(f"unix://{tmp_path}/s").open() as used,
        used.connect() as wire,
    ):
        assert wire.call("PING").raw == b"+PONG\r\n"
        line = wire.call("CLIENT", "LIST", "ID", wire.call("CLIENT", "ID").value).value.decode()
        assert f"addr={wire.address} " in line


def test_tls_is_spoken(certificate: tuple[Path, Path]) -> None:
    cert, key = map(str, certificate)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = ("--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
    with running(*options, "--tls-auth-clients", "no"):
        for trust in (f"?ssl_ca_certs={cert}", "?ssl_cert_reqs=none"):
            with named(f"rediss://127.0.0.1:{port}{trust}").open() as used, used.connect() as wire:
                assert wire.call("PING").raw == b"+PONG\r\n"
                assert wire.nothing_comes(within=0.0)
                big = b"x" * 1_000_000
                assert [frame.value for frame in wire.pipeline([("SET", "k", big), ("GET", "k")])][1] == big
        with pytest.raises(ServerError, match=r"(?i)certificate"), named(f"rediss://127.0.0.1:{port}").open():
            pass


def test_where_nobody_listens_is_said() -> None:
    with (
        pytest.raises(ServerError, match=r"redis://127\.0\.0\.1:1 cannot be asked.*refused"),
        named("redis://127.0.0.1:1").open(),
    ):
        pass


def test_what_a_server_refuses_is_found_out_and_it_can_be_emptied_all_the_same() -> None:
    cloud = ("--rename-command", "CONFIG", "", "--rename-command", "FLUSHALL", "", "--enable-debug-command", "no")
    with running(*cloud) as server:
        with named(url(server)).open() as used:
            refused = unavailable(used)
        assert refused.keys() == {"CONFIG", "DEBUG", "FLUSHALL"}
        assert refused["CONFIG"].startswith("ERR unknown command 'CONFIG'")


def test_a_server_without_any_flush_is_emptied_key_by_key() -> None:
    refused = ("--rename-command", "FLUSHDB", "", "--rename-command", "FLUSHALL", "")
    with running(*refused) as server, server.connect() as wire:
        wire.pipeline([("SET", "a", 1), ("SELECT", 7), ("SET", "b", 1)])
        empty(wire)
        assert wire.call("INFO", "keyspace").value == b"# Keyspace\r\n"


def test_one_server_is_not_compared_with_itself() -> None:
    with running() as server, running() as other:
        assert same_server(server, parse_url(url(server)))
        assert not same_server(server, other)


# Names


def test_names_are_resolved() -> None:
    binary = redis_binary()
    assert named("redis-7.0").name == "redis-7.0"
    assert named(str(binary.path)).name == "redis-7.0"
    newest = max(each for each in find_servers() if each.family == "redis")
    assert named("redis").name == newest.name
    assert named("miniredis") == Miniredis()
    assert named("miniredis@redis-7.2") == Miniredis("redis-7.2")
    assert isinstance(named("redis://example.org"), Remote)


@pytest.mark.parametrize("text", ["redis-0.1", "no", "miniredis@redis-0.1", "/bin/sh", "./missing", ""])
def test_what_nothing_is_named_says_what_could_be(text: str) -> None:
    with pytest.raises(ServerError, match=r"redis-7|URL"):
        named(text)


def test_miniredis_is_as_what_it_is_compared_with() -> None:
    with named("miniredis").open(Party("valkey-9.1", "9.1.2")) as server:
        assert describe(server) == Party("miniredis", "9.1.2", "python -m miniredis --emulate valkey-9.1")
    with named("miniredis@redis-7.0").open(Party("valkey-9.1", "9.1.2")) as server:
        assert describe(server).version == "7.0.15"


@pytest.mark.parametrize(
    ("party", "version"),
    [
        (Party("redis-7.0", "7.0.15"), "redis-7.0"),
        (Party("redis-7.4", "7.4.1"), "redis-7.2"),
        (Party("redis-6.2", "6.2.14"), "redis-7.0"),
        (Party("valkey-8.0", "8.0.1"), "valkey-9.1"),
        (Party("dragonfly-1.2", "1.2.3"), ""),
    ],
)
def test_the_nearest_version_is_the_latest_that_is_not_later(party: Party, version: str) -> None:
    assert nearest(party, ("redis-7.0", "redis-7.2", "valkey-9.1")) == version


def test_a_party_is_what_the_server_says_it_is() -> None:
    with running() as server:
        assert describe(server) == Party("redis-7.0", "7.0.15", str(redis_binary().path))
