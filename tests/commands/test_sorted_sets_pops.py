"""Popping members, and clients that wait for them. Every expectation was answered by Redis 7.0.15 and, for 7.2, by
Valkey 9.1."""

from __future__ import annotations

import pytest

from miniredis.engine.blocking import Blocked
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from tests.commands.client import NOT_POSITIVE, SYNTAX, WRONGTYPE, Client
from tests.commands.sorted_sets import NUMKEYS, filled

COUNT = Error("ERR count should be greater than 0")
NO_TIMEOUT = Error("ERR timeout is not a float or out of range")
NEGATIVE = Error("ERR timeout is negative")
WAITS = "still waits"


@pytest.fixture
def client() -> Client:
    return filled()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZPOPMIN z", [b"a", 1.0]),
        ("ZPOPMAX z", [b"d", 4.0]),
        ("ZPOPMIN z 1", [b"a", 1.0]),
        ("ZPOPMIN z 2", [b"a", 1.0, b"b", 2.0]),
        ("ZPOPMAX z 2", [b"d", 4.0, b"c", 3.0]),
        ("ZPOPMAX z 9", [b"d", 4.0, b"c", 3.0, b"b", 2.0, b"a", 1.0]),
        ("ZPOPMIN z 0", []),
        ("ZPOPMIN x", []),
        ("ZPOPMIN x 2", []),
        ("ZMPOP 1 z MIN", [b"z", [[b"a", 1.0]]]),
        ("ZMPOP 2 x z max", [b"z", [[b"d", 4.0]]]),
        ("ZMPOP 2 z s MIN COUNT 2", [b"z", [[b"a", 1.0], [b"b", 2.0]]]),
        ("ZMPOP 2 x z MAX COUNT 9", [b"z", [[b"d", 4.0], [b"c", 3.0], [b"b", 2.0], [b"a", 1.0]]]),
        ("ZMPOP 1 x MIN", NULL_ARRAY),
        ("BZPOPMIN z 0", [b"z", b"a", 1.0]),
        ("BZPOPMAX x z 0", [b"z", b"d", 4.0]),
        ("BZPOPMIN z s 0", [b"z", b"a", 1.0]),
        ("BZMPOP 0 2 x z MIN", [b"z", [[b"a", 1.0]]]),
        ("BZMPOP 0 1 z MAX COUNT 2", [b"z", [[b"d", 4.0], [b"c", 3.0]]]),
    ],
)
def test_a_command_answers_as_redis(client: Client, line: str, reply: Reply) -> None:
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ZPOPMIN s 1 2", SYNTAX),
        ("ZPOPMIN s -1", NOT_POSITIVE),
        ("ZPOPMAX s abc", NOT_POSITIVE),
        ("ZPOPMIN s 0", WRONGTYPE),
        ("ZPOPMAX s", WRONGTYPE),
        ("ZMPOP 0 s MIN", NUMKEYS),
        ("ZMPOP abc s MIN", NUMKEYS),
        ("ZMPOP 2 s MIN", SYNTAX),
        ("ZMPOP 1 s LEFT", SYNTAX),
        ("ZMPOP 1 s MIN COUNT", SYNTAX),
        ("ZMPOP 1 s MIN COUNT 0", COUNT),
        ("ZMPOP 1 s MIN COUNT abc", COUNT),
        ("ZMPOP 1 s MIN COUNT 1 COUNT 1", SYNTAX),
        ("ZMPOP 1 s MIN FOO 1", SYNTAX),
        ("ZMPOP 2 x s MIN", WRONGTYPE),
        ("BZPOPMIN s abc", NO_TIMEOUT),
        ("BZPOPMIN s -1", NEGATIVE),
        ("BZPOPMIN x s 0", WRONGTYPE),
        ("BZPOPMAX s z 0", WRONGTYPE),
        ("BZMPOP abc 0 s MIN", NUMKEYS),
        ("BZMPOP abc 1 s UP", SYNTAX),
        ("BZMPOP abc 1 s MIN COUNT 0", COUNT),
        ("BZMPOP abc 1 s MIN", NO_TIMEOUT),
        ("BZMPOP -1 1 s MIN", NEGATIVE),
        ("BZMPOP 0 1 s MIN", WRONGTYPE),
    ],
)
def test_a_command_refuses_as_redis(client: Client, line: str, error: Error) -> None:
    assert client(line) == error


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZPOPMIN z", [b"a", 1.0]),
        ("ZPOPMIN z 1", [[b"a", 1.0]]),
        ("ZPOPMAX z 2", [[b"d", 4.0], [b"c", 3.0]]),
        ("ZMPOP 1 z MIN COUNT 2", [b"z", [[b"a", 1.0], [b"b", 2.0]]]),
        ("BZPOPMIN z 0", [b"z", b"a", 1.0]),
        ("BZMPOP 0 1 z MIN", [b"z", [[b"a", 1.0]]]),
    ],
)
def test_replies_in_resp3(line: str, reply: Reply) -> None:
    assert filled(protocol=3)(line) == reply


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("ZPOPMIN z", ["zpopmin z"], 1),
        ("ZPOPMAX z 2", ["zpopmax z"], 2),
        ("ZPOPMIN z 9", ["zpopmin z", "del z"], 4),
        ("ZPOPMIN z 0", [], 0),
        ("ZPOPMIN x", [], 0),
        ("ZMPOP 2 x z MIN", ["zpopmin z"], 1),
        ("ZMPOP 1 z MAX COUNT 9", ["zpopmax z", "del z"], 4),
        ("BZPOPMIN x z 0", ["zpopmin z"], 1),
        ("BZPOPMAX z 0", ["zpopmax z"], 1),
        ("BZMPOP 0 1 z MAX COUNT 4", ["zpopmax z", "del z"], 4),
    ],
)
def test_events_and_changes(line: str, events: list[str], changes: int) -> None:
    assert filled().changes(line) == changes
    assert filled().events(line) == events


