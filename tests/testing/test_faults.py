"""Each fault does what it says, to the requests it is meant for, however these come, and to no other."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator

import pytest

from miniredis.resp import NEED_MORE, ReplyDecoder
from miniredis.resp.types import NULL_ARRAY, OK, PONG, QUEUED, Error, Push
from miniredis.testing import MiniRedis
from tests.commands.peers import Peer
from tests.testing.wire import CLOSED, Wire


@pytest.fixture
def server() -> Iterator[MiniRedis]:
    with MiniRedis(seed=1) as running:
        yield running


@pytest.fixture
def wire(server: MiniRedis) -> Iterator[Wire]:
    with Wire(server) as connected:
        assert connected("PING") == b"+PONG\r\n"
        yield connected


@pytest.fixture
def still() -> MiniRedis:
    """One that was never started, with a clock that stands."""
    server = MiniRedis(seed=1)
    server.clock.freeze()
    return server


LOADING = Error("LOADING Redis is loading the dataset in memory")


# Which requests


def test_an_error_for_a_command(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.fail("GET", "LOADING") as fault:
        assert peer("GET k") == LOADING
        assert peer("get k") == LOADING
        assert peer("SET k v") == OK
    assert peer("GET k") == b"v"
    assert fault.hits == 2


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("BUSY", b"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."),
        ("LOADING", b"LOADING Redis is loading the dataset in memory"),
        ("OOM", b"OOM command not allowed when used memory > 'maxmemory'."),
        ("READONLY", b"READONLY You can't write against a read only replica."),
        ("MOVED 3999 127.0.0.1:7001", b"MOVED 3999 127.0.0.1:7001"),
        ("ERR my own words", b"ERR my own words"),
    ],
)
def test_the_words_of_errors(still: MiniRedis, code: str, text: bytes) -> None:
    peer = Peer(still.engine)
    with still.faults.fail("SET", code):
        assert peer("SET k v") == Error(text)
    assert peer("GET k") is None, "it was not executed"


def test_a_valkey_says_its_own_name() -> None:
    server = MiniRedis(emulate="valkey-9.1")
    with server.faults.fail("GET", "LOADING"):
        assert Peer(server.engine)("GET k") == Error("LOADING Valkey is loading the dataset in memory")


def test_several_commands_subcommands_and_all(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.fail(["GET", "INCR"], "ERR a"):
        assert [peer("GET k"), peer("INCR k"), peer("TTL k")] == [Error("ERR a"), Error("ERR a"), -2]
    with still.faults.fail("CONFIG GET", "ERR b"):
        assert peer("CONFIG GET port") == Error("ERR b")
        assert peer("CONFIG SET timeout 0") == OK
    with still.faults.fail("CONFIG", "ERR c"):
        assert peer("CONFIG SET timeout 0") == Error("ERR c")
    with still.faults.fail():
        assert peer("PING") == Error("ERR injected fault")
        assert peer("NOSUCH") == Error("ERR injected fault")


def test_by_key(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.fail("*", "ERR f", key="user:*"):
        assert peer("GET user:1") == Error("ERR f")
        assert peer("MGET other user:2") == Error("ERR f")
        assert peer("EVAL x 1 user:3") == Error("ERR f")
        assert peer("GET other") is None
        assert peer("PING user:1") == b"user:1"


def test_by_client(still: MiniRedis) -> None:
    worker, other = Peer(still.engine), Peer(still.engine)
    worker("CLIENT SETNAME worker-1")
    with still.faults.fail("*", "ERR f", client="worker-*"):
        assert worker("PING") == Error("ERR f")
        assert other("PING") == PONG


def test_the_nth_and_so_many_times(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.fail("PING", "ERR f", nth=2):
        assert [peer("PING") == PONG for _ in range(4)] == [True, False, True, True]
    with still.faults.fail("PING", "ERR f", times=2):
        assert [peer("PING") == PONG for _ in range(4)] == [False, False, True, True]


def test_by_chance_with_a_seed(still: MiniRedis) -> None:
    peer = Peer(still.engine)

    def struck(seed: int) -> list[bool]:
        with still.faults.fail("PING", "ERR f", probability=0.3, seed=seed):
            return [peer("PING") == Error("ERR f") for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(3)) < 90
    with still.faults.fail("PING", "ERR f", probability=0.0):
        assert peer("PING") == PONG


def test_chance_without_a_seed_comes_from_the_servers() -> None:
    def struck() -> list[bool]:
        server = MiniRedis(seed=9)
        peer = Peer(server.engine)
        with server.faults.fail("PING", "ERR f", probability=0.5):
            return [peer("PING") == Error("ERR f") for _ in range(50)]

    assert struck() == struck()


def test_what_makes_no_sense_is_refused(still: MiniRedis) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        still.faults.fail(probability=2)
    with pytest.raises(ValueError, match="counts from 1"):
        still.faults.fail(nth=0)
    with pytest.raises(ValueError, match="at least one byte"):
        still.faults.dribble("GET", 0)


def test_the_first_that_fits_strikes_and_all_can_be_ended(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    first = still.faults.fail("GET", "ERR first")
    second = still.faults.fail("*", "ERR second")
    assert (peer("GET k"), peer("PING")) == (Error("ERR first"), Error("ERR second"))
    first.stop()
    assert peer("GET k") == Error("ERR second")
    first.start()
    second.stop()
    assert peer("GET k") == Error("ERR first")
    still.faults.clear()
    assert peer("GET k") is None


def test_without_faults_nothing_stands_in_the_way(still: MiniRedis) -> None:
    with still.faults.fail("GET"):
        assert still.engine.gate
        assert still.engine.interceptor is not None
    assert not still.engine.gate
    assert still.engine.interceptor is None


def test_in_a_transaction_an_error_breaks_it(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer("MULTI")
    with still.faults.fail("SET", "OOM"):
        assert peer("SET k v") == Error("OOM command not allowed when used memory > 'maxmemory'.")
    assert peer("INCR n") == QUEUED
    assert peer("EXEC") == Error("EXECABORT Transaction discarded because of previous errors.")
    assert peer("EXISTS k n") == 0


def test_exec_itself_can_fail(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer("MULTI")
    peer("SET k v")
    with still.faults.fail("EXEC", "LOADING"):
        assert peer("EXEC") == Error("EXECABORT Transaction discarded because of: " + LOADING.message.decode())
    assert peer("GET k") is None


# Delays


def test_a_delay_is_on_the_servers_clock(still: MiniRedis) -> None:
    peer, other = Peer(still.engine), Peer(still.engine)
    with still.faults.delay("SET", 10):
        peer.send("SET k v")
    still.clock.advance(9.999)
    assert peer.seen() == []
    assert other("GET k") is None
    still.clock.advance(0.001)
    assert peer.seen() == [OK]
    assert other("GET k") == b"v"


def test_a_delay_of_the_reply_alone(still: MiniRedis) -> None:
    peer, other = Peer(still.engine), Peer(still.engine)
    with still.faults.delay("INCR", 10, executed=True):
        peer.send("INCR n")
    assert other("GET n") == b"1"
    assert peer.seen() == []
    still.clock.advance(10)
    assert peer.seen() == [1]


def test_who_leaves_during_a_delay_has_sent_nothing(still: MiniRedis) -> None:
    leaver, late, other = Peer(still.engine), Peer(still.engine), Peer(still.engine)
    with still.faults.delay("RPUSH", 10):
        leaver.send("RPUSH l a")
    with still.faults.delay("RPUSH", 10, executed=True):
        late.send("RPUSH l b")
    leaver.leave()
    late.leave()
    still.clock.advance(10)
    assert other("LRANGE l 0 -1") == [b"b"]
    assert leaver.seen() == late.seen() == []


def test_a_blocking_command_that_is_delayed_blocks_after_that(still: MiniRedis) -> None:
    for executed in (False, True):
        peer, other = Peer(still.engine), Peer(still.engine)
        with still.faults.delay("BLPOP", 10, executed=executed):
            peer.send("BLPOP l 0")
        still.clock.advance(10)
        assert peer.seen() == []
        other("RPUSH l x")
        still.clock.advance(10 if executed else 0)
        assert peer.seen() == [[b"l", b"x"]]


def test_a_timeout_counts_from_the_end_of_the_delay(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.delay("BLPOP", 10):
        peer.send("BLPOP l 5")
    still.clock.advance(14.9)
    assert peer.seen() == []
    still.clock.advance(0.1)
    assert peer.seen() == [NULL_ARRAY]


def test_a_delayed_command_is_not_unblocked(still: MiniRedis) -> None:
    peer, other = Peer(still.engine), Peer(still.engine)
    with still.faults.delay("GET", 1):
        peer.send("GET k")
    assert other(f"CLIENT UNBLOCK {peer.session.id}") == 0
    still.clock.advance(1)
    assert peer.seen() == [None]


def test_in_a_pipeline_what_follows_waits(server: MiniRedis, wire: Wire) -> None:
    server.clock.freeze()
    with server.faults.delay("GET", 10), Wire(server) as other:
        wire.send("SET k v", "GET k", "SET k w")
        assert wire.receive() == b"+OK\r\n"
        assert other("STRLEN k") == b":1\r\n"
        server.clock.advance(10)
        assert wire.receive() == b"$1\r\nv\r\n+OK\r\n"


def test_on_a_flowing_clock_a_delay_takes_real_time(server: MiniRedis, wire: Wire) -> None:
    with server.faults.delay("PING", 0.05):
        started = time.monotonic()
        assert wire("PING") == b"+PONG\r\n"
        assert time.monotonic() - started >= 0.049  # the engine counts milliseconds


def test_a_client_that_switched_replies_off_hears_nothing_late_either(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer.send("CLIENT REPLY OFF")
    with still.faults.delay("SET", 1), still.faults.delay("GET", 1, executed=True), still.faults.fail("DEL"):
        peer.send("SET k v")
        still.clock.advance(1)
        peer.send("GET k")
        still.clock.advance(1)
        peer.send("DEL k")
    assert peer.seen() == []
    assert peer("CLIENT REPLY ON") == OK


# Lost connections


def test_drop_before_and_after(server: MiniRedis) -> None:
    for executed, stored in ((False, b"$-1\r\n"), (True, b"$1\r\nv\r\n")):
        with Wire(server) as wire, server.faults.drop("SET", executed=executed, times=1):
            wire.send("PING", "SET k v", "PING")
            assert wire.receive_all() == b"+PONG\r\n", "what was answered before still arrives"
        with Wire(server) as wire:
            assert wire("GET k") == stored


def test_drop_after_a_wait_executes_nothing_that_follows(server: MiniRedis, wire: Wire) -> None:
    with server.faults.drop("BLPOP", executed=True), Wire(server) as other:
        wire.send("BLPOP l 0", "SET k v")
        server.wait_for_blocked("l")
        other("RPUSH l x")
        assert wire.receive() == CLOSED
        assert other("EXISTS l k") == b":0\r\n"


def test_a_drop_in_a_transaction_forgets_it(still: MiniRedis) -> None:
    peer, other = Peer(still.engine), Peer(still.engine)
    peer("WATCH k")
    peer("MULTI")
    peer("SET k v")
    with still.faults.drop("EXEC"):
        peer.send("EXEC")
    assert peer.session.closing
    peer.leave()
    assert other("GET k") is None


def test_cut(server: MiniRedis) -> None:
    server.load({"k": "value"})
    for size in (0, 1, 4, 8):
        with Wire(server) as wire, server.faults.cut("GET", size):
            wire.send("PING", "GET k", "PING")
            assert wire.receive_all() == b"+PONG\r\n" + b"$5\r\nvalue\r\n"[:size]


def test_cut_after_a_wait(server: MiniRedis, wire: Wire) -> None:
    with server.faults.cut("BLPOP", 6), Wire(server) as other:
        wire.send("BLPOP l 0")
        server.wait_for_blocked("l")
        other("RPUSH l x")
        assert wire.receive_all() == b"*2\r\n$1"
        assert other("EXISTS l") == b":0\r\n"


@pytest.mark.parametrize(("size", "pieces"), [(1, 11), (4, 3), (10, 2), (11, 1)])
def test_dribble(server: MiniRedis, wire: Wire, size: int, pieces: int) -> None:
    """How many of them a client finds at once is up to the system; each is sent by itself."""
    server.load({"k": "value"})
    statistics = server.engine.statistics
    with server.faults.dribble("GET", size):
        before = statistics.writes_processed
        wire.send("GET k", "PING")
        data = wire.receive()
        while len(data) < 18:
            data += wire.receive()
        assert data == b"$5\r\nvalue\r\n+PONG\r\n"
        assert statistics.writes_processed - before in (pieces, pieces + 1), "PING may go with the last one"


def test_no_message_comes_into_the_middle_of_a_reply_that_dribbles(server: MiniRedis, wire: Wire) -> None:
    with server.faults.dribble("SUBSCRIBE"), Wire(server) as other:
        wire.send("SUBSCRIBE news")
        server.wait_for_subscriber("news")
        assert other("PUBLISH news hello") == b":1\r\n"
        data = b""
        while not data.endswith(b"hello\r\n"):
            data += wire.receive()
        confirmation = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
        assert data == confirmation + b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"


def test_who_leaves_while_it_dribbles_disturbs_nobody(server: MiniRedis) -> None:
    server.load({"k": "v" * 1000})
    with server.faults.dribble("GET", 10), Wire(server) as other:
        with Wire(server) as wire:
            assert wire("GET k").startswith(b"$1000")
        data = other("GET k")
        while len(data) < 1009:
            data += other.receive()
        assert data == b"$1000\r\n%b\r\n" % (b"v" * 1000)


def test_in_process_a_cut_loses_the_connection_and_a_dribble_is_nothing(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.dribble("PING"):
        assert peer("PING") == PONG
    with still.faults.cut("PING"):
        peer.send("PING")
    assert peer.session.closing
    assert peer.seen() == []


def test_messages_reach_a_client_whose_request_is_delayed(still: MiniRedis) -> None:
    peer, other = Peer(still.engine, protocol=3), Peer(still.engine)
    peer.send("SUBSCRIBE news")
    peer.seen()
    with still.faults.delay("GET", 1):
        peer.send("GET k")
    other("PUBLISH news x")
    still.clock.advance(1)
    assert peer.seen() == [Push([b"message", b"news", b"x"]), None]


# The server as a whole


def test_refuse_connections(server: MiniRedis, wire: Wire) -> None:
    with server.faults.refuse_connections():
        with Wire(server) as late:
            assert late.receive_all() == b"-ERR max number of clients reached\r\n"
        assert wire("PING") == b"+PONG\r\n"
    with Wire(server) as late:
        assert late("PING") == b"+PONG\r\n"


def test_pause(server: MiniRedis, wire: Wire) -> None:
    with Wire(server) as blocked:
        blocked.send("BLPOP l 0")
        server.wait_for_blocked("l")
        with server.faults.pause(), server.log as log:
            wire.send("RPUSH l x", "NOSUCH")
            log.wait_for("RPUSH")
            with Wire(server) as late:
                late.send("GET")
                log.wait_for("GET")
                assert wire.has_nothing()
                assert late.has_nothing()
                assert blocked.has_nothing()
        assert wire.receive().startswith(b":1\r\n-ERR unknown command")
        assert blocked.receive() == b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n"


def test_in_a_pause_time_ends_nothing(still: MiniRedis) -> None:
    still.load({"k": "v"})
    peer, waiter = Peer(still.engine), Peer(still.engine)
    peer("PEXPIRE k 1000")
    waiter.send("BLPOP l 1")
    with still.faults.pause():
        still.clock.advance(2)
        peer.send("EXISTS k")
        assert peer.seen() == waiter.seen() == []
        assert b"k" in still.engine.databases[0].data
    assert waiter.seen() == [NULL_ARRAY]
    assert peer.seen() == [0]


def test_a_pause_within_a_pause_and_within_a_clients(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer("CLIENT PAUSE 60000 WRITE")
    with still.faults.pause():
        with still.faults.pause():
            peer.send("GET k")
        assert peer.seen() == []
    assert peer.seen() == [None]
    peer.send("SET k v")
    assert peer.seen() == []
    still.clock.advance(60)
    assert peer.seen() == [OK]
    assert not still.engine.gate


def test_outage(server: MiniRedis, wire: Wire) -> None:
    wire("SET k v")
    port = server.port
    with server.faults.outage():
        assert wire.receive() == CLOSED
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    assert server.port == port
    with Wire(server) as again:
        assert again("GET k") == b"$1\r\nv\r\n"


async def test_an_outage_on_the_callers_loop() -> None:
    async with MiniRedis() as server:
        port = server.port
        async with server.faults.async_outage():
            assert not server.is_running
        assert server.is_running
        assert server.port == port
        with pytest.raises(RuntimeError, match="async with"), server.faults.outage():
            pass


def test_an_outage_of_what_never_started_ends_its_clients(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.outage():
        assert peer.is_closed
        assert not still.engine.sessions
        assert still.engine.config.maxclients == 0
    assert not still.is_running


@pytest.mark.parametrize("keep_data", [True, False])
def test_restart(server: MiniRedis, wire: Wire, keep_data: bool) -> None:
    code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    assert wire.ask("FUNCTION", "LOAD", code) == b"$3\r\nlib\r\n"
    wire("SET k v")
    sha = wire("SCRIPT LOAD return(1)").split(b"\r\n")[1].decode()
    run_id = server.engine.run_id
    server.faults.restart(keep_data=keep_data)
    assert wire.receive() == CLOSED
    with Wire(server) as again:
        assert again("GET k") == (b"$1\r\nv\r\n" if keep_data else b"$-1\r\n")
        assert (again("FCALL f 0") == b":1\r\n") is keep_data
        assert again(f"SCRIPT EXISTS {sha}") == b"*1\r\n:0\r\n"
    assert server.engine.run_id != run_id


def test_a_restarted_server_counts_anew(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    peer("CONFIG SET slowlog-log-slower-than 0")
    peer("SET k v")
    peer("GET k")
    still.clock.advance(100)
    still.faults.restart()
    peer = Peer(still.engine)
    info = peer("INFO everything").decode()
    for line in (
        "uptime_in_seconds:0",
        "keyspace_hits:0",
        "total_connections_received:1",
        "rdb_changes_since_last_save:0",
    ):
        assert f"\r\n{line}\r\n" in info
    assert "cmdstat_get:" not in info
    assert peer("SLOWLOG LEN") == 1, "INFO alone"


def test_a_restart_in_a_pause(still: MiniRedis) -> None:
    peer = Peer(still.engine)
    with still.faults.pause():
        peer.send("SET k v")
        still.faults.restart()
        late = Peer(still.engine)
        late.send("GET k")
    assert late.seen() == [None]
    assert peer.seen() == []


# All at once, over sockets


@pytest.mark.parametrize("seed", range(5))
def test_a_pipeline_under_many_faults_is_answered_in_its_order(server: MiniRedis, seed: int) -> None:
    """Each reply is the one to its request or an injected error, as far as the connection goes."""
    choose = random.Random(seed)
    last = choose.randrange(100, 300)
    with (
        server.faults.drop("ECHO", nth=last),
        server.faults.fail("ECHO", "ERR f", probability=0.1, seed=seed),
        server.faults.dribble("ECHO", 3, probability=0.1, seed=seed + 1),
        server.faults.delay("ECHO", 0.001, probability=0.1, seed=seed + 2),
        server.faults.delay("ECHO", 0.001, executed=True, probability=0.1, seed=seed + 3),
        server.log as log,
        Wire(server) as wire,
    ):
        wire.send(*[f"ECHO {number}" for number in range(300)])
        decoder = ReplyDecoder()
        decoder.feed(wire.receive_all())
        replies = list(iter(decoder.next, NEED_MORE))
    assert len(replies) == last - 1
    assert {reply for number, reply in enumerate(replies) if reply != b"%d" % number} == {Error("ERR f")}
    assert [call.reply for call in log][: last - 1] == replies, "in which the log agrees"


def test_subscribers_receive_messages_in_order_under_faults(server: MiniRedis, wire: Wire) -> None:
    with Wire(server) as other, server.faults.dribble(["SUBSCRIBE", "PING"], 2), server.faults.delay("PUBLISH", 0.001):
        wire.send("SUBSCRIBE news", "PING", "PING")
        server.wait_for_subscriber("news")
        other.send(*[f"PUBLISH news {number}" for number in range(50)])
        decoder = ReplyDecoder()
        messages: list[bytes] = []
        while len(messages) < 50:
            decoder.feed(wire.receive())
            messages += [reply[2] for reply in iter(decoder.next, NEED_MORE) if reply[0] == b"message"]
    assert messages == [b"%d" % number for number in range(50)]
