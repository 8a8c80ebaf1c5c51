"""MIGRATE: keys that go from one server to another, of whatever make, and what is said when they cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp.types import OK, Error, SimpleString
from miniredis.testing import MiniRedis


@pytest.fixture
def source() -> Iterator[Wire]:
    with MiniRedis(emulate="redis-7.0") as server, Wire(server.host, server.port) as wire:
        yield wire


@pytest.fixture(params=["MiniRedis", "redis_server"])
def target(request: pytest.FixtureRequest) -> Iterator[Wire]:
    if request.param == "MiniRedis":
        with MiniRedis(emulate="redis-7.0", requirepass="") as host, Wire(host.host, host.port) as wire:
            yield wire
        return
    server: Server = request.getfixturevalue(request.param)
    with server.connect() as wire:
        wire.call("FLUSHALL")
        yield wire


def port_of(wire: Wire) -> bytes:
    port: bytes = wire.call("CONFIG", "GET", "port").value[1]
    return port


def migrate(source: Wire, target: Wire, key: str, *options: str) -> object:
    return source.call("MIGRATE", "127.0.0.1", port_of(target), key, 3, 5000, *options).value


def test_a_key_goes_with_its_time_to_live_and_is_gone(source: Wire, target: Wire) -> None:
    source.call("RPUSH", "l", "a", "b")
    source.call("PEXPIRE", "l", 100_000)
    assert migrate(source, target, "l") == OK
    assert source.call("EXISTS", "l").value == 0
    target.call("SELECT", 3)
    assert target.call("LRANGE", "l", 0, -1).value == [b"a", b"b"]
    assert 90_000 < target.call("PTTL", "l").value <= 100_000


def test_several_keys_go_at_once_and_what_is_not_there_is_passed_over(source: Wire, target: Wire) -> None:
    source.call("MSET", "a", 1, "b", 2)
    assert migrate(source, target, "", "KEYS", "a", "missing", "b") == OK
    target.call("SELECT", 3)
    assert target.call("MGET", "a", "b").value == [b"1", b"2"]
    assert source.call("DBSIZE").value == 0
    assert migrate(source, target, "a") == SimpleString(b"NOKEY")


def test_copy_leaves_the_key_and_replace_takes_the_others_place(source: Wire, target: Wire) -> None:
    source.call("SET", "a", 1)
    assert migrate(source, target, "a", "COPY") == OK
    assert source.call("GET", "a").value == b"1"
    assert migrate(source, target, "a") == Error(
        "ERR Target instance replied with error: BUSYKEY Target key name already exists."
    )
    assert source.call("GET", "a").value == b"1"
    source.call("SET", "a", 2)
    assert migrate(source, target, "a", "replace") == OK
    target.call("SELECT", 3)
    assert target.call("GET", "a").value == b"2"


def test_nobody_there_is_an_error_and_the_key_stays(source: Wire) -> None:
    source.call("SET", "a", 1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        reply = source.call("MIGRATE", "127.0.0.1", port, "a", 0, 1000).value
    assert reply == Error("IOERR error or timeout writing to target instance")
    assert source.call("GET", "a").value == b"1"


@pytest.mark.parametrize(
    ("host", "port", "error"),
    [
        ("no.such.host.invalid", "1", "IOERR error or timeout connecting to the client"),
        ("256.1.1.1", "1", "IOERR error or timeout connecting to the client"),
        ("127.0.0.1", "abc", "IOERR error or timeout writing to target instance"),
        ("127.0.0.1", "99999", "IOERR error or timeout writing to target instance"),
    ],
)
def test_what_is_no_address_is_an_error(source: Wire, host: str, port: str, error: str) -> None:
    source.call("SET", "a", 1)
    assert source.call("MIGRATE", host, port, "a", 0, 100).value == Error(error)
    assert source.call("GET", "a").value == b"1"


def test_who_does_not_answer_in_time_is_an_error_and_the_key_stays(source: Wire) -> None:
    source.call("SET", "a", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reply = source.call("MIGRATE", "127.0.0.1", silent.getsockname()[1], "a", 0, 50).value
    assert reply == Error("IOERR error or timeout reading to target instance")
    assert source.call("GET", "a").value == b"1"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("h 1 k 0 10 FOO", "ERR syntax error"),
        ("h 1 k 0 10 AUTH", "ERR syntax error"),
        ("h 1 k 0 10 AUTH2 user", "ERR syntax error"),
        ("h 1 k 0 abc", "ERR value is not an integer or out of range"),
        ("h 1 k abc 10", "ERR value is not an integer or out of range"),
        (
            "h 1 k 0 10 KEYS a",
            "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
        ),
    ],
)
def test_options_are_read_before_anything_is_done(source: Wire, words: str, error: str) -> None:
    assert source.call("MIGRATE", *words.split()).value == Error(error)
