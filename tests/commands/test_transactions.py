"""MULTI, EXEC, DISCARD and WATCH. Every expectation was answered by Redis 7.0.15 and, where it differs, Valkey 9.1."""

from __future__ import annotations

import pytest

from miniredis.engine.engine import Engine
from miniredis.resp.types import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    PONG,
    QUEUED,
    Error,
    InProtocol,
    Push,
    Replies,
    ReplySet,
    SimpleString,
)
from tests.commands.peers import Peer, frozen_engine

EXECABORT = Error("EXECABORT Transaction discarded because of previous errors.")
EXEC_ARITY = Error("EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command")
NESTED = Error("ERR MULTI calls can not be nested")
WRONGTYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")


@pytest.fixture
def engine() -> Engine:
    return frozen_engine()


@pytest.fixture
def a(engine: Engine) -> Peer:
    return Peer(engine)


@pytest.fixture
def b(engine: Engine) -> Peer:
    return Peer(engine)


def run(peer: Peer, *lines: str) -> list[object]:
    """What *peer* sees of *lines*."""
    peer.send(*lines)
    return peer.seen()


# Queueing and running


def test_commands_run_when_exec_comes_and_not_before(a: Peer, b: Peer) -> None:
    assert run(a, "MULTI", "SET k 1", "INCR k") == [OK, QUEUED, QUEUED]
    assert b("GET k") is None
    assert a("EXEC") == [OK, 2]
    assert b("GET k") == b"2"


def test_an_empty_transaction_is_an_empty_array(a: Peer) -> None:
    assert run(a, "MULTI", "EXEC") == [OK, []]


def test_exec_and_discard_need_a_multi(a: Peer) -> None:
    assert a("EXEC") == Error("ERR EXEC without MULTI")
    assert a("DISCARD") == Error("ERR DISCARD without MULTI")


def test_discard_forgets_the_queue(a: Peer) -> None:
    assert run(a, "MULTI", "SET k v", "DISCARD", "GET k", "EXEC") == [
        OK, QUEUED, OK, None, Error("ERR EXEC without MULTI"),
    ]  # fmt: skip


def test_an_error_while_running_stands_in_the_array_and_stops_nothing(a: Peer) -> None:
    a("SET k v")
    run(a, "MULTI", "LPUSH k x", "SET k w", "GET k")
    assert a("EXEC") == [WRONGTYPE, OK, b"w"]


@pytest.mark.parametrize("mistake", ["NOSUCH x", "GET", "CLIENT NOSUCH", "OBJECT"])
def test_an_error_while_queueing_makes_exec_abort(a: Peer, mistake: str) -> None:
    a("MULTI")
    a("SET k v")
    assert isinstance(a(mistake), Error)
    assert a("SET j v") == QUEUED
    assert a("EXEC") == EXECABORT
    assert a("EXISTS k j") == 0


def test_exec_with_an_argument_aborts_and_tells_why(a: Peer) -> None:
    assert run(a, "MULTI", "PING", "EXEC x", "PING") == [OK, QUEUED, EXEC_ARITY, PONG]
    assert a("EXEC x") == EXEC_ARITY


def test_an_aborting_exec_is_counted_under_its_own_code(a: Peer, engine: Engine) -> None:
    a("EXEC x")
    assert engine.statistics.errors == {b"EXECABORT": 1}


def test_a_nested_multi_is_refused_and_aborts_nothing(a: Peer) -> None:
    assert run(a, "MULTI", "MULTI", "WATCH k", "PING", "EXEC") == [
        OK, NESTED, Error("ERR WATCH inside MULTI is not allowed"), QUEUED, [PONG],
    ]  # fmt: skip


def test_in_valkey_a_nested_multi_aborts() -> None:
    peer = Peer(frozen_engine("valkey-9.1"))
    assert run(peer, "MULTI", "MULTI", "EXEC") == [
        OK, Error("ERR Command 'multi' not allowed inside a transaction"), EXECABORT,
    ]  # fmt: skip


def test_select_changes_the_database_for_the_rest_and_after(a: Peer, b: Peer) -> None:
    run(a, "MULTI", "SELECT 1", "SET k v")
    assert a("EXEC") == [OK, OK]
    assert a("GET k") == b"v"
    assert b("GET k") is None


