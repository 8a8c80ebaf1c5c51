"""Pub/sub. Every expectation was answered by Redis 7.0.15 and, where it differs, Valkey 9.1."""

from __future__ import annotations

import pytest

from miniredis.engine.engine import Engine
from miniredis.resp.types import OK, PONG, Error, Push, Reply, SimpleString
from tests.commands.peers import Peer, frozen_engine


@pytest.fixture
def engine() -> Engine:
    return frozen_engine()


@pytest.fixture
def a(engine: Engine) -> Peer:
    return Peer(engine)


@pytest.fixture
def b(engine: Engine) -> Peer:
    return Peer(engine)


def run(peer: Peer, *lines: str) -> list[Reply]:
    """What *peer* sees of *lines*."""
    peer.send(*lines)
    return peer.seen()


def event(name: bytes, *rest: bytes | int | None) -> Push:
    return Push([name, *rest])


def restricted(command: str) -> Error:
    return Error(
        f"ERR Can't execute '{command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in"
        " this context"
    )


# Subscribing and unsubscribing


def test_each_channel_is_confirmed_with_the_count_of_all(a: Peer) -> None:
    assert run(a, "SUBSCRIBE x y x", "PSUBSCRIBE p*", "SUBSCRIBE z") == [
        event(b"subscribe", b"x", 1),
        event(b"subscribe", b"y", 2),
        event(b"subscribe", b"x", 2),
        event(b"psubscribe", b"p*", 3),
        event(b"subscribe", b"z", 4),
    ]


def test_shard_channels_are_counted_apart(a: Peer) -> None:
    assert run(a, "SUBSCRIBE x", "SSUBSCRIBE s t", "PSUBSCRIBE p", "SUNSUBSCRIBE", "UNSUBSCRIBE x") == [
        event(b"subscribe", b"x", 1),
        event(b"ssubscribe", b"s", 1),
        event(b"ssubscribe", b"t", 2),
        event(b"psubscribe", b"p", 2),
        event(b"sunsubscribe", b"s", 1),
        event(b"sunsubscribe", b"t", 0),
        event(b"unsubscribe", b"x", 1),
    ]


@pytest.mark.parametrize("command", ["unsubscribe", "punsubscribe", "sunsubscribe"])
def test_unsubscribing_from_nothing_is_confirmed_too(a: Peer, command: str) -> None:
    assert run(a, command) == [event(command.encode(), None, 0)]
    assert run(a, f"{command} x y") == [event(command.encode(), b"x", 0), event(command.encode(), b"y", 0)]


def test_unsubscribe_without_a_channel_leaves_all_and_no_pattern(a: Peer) -> None:
    run(a, "SUBSCRIBE x y", "PSUBSCRIBE p")
    assert run(a, "UNSUBSCRIBE") == [event(b"unsubscribe", b"x", 2), event(b"unsubscribe", b"y", 1)]
    assert run(a, "UNSUBSCRIBE") == [event(b"unsubscribe", None, 1)]


# Publishing


def test_a_message_comes_once_for_the_channel_and_once_for_each_pattern(a: Peer, b: Peer) -> None:
    run(a, "PSUBSCRIBE a* *c", "SUBSCRIBE abc")
    assert b("PUBLISH abc m") == 3
    assert a.seen() == [
        event(b"message", b"abc", b"m"),
        event(b"pmessage", b"a*", b"abc", b"m"),
        event(b"pmessage", b"*c", b"abc", b"m"),
    ]


def test_nobody_hears_what_nobody_listens_to(a: Peer, b: Peer) -> None:
    run(a, "SUBSCRIBE x", "SSUBSCRIBE s")
    assert [b("PUBLISH y m"), b("PUBLISH s m"), b("SPUBLISH x m")] == [0, 0, 0]
    assert a.seen() == []
    assert b("SPUBLISH s m") == 1
    assert a.seen() == [event(b"smessage", b"s", b"m")]


def test_a_channel_belongs_to_no_database(a: Peer, b: Peer) -> None:
    run(a, "SUBSCRIBE x")
    run(b, "SELECT 3")
    assert b("PUBLISH x m") == 1


def test_who_leaves_hears_nothing_and_is_not_counted(a: Peer, b: Peer, engine: Engine) -> None:
    run(a, "SUBSCRIBE x", "PSUBSCRIBE x", "SSUBSCRIBE x")
    a.leave()
    assert [b("PUBLISH x m"), b("SPUBLISH x m"), b("PUBSUB NUMPAT")] == [0, 0, 0]
    assert (engine.pubsub.channels, engine.pubsub.patterns, engine.pubsub.shard_channels) == ({}, {}, {})


def test_a_message_to_oneself_comes_after_the_reply() -> None:
    peer = Peer(frozen_engine(), protocol=3)
    run(peer, "SUBSCRIBE x")
    assert run(peer, "PUBLISH x m", "PING") == [1, event(b"message", b"x", b"m"), PONG]


def test_in_redis_7_0_it_comes_before() -> None:
    peer = Peer(frozen_engine("redis-7.0"), protocol=3)
    run(peer, "SUBSCRIBE x")
    assert run(peer, "PUBLISH x m", "PING") == [event(b"message", b"x", b"m"), 1, PONG]


def test_so_do_keyspace_events_of_ones_own_commands() -> None:
    peer = Peer(frozen_engine(), protocol=3)
    run(peer, "CONFIG SET notify-keyspace-events KA", "PSUBSCRIBE *")
    assert run(peer, "SET k v") == [OK, event(b"pmessage", b"*", b"__keyspace@0__:k", b"set")]


def test_what_others_publish_comes_at_once(a: Peer, b: Peer) -> None:
    run(a, "SUBSCRIBE x")
    b.send("PUBLISH x 1", "PUBLISH x 2")
    assert a.seen() == [event(b"message", b"x", b"1"), event(b"message", b"x", b"2")]


