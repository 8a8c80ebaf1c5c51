"""A real server is found, started and stopped, and a raw connection tells exactly what it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.duel import Duel
from conformance.scenario import Scenario, parse
from conformance.servers import Server, ServerBinary, ServerError, find_server, find_servers, identify, start
from conformance.wire import ConnectionClosedError
from tests.requirements import missing


def scenario(*lines: str) -> Scenario:
    (parsed,) = parse("\n".join(("# Title", *lines)))
    return parsed


def any_binary() -> ServerBinary:
    if not find_servers():
        missing("a real server")
    return find_servers()[0]


def test_a_binary_says_what_it_is() -> None:
    binary = any_binary()
    assert identify(binary.path) == binary
    assert find_server(binary.name) == binary
    assert find_server(str(binary.path)) == binary


def test_what_is_no_server_is_not_taken_for_one(tmp_path: Path) -> None:
    assert identify(tmp_path / "missing") is None
    assert identify(Path("/bin/sh")) is None
    assert find_server("redis-0.1") is None


def test_a_started_server_answers_and_is_gone_afterwards() -> None:
    with start(any_binary(), "--databases", "3") as server:
        with server.connect() as wire:
            assert wire.call("PING").raw == b"+PONG\r\n"
            assert wire.call("SELECT", 3).raw == b"-ERR DB index is out of range\r\n"
            folder = Path(wire.call("CONFIG", "GET", "dir").value[1].decode())
        assert server.pid is not None
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    with pytest.raises(OSError, match="refused"):
        server.connect()


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(ServerError, match="no-such-directive"), start(any_binary(), "--no-such-directive", "1"):
        pass


def test_frames_keep_their_bytes_and_their_order(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        frames = wire.pipeline([("HELLO", 3), ("SET", "wire", b"\r\n"), ("GET", "wire"), ("DEL", "wire")])
        assert [frame.raw for frame in frames[1:]] == [b"+OK\r\n", b"$2\r\n\r\n\r\n", b":1\r\n"]
        assert wire.nothing_comes(within=0.0)


def test_pushes_are_read_as_pushes(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        wire.call("HELLO", 3)
        wire.send("SUBSCRIBE", "a", "b")
        assert [frame.value[1] for frame in wire.read_pushes(2)] == [b"a", b"b"]
        wire.send("PING")
        with pytest.raises(AssertionError, match="PONG"):
            wire.read_pushes(1)


def test_a_close_by_the_server_is_seen_after_what_it_still_said(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        wire.send("QUIT")
        assert wire.closed_by_peer()
        assert [frame.raw for frame in wire.frames_at_hand()] == [b"+OK\r\n"]
        with pytest.raises(ConnectionClosedError):
            wire.read()
        assert not wire.nothing_comes(within=0.0)


def test_a_reply_that_does_not_come_is_a_timeout(redis_server: Server) -> None:
    with redis_server.connect(timeout=0.01) as wire:
        wire.send_raw(b"*1\r\n")
        with pytest.raises(TimeoutError):
            wire.read()
        assert not wire.closed_by_peer()


@pytest.fixture
def unequal_duel(redis_server: Server) -> Iterator[Duel]:
    """Two servers that differ in one thing: the number of databases."""
    binary = find_server(redis_server.name)
    assert binary is not None
    with start(binary, "--databases", "2") as target, Duel(redis_server, target) as duel:
        yield duel


def test_a_difference_is_reported_with_both_replies(unequal_duel: Duel) -> None:
    report = unequal_duel.play(scenario("SET k v", "SELECT 5", "SET k w"), protocol=2)
    assert [exchange.agree for exchange in report.exchanges] == [True, False, True]
    assert "> SELECT 5" in str(report)
    assert "(error) ERR DB index is out of range" in str(report)


def test_a_difference_in_the_datasets_is_reported(unequal_duel: Duel) -> None:
    report = unequal_duel.play(scenario("SELECT 5", "SET k w"), protocol=2)
    assert [line.split(":")[0] for line in report.state] == ["db0 b'k'", "db5 b'k'"]


def test_what_a_scenario_leaves_unread_is_compared_too(unequal_duel: Duel) -> None:
    report = unequal_duel.play(scenario("1! SELECT 5"), protocol=3)
    assert not report.agree


def test_settings_changed_by_a_scenario_are_put_back(unequal_duel: Duel, redis_server: Server) -> None:
    unequal_duel.play(scenario("CONFIG SET timeout 17"), protocol=2)
    with redis_server.connect() as wire:
        assert wire.call("CONFIG", "GET", "timeout").value[1] == b"0"
