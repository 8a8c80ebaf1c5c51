"""The engine's time on the event loop: what falls due happens by itself, in real time or when the clock is moved."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.server.conftest import Host, eventually

TIMED_OUT = b"*-1\r\n"


def test_a_timeout_comes_in_real_time(host: Host) -> None:
    peer = host.connect()
    started = time.monotonic()
    peer.send("BLPOP list 0.05")
    peer.receive(TIMED_OUT)
    assert 0.049 <= time.monotonic() - started < 1  # Redis counts whole milliseconds


def test_an_earlier_timeout_is_not_kept_waiting_by_a_later_one(host: Host) -> None:
    later, earlier = host.connect(), host.connect()
    later.send("BLPOP list 100")
    host.wait_for_blocked(1)
    earlier.send("BLPOP list 0.05")
    earlier.receive(TIMED_OUT)
    assert host.blocked == 1


def test_keys_expire_though_nobody_looks(host: Host) -> None:
    host.run("SET", "k", "v", "PX", "20")
    data = host.server.engine.databases[0].data
    assert data
    eventually(lambda: not data)


def test_a_move_of_the_clock_has_been_told_to_the_clients_when_it_returns(host: Host) -> None:
    peer = host.connect()
    peer.send("BLPOP list 100")
    host.wait_for_blocked(1)
    host.server.clock.advance(100)
    peer.socket.setblocking(False)
    assert peer.socket.recv(100) == TIMED_OUT


def test_a_frozen_clock_lets_nobody_time_out(host: Host) -> None:
    host.server.clock.freeze()
    peer, other = host.connect(), host.connect()
    peer.send("BLPOP list 0.01")
    host.wait_for_blocked(1)
    time.sleep(0.02)  # real time goes on, and must not matter
    other.send("BLPOP other 0.01")
    host.wait_for_blocked(2)
    assert host.server.clock.frozen
    host.server.clock.advance(0.005)
    assert host.blocked == 2
    host.server.clock.advance(0.005)
    peer.receive(TIMED_OUT)
    other.receive(TIMED_OUT)


def test_a_resumed_clock_goes_on_where_it_stood(host: Host) -> None:
    clock = host.server.clock
    clock.freeze()
    clock.set(1_000_000)
    peer = host.connect()
    peer.send("BLPOP list 0.05")
    host.wait_for_blocked(1)
    clock.resume()
    peer.receive(TIMED_OUT)
    assert 1_000_000.05 <= clock.time() < 1_000_010


def test_a_clock_that_was_advanced_wakes_the_server_sooner(host: Host) -> None:
    peer = host.connect()
    peer.send("BLPOP list 1000")
    host.wait_for_blocked(1)
    host.server.clock.advance(999.95)
    peer.receive(TIMED_OUT)


def test_a_key_that_lives_for_ages_can_be_waited_for(host: Host) -> None:
    host.run("SET", "k", "v", "EX", str(10**11))
    peer = host.connect()
    peer.send("GET k")
    peer.receive(b"$1\r\nv\r\n")


# The timeout directive


def test_an_idle_client_is_closed(start: Callable[..., Host]) -> None:
    host = start(timeout=10)
    host.server.clock.freeze()
    idle, busy = host.connect(), host.connect()
    host.session(idle), host.session(busy)
    host.server.clock.advance(8)
    busy.send("GET k")
    busy.receive(b"$-1\r\n")
    host.server.clock.advance(8)
    assert idle.read_to_the_end() == b""
    assert host.clients == 1
    host.server.clock.advance(8)
    assert busy.read_to_the_end() == b""


def test_neither_a_blocked_client_nor_a_subscriber_is_idle(start: Callable[..., Host]) -> None:
    host = start(timeout=10)
    host.server.clock.freeze()
    blocked, subscriber = host.connect(), host.connect()
    blocked.send("BLPOP list 0")
    host.wait_for_blocked(1)
    session = host.session(subscriber)
    host.server.call(lambda: host.server.engine.pubsub.subscribe(session, b"c"))
    host.server.clock.advance(1000)
    assert host.clients == 2


def test_the_timeout_can_be_set_later(host: Host) -> None:
    host.server.clock.freeze()
    peer = host.connect()
    host.session(peer)
    host.server.call(lambda: host.server.engine.config.set([(b"timeout", b"10")]))
    host.server.clock.advance(11)
    assert peer.read_to_the_end() == b""
