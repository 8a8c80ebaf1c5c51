"""What clients take, by Redis's arithmetic, and ``maxmemory-clients``: who goes when they take too much."""

from __future__ import annotations

import pytest

import miniredis.commands  # noqa: F401
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import OK, Error, Reply

LIMIT = 1_000_000


class Peer:
    """A client whose buffers hold what the test says."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session: Session = engine.connect(lambda reply: None)
        self.unsent = 0
        self.awaited = 0
        self.session.output_buffer = lambda: self.unsent
        self.session.unfinished_request = lambda: (self.awaited, 0)

    def __call__(self, *words: str) -> Reply:
        return self.engine.execute(self.session, [word.encode() for word in words])

    def fills(self, size: int) -> None:
        """Have so many bytes that it has not read."""
        self.unsent = size
        self.engine.client_memory.changed(self.session)

    @property
    def is_connected(self) -> bool:
        return self.session.id in self.engine.sessions

    def line(self, of: Peer) -> dict[str, int]:
        """The numbers of CLIENT LIST about the client *of*."""
        text = bytes(self("CLIENT", "LIST", "ID", str(of.session.id))).decode()
        pairs = (field.split("=") for field in text.split())
        return {name: int(value) for name, value in pairs if value.isdigit()}


@pytest.fixture
def engine() -> Engine:
    engine = Engine(VERSIONS["redis-7.0"])
    engine.clock.freeze()
    return engine


@pytest.fixture
def control(engine: Engine) -> Peer:
    control = Peer(engine)
    control("CLIENT", "NO-EVICT", "on")
    return control


# What a client takes: every figure was read off Redis 7.0.15


def test_a_fresh_client_has_its_first_buffers(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("PING")
    line = control.line(peer)
    assert (line["qbuf"], line["qbuf-free"], line["rbs"], line["rbp"]) == (0, 20474, 16384, 16384)
    assert line["tot-mem"] == 37632


def test_a_reply_buffer_that_is_not_needed_shrinks(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("PING")
    engine.clock.advance(0.3)
    line = control.line(peer)
    assert (line["rbs"], line["tot-mem"]) == (1024, 22272)


def test_a_reply_buffer_that_was_full_grows(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    engine.clock.advance(0.3)
    assert control.line(peer)["rbs"] == 1024
    sizes = []
    for _ in range(5):
        peer.session.buffers.note_replies(32768)
        engine.clock.advance(0.1)
        sizes.append(control.line(peer)["rbs"])
    assert sizes == [2048, 4096, 8192, 16384, 16384]


def test_a_client_that_is_silent_for_three_seconds_loses_its_query_buffer(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("PING")
    engine.clock.advance(2)
    assert control.line(peer)["qbuf-free"] == 20474
    engine.clock.advance(1)
    assert control.line(peer)["qbuf-free"] == 0
    peer("PING")
    assert control.line(peer)["qbuf-free"] == 20474


def test_room_for_a_large_argument_is_made_when_its_length_has_come(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("PING")
    peer.awaited = 100_000
    peer.session.buffers.note_request(0, 100_000)
    engine.clock.advance(0.3)
    assert control.line(peer)["tot-mem"] == 116480


def test_a_transaction_counts_its_queue(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("MULTI")
    engine.clock.advance(0.3)
    control.line(peer)
    seen = []
    for value in ("v", "v" * 100, "v" * 100, "v" * 100):
        peer("SET", "k", value)
        line = control.line(peer)
        seen.append((line["multi-mem"], line["tot-mem"]))
    peer("GET", "k")
    line = control.line(peer)
    assert seen[:2] == [(29, 22349), (157, 22477)]
    assert (line["multi-mem"], line["tot-mem"]) == (433, 22897)


def test_watched_keys_and_subscriptions_count(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("WATCH", "a", "b")
    engine.clock.advance(0.3)
    assert control.line(peer)["tot-mem"] == 22384
    peer("UNWATCH")
    peer("SUBSCRIBE", "a", "b")
    assert control.line(peer)["tot-mem"] == 22352
    peer("PSUBSCRIBE", "a")
    assert control.line(peer)["tot-mem"] == 22376


def test_a_client_that_waits_keeps_its_arguments(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer("BLPOP", "nokey", "0")
    assert control.line(peer)["argv-mem"] == 11


# Who goes


def test_without_a_limit_nobody_goes(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    peer.fills(10 * LIMIT)
    assert control("PING") is not None
    assert peer.is_connected
    assert control("DEBUG", "CLIENT-EVICTION") != OK


def test_the_largest_goes_and_no_more_than_must(engine: Engine, control: Peer) -> None:
    peers = [Peer(engine) for _ in range(4)]
    control("CONFIG", "SET", "maxmemory-clients", str(LIMIT))
    for peer, size in zip(peers, (100_000, 300_000, 600_000, 150_000), strict=True):
        peer.fills(size)
    control("PING")
    assert [peer.is_connected for peer in peers] == [True, True, False, True]
    assert engine.statistics.evicted_clients == 1


def test_a_lower_limit_disconnects_those_who_are_over_it(engine: Engine, control: Peer) -> None:
    peers = [Peer(engine) for _ in range(10)]
    for peer in peers:
        peer.unsent = 100_000
    control("CONFIG", "SET", "maxmemory-clients", str(4 * LIMIT))
    control("PING")
    assert all(peer.is_connected for peer in peers)
    control("CONFIG", "SET", "maxmemory-clients", str(LIMIT // 2))
    control("PING")
    assert 0 < sum(peer.is_connected for peer in peers) < 10


def test_a_client_may_ask_to_stay(engine: Engine, control: Peer) -> None:
    peer = Peer(engine)
    control("CONFIG", "SET", "maxmemory-clients", str(LIMIT))
    peer("CLIENT", "NO-EVICT", "on")
    peer.fills(2 * LIMIT)
    control("PING")
    assert peer.is_connected
    peer.unsent = 0
    peer("CLIENT", "NO-EVICT", "off")
    peer.fills(2 * LIMIT)
    control("PING")
    assert not peer.is_connected


def test_who_is_evicted_by_its_own_command_gets_no_reply_and_the_command_is_not_run(engine: Engine) -> None:
    peer = Peer(engine)
    peer("CONFIG", "SET", "maxmemory-clients", str(LIMIT))
    peer("MULTI")
    peer("SET", "k", "v" * LIMIT)
    peer("EXEC")
    assert not peer.is_connected
    assert Peer(engine)("EXISTS", "k") == 0


def test_a_percentage_is_one_of_maxmemory(engine: Engine, control: Peer) -> None:
    control("CONFIG", "SET", "maxmemory-clients", "50%")
    assert engine.client_memory.limit == 0
    control("CONFIG", "SET", "maxmemory", "10mb")
    assert engine.client_memory.limit == 5 * 1024 * 1024


def test_no_limit_is_so_low_that_nobody_could_change_it(engine: Engine, control: Peer) -> None:
    control("CONFIG", "SET", "maxmemory-clients", "1")
    assert engine.client_memory.limit == 128 * 1024
    assert Peer(engine)("PING") is not None


def test_a_client_that_has_left_does_not_count(engine: Engine, control: Peer) -> None:
    control("CONFIG", "SET", "maxmemory-clients", str(LIMIT))
    gone, stays = Peer(engine), Peer(engine)
    gone.fills(LIMIT - 200_000)
    control("PING")
    engine.disconnect(gone.session)
    stays.fills(LIMIT - 200_000)
    control("PING")
    assert stays.is_connected


def test_debug_shows_the_buckets(engine: Engine, control: Peer) -> None:
    engine.config.enable_debug_command = "yes"
    assert control("DEBUG", "CLIENT-EVICTION") == Error("ERR maxmemory-clients is disabled.")
    control("CONFIG", "SET", "maxmemory-clients", "10mb")
    Peer(engine).fills(2_000_000)
    control("PING")
    lines = bytes(control("DEBUG", "CLIENT-EVICTION")).decode().splitlines()
    assert len(lines) == 19
    assert lines[0] == "bucket          0 -      32767: tot-mem:          0, clients: 0"
    assert lines[7].startswith("bucket    2097152 -    4194303: tot-mem: ")
    assert lines[7].endswith("clients: 1")
    assert lines[-1] == "bucket 4294967296+            : tot-mem:          0, clients: 0"
