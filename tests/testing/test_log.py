"""The log has every request of every client while it is on, and says in one line what a person wants to know of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from miniredis.resp.types import OK, Error
from miniredis.testing import MiniRedis
from tests.commands.peers import Peer
from tests.testing.wire import Wire


@pytest.fixture
def server() -> MiniRedis:
    server = MiniRedis()
    server.clock.freeze()
    server.clock.set(datetime(2030, 1, 1, 12, 30, tzinfo=UTC))
    return server


@pytest.fixture
def peer(server: MiniRedis) -> Peer:
    return Peer(server.engine)


@pytest.fixture
def running() -> Iterator[MiniRedis]:
    with MiniRedis() as server:
        yield server


def without_duration(text: object) -> str:
    """*text* with its durations, which are real, taken out."""
    return re.sub(r" \(\d+\.\d{3} ms\)", "", str(text))


def test_client_time_database_command_reply_and_duration(server: MiniRedis, peer: Peer) -> None:
    peer("CLIENT SETNAME worker")
    with server.log as log:
        peer("SET k v")
        peer("SELECT 3")
        peer("GET k")
    assert len(log) == 3
    assert without_duration(log).split("\n") == [
        '12:30:00.000 worker db0 SET "k" "v" -> OK',
        '12:30:00.000 worker db0 SELECT "3" -> OK',
        '12:30:00.000 worker db3 GET "k" -> (nil)',
    ]
    assert (log[0].name, log[0].argv, log[0].client, log[0].db) == ("set", [b"SET", b"k", b"v"], "worker", 0)
    assert log[0].reply == OK
    assert log[0].keys == [b"k"]
    assert log[0].time == server.clock.time() * 1e9
    assert 0 < log[0].nanoseconds < 1e9


def test_it_is_off_until_asked_for_and_can_be_read_after_its_end(server: MiniRedis, peer: Peer) -> None:
    peer("PING")
    assert str(server.log) == "(nothing)"
    assert server.engine.interceptor is None
    server.log.start()
    peer("GET a")
    server.log.stop()
    peer("GET b")
    assert server.engine.interceptor is None
    assert [call.keys for call in server.log] == [[b"a"]]
    server.log.start()
    server.log.start()
    peer("GET c")
    assert [call.keys for call in server.log] == [[b"a"], [b"c"]]
    with server.log as log:
        peer("GET d")
    assert [call.keys for call in log] == [[b"d"]], "a block begins with an empty log"
    server.log.clear()
    assert len(server.log) == 0


def test_it_is_bounded(server: MiniRedis, peer: Peer) -> None:
    server.log.start(limit=3)
    for number in range(10):
        peer(f"GET {number}")
    assert [call.keys for call in server.log] == [[b"7"], [b"8"], [b"9"]]


def test_errors_waits_transactions_and_scripts(server: MiniRedis, peer: Peer) -> None:
    waiter = Peer(server.engine)
    with server.log as log:
        for line in ("NOSUCH a", "GET", "MULTI", "SET k v", "EXEC", "EVAL return(redis.call('get',KEYS[1])) 1 k"):
            peer(line)
        waiter.send("BLPOP l 0")
        assert log[-1].is_blocked
        assert str(log[-1]).endswith(" ms)")
        assert "-> (waits) (" in str(log[-1])
        peer("RPUSH l x")
    assert [call.keys for call in log][:2] == [[], []]
    lines = [without_duration(call).split(" db0 ")[1] for call in log]
    assert lines == [
        "NOSUCH \"a\" -> (error) ERR unknown command 'NOSUCH', with args beginning with: 'a' ",
        "GET -> (error) ERR wrong number of arguments for 'get' command",
        "MULTI -> OK",
        'SET "k" "v" -> QUEUED',
        "EXEC -> [OK]",
        """EVAL "return(redis.call('get',KEYS[1]))" "1" "k" -> "v\"""",
        'BLPOP "l" "0" -> ["l", "x"]',
        'RPUSH "l" "x" -> 1',
    ]


def test_who_went_away_had_no_reply(server: MiniRedis, peer: Peer) -> None:
    with server.log as log:
        peer.send("BLMOVE l m LEFT RIGHT 1")
        server.clock.advance(1)
        peer.send("BLPOP l 0")
        peer.leave()
    assert [without_duration(call).split(" db0 ")[1] for call in log] == [
        'BLMOVE "l" "m" "LEFT" "RIGHT" "1" -> (nil)',
        'BLPOP "l" "0" -> (given up)',
    ]


