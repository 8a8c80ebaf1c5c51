"""Clients that wait, whatever they wait for: nobody is overtaken, nothing is lost, nothing is given twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import miniredis.commands  # noqa: F401
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import NO_REPLY, NULL_ARRAY, Error, Reply
from miniredis.structures.list import List
from tests.commands.client import keyspace_events

KEYS = [b"k1", b"k2", b"k3"]


class Stream:
    """Stands for a value of another type that clients wait for."""

    type_name = b"stream"


def frozen_engine(version: str = "redis-7.2") -> Engine:
    engine = Engine(VERSIONS[version])
    engine.clock.freeze()
    return engine


def connect(engine: Engine) -> Session:
    return engine.connect(lambda reply: None)


class Waiter:
    """A client that waits, and what it got."""

    def __init__(self, engine: Engine, kind: str, keys: list[bytes], attempt: Callable[[bytes], Reply | None]) -> None:
        self.session = connect(engine)
        self.replies: list[Reply] = []
        self.asked: list[bytes] = []

        def ask(key: bytes) -> Reply | None:
            self.asked.append(key)
            return attempt(key)

        self.blocked = Blocked(self.session, kind, keys, ask)
        self.blocked.on_done = self.replies.append
        engine.block(self.blocked, 0)


# One waiting client


def test_a_client_is_asked_only_for_a_key_that_holds_its_type() -> None:
    engine = frozen_engine()
    db = engine.databases[0]
    waiter = Waiter(engine, "stream", [b"k"], lambda key: key)
    other = Waiter(engine, "list", [b"k"], lambda key: None)
    db.add(b"k", List())
    engine.blocked_clients.serve()
    assert (waiter.asked, other.asked) == ([], [b"k"])
    db.delete(b"k")
    db.add(b"k", Stream())
    engine.blocked_clients.serve()
    assert (waiter.replies, other.asked) == ([b"k"], [b"k"])


def test_a_type_that_nobody_waits_for_makes_no_key_ready() -> None:
    engine = frozen_engine()
    Waiter(engine, "list", [b"k"], lambda key: None)
    engine.databases[0].add(b"k", Stream())
    assert not engine.blocked_clients.has_ready()


def test_a_client_that_asks_for_it_is_asked_when_its_key_is_gone_or_has_another_type() -> None:
    engine = frozen_engine()
    db = engine.databases[0]
    db.add(b"k", Stream())
    waiter = Waiter(engine, "stream", [b"k"], lambda key: None)
    waiter.blocked.unblock_on_nokey = True
    changes: list[Callable[[], object]] = [
        lambda: db.delete(b"k"),
        lambda: db.add(b"k", Stream()),
        lambda: db.set(b"k", b"text"),
        lambda: db.set(b"k", Stream()),
        db.flush,
        lambda: db.add(b"k", Stream()),
        lambda: db.swap(engine.databases[1]),
    ]
    asked = []
    for change in changes:
        change()
        engine.blocked_clients.serve()
        asked.append(len(waiter.asked))
        waiter.asked.clear()
    # As in Redis, a stream that replaces a value of another type is not noticed.
    assert asked == [1, 1, 1, 0, 1, 1, 1]


@pytest.mark.parametrize(("version", "order"), [("redis-7.0", "aab"), ("redis-7.2", "aba")])
def test_since_7_2_a_client_that_was_asked_in_vain_goes_to_the_end_of_its_queues(version: str, order: str) -> None:
    engine = frozen_engine(version)
    db = engine.databases[0]
    asked = []

    def attempt_by(name: str) -> Callable[[bytes], Reply | None]:
        def attempt(key: bytes) -> Reply | None:
            asked.append(name)
            return None

        return attempt

    Waiter(engine, "stream", [b"one", b"two"], attempt_by("a"))
    Waiter(engine, "stream", [b"two"], attempt_by("b"))
    for key in (b"one", b"two"):
        db.add(key, Stream())
        engine.blocked_clients.serve()
    assert "".join(asked) == order


def test_a_bug_in_an_attempt_is_an_error_reply_and_the_next_client_is_served(caplog: pytest.LogCaptureFixture) -> None:
    engine = frozen_engine()

    def broken(key: bytes) -> Reply:
        raise ZeroDivisionError

    first = Waiter(engine, "list", [b"k"], broken)
    second = Waiter(engine, "list", [b"k"], lambda key: key)
    engine.databases[0].add(b"k", List())
    engine.blocked_clients.serve()
    assert first.replies == [Error("ERR internal error")]
    assert second.replies == [b"k"]
    assert "a bug in serving a client" in caplog.text


def test_a_client_that_wants_no_replies_gets_none_and_the_wait_ends_all_the_same() -> None:
    engine = frozen_engine()
    waiter = Waiter(engine, "list", [b"k"], lambda key: key)
    waiter.blocked.silent = True
    engine.databases[0].add(b"k", List())
    engine.blocked_clients.serve()
    assert waiter.replies == [NO_REPLY]
    assert waiter.session.blocked is None


def test_a_wait_that_has_ended_leaves_nothing_behind() -> None:
    engine = frozen_engine()
    session = connect(engine)
    for end in ("time_out", "cancel", "unblock"):
        blocked = engine.block(Blocked(session, "list", [b"a", b"b", b"a"]), 1000)
        assert session.blocked is blocked
        if end == "unblock":
            engine.blocked_clients.unblock(session)
        else:
            getattr(engine.blocked_clients, end)(blocked)
        assert session.blocked is None
        assert not engine.blocked_clients.clients
        assert not engine.databases[0].waiting
        assert engine.next_due() is None


def test_what_a_pause_holds_back_is_not_unblocked() -> None:
    engine = frozen_engine()
    session = connect(engine)
    engine.pause.begin(engine.now + 1000, writes_only=False)
    blocked = engine.execute(session, [b"GET", b"k"])
    assert isinstance(blocked, Blocked)
    assert not engine.blocked_clients.unblock(session)
    engine.clock.advance(1)
    assert blocked.done


def test_timeouts_and_expiries_come_in_the_order_of_their_times_when_the_clock_is_moved() -> None:
    engine = frozen_engine()
    session = connect(engine)
    for key, milliseconds in ((b"second", 2000), (b"fourth", 4000)):
        engine.execute(session, [b"SET", key, b"v", b"PX", b"%d" % milliseconds])
    with keyspace_events(engine) as happened:
        for name, timeout in (("third", b"3"), ("first", b"1")):
            blocked = engine.execute(connect(engine), [b"BLPOP", b"k", timeout])
            blocked.on_done = lambda reply, name=name: happened.append(name)
        engine.clock.advance(10)
    assert happened == ["first", "expired second", "third", "expired fourth"]


# Many clients: random interleavings against a simple model

SOME_KEYS = st.lists(st.sampled_from(KEYS), min_size=1, max_size=4)
TIMEOUTS = st.sampled_from([0, 0.5, 1, 2.5])


class Interleavings(RuleBasedStateMachine):
    """BLPOP by many clients, with pushes, transactions, timeouts, kills and unblocking in between.

    The model: per key the elements and, in the order in which they came, the clients that wait. Every element is a
    number of its own, so that none can be lost or given twice unnoticed.
    """

    @initialize(version=st.sampled_from(["redis-7.0", "redis-7.2"]))
    def start(self, version: str) -> None:
        self.engine = frozen_engine(version)
        self.retries_command = version == "redis-7.2"
        self.client = connect(self.engine)
        self.lists: dict[bytes, list[bytes]] = {key: [] for key in KEYS}
        self.waiting: dict[Session, tuple[list[bytes], float]] = {}
        self.expected: dict[Session, Reply] = {}
        self.heard: dict[Session, list[Reply]] = {}
        self.seconds = 0.0
        self.pushed = 0
        self.ready: list[bytes] = []

    # What clients do

    @rule(keys=SOME_KEYS, timeout=TIMEOUTS)
    def blpop(self, keys: list[bytes], timeout: float) -> None:
        session = connect(self.engine)
        reply = self.engine.execute(session, [b"BLPOP", *keys, str(timeout).encode()])
        full = next((key for key in keys if self.lists[key]), None)
        if full is not None:
            assert reply == [full, self.lists[full].pop(0)]
            return
        heard = self.heard[session] = []
        reply.on_done = heard.append
        self.waiting[session] = (keys, self.seconds + timeout if timeout else float("inf"))

    @rule(queue=st.lists(st.tuples(SOME_KEYS, TIMEOUTS), min_size=2, max_size=4))
    def several_wait(self, queue: list[tuple[list[bytes], float]]) -> None:
        for key in KEYS:
            self.engine.execute(self.client, [b"DEL", key])
            self.lists[key].clear()
        for keys, timeout in queue:
            self.blpop(keys, timeout)

    @rule(key=st.sampled_from(KEYS), count=st.integers(1, 4))
    def push(self, key: bytes, count: int) -> None:
        self.engine.execute(self.client, [b"RPUSH", key, *self.new_elements(key, count)])
        self.serve()

    @rule(pushes=st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 3)), min_size=2, max_size=5))
    def transaction(self, pushes: list[tuple[bytes, int]]) -> None:
        """Several pushes, or deletions where the count is 0, before anybody is served."""
        for key, count in pushes:
            if count:
                argv = [b"RPUSH", key, *self.new_elements(key, count)]
            else:
                argv = [b"DEL", key]
                self.lists[key].clear()
            self.engine.call(self.client, self.engine.resolve(argv), argv)
        self.engine.blocked_clients.serve()
        self.serve()

    @rule(key=st.sampled_from(KEYS))
    def pop(self, key: bytes) -> None:
        element = self.lists[key].pop() if self.lists[key] else None
        assert self.engine.execute(self.client, [b"RPOP", key]) == element

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), error=st.booleans())
    def unblock(self, data: st.DataObject, error: bool) -> None:
        session = self.one_of_the_waiting(data)
        assert self.engine.blocked_clients.unblock(session, error=error)
        reply = Error("UNBLOCKED client unblocked via CLIENT UNBLOCK") if error else NULL_ARRAY
        self.expected[session] = reply

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        session = self.one_of_the_waiting(data)
        self.engine.disconnect(session)
        assert self.heard.pop(session) == []

    @rule(seconds=st.sampled_from([0.1, 0.5, 3]))
    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.engine.clock.advance(seconds)
        for session in [each for each, (_, until) in self.waiting.items() if until <= self.seconds + 1e-9]:
            del self.waiting[session]
            self.expected[session] = NULL_ARRAY

    # What the model makes of it

    def new_elements(self, key: bytes, count: int) -> list[bytes]:
        elements = [b"%d" % (self.pushed + number) for number in range(count)]
        self.pushed += count
        if not self.lists[key] and key not in self.ready:
            self.ready.append(key)
        self.lists[key] += elements
        return elements

    def one_of_the_waiting(self, data: st.DataObject) -> Session:
        session = data.draw(st.sampled_from(list(self.waiting)))
        del self.waiting[session]
        return session

    def serve(self) -> None:
        for ready_key in self.ready:
            for session, (keys, _) in list(self.waiting.items()):
                if ready_key in keys and self.lists[ready_key]:
                    key = next(key for key in keys if self.lists[key]) if self.retries_command else ready_key
                    self.expected[session] = [key, self.lists[key].pop(0)]
                    del self.waiting[session]
        self.ready.clear()

    @invariant()
    def every_client_heard_what_the_model_says_and_only_once(self) -> None:
        for session, heard in self.heard.items():
            assert heard == ([self.expected[session]] if session in self.expected else [])

    @invariant()
    def the_lists_hold_the_rest(self) -> None:
        for key, elements in self.lists.items():
            assert self.engine.execute(self.client, [b"LRANGE", key, b"0", b"-1"]) == elements

    @invariant()
    def only_those_who_wait_are_in_the_queues(self) -> None:
        assert {blocked.session for blocked in self.engine.blocked_clients.clients} == set(self.waiting)
        queues = self.engine.databases[0].waiting
        for key in KEYS:
            in_queue = [blocked.session for blocked in queues.get(key, ())]
            assert in_queue == [session for session, (keys, _) in self.waiting.items() if key in keys]


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