# What a subscriber may do


@pytest.mark.parametrize("command", ["SUBSCRIBE x", "PSUBSCRIBE x", "SSUBSCRIBE x"])
def test_in_resp2_a_subscriber_may_do_little(a: Peer, command: str) -> None:
    run(a, command)
    assert run(a, "GET k", "CLIENT ID", "MULTI", "HELLO 3", "PUBLISH x m") == [
        restricted("get"), restricted("client|id"), restricted("multi"), restricted("hello"), restricted("publish"),
    ]  # fmt: skip
    assert a("PING") == [b"pong", b""]
    assert a("PING hi") == [b"pong", b"hi"]


def test_a_mistake_is_told_before_the_restriction(a: Peer) -> None:
    run(a, "SUBSCRIBE x")
    assert a("GET") == Error("ERR wrong number of arguments for 'get' command")
    assert a("NOSUCH") == Error("ERR unknown command 'NOSUCH', with args beginning with: ")


def test_an_exec_that_is_restricted_aborts(a: Peer) -> None:
    run(a, "SUBSCRIBE x")
    assert a("EXEC").message.startswith(b"EXECABORT Transaction discarded because of: Can't execute 'exec': only (P|S)")


def test_the_last_subscription_of_any_kind_to_go_lifts_the_restriction(a: Peer) -> None:
    run(a, "SUBSCRIBE x", "PSUBSCRIBE p", "SSUBSCRIBE s", "UNSUBSCRIBE", "PUNSUBSCRIBE")
    assert a("GET k") == restricted("get")
    run(a, "SUNSUBSCRIBE")
    assert a("GET k") is None


def test_reset_ends_all_subscriptions(a: Peer, b: Peer) -> None:
    run(a, "SUBSCRIBE x", "PSUBSCRIBE x", "SSUBSCRIBE x")
    assert a("RESET") == SimpleString(b"RESET")
    assert b("PUBLISH x m") == 0
    assert a("GET k") is None


def test_in_resp3_a_subscriber_may_do_everything() -> None:
    peer = Peer(frozen_engine(), protocol=3)
    run(peer, "SUBSCRIBE x")
    assert run(peer, "SET k v", "GET k", "PING", "MULTI", "EXEC") == [OK, b"v", PONG, OK, []]
    peer.send("HELLO 2")
    peer.seen()
    assert peer("GET k") == restricted("get")


def test_messages_and_confirmations_reach_even_who_wants_no_replies() -> None:
    peer = Peer(frozen_engine(), protocol=3)
    assert run(peer, "CLIENT REPLY OFF", "SUBSCRIBE x", "PUBLISH x m", "GET k", "UNSUBSCRIBE", "CLIENT REPLY ON") == [
        event(b"subscribe", b"x", 1),
        event(b"message", b"x", b"m"),
        event(b"unsubscribe", b"x", 0),
        OK,
    ]


# PUBSUB


def test_pubsub_tells_who_listens(a: Peer, b: Peer) -> None:
    run(a, "SUBSCRIBE a ab b", "PSUBSCRIBE a* b*", "SSUBSCRIBE s")
    run(b, "PSUBSCRIBE a*")
    run(b, "PUNSUBSCRIBE")
    other = Peer(a.engine)
    run(other, "SUBSCRIBE a", "UNSUBSCRIBE", "PSUBSCRIBE a*", "PUNSUBSCRIBE")
    assert other("PUBSUB CHANNELS") == [b"a", b"ab", b"b"]
    assert other("PUBSUB CHANNELS a*") == [b"a", b"ab"]
    assert other("PUBSUB NUMSUB") == []
    assert other("PUBSUB NUMSUB a nobody a") == [b"a", 1, b"nobody", 0, b"a", 1]
    assert other("PUBSUB NUMPAT") == 2
    assert other("PUBSUB SHARDCHANNELS") == [b"s"]
    assert other("PUBSUB SHARDCHANNELS x*") == []
    assert other("PUBSUB SHARDNUMSUB s a") == [b"s", 1, b"a", 0]


def test_numpat_counts_a_pattern_once_however_many_listen(a: Peer, b: Peer) -> None:
    run(a, "PSUBSCRIBE x* y*")
    run(b, "PSUBSCRIBE x*")
    assert Peer(a.engine)("PUBSUB NUMPAT") == 2


def test_pubsub_mistakes(a: Peer) -> None:
    assert a("PUBSUB") == Error("ERR wrong number of arguments for 'pubsub' command")
    assert a("PUBSUB nosuch") == Error("ERR unknown subcommand 'nosuch'. Try PUBSUB HELP.")
    assert a("pubsub channels a b") == Error(
        "ERR unknown subcommand or wrong number of arguments for 'channels'. Try PUBSUB HELP."
    )
    assert a("PUBSUB NUMPAT x") == Error("ERR wrong number of arguments for 'pubsub|numpat' command")
    assert a("PUBSUB HELP")[0] == SimpleString(b"PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")


@pytest.mark.parametrize("subscribers", [0, 3])
def test_a_message_reaches_the_subscribers_and_nobody_else(engine: Engine, subscribers: int) -> None:
    others = [Peer(engine) for _ in range(20)]
    for number, other in enumerate(others):
        run(other, f"SUBSCRIBE other:{number}", f"PSUBSCRIBE other:{number}:*")
    receivers = [Peer(engine) for _ in range(subscribers)]
    for receiver in receivers:
        run(receiver, "SUBSCRIBE x")
    assert Peer(engine)("PUBLISH x m") == subscribers
    assert [receiver.seen() for receiver in receivers] == [[event(b"message", b"x", b"m")]] * subscribers
    assert not any(other.seen() for other in others)