def test_passwords_are_not_shown_and_what_is_long_is_shortened(server: MiniRedis, peer: Peer) -> None:
    with server.log as log:
        peer("AUTH secret")
        peer("HELLO 3 AUTH default secret")
        peer("SET k " + "x" * 100)
        peer("MGET " + " ".join(map(str, range(100))))
        peer("SET k \xff\n")
        peer("SET k a\nb")
    text = str(log)
    assert "secret" not in text
    assert "AUTH (redacted) ->" in text
    assert f'"{"x" * 80}"… 100 bytes' in text
    assert '"11" … 100 arguments -> [(nil), ' in text
    assert ", … 100 items]" in text
    assert '"\\xff\\n"' in text
    assert '"a\\nb"' in text
    assert len(text.split("\n")) == 6


def test_what_a_fault_did_is_logged(server: MiniRedis, peer: Peer) -> None:
    with server.log as log, server.faults.fail("GET", "LOADING"):
        peer("GET k")
    assert log[0].reply == Error("LOADING Redis is loading the dataset in memory")


def test_what_is_delayed_and_then_blocks_waits_all_the_time(server: MiniRedis, peer: Peer) -> None:
    other = Peer(server.engine)
    with server.log as log, server.faults.delay("BLPOP", 1):
        peer.send("BLPOP l 0")
        assert log[0].is_blocked
        server.clock.advance(1)
        assert log[0].is_blocked
        other("RPUSH l x")
        assert log[0].reply == [b"l", b"x"]


def test_what_a_pause_held_back_is_logged_once(server: MiniRedis, peer: Peer) -> None:
    with server.log as log:
        with server.faults.pause():
            peer.send("SET k v")
            assert log[0].is_blocked
        assert peer.seen() == [OK]
        peer("CLIENT PAUSE 1000")
        peer.send("GET k")
        server.clock.advance(1)
    assert [call.name for call in log] == ["set", "client|pause", "get"]
    assert [call.reply for call in log] == [OK, OK, b"v"]


def test_requests_of_the_wrong_length_name_no_keys(server: MiniRedis, peer: Peer) -> None:
    with server.log as log:
        for command in server.engine.table.all():
            for words in ("", " a", " a b"):
                if not command.subcommands and command.name not in ("shutdown", "quit", "reset", "monitor"):
                    peer.send(command.name.replace("|", " ") + words)
    wrong = [call for call in log if isinstance(call.reply, Error) and b"wrong number" in call.reply.message]
    assert len(wrong) > 300
    assert not any(call.keys for call in wrong)


def test_calls_can_be_selected(server: MiniRedis, peer: Peer) -> None:
    other = Peer(server.engine)
    other("CLIENT SETNAME other")
    with server.log as log:
        peer("GET user:1")
        other("GET user:2")
        peer("SET user:1 x")
        peer("CONFIG GET port")
    assert len(log.calls("GET")) == 2
    assert len(log.calls(key="user:*")) == 3
    assert [call.keys for call in log.calls("get", client="other")] == [[b"user:2"]]
    assert (
        [call.name for call in log.calls("CONFIG")] == [call.name for call in log.calls("config get")] == ["config|get"]
    )


def test_over_sockets(running: MiniRedis) -> None:
    with running.log as log, Wire(running) as wire:
        wire.send("SET k v", "GET k")
        log.wait_for("GET")
        assert [call.reply for call in log] == [OK, b"v"]
        assert log[0].batch == log[1].batch
        assert wire.receive() == b"+OK\r\n$1\r\nv\r\n"
        wire("PING")
        assert log[2].batch != log[1].batch


async def test_over_sockets_on_the_callers_loop() -> None:
    import redis.asyncio

    async with MiniRedis() as server, redis.asyncio.Redis.from_url(server.url, client_name="me") as client:
        with server.log as log:
            await client.get("k")
            await log.async_wait_for("GET", client="me", key="k")


def test_waiting_for_the_log(server: MiniRedis, peer: Peer) -> None:
    with pytest.raises(RuntimeError, match="this log is off"):
        server.log.wait_for("GET")
    with server.log as log:
        peer("GET k")
        peer("SET k v")
        log.wait_for("GET")
        with pytest.raises(TimeoutError) as raised:
            log.wait_for("GET", 2, key="k*", client="me", timeout=0.01)
    assert without_duration(raised.value) == (
        'GET for a key like "k*" was logged 0 of 2 times by me; the log:\n'
        f'12:30:00.000 client {peer.session.id} db0 GET "k" -> (nil)\n'
        f'12:30:00.000 client {peer.session.id} db0 SET "k" "v" -> OK\n'
        " (after 0.01 s)"
    )
