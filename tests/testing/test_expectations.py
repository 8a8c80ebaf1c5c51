"""Assertions pass where what they say is so, and fail with words that tell what was there instead."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from miniredis.testing import MiniRedis
from tests.commands.peers import Peer
from tests.testing.wire import Wire


@pytest.fixture
def server() -> MiniRedis:
    server = MiniRedis()
    server.clock.freeze()
    server.clock.set(0)
    return server


@pytest.fixture
def peer(server: MiniRedis) -> Peer:
    peer = Peer(server.engine)
    peer("CLIENT SETNAME me")
    return peer


@pytest.fixture
def wire() -> Iterator[tuple[MiniRedis, Wire]]:
    with MiniRedis() as server, Wire(server) as connected:
        yield server, connected


def words(error: pytest.ExceptionInfo[AssertionError]) -> str:
    """The message, without what is real in it: durations."""
    return re.sub(r" \(\d+\.\d{3} ms\)", "", str(error.value)).replace("00:00:00.000 ", "")


def say(client: Callable[[str], object], *lines: str) -> None:
    """Send *lines*, each after the reply to the one before."""
    for line in lines:
        client(line)


# None of these


def test_no_such_command(server: MiniRedis, peer: Peer) -> None:
    with server.expect.no("KEYS"):
        peer("GET keys")
    with pytest.raises(AssertionError) as raised, server.expect.no("KEYS", "FLUSHALL"):
        say(peer, "GET k", "KEYS *")
    assert words(raised) == 'expected no KEYS or FLUSHALL; there was:\n    me db0 KEYS "*" -> []'


def test_no_command_at_all_for_a_key_or_a_client(server: MiniRedis, peer: Peer) -> None:
    other = Peer(server.engine)
    with server.expect.no(key="secret:*"), server.expect.no("GET", client="you"):
        peer("GET public")
    with (
        pytest.raises(AssertionError, match=r'expected no command for a key like "secret:\*"'),
        server.expect.no(key="secret:*"),
    ):
        peer("TTL secret:1")
    with pytest.raises(AssertionError, match="expected no command by me"), server.expect.no(client="me"):
        say(lambda line: (other(line), peer(line)), "PING")


def test_what_transactions_and_scripts_run_counts_and_what_is_discarded_does_not(server: MiniRedis, peer: Peer) -> None:
    with server.expect.no("KEYS"):
        say(peer, "MULTI", "KEYS *", "DISCARD")
    with pytest.raises(AssertionError) as raised, server.expect.no("KEYS"):
        say(peer, "MULTI", "KEYS *", "EXEC")
    assert words(raised) == 'expected no KEYS; there was:\n    me db0 KEYS "*" (in EXEC)'
    with pytest.raises(AssertionError) as raised, server.expect.no("KEYS"):
        peer("EVAL return(redis.call('keys','*')) 0")
    assert words(raised) == 'expected no KEYS; there was:\n    me db0 KEYS "*" (in EVAL)'


def test_what_a_delayed_transaction_runs_is_told_by_its_client(server: MiniRedis, peer: Peer) -> None:
    other = Peer(server.engine)
    say(peer, "MULTI", "KEYS *")
    expectation = server.expect.no("KEYS")
    expectation.__enter__()
    with server.faults.delay("EXEC", 1):
        peer.send("EXEC")
    other("GET k")
    server.clock.advance(1)
    with pytest.raises(AssertionError) as raised:
        expectation.__exit__(None, None, None)
    assert str(raised.value) == 'expected no KEYS; there was:\n    00:00:01.000 me db0 KEYS "*" (in EXEC)'


def test_the_error_of_the_block_comes_first(server: MiniRedis, peer: Peer) -> None:
    with pytest.raises(ZeroDivisionError), server.expect.no("KEYS"):
        raise ZeroDivisionError(peer("KEYS *"))
    assert server.engine.interceptor is None


def test_afterwards_nothing_stands_in_the_way(server: MiniRedis, peer: Peer) -> None:
    expectation = server.expect.no("KEYS")
    with expectation:
        assert server.engine.observer is not None
    peer("KEYS *")
    assert server.engine.interceptor is server.engine.observer is None
    assert not server.engine.observed
    with expectation:
        peer("GET k")


def test_much_is_shown_in_part(server: MiniRedis, peer: Peer) -> None:
    with pytest.raises(AssertionError) as raised, server.expect.no("GET"):
        say(peer, *["GET k"] * 30)
    assert len(str(raised.value).split("\n")) == 22
    assert str(raised.value).endswith("… 30 in all")


def test_no_errors(server: MiniRedis, peer: Peer) -> None:
    with server.expect.no_errors():
        peer("GET k")
    with pytest.raises(AssertionError, match=r"expected no errors; there was:\n.*NOSUCH"), server.expect.no_errors():
        peer("NOSUCH")
    with server.expect.no_errors(client="you"):
        peer("NOSUCH")
    with pytest.raises(AssertionError, match=r'there was:\n.*INCR "text" \(in EXEC\)$'), server.expect.no_errors():
        say(peer, "SET text x", "MULTI", "INCR text", "EXEC")
    with server.expect.no_errors():
        peer("EVAL redis.pcall('incr',KEYS[1]) 1 text")


# Round trips


def test_round_trips(wire: tuple[MiniRedis, Wire]) -> None:
    server, client = wire
    with server.expect.round_trips(at_most=1), server.expect.round_trips(exactly=1):
        client.send("SET a 1", "SET b 1", "GET a")
        assert client.receive() == b"+OK\r\n+OK\r\n$1\r\n1\r\n"
    with server.expect.round_trips(exactly=0):
        say(client, "SELECT 1", "CLIENT SETNAME me")
    with pytest.raises(AssertionError) as raised, server.expect.round_trips(at_most=1):
        say(client, "GET a", "GET b")
    assert str(raised.value).startswith("expected at most 1 round trips, there were 2:\n")
    assert len(str(raised.value).split("\n")) == 3
    with (
        pytest.raises(AssertionError, match="exactly 2 round trips, there were 1"),
        server.expect.round_trips(exactly=2),
    ):
        client("GET a")
    with (
        pytest.raises(AssertionError, match="at least 2 round trips, there were 1"),
        server.expect.round_trips(at_least=2),
    ):
        client("GET a")
    with server.expect.round_trips(at_most=0, client="you"):
        client("GET a")
    with pytest.raises(ValueError, match="say how many"):
        server.expect.round_trips()


@pytest.mark.parametrize("commands", [50, 1000, 20_000])
def test_a_pipeline_is_one_however_large_it_is(commands: int) -> None:
    with MiniRedis() as server, redis.Redis.from_url(server.url) as client:
        client.ping()
        with server.expect.round_trips(exactly=2):
            for _ in range(2):
                pipe = client.pipeline(transaction=False)  # redis-py sends 6,000 bytes at a time
                for number in range(commands):
                    pipe.set(f"key:{number}", "value")
                assert len(pipe.execute()) == commands


def test_a_large_value_is_one_round_trip_and_the_next_is_another(wire: tuple[MiniRedis, Wire]) -> None:
    server, client = wire
    large = "x" * 300_000
    with server.expect.round_trips(exactly=2):
        assert client(f"SET k {large}") == b"+OK\r\n"
        assert client("STRLEN k") == b":300000\r\n"


def test_what_a_client_sends_while_it_is_blocked_belongs_to_that(wire: tuple[MiniRedis, Wire]) -> None:
    server, client = wire
    with server.expect.round_trips(exactly=2):  # the other is RPUSH
        client.send("BLPOP queue 0")
        server.wait_for_blocked("queue")
        client.send("GET a", "GET b")
        server.client().rpush("queue", "job")
        received = b""
        while not received.endswith(b"$-1\r\n$-1\r\n"):
            received += client.receive()


def test_who_sends_much_and_no_more_is_answered(wire: tuple[MiniRedis, Wire]) -> None:
    server, client = wire
    with server.expect.round_trips(exactly=1):
        client.send(*["PING"] * 1000)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.receive_all() == b"+PONG\r\n" * 1000


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(wire: tuple[MiniRedis, Wire]) -> None:
    server, client = wire
    with server.expect.round_trips(at_most=1):
        client.send(*["PING"] * 1000)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
        server.stop()
    assert not server.engine.sessions


def test_in_the_process_a_pipeline_that_waits_is_one(server: MiniRedis) -> None:
    client = server.client()
    client.ping()
    with server.expect.round_trips(exactly=1, client="popping"):
        pipe = client.pipeline(transaction=False)
        pipe.client_setname("popping")
        pipe.blpop("queue", 0)
        pipe.get("a").get("b")
        popping = threading.Thread(target=pipe.execute)
        popping.start()
        server.wait_for_blocked("queue")
        server.client().rpush("queue", "job")
        popping.join(10)


def test_each_request_of_a_client_without_a_socket_is_one_unless_they_come_together(
    server: MiniRedis, peer: Peer
) -> None:
    with server.expect.round_trips(exactly=2):
        say(peer, "GET a", "GET a")
    with server.expect.round_trips(exactly=1):
        peer.session.batch = 1
        say(peer, "GET a", "GET a")


def test_what_a_script_or_transaction_runs_is_no_round_trip(server: MiniRedis, peer: Peer) -> None:
    with server.expect.round_trips(exactly=4):
        peer("EVAL redis.call('get',KEYS[1]);redis.call('get',KEYS[1]) 1 k")
        say(peer, "MULTI", "GET k", "EXEC")


# Called


def test_called(server: MiniRedis, peer: Peer) -> None:
    with (
        server.expect.called("SET"),
        server.expect.called("set", key="lock:*", times=1),
        server.expect.called("SET", client="me", times=2),
        server.expect.called("CONFIG GET"),
        server.expect.called("CONFIG", times=1),
        server.expect.called("GET", times=0),
    ):
        say(peer, "SET lock:1 x", "SET other x", "CONFIG GET port")


def test_not_called(server: MiniRedis, peer: Peer) -> None:
    with pytest.raises(AssertionError) as raised, server.expect.called("SET", key="lock:*"):
        say(peer, "SET other x", "GET k")
    assert words(raised) == (
        'expected SET for a key like "lock:*" to be called; it was 0 times. SET was called so:\n'
        '    me db0 SET "other" "x" -> OK'
    )
    with pytest.raises(AssertionError) as raised, server.expect.called("SET", client="you"):
        peer("GET k")
    assert words(raised) == (
        'expected SET by you to be called; it was 0 times. there was:\n    me db0 GET "k" -> (nil)'
    )
    with pytest.raises(AssertionError, match="to be called once; it was 2 times"), server.expect.called("GET", times=1):
        say(peer, "GET a", "GET b")


def test_with_a_time_to_live(server: MiniRedis, peer: Peer) -> None:
    with server.expect.called("SET", key="lock:*", with_ttl=True, times=1):
        say(peer, "SET lock:1 x EX 10", "SET lock:2 x")
    with server.expect.called("SET", key="lock:*", with_ttl=False, times=1):
        say(peer, "SET lock:1 x EX 10", "SET lock:2 x")
    with pytest.raises(AssertionError) as raised, server.expect.called("SET", key="lock:*", with_ttl=True):
        say(peer, "SET lock:3 x", "EXPIRE lock:3 10")  # too late: who dies in between leaves it for ever
    assert words(raised) == (
        'expected SET for a key like "lock:*" with a time to live to be called; it was 0 times. SET was called so:\n'
        '    me db0 SET "lock:3" "x" -> OK'
    )


def test_with_a_time_to_live_in_a_transaction_and_a_script(server: MiniRedis, peer: Peer) -> None:
    with server.expect.called("SET", with_ttl=True, times=1):
        say(peer, "MULTI", "SET k v EX 10", "EXEC")
    with server.expect.called("SET", with_ttl=True, times=1):
        peer("EVAL redis.call('set',KEYS[1],'v','ex',10) 1 k")
