"""Requests of one pipeline that are alike are executed together: nobody can tell it from one after the other."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis.engine.command import LONG
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.resp import Encoder, Reply, encode_command
from miniredis.testing import MiniRedis
from tests.server.conftest import Host, Peer, eventually

KEYS = st.sampled_from(["a", "b", "list", "set", "zset", "hash"])
MEMBERS = st.sampled_from(["1", "2", "x", "y" * 70])


def words(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(list)


QUICK = st.one_of(
    words("GET", KEYS),
    words("SET", KEYS, MEMBERS),
    words("INCR", KEYS),
    words("STRLEN", KEYS),
    words("GETDEL", KEYS),
    words("TYPE", KEYS),
    words("LPUSH", KEYS, MEMBERS),
    words("RPOP", KEYS),
    words("LMOVE", "list", "b", "LEFT", "RIGHT"),
    words("SADD", KEYS, MEMBERS),
    words("SISMEMBER", KEYS, MEMBERS),
    words("ZADD", KEYS, MEMBERS, MEMBERS),
    words("ZSCORE", KEYS, MEMBERS),
    words("HSET", KEYS, MEMBERS, MEMBERS),
    words("HGET", KEYS, MEMBERS),
    words("HINCRBYFLOAT", KEYS, MEMBERS, MEMBERS),
    words("EXPIRE", KEYS, st.sampled_from(["100", "0", "x"])),
    words("PERSIST", KEYS),
    words("LPOP", KEYS, "2"),
)
"""Commands that are executed in runs."""

OTHERS = st.one_of(
    words("DEL", KEYS, KEYS),
    words("LRANGE", KEYS, "0", "-1"),
    words("SMISMEMBER", KEYS, MEMBERS, MEMBERS),
    words("PING"),
    words("MULTI"),
    words("EXEC"),
    words("DISCARD"),
    words("WATCH", KEYS),
    words("HELLO", st.sampled_from(["2", "3"])),
    words("SUBSCRIBE", "news"),
    words("UNSUBSCRIBE"),
    words("PUBLISH", "news", MEMBERS),
    words("CLIENT", "TRACKING", st.sampled_from(["ON", "OFF"])),
    words("CLIENT", "REPLY", "SKIP"),
    words("CONFIG", "SET", "notify-keyspace-events", st.sampled_from(["KEA", ""])),
    words("CONFIG", "SET", "slowlog-log-slower-than", st.sampled_from(["0", "10000"])),
    words("SELECT", st.sampled_from(["0", "1"])),
    words("EVAL", "return redis.call('INCR', KEYS[1])", "1", KEYS),
    words("GET"),
    words("NONSENSE", KEYS),
)

PIPELINES = st.lists(
    st.one_of(
        st.lists(QUICK, min_size=1, max_size=4),
        st.builds(lambda command, times: [command] * times, QUICK, st.integers(2, 12)),
        st.lists(OTHERS, min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=12,
)
"""By parts, which may come in one piece or each by itself."""

END = b"$3\r\nend\r\n"


class OneByOne:
    """A client in the process that sends no request before it has the reply to the last."""

    def __init__(self, engine: Engine) -> None:
        digits = engine.version.format_double
        self.encoders = {2: Encoder(2, digits), 3: Encoder(3, digits)}
        self.engine = engine
        self.received = b""
        self.session: Session = engine.connect(self.take)

    def take(self, reply: Reply) -> None:
        self.received += self.encoders[self.session.protocol].encode(reply)

    def send(self, command: list[str]) -> None:
        reply = self.engine.execute(self.session, [word.encode() for word in command])
        self.take(reply)  # type: ignore[arg-type]


def counted(engine: Engine) -> dict[str, tuple[int, int, int]]:
    """What was counted of each command: calls, failed, rejected."""
    return {
        state.name: (state.calls, state.failed_calls, state.rejected_calls)
        for state in engine.command_states()
        if state.calls or state.rejected_calls
    }


@settings(deadline=None, max_examples=100)
@given(parts=PIPELINES, in_one_piece=st.booleans())
def test_a_pipeline_is_as_one_after_the_other(parts: list[list[list[str]]], in_one_piece: bool) -> None:
    parts = [*parts, [["RESET"], ["ECHO", "end"]]]
    with MiniRedis(seed=1) as server, MiniRedis(seed=1) as other:
        for each in (server, other):
            each.clock.freeze()
            each.clock.set(datetime(2030, 1, 1, tzinfo=UTC))
        one_by_one = OneByOne(other.engine)
        for command in chain.from_iterable(parts):
            one_by_one.send(command)
        with socket.create_connection((server.host, server.port)) as connection:
            peer = Peer(connection)
            eventually(lambda: bool(server.engine.sessions))
            portions = [b"".join(map(encode_command, part)) for part in parts]
            if in_one_piece:
                peer.socket.sendall(b"".join(portions))
            else:
                (ours,) = server._server.connections
                for portion in portions:
                    server.call(partial(ours.data_received, portion))
            received = b""
            while not received.endswith(END):
                received += peer.socket.recv(1 << 16)
            assert received == one_by_one.received
        assert server.call(lambda: counted(server.engine)) == counted(other.engine)
        assert server.dump() == other.dump()
        one, two = server.engine.statistics, other.engine.statistics
        assert (one.keyspace_hits, one.keyspace_misses) == (two.keyspace_hits, two.keyspace_misses)


def test_a_long_reply_ends_a_run(start: Callable[..., Host]) -> None:
    host = start()
    engine = host.server.engine
    long, short = b"x" * (LONG + 1), b"y"
    for key, value in ((b"long", long), (b"short", short)):
        host.run("SET", key.decode(), value.decode())
    session = engine.connect(lambda _: None)
    for name in (b"GET", b"GETEX"):
        keys = [b"short", b"short", b"long", b"short"]
        requests = [[name, key] for key in keys]
        host.run(name.decode(), "short")  # the name is known from now on
        assert host.server.call(partial(engine.execute_run, session, requests)) == [short, short, long]
        by_columns = host.server.call(partial(engine.execute_columns, session, [[name] * 4, keys]))
        assert by_columns == ([short, short] if name == b"GET" else [])


def test_all_of_a_run_take_as_long_and_begin_at_the_same_time(start: Callable[..., Host]) -> None:
    host = start()
    engine = host.server.engine
    session = engine.connect(lambda _: None)
    host.server.clock.freeze()
    times = []

    def handler(_: Session, argv: list[bytes]) -> int:
        times.append(engine.now)
        host.server.clock.advance(0.001)
        return 0

    command = engine.resolve([b"STRLEN"])
    command.handler = handler  # type: ignore[union-attr]
    assert host.server.call(lambda: engine.execute_run(session, [[b"STRLEN", b"k"]] * 4)) == [0] * 4
    assert command.calls == 4  # type: ignore[union-attr]
    assert command.nanoseconds == 4_000_000  # type: ignore[union-attr]


def test_who_is_woken_by_a_run_is_served_before_the_next_of_it(host: Host) -> None:
    waiting, peer = host.connect(), host.connect()
    host.run("LPUSH", "other", "x")  # the name is known from now on
    waiting.send("BLPOP list 0")
    host.wait_for_blocked(1)
    peer.send("LPUSH list a", "LPUSH list b", "LPUSH list c")
    peer.receive(b":1\r\n:1\r\n:2\r\n")
    waiting.receive(b"*2\r\n$4\r\nlist\r\n$1\r\na\r\n")


def test_what_is_left_of_a_pipeline_counts_as_received_while_its_client_waits(host: Host) -> None:
    peer = host.connect()
    peer.send("BLPOP a 0", "BLPOP b 0", "BLPOP c 0")
    host.wait_for_blocked(1)
    assert host.server.call(host.session(peer).query_buffer) > 0
    for name in "abc":
        host.run("RPUSH", name, "1")
        host.run("GET", "nothing")
        peer.receive(b"*2\r\n$1\r\n%b\r\n$1\r\n1\r\n" % name.encode())
    assert host.server.call(host.session(peer).query_buffer) == 0
    peer.send("GET k")
    peer.receive(b"$-1\r\n")


def test_strings_are_set_and_counted_up_at_once_on_the_usual_conditions_only(start: Callable[..., Host]) -> None:
    host = start()
    database = host.server.engine.databases[0]

    def increment(*keys: bytes) -> list[int]:
        return host.server.call(partial(database.increment_unnoticed, keys))

    def is_set(*keys: bytes) -> bool:
        return host.server.call(partial(database.set_unnoticed, keys, keys))

    host.run("SET", "a", "1")
    host.run("INCR", "n")
    assert increment(b"n", b"n", b"a", b"n") == [2, 3]  # SET left bytes at a
    assert increment(b"n", b"missing") == [4]
    unusual = [
        (["EXPIRE", "n", "100"], ["PERSIST", "n"]),
        (["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"], ["CONFIG", "SET", "maxmemory-policy", "noeviction"]),
        (["CONFIG", "SET", "notify-keyspace-events", "KEA"], ["CONFIG", "SET", "notify-keyspace-events", ""]),
    ]
    for before, after in unusual:
        host.run(*before)
        assert increment(b"n") == []
        assert not is_set(b"x", b"n")
        host.run(*after)
    host.run("EXPIRE", "a", "100")
    assert increment(b"n") == [5]
    assert is_set(b"x", b"y")
    host.run("SET", "n", str(2**63 - 2))
    host.run("INCR", "n")
    assert increment(b"n") == []
    assert host.run("GET", "n") == b"%d" % (2**63 - 1)


def test_strings_are_read_at_once_as_one_by_one(start: Callable[..., Host]) -> None:
    host = start()
    engine = host.server.engine
    database, statistics = engine.databases[0], engine.statistics

    def read(*keys: bytes) -> list[bytes | None]:
        return host.server.call(partial(database.read_strings, keys))

    host.run("SET", "bytes", "x")
    host.run("INCR", "number")
    host.run("APPEND", "grown", "x")
    host.run("APPEND", "grown", "x")
    host.run("RPUSH", "list", "x")
    before = statistics.keyspace_hits, statistics.keyspace_misses
    assert read(b"bytes", b"missing", b"number", b"bytes", b"list", b"bytes") == [b"x", None, b"1", b"x"]
    assert read(b"missing", b"grown") == [None]
    assert (statistics.keyspace_hits - before[0], statistics.keyspace_misses - before[1]) == (3, 2)
    host.run("CONFIG", "SET", "notify-keyspace-events", "Km")
    assert read(b"bytes") == []


def test_a_key_whose_time_has_passed_is_not_read_but_told_of(start: Callable[..., Host]) -> None:
    host = start(enable_debug_command="yes", notify_keyspace_events="Kx")
    engine = host.server.engine
    host.server.clock.freeze()
    host.run("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    host.run("SET", "short", "x", "PX", "100")
    host.run("SET", "long", "x", "PX", "1000")
    peer = host.connect()
    peer.send("SUBSCRIBE __keyspace@0__:short")
    peer.receive(b"*3\r\n$9\r\nsubscribe\r\n$20\r\n__keyspace@0__:short\r\n:1\r\n")
    host.server.clock.advance(0.101)
    session = engine.connect(lambda _: None)
    host.run("GET", "nothing")  # the name is known from now on
    columns = [[b"GET"] * 3, [b"long", b"short", b"long"]]
    assert host.server.call(partial(engine.execute_columns, session, columns)) == [b"x", None, b"x"]
    peer.receive(b"*3\r\n$7\r\nmessage\r\n$20\r\n__keyspace@0__:short\r\n$7\r\nexpired\r\n")
    assert host.run("DBSIZE") == 1


def test_a_key_that_is_read_with_others_was_used_just_then(start: Callable[..., Host]) -> None:
    host = start()
    engine = host.server.engine
    host.server.clock.freeze()
    session = engine.connect(lambda _: None)
    host.run("SET", "a", "1")
    host.run("SET", "b", "1")
    host.server.clock.advance(100)
    host.run("GET", "a")
    columns = [[b"GET"] * 2, [b"a", b"a"]]
    host.server.clock.advance(10)
    host.server.call(partial(engine.execute_columns, session, columns))
    assert (host.run("OBJECT", "IDLETIME", "a"), host.run("OBJECT", "IDLETIME", "b")) == (0, 110)


def test_a_slow_run_is_in_the_slow_log(start: Callable[..., Host]) -> None:
    host = start(slowlog_log_slower_than=1000)
    engine = host.server.engine
    host.server.clock.freeze()
    host.run("GET", "a")
    session = engine.connect(lambda _: None)

    def several(_: Session, keys: list[bytes]) -> list[bytes]:
        host.server.clock.advance(0.004)
        return keys[:2]

    engine.resolve([b"GET"]).several = several  # type: ignore[union-attr]
    columns = [[b"GET"] * 3, [b"a", b"b", b"c"]]
    assert host.server.call(partial(engine.execute_columns, session, columns)) == [b"a", b"b"]
    ((_, _, taken, argv, *_),) = host.run("SLOWLOG", "GET")  # type: ignore[misc]
    assert (taken, argv) == (2000, [b"GET", b"b"])


def test_who_waits_for_a_stream_hears_that_it_has_expired(start: Callable[..., Host]) -> None:
    host = start(enable_debug_command="yes")
    host.server.clock.freeze()
    host.run("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    host.run("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    host.run("PEXPIRE", "s", "100")
    host.run("GET", "nothing")  # the name is known from now on
    waiting, peer = host.connect(), host.connect()
    waiting.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
    host.wait_for_blocked(1)
    host.server.clock.advance(0.101)
    peer.socket.sendall(encode_command(["GET", "s"]) * 2)
    peer.receive(b"$-1\r\n$-1\r\n")
    waiting.receive(b"-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n")
