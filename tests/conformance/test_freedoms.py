"""Only what Redis leaves open may differ, and no more of it."""

from __future__ import annotations

import pytest

from conformance.freedoms import frames_agree, identical, replies_agree
from conformance.wire import Frame
from miniredis.resp import NULL_ARRAY, Double, Error, Push, Reply, ReplySet, SimpleString


@pytest.mark.parametrize(
    ("command", "left", "right"),
    [
        (b"GET k", b"a", b"a"),
        (b"KEYS *", [b"a", b"b"], [b"b", b"a"]),
        (b"smembers s", ReplySet([b"a", b"b"]), ReplySet([b"b", b"a"])),
        (b"HGETALL h", [b"a", b"1", b"b", b"2"], [b"b", b"2", b"a", b"1"]),
        (b"HGETALL h", {b"a": b"1", b"b": b"2"}, {b"b": b"2", b"a": b"1"}),
        (b"SRANDMEMBER s 2", [b"a", b"b"], [b"c", b"d"]),
        (b"TTL k", 100, 99),
        (b"PTTL k", 100000, 99600),
        (b"TIME", [b"1", b"2"], [b"3", b"4"]),
        (b"SCAN 0", [b"0", [b"a", b"b"]], [b"0", [b"b", b"a"]]),
        (b"SCAN 0 COUNT 1", [b"4", [b"a"]], [b"2", [b"b", b"c"]]),
        (b"CLIENT INFO", b"id=1 name=a\n", b"id=2 name=a\n"),
        (b"UNSUBSCRIBE", [b"unsubscribe", b"a", 1], [b"unsubscribe", b"b", 1]),
        (b"CLIENT GETREDIR", 7, 9),
        (b"CLIENT TRACKINGINFO", {b"flags": [b"on"], b"redirect": 7}, {b"flags": [b"on"], b"redirect": 9}),
    ],
)
def test_what_is_free_may_differ(command: bytes, left: Reply, right: Reply) -> None:
    assert replies_agree(command.split(), left, right)


@pytest.mark.parametrize(
    ("command", "left", "right"),
    [
        (b"GET k", b"OK", SimpleString(b"OK")),
        (b"GET k", None, NULL_ARRAY),
        (b"EXISTS k", 1, True),
        (b"ZSCORE z a", Double(b"1"), Double(b"1.0")),
        (b"LRANGE l 0 -1", [b"a", b"b"], [b"b", b"a"]),
        (b"SMEMBERS s", ReplySet([b"a"]), [b"a"]),
        (b"SMEMBERS s", ReplySet([b"a", b"b"]), ReplySet([b"a", b"c"])),
        (b"HGETALL h", [b"a", b"1", b"b", b"2"], [b"a", b"2", b"b", b"1"]),
        (b"SRANDMEMBER s 2", [b"a", b"b"], [b"a"]),
        (b"SRANDMEMBER s", b"a", None),
        (b"TTL k", 100, -1),
        (b"TTL k", 100, 98),
        (b"PTTL k", 100000, 90000),
        (b"TIME", [b"1", b"2"], Error(b"ERR no")),
        (b"SCAN 0", [b"0", [b"a"]], [b"0", [b"b"]]),
        (b"CLIENT INFO", b"id=1 name=a\n", b"id=1 name=b\n"),
        (b"UNSUBSCRIBE a", [b"unsubscribe", b"a", 1], [b"unsubscribe", b"b", 1]),
        (b"INFO", b"text", Error(b"ERR no")),
        (b"CLIENT GETREDIR", 7, 0),
        (b"CLIENT GETREDIR", -1, 0),
        (b"CLIENT TRACKINGINFO", {b"flags": [b"on"], b"redirect": 7}, {b"flags": [b"on"], b"redirect": 0}),
        (b"CLIENT TRACKINGINFO", {b"flags": [b"on"], b"redirect": 7}, {b"flags": [b"off"], b"redirect": 9}),
    ],
)
def test_what_is_not_free_may_not(command: bytes, left: Reply, right: Reply) -> None:
    assert not replies_agree(command.split(), left, right)


def test_a_small_set_has_an_order() -> None:
    assert not replies_agree([b"SMEMBERS", b"s"], [b"a", b"b"], [b"b", b"a"], compact=True)


def test_a_null_of_another_spelling_is_another_reply() -> None:
    assert not frames_agree([b"GET", b"k"], Frame(None, b"_\r\n"), Frame(None, b"$-1\r\n"))
    assert not frames_agree([b"RANDOMKEY"], Frame(None, b"_\r\n"), Frame(None, b"$-1\r\n"))


def test_replies_of_any_depth_are_compared() -> None:
    left: Reply = 1
    right: Reply = 2
    for _ in range(5000):
        left, right = [left], [right]
    assert identical(left, left)
    assert not identical(left, right)


def test_in_exec_every_reply_has_the_freedom_of_its_own_command() -> None:
    queued = [[b"KEYS", b"*"], [b"LRANGE", b"l", b"0", b"-1"]]
    ours = [[b"a", b"b"], [b"c", b"d"]]
    assert replies_agree([b"EXEC"], ours, [[b"b", b"a"], [b"c", b"d"]], queued=queued)
    assert not replies_agree([b"EXEC"], ours, [[b"a", b"b"], [b"d", b"c"]], queued=queued)


def test_the_push_that_tells_of_a_broken_redirection_may_name_another_client() -> None:
    def push(kind: bytes, number: int) -> Frame:
        return Frame(Push([kind, number]), b">2\r\n$%d\r\n%b\r\n:%d\r\n" % (len(kind), kind, number))

    assert frames_agree([b"SET", b"k", b"v"], push(b"tracking-redir-broken", 7), push(b"tracking-redir-broken", 9))
    assert not frames_agree([b"SET", b"k", b"v"], push(b"tracking-redir-broken", 7), push(b"tracking-redir-broken", 0))
    assert not frames_agree([b"SET", b"k", b"v"], push(b"something else", 7), push(b"something else", 9))
