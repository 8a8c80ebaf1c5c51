"""Clients that wait for lists. Every expectation was answered by Redis 7.0.15 and, for 7.2, by Valkey 9.1."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import miniredis.commands  # noqa: F401
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from tests.commands.client import keyspace_events

WRONGTYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
UNBLOCKED = Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
NEGATIVE = Error("ERR timeout is negative")
OUT_OF_RANGE = Error("ERR timeout is out of range")
NOT_A_FLOAT = Error("ERR timeout is not a float or out of range")
WAITS = "still waits"
LONG = 9223372036854775


class Server:
    """An engine whose clock is frozen; each waiting client has a name."""

    def __init__(self, version: str = "redis-7.2") -> None:
        self.engine = Engine(VERSIONS[version])
        self.engine.clock.freeze()
        self.own = self.engine.connect(lambda reply: None)
        self.clients: dict[str, Session] = {}
        self.replies: dict[str, Reply] = {}

    def __call__(self, line: str) -> Reply:
        return self.engine.execute(self.own, [word.encode() for word in line.split(" ")])

    def wait(self, *lines: str) -> None:
        """Let one client after the other send its line; they are called 0, 1, 2, …"""
        for name, line in enumerate(lines, len(self.clients)):
            session = self.clients[str(name)] = self.engine.connect(lambda reply: None)
            self.replies[str(name)] = WAITS
            reply = self.engine.execute(session, line.encode().split())
            if isinstance(reply, Blocked):
                reply.on_done = lambda late, name=str(name): self.replies.update({name: late})
            else:
                self.replies[str(name)] = reply

    def transaction(self, *lines: str) -> list[Reply]:
        """Run all *lines* before anybody is served, as EXEC and scripts do."""
        self.own.deny_blocking = True
        replies = []
        for line in lines:
            argv = line.encode().split()
            replies.append(self.engine.call(self.own, self.engine.resolve(argv), argv))
        self.own.deny_blocking = False
        self.engine.blocked_clients.serve()
        return replies

    @property
    def heard(self) -> list[Reply]:
        """What each client has been answered, in the order in which they came."""
        return list(self.replies.values())

    def elements(self, key: str) -> list[bytes]:
        reply: list[bytes] = self(f"LRANGE {key} 0 -1")
        return reply


@pytest.fixture(params=["redis-7.0", "redis-7.2"])
def server(request: pytest.FixtureRequest) -> Server:
    return Server(request.param)


# What a blocking command does when it need not wait


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("BLPOP l 0", [b"l", b"a"]),
        ("BRPOP x l 0", [b"l", b"c"]),
        ("BLPOP l s 0", [b"l", b"a"]),
        ("BLPOP s l 0", WRONGTYPE),
        ("BLPOP x s 0", WRONGTYPE),
        ("BLPOP s text", NOT_A_FLOAT),
        ("BLPOP l", Error("ERR wrong number of arguments for 'blpop' command")),
        ("BLMOVE l d LEFT RIGHT 0", b"a"),
        ("BLMOVE l s LEFT RIGHT 0", WRONGTYPE),
        ("BLMOVE s d LEFT RIGHT 0", WRONGTYPE),
        ("BLMOVE l d LEFT UP text", Error("ERR syntax error")),
        ("BLMOVE s d LEFT LEFT text", NOT_A_FLOAT),
        ("BLMOVE s d LEFT LEFT -1", NEGATIVE),
        ("BRPOPLPUSH l d 0", b"c"),
        ("BRPOPLPUSH s d text", NOT_A_FLOAT),
        ("BLMPOP 0 2 x l LEFT", [b"l", [b"a"]]),
        ("BLMPOP 0 1 l RIGHT COUNT 2", [b"l", [b"c", b"b"]]),
        ("BLMPOP text 0 l LEFT", Error("ERR numkeys should be greater than 0")),
        ("BLMPOP text 1 l UP", Error("ERR syntax error")),
        ("BLMPOP text 1 l LEFT COUNT 0", Error("ERR count should be greater than 0")),
        ("BLMPOP text 1 l LEFT", NOT_A_FLOAT),
        ("BLMPOP -1 1 l LEFT", NEGATIVE),
    ],
)
def test_a_command_that_finds_elements_or_a_mistake_does_not_wait(server: Server, line: str, reply: Reply) -> None:
    server("RPUSH l a b c")
    server("SET s text")
    assert server(line) == reply


@pytest.mark.parametrize(
    ("timeout", "redis_7_0", "redis_7_2"),
    [
        ("-1", NEGATIVE, NEGATIVE),
        ("-0.5", NEGATIVE, NEGATIVE),
        ("-inf", NEGATIVE, NEGATIVE),
        ("inf", NEGATIVE, OUT_OF_RANGE),
        ("infinity", NEGATIVE, OUT_OF_RANGE),
        ("1e400", NEGATIVE, OUT_OF_RANGE),
        (str(LONG + 1), NEGATIVE, OUT_OF_RANGE),
        (str(LONG), WAITS, OUT_OF_RANGE),
        (f"{LONG}.807", WAITS, OUT_OF_RANGE),
        ("9223370000000000", WAITS, WAITS),
        ("text", NOT_A_FLOAT, NOT_A_FLOAT),
        ("1_000", NOT_A_FLOAT, NOT_A_FLOAT),
        ("nan", NOT_A_FLOAT, NOT_A_FLOAT),
        ("1e5000", NOT_A_FLOAT, NOT_A_FLOAT),
        ("1e-5000", NOT_A_FLOAT, NOT_A_FLOAT),
        ("0x10", WAITS, WAITS),
        ("+1", WAITS, WAITS),
        (".5", WAITS, WAITS),
        ("-0.001", WAITS, WAITS),
        ("0", WAITS, WAITS),
    ],
)
def test_timeouts_are_read_as_redis_reads_them(timeout: str, redis_7_0: Reply, redis_7_2: Reply) -> None:
    for version, reply in (("redis-7.0", redis_7_0), ("redis-7.2", redis_7_2)):
        server = Server(version)
        server.wait(f"BLPOP k {timeout}")
        assert server.heard == [reply], version


@pytest.mark.parametrize(
    ("timeout", "milliseconds"),
    [("1", 1000), ("0.001", 1), ("0.0001", 1), ("0.07", 70), ("0.0701", 71), ("2.3", 2300), ("0x1p-3", 125)],
)
def test_a_timeout_is_rounded_up_to_whole_milliseconds(server: Server, timeout: str, milliseconds: int) -> None:
    server.wait(f"BLPOP k {timeout}")
    server.engine.clock.advance((milliseconds - 1) / 1000)
    assert server.heard == [WAITS]
    server.engine.clock.advance(0.001)
    assert server.heard == [NULL_ARRAY]


@pytest.mark.parametrize("timeout", ["0", "-0.0009"])
def test_no_timeout_waits_for_ever(server: Server, timeout: str) -> None:
    server.wait(f"BLPOP k {timeout}")
    server.engine.clock.advance(1e9)
    assert server.heard == [WAITS]
    assert server("LPUSH k a") == 1
    assert server.heard == [[b"k", b"a"]]


# Timeouts and CLIENT UNBLOCK

COMMANDS = ["BLPOP k {}", "BRPOP k {}", "BLMOVE k d LEFT LEFT {}", "BRPOPLPUSH k d {}", "BLMPOP {} 1 k LEFT"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reply_of_a_timeout_is_a_null_array_even_where_the_command_replies_a_string(
    server: Server, command: str
) -> None:
    server.wait(command.format("0.5"))
    server.engine.clock.advance(0.5)
    assert server.heard == [NULL_ARRAY]
    assert server("RPUSH k a") == 1
    assert server.elements("k") == [b"a"]


@pytest.mark.parametrize("command", COMMANDS)
def test_inside_a_transaction_nobody_waits(server: Server, command: str) -> None:
    moves = command.startswith(("BLMOVE", "BRPOPLPUSH"))
    assert server.transaction(command.format("0")) == [None if moves else NULL_ARRAY]
    assert not server.engine.blocked_clients.clients


@pytest.mark.parametrize(("error", "reply"), [(False, NULL_ARRAY), (True, UNBLOCKED)])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_unblocked_client_is_told_so_and_waits_no_more(
    server: Server, command: str, error: bool, reply: Reply
) -> None:
    server.wait(command.format("1"))
    assert server.engine.blocked_clients.unblock(server.clients["0"], error=error)
    assert server.heard == [reply]
    assert not server.engine.blocked_clients.unblock(server.clients["0"], error=error)
    server("RPUSH k a")
    server.engine.clock.advance(2)
    assert server.heard == [reply]
    assert server.elements("k") == [b"a"]


def test_a_client_that_is_gone_waits_no_more(server: Server) -> None:
    server.wait("BLPOP k 1", "BLPOP k 0")
    server.engine.disconnect(server.clients["0"])
    server("RPUSH k a b")
    assert server.heard == [WAITS, [b"k", b"a"]]
    assert server.engine.next_due() is None


# Who is served, and with what


@pytest.mark.parametrize(
    ("waiting", "lines", "redis_7_0", "redis_7_2"),
    [
        pytest.param(
            ["BLPOP k1 k2 0"],
            ["RPUSH k2 x", "RPUSH k1 y"],
            [[b"k2", b"x"]],
            [[b"k1", b"y"]],
            id="since 7.2 the keys are tried in the client's order",
        ),
        pytest.param(
            ["BLMPOP 0 2 b a LEFT COUNT 5"],
            ["RPUSH a 1 2", "RPUSH b 2 3"],
            [[b"a", [b"1", b"2"]]],
            [[b"b", [b"2", b"3"]]],
            id="BLMPOP too",
        ),
        pytest.param(
            ["BLPOP k1 k2 0"],
            ["SET k1 text", "RPUSH k2 x"],
            [[b"k2", b"x"]],
            [WRONGTYPE],
            id="since 7.2 a key of another type that comes first is an error",
        ),
        pytest.param(
            ["BLPOP k2 k1 0"],
            ["SET k1 text", "RPUSH k2 x"],
            [[b"k2", b"x"]],
            [[b"k2", b"x"]],
            id="one that comes later is not looked at",
        ),
        pytest.param(
            ["BLPOP b 0", "BLPOP a b 0", "BLPOP b a 0"],
            ["RPUSH a 1", "RPUSH b 2"],
            [[b"b", b"2"], [b"a", b"1"], WAITS],
            [[b"b", b"2"], [b"a", b"1"], WAITS],
            id="the key that became ready first is served first",
        ),
    ],
)
def test_a_transaction_that_makes_several_keys_ready(
    waiting: Sequence[str], lines: Sequence[str], redis_7_0: list[Reply], redis_7_2: list[Reply]
) -> None:
    for version, replies in (("redis-7.0", redis_7_0), ("redis-7.2", redis_7_2)):
        server = Server(version)
        server.wait(*waiting)
        server.transaction(*lines)
        assert server.heard == replies, version


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        pytest.param(["RPUSH k a", "DEL k"], WAITS, id="deleted again"),
        pytest.param(["RPUSH k a", "PEXPIRE k 0"], WAITS, id="expired"),
        pytest.param(["RPUSH k a", "LPOP k"], WAITS, id="emptied"),
        pytest.param(["RPUSH k a", "SET k text"], WAITS, id="overwritten"),
        pytest.param(["SET k text", "DEL k", "RPUSH k a"], [b"k", b"a"], id="another type before"),
        pytest.param(["RPUSH k a", "DEL k", "RPUSH k b"], [b"k", b"b"], id="another list in its place"),
        pytest.param(["RPUSH k b", "LPUSH k a"], [b"k", b"a"], id="what stands first at the end counts"),
        pytest.param(["RPUSH o a", "RENAME o k"], [b"k", b"a"], id="renamed into place"),
        pytest.param(["RPUSH o a", "SET k text", "RENAME o k"], [b"k", b"a"], id="renamed over another type"),
        pytest.param(["RPUSH o a", "COPY o k"], [b"k", b"a"], id="copied into place"),
        pytest.param(["RPUSH o a", "LMOVE o k LEFT LEFT"], [b"k", b"a"], id="moved into place"),
    ],
)
def test_what_counts_is_how_the_key_is_when_the_transaction_has_ended(
    server: Server, lines: Sequence[str], reply: Reply
) -> None:
    server.wait("BLPOP k 0")
    server.transaction(*lines)
    assert server.heard == [reply]


def test_a_key_that_comes_with_the_swap_of_two_databases_serves_the_waiting(server: Server) -> None:
    server.wait("BLPOP k 0")
    other = server.engine.databases[1]
    server.own.db = other
    server("RPUSH k a")
    assert server.heard == [WAITS]
    other.swap(server.engine.databases[0])
    server.engine.blocked_clients.serve()
    assert server.heard == [[b"k", b"a"]]


def test_many_elements_serve_many_clients_in_the_order_they_came(server: Server) -> None:
    server.wait("BLPOP k k 0", "BLMPOP 0 1 k RIGHT COUNT 2", "BRPOP other k 0", "BLPOP k 0", "BLPOP k 0")
    assert server("RPUSH k 1 2 3 4 5") == 5
    assert server.heard == [[b"k", b"1"], [b"k", [b"5", b"4"]], [b"k", b"3"], [b"k", b"2"], WAITS]
    assert server.elements("k") == []


def test_a_client_that_came_back_stands_at_the_end_of_the_queue(server: Server) -> None:
    server.wait("BLPOP k 0", "BLPOP k 0")
    server.engine.blocked_clients.unblock(server.clients["0"])
    server.wait("BLPOP k 0")
    server("RPUSH k a")
    assert server.heard == [NULL_ARRAY, [b"k", b"a"], WAITS]


def test_a_key_of_another_type_is_nothing_to_those_who_wait(server: Server) -> None:
    server.wait("BLPOP k 0")
    assert server("SET k text") == OK
    server("DEL k")
    assert server.heard == [WAITS]
    server("RPUSH k a")
    assert server.heard == [[b"k", b"a"]]


# Moves


def test_a_move_that_was_waited_for_feeds_the_next_one_that_waits(server: Server) -> None:
    server.wait("BLMOVE a b LEFT RIGHT 0", "BLMOVE b c LEFT LEFT 0", "BLPOP c 0")
    server("RPUSH a 1 2")
    assert server.heard == [b"1", b"1", [b"c", b"1"]]
    assert server.elements("a") == [b"2"]


def test_moves_in_a_circle_end_with_the_one_who_takes_the_element(server: Server) -> None:
    server.wait("BLMOVE a b LEFT LEFT 0", "BLMOVE b a LEFT LEFT 0", "BLPOP b 0", "BLPOP a 0")
    server("RPUSH a 1")
    assert server.heard == [b"1", b"1", WAITS, [b"a", b"1"]]


def test_a_move_within_one_list_rotates_it_and_leaves_it_to_the_next(server: Server) -> None:
    server.wait("BLMOVE a a LEFT RIGHT 0", "BLPOP a 0")
    server("RPUSH a 1 2")
    assert server.heard == [b"1", [b"a", b"2"]]
    assert server.elements("a") == [b"1"]


def test_a_move_to_what_is_no_list_is_an_error_and_leaves_the_element_to_the_next(server: Server) -> None:
    server.wait("BLMOVE a d LEFT RIGHT 0", "BRPOPLPUSH a d 0", "BLPOP a 0")
    server("SET d text")
    server("RPUSH a 1")
    assert server.heard == [WRONGTYPE, WRONGTYPE, [b"a", b"1"]]


def test_serving_notifies_as_the_commands_do(server: Server) -> None:
    server.wait("BLMOVE a b LEFT RIGHT 0", "BLPOP b 0")
    with keyspace_events(server.engine) as events:
        server("RPUSH a 1 2")
    assert [event for event in events if not event.startswith("new")] == [
        "rpush a",
        "rpush b",
        "lpop a",
        "lpop b",
        "del b",
    ]


# Statistics


def counted(server: Server) -> tuple[int, int, int]:
    """Calls of BLPOP, those that failed, and the UNBLOCKED errors of the server."""
    state = server.engine.resolve([b"BLPOP"])
    return state.calls, state.failed_calls, server.engine.statistics.errors.get(b"UNBLOCKED", 0)


def test_a_waiting_command_is_a_call_at_once_in_7_0_and_when_it_is_answered_since_7_2(server: Server) -> None:
    waiting = 1 if server.engine.version.redis < (7, 2) else 0
    server.wait("BLPOP k 0")
    assert counted(server) == (waiting, 0, 0)
    server("RPUSH k a")
    assert counted(server) == (1, 0, 0)
    server.wait("BLPOP k 0.5")
    server.engine.clock.advance(1)
    assert counted(server) == (2, 0, 0)
    server.wait("BLPOP k 0")
    server.engine.blocked_clients.unblock(server.clients["2"], error=True)
    assert counted(server) == (3, 1, 1)


def test_a_waiting_command_whose_client_leaves_is_no_call_since_7_2() -> None:
    server = Server("redis-7.2")
    server.wait("BLPOP k 0")
    server.engine.disconnect(server.clients["0"])
    assert counted(server) == (0, 0, 0)


def test_an_error_when_a_client_is_served_counts_as_one_of_its_command(server: Server) -> None:
    server.wait("BLMOVE a d LEFT LEFT 0")
    server("SET d text")
    server("RPUSH a 1")
    state = server.engine.resolve([b"BLMOVE"])
    assert (state.calls, state.failed_calls) == (1, 1)
    assert server.engine.statistics.errors == {b"WRONGTYPE": 1}