# Waiting


class Waiting:
    """A client that has sent a line and has, or has not, been answered."""

    def __init__(self, server: Client, line: str) -> None:
        self.reply: Reply = WAITS
        self.session = server.engine.connect(lambda reply: None)
        reply = server.engine.execute(self.session, line.encode().split())
        if isinstance(reply, Blocked):
            reply.on_done = self._answered
        else:
            self.reply = reply

    def _answered(self, reply: Reply) -> None:
        self.reply = reply


@pytest.fixture(params=["redis-7.0", "redis-7.2"])
def server(request: pytest.FixtureRequest) -> Client:
    server = Client(request.param)
    server.engine.clock.freeze()
    return server


@pytest.mark.parametrize(
    ("line", "reply", "left"),
    [
        ("BZPOPMIN k 0", [b"k", b"a", 1.0], [b"b", b"c"]),
        ("BZPOPMAX other k 0", [b"k", b"c", 3.0], [b"a", b"b"]),
        ("BZMPOP 0 2 other k MAX COUNT 2", [b"k", [[b"c", 3.0], [b"b", 2.0]]], [b"a"]),
        ("BZMPOP 0 1 k MIN COUNT 9", [b"k", [[b"a", 1.0], [b"b", 2.0], [b"c", 3.0]]], []),
    ],
)
def test_a_waiting_client_gets_what_comes_in(server: Client, line: str, reply: Reply, left: list[bytes]) -> None:
    waiting = Waiting(server, line)
    assert waiting.reply == WAITS
    assert server("ZADD k 1 a 2 b 3 c") == 3
    assert waiting.reply == reply
    assert server("ZRANGE k 0 -1") == left


@pytest.mark.parametrize("line", ["ZUNIONSTORE k 1 m", "ZRANGESTORE k z 0 0", "RENAME z k", "ZINCRBY k 1 a"])
def test_whatever_makes_a_sorted_set_serves(server: Client, line: str) -> None:
    server("SADD m a")
    server("ZADD z 1 a")
    waiting = Waiting(server, "BZPOPMIN k 0")
    server(line)
    assert waiting.reply == [b"k", b"a", 1.0]
    assert server("EXISTS k") == 0


def test_clients_are_served_in_the_order_in_which_they_came(server: Client) -> None:
    first, second, third = (Waiting(server, line) for line in ("BZPOPMIN k 0", "BZPOPMAX k 0", "BZPOPMIN k 0"))
    server("ZADD k 1 a 2 b")
    assert [first.reply, second.reply, third.reply] == [[b"k", b"a", 1.0], [b"k", b"b", 2.0], WAITS]
    server("ZADD k 3 c")
    assert third.reply == [b"k", b"c", 3.0]


def test_a_list_does_not_serve_who_waits_for_a_sorted_set(server: Client) -> None:
    waiting = Waiting(server, "BZPOPMIN k 0")
    assert server("RPUSH k a") == 1
    assert waiting.reply == WAITS
    assert server("LLEN k") == 1


@pytest.mark.parametrize(("version", "reply"), [("redis-7.0", [b"k2", b"a", 1.0]), ("redis-7.2", WRONGTYPE)])
def test_since_7_2_a_served_command_looks_at_its_first_key_again(version: str, reply: Reply) -> None:
    server = Client(version)
    waiting = Waiting(server, "BZPOPMIN k1 k2 0")
    assert server("SET k1 text") == OK
    server("ZADD k2 1 a")
    assert waiting.reply == reply


def test_a_wait_ends_with_its_timeout(server: Client) -> None:
    one, several = Waiting(server, "BZPOPMAX k 0.5"), Waiting(server, "BZMPOP 2 1 k MIN")
    server.engine.clock.advance(0.5)
    assert [one.reply, several.reply] == [NULL_ARRAY, WAITS]
    server.engine.clock.advance(2)
    assert several.reply == NULL_ARRAY


def test_a_client_that_has_gone_takes_nothing(server: Client) -> None:
    gone, patient = Waiting(server, "BZPOPMIN k 0"), Waiting(server, "BZPOPMIN k 0")
    server.engine.disconnect(gone.session)
    server("ZADD k 1 a")
    assert [gone.reply, patient.reply] == [WAITS, [b"k", b"a", 1.0]]


@pytest.mark.parametrize("line", ["BZPOPMIN k 0", "BZPOPMAX k 0", "BZMPOP 0 1 k MIN"])
def test_where_nobody_may_wait_the_time_is_up_at_once(server: Client, line: str) -> None:
    server.session.deny_blocking = True
    assert server(line) == NULL_ARRAY