def test_reset_and_quit_end_a_transaction_at_once(a: Peer) -> None:
    assert run(a, "MULTI", "SET k v", "RESET", "EXEC") == [
        OK, QUEUED, SimpleString(b"RESET"), Error("ERR EXEC without MULTI"),
    ]  # fmt: skip
    assert run(a, "MULTI", "QUIT") == [OK, OK]
    assert a.session.closing


def test_a_blocking_command_answers_as_if_its_time_had_run_out(a: Peer) -> None:
    run(a, "MULTI", "BLPOP l 0", "BLMOVE l m LEFT RIGHT 0", "BLMPOP 0 1 l LEFT")
    assert a("EXEC") == [NULL_ARRAY, None, NULL_ARRAY]
    assert a.session.blocked is None


def test_after_exec_the_client_may_block_again(a: Peer) -> None:
    run(a, "MULTI", "BLPOP l 0", "EXEC")
    assert run(a, "BLPOP l 0") == []
    assert a.session.blocked is not None


def test_blocked_clients_are_served_when_exec_has_ended(a: Peer, b: Peer) -> None:
    b.send("BLPOP l 0")
    run(a, "MULTI", "LPUSH l x", "LLEN l", "LPUSH l y")
    assert a("EXEC") == [1, 1, 2]
    assert b.seen() == [[b"l", b"y"]]


def test_a_key_does_not_expire_in_the_middle_of_exec() -> None:
    engine = Peer(frozen_engine()).engine
    peer = Peer(engine)
    run(peer, "SET k v PX 5", "MULTI", "GET k", "GET k")
    engine.clock.advance(0.004)
    assert peer("EXEC") == [b"v", b"v"]


# Subscriptions, replies switched off, other protocols


def test_subscribing_inside_a_transaction_confirms_inside_the_array(a: Peer) -> None:
    run(a, "MULTI", "SUBSCRIBE x y", "PING", "PING z", "SSUBSCRIBE s", "UNSUBSCRIBE")
    assert a("EXEC") == [
        Replies([Push([b"subscribe", b"x", 1]), Push([b"subscribe", b"y", 2])]),
        [b"pong", b""],
        [b"pong", b"z"],
        Error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"),
        Replies([Push([b"unsubscribe", b"x", 1]), Push([b"unsubscribe", b"y", 0])]),
    ]


def test_a_message_to_oneself_comes_after_the_array() -> None:
    peer = Peer(frozen_engine(), protocol=3)
    peer.send("SUBSCRIBE c", "MULTI", "PUBLISH c m", "PING", "EXEC")
    assert peer.seen()[4:] == [[1, PONG], Push([b"message", b"c", b"m"])]


def test_in_redis_7_0_a_message_to_oneself_stands_in_the_array() -> None:
    peer = Peer(frozen_engine("redis-7.0"), protocol=3)
    peer.send("SUBSCRIBE c", "MULTI", "PUBLISH c m", "PING", "EXEC")
    assert peer.seen()[4:] == [[Replies([Push([b"message", b"c", b"m"]), 1]), PONG]]


def test_a_client_that_falls_silent_gets_no_more_of_the_array(a: Peer) -> None:
    run(a, "MULTI", "CLIENT REPLY OFF", "PING", "CLIENT REPLY ON", "PING")
    assert a("EXEC") == [NO_REPLY, NO_REPLY, OK, PONG]
    run(a, "MULTI", "PING", "CLIENT REPLY OFF", "PING")
    assert a("EXEC") == [PONG, NO_REPLY, NO_REPLY]
    assert run(a, "PING", "CLIENT REPLY ON") == [OK]


def test_a_silent_client_that_speaks_up_in_the_middle_gets_the_rest_without_its_array(a: Peer) -> None:
    assert run(a, "CLIENT REPLY OFF", "MULTI", "PING", "CLIENT REPLY ON", "ECHO x", "EXEC") == [OK, b"x"]


def test_a_reply_skipped_inside_exec_is_that_of_the_next_command(a: Peer) -> None:
    run(a, "MULTI", "CLIENT REPLY SKIP", "PING")
    assert a("EXEC") == [NO_REPLY, PONG]
    assert run(a, "ECHO 1", "ECHO 2") == [b"2"]


def test_a_skip_inside_exec_outlives_an_on_behind_it(a: Peer) -> None:
    run(a, "MULTI", "CLIENT REPLY SKIP", "CLIENT REPLY ON")
    assert a("EXEC") == [NO_REPLY, OK]
    assert run(a, "ECHO 1", "ECHO 2") == [b"2"]


def test_who_kills_himself_gets_the_array_up_to_there(a: Peer) -> None:
    run(a, "MULTI", f"CLIENT KILL ID {a.session.id} SKIPME no", "SET k v")
    assert a("EXEC") == [1, NO_REPLY]
    assert a.session.closing
    assert Peer(a.engine)("GET k") == b"v"


def test_what_was_answered_before_a_change_of_the_protocol_keeps_its_form(a: Peer) -> None:
    run(a, "MULTI", "GET k", "HELLO 3", "SMEMBERS s")
    before, hello, after = a("EXEC")
    assert (before, after) == (InProtocol(2, None), ReplySet())
    assert hello[b"proto"] == 3


# WATCH


def test_a_watched_key_that_changes_makes_exec_answer_null(a: Peer, b: Peer) -> None:
    a("WATCH k")
    b("SET k v")
    assert run(a, "MULTI", "SET k mine", "EXEC", "GET k") == [OK, QUEUED, NULL_ARRAY, b"v"]


@pytest.mark.parametrize(
    ("change", "breaks"),
    [
        ("SET k v", True),
        ("SET k other", True),
        ("DEL k", True),
        ("EXPIRE k 100", True),
        ("RENAME k j", True),
        ("RENAME j k", True),
        ("MOVE k 1", True),
        ("COPY j k REPLACE", True),
        ("FLUSHALL", True),
        ("FLUSHDB", True),
        ("SWAPDB 0 1", True),
        ("GET k", False),
        ("SETNX k x", False),
        ("LPUSH k x", False),
        ("PERSIST k", False),
        ("SET j x", False),
        ("DEL j", False),
        ("SWAPDB 1 2", False),
    ],
)
def test_only_a_change_of_the_key_breaks(a: Peer, b: Peer, change: str, breaks: bool) -> None:
    run(b, "SET k v", "SET j v")
    a("WATCH k")
    b(change)
    assert run(a, "MULTI", "PING", "EXEC") == [OK, QUEUED, NULL_ARRAY if breaks else [PONG]]


@pytest.mark.parametrize(
    ("change", "breaks"), [("FLUSHALL", False), ("DEL k", False), ("SET k v", True), ("SWAPDB 0 1", False)]
)
def test_a_missing_key_breaks_when_it_comes(a: Peer, b: Peer, change: str, breaks: bool) -> None:
    b("SET other v")
    a("WATCH k")
    b(change)
    assert run(a, "MULTI", "PING", "EXEC")[-1] == (NULL_ARRAY if breaks else [PONG])


def test_ones_own_change_breaks_too(a: Peer) -> None:
    assert run(a, "WATCH k", "SET k v", "MULTI", "PING", "EXEC")[-1] is NULL_ARRAY


def test_the_same_name_in_another_database_is_another_key(a: Peer, b: Peer) -> None:
    a("WATCH k")
    run(b, "SELECT 1", "SET k v")
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]
    run(a, "SELECT 1", "WATCH k", "SELECT 0")
    b("SET k w")
    assert run(a, "MULTI", "PING", "EXEC")[-1] is NULL_ARRAY


@pytest.mark.parametrize("forgetting", ["UNWATCH", "RESET"])
def test_unwatch_forgets_keys_and_changes(a: Peer, b: Peer, forgetting: str) -> None:
    a("WATCH k")
    b("SET k 1")
    a(forgetting)
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]


@pytest.mark.parametrize("end", ["EXEC", "DISCARD", "EXEC x"])
def test_every_end_of_a_transaction_forgets_the_watch(a: Peer, b: Peer, end: str) -> None:
    run(a, "WATCH k", "MULTI", end)
    b("SET k 1")
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]


def test_an_exec_without_multi_does_not_forget_the_watch(a: Peer) -> None:
    assert run(a, "WATCH k", "SET k v", "EXEC", "DISCARD", "MULTI", "EXEC")[-1] is NULL_ARRAY


def test_unwatch_inside_a_transaction_is_too_late(a: Peer, b: Peer) -> None:
    run(a, "WATCH k", "MULTI", "UNWATCH")
    b("SET k v")
    assert a("EXEC") is NULL_ARRAY


def test_an_abort_goes_before_a_broken_watch(a: Peer, b: Peer) -> None:
    a("WATCH k")
    b("SET k v")
    assert run(a, "MULTI", "GET", "EXEC")[-1] == EXECABORT
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]


def test_a_client_that_goes_watches_nothing_any_more(a: Peer, b: Peer) -> None:
    a("WATCH k")
    a.leave()
    assert b("SET k v") == OK
    assert not b.engine.databases[0].watched


# WATCH and time


def test_a_watched_key_that_comes_to_its_end_breaks(a: Peer, engine: Engine) -> None:
    run(a, "SET k v PX 10", "WATCH k", "MULTI", "PING")
    engine.active_expire = False
    engine.clock.advance(0.011)
    assert a("EXEC") is NULL_ARRAY


def test_so_does_one_that_is_removed_because_its_time_has_come(a: Peer, b: Peer, engine: Engine) -> None:
    run(a, "SET k v PX 10", "WATCH k", "MULTI", "PING")
    engine.clock.advance(0.011)
    assert b("GET k") is None
    assert a("EXEC") is NULL_ARRAY


def test_a_key_that_was_past_its_time_when_watched_does_not_break_by_being_removed(
    a: Peer, b: Peer, engine: Engine
) -> None:
    engine.active_expire = False
    a("SET k v PX 10")
    engine.clock.advance(0.011)
    a("WATCH k")
    assert b("GET k") is None
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]


@pytest.mark.parametrize("removal", ["GET k", "SET k again"])
def test_but_what_comes_in_its_place_breaks(a: Peer, b: Peer, engine: Engine, removal: str) -> None:
    engine.active_expire = False
    a("SET k v PX 10")
    engine.clock.advance(0.011)
    a("WATCH k")
    b(removal)
    b("SET k new")
    assert run(a, "MULTI", "PING", "EXEC")[-1] is NULL_ARRAY


def test_flushing_a_watched_key_past_its_time_does_not_break(a: Peer, b: Peer, engine: Engine) -> None:
    engine.active_expire = False
    a("SET k v PX 10")
    engine.clock.advance(0.011)
    a("WATCH k")
    b("FLUSHALL")
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]


def test_swapping_in_a_key_past_its_time_does_not_break(a: Peer, b: Peer, engine: Engine) -> None:
    engine.active_expire = False
    run(b, "SELECT 1", "SET k v PX 10", "SELECT 0")
    engine.clock.advance(0.011)
    a("WATCH k")
    b("SWAPDB 0 1")
    assert run(a, "MULTI", "PING", "EXEC")[-1] == [PONG]


# What others see


def test_a_doomed_transaction_queues_nothing_more(a: Peer, b: Peer) -> None:
    assert run(a, "MULTI", "GET", "PING")[-1] == QUEUED
    assert a.session.transaction is not None
    assert a.session.transaction.queue == []


def test_monitor_shows_the_commands_when_they_run_and_exec_last(a: Peer, b: Peer) -> None:
    b("MONITOR")
    run(a, "MULTI", "SET k v", "EXEC", "MULTI", "EXEC x")
    assert [line.rpartition(b"] ")[2] for line in b.seen()] == [
        b'"MULTI"', b'"SET" "k" "v"', b'"EXEC"', b'"MULTI"', b'"EXEC" "x"',
    ]  # fmt: skip


def test_a_monitor_that_switched_its_replies_off_sees_nothing(a: Peer, b: Peer) -> None:
    run(b, "MONITOR", "CLIENT REPLY OFF")
    a("PING")
    assert b.seen() == []


def test_a_monitor_sees_its_own_exec_that_aborts(a: Peer) -> None:
    run(a, "MONITOR", "MULTI")
    a.send("EXEC x")
    error, line = a.seen()
    assert (error, line.rpartition(b"] ")[2]) == (EXEC_ARITY, b'"EXEC" "x"')


def test_a_monitor_sees_its_own_commands_behind_their_replies(a: Peer) -> None:
    a("MONITOR")
    run(a, "MULTI", "PING")
    a.send("EXEC")
    array, line = a.seen()
    assert line.endswith(b'] "EXEC"')
    ((reply, inner),) = array
    assert (reply, inner.rpartition(b"] ")[2]) == (PONG, b'"PING"')
