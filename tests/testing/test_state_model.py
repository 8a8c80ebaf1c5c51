"""Snapshots, diffs and loads under random commands of every type, each against something that cannot be wrong with it.

The model of rolling back is a server to which what came after the snapshot was never said: a new one that is told the
same commands up to there. Commands that choose at random are left out, for chance is not rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.generated.families import arguments_of, reason_of
from conformance.generated.strategies import CommandWriter
from miniredis.engine.table import CommandTable
from miniredis.engine.version import VERSIONS
from miniredis.testing import MiniRedis, Stream
from miniredis.testing.snapshots import Snapshot

GROUPS: Final = {"string", "list", "set", "sorted-set", "hash", "stream", "generic", "bitmap", "hyperloglog", "geo"}
BY_CHANCE: Final = {"spop", "srandmember", "hrandfield", "zrandmember", "randomkey"}
VERSION: Final = "valkey-9.1"

WRITERS: Final = [
    CommandWriter(command, arguments_of(command, "all"), {})
    for command in CommandTable.for_version(VERSIONS[VERSION]).all()
    if (command.parent or command).declaration.group in GROUPS
    and not reason_of(command)
    and not command.subcommands
    and command.name not in BY_CHANCE
]
FAMILIES: Final = [
    [tuple(each.encode().split()) for each in line.split("; ")]
    for line in """
RPUSH l a b c; LSET l 0 x; LPOP l; RPOPLPUSH l l2; LTRIM l 1 -1; LINSERT l BEFORE a z; SORT l ALPHA STORE l2; LREM l 1 a
SADD s a b; SADD s 1 2; SREM s a; SMOVE s s2 b; SINTERSTORE s2 s s; SADD s2 c; SREM s2 a
HSET h a 1 b 2 c 3; HINCRBY h a 1; HDEL h b; HSETNX h d 4; HINCRBYFLOAT h a 1.5
HSET h a 1 b 2; HEXPIRE h 1000 FIELDS 1 a; HPEXPIRE h 1 FIELDS 1 b; HPERSIST h FIELDS 1 a; HGETEX h PX 1 FIELDS 1 b
HSET h a 1 b 2 c 3; HGETEX h PX 1 FIELDS 1 a; HGETALL h; HGETDEL h FIELDS 1 a; HSETEX h EX 9 FIELDS 1 c 1
ZADD z 1 a 2 b; ZINCRBY z 1 a; ZPOPMIN z; ZUNIONSTORE z2 2 z s; ZREM z b; ZREMRANGEBYRANK z 0 0
SET n 5; INCR n; APPEND n x; SETRANGE n 2 x; SETBIT n 7 1; GETDEL n; BITFIELD n SET u8 0 7; INCRBYFLOAT n 1.5
PFADD p a b; PFCOUNT p; PFMERGE p2 p; PFCOUNT p p2; PFADD p c; PFADD p2 z; PFCOUNT p2
XADD x 1-1 a b; XADD x * a b; XDEL x 1-1; XTRIM x MAXLEN 0; XSETID x 5-5; XGROUP CREATE x g 0 MKSTREAM
XADD x 1-1 a b; XGROUP CREATE x g 0 MKSTREAM; XREADGROUP GROUP g c STREAMS x >; XACK x g 1-1; XGROUP SETID x g 0
XADD x 1-1 a b; XGROUP CREATE x g 0 MKSTREAM; XREADGROUP GROUP g c STREAMS x >; XAUTOCLAIM x g d 0 0; XCLAIM x g c 0 1-1
RPUSH l a; RENAME l l2; COPY l l2 REPLACE; DEL l; MOVE l 1; SWAPDB 0 1; FLUSHDB; SELECT 1; SELECT 0; RPUSH l2 b
SET n 5; EXPIRE n 10000; PERSIST n; PEXPIRE n 1; SADD s a; PEXPIRE s 1; EXPIRE s 10000; INCR n
""".strip().split("\n")
]
"""Commands that change what the others of their line make."""


@st.composite
def any_command(draw: Any) -> tuple[bytes, ...]:
    """Anything that the table has."""
    return draw(st.sampled_from(WRITERS)).act(draw)[0]  # type: ignore[no-any-return]


@st.composite
def histories(draw: Any) -> list[Any]:
    """Steps of one family for the most part, with others in between."""
    step = st.sampled_from(draw(st.sampled_from(FAMILIES)))
    other = st.sampled_from([command for family in FAMILIES for command in family])
    controls = st.sampled_from(["snapshot", "restore", "advance"])
    steps = st.lists(st.one_of(*[step] * 5, other, any_command(), controls, controls), min_size=20, max_size=60)
    return draw(steps)  # type: ignore[no-any-return]


STEPS: Final = histories()


class Subject:
    """A server that is told commands, and what it was told."""

    def __init__(self) -> None:
        self.server = MiniRedis(emulate=VERSION)
        self.server.clock.freeze()
        self.server.clock.set(datetime(2030, 1, 1, tzinfo=UTC))
        self.session = self.server.engine.connect(lambda reply: None)
        self.history: list[Any] = []

    def take(self, step: Any) -> None:
        """Do a step, and note it."""
        self.history.append(step)
        if step == "advance":
            self.server.clock.advance(0.002)
        elif isinstance(step, datetime):
            self.server.clock.set(step)
        else:
            self.server.engine.execute(self.session, list(step))


def replayed(history: list[Any], now: datetime) -> str:
    """The dump of a new server that was told *history*, at *now*."""
    model = Subject()
    for step in history:
        model.take(step)
    model.server.clock.set(now)
    return model.server.dump()


def encodings(server: MiniRedis) -> list[str]:
    """How every value is kept."""
    return [repr(value) for database in server.engine.databases for _, value in sorted(database.data.items())]


@settings(max_examples=100)
@given(STEPS)
def test_rolled_back_it_is_as_if_nothing_had_been(steps: list[Any]) -> None:
    subject = Subject()
    taken: list[tuple[Snapshot, list[Any], datetime, list[str]]] = []
    for step in steps:
        if step == "snapshot":
            now = subject.server.clock.now()
            taken.append((subject.server.snapshot(), subject.history.copy(), now, encodings(subject.server)))
        elif step == "restore":
            if taken:
                snapshot, history, then, kept = taken[len(subject.history) % len(taken)]
                subject.server.restore(snapshot)
                # From here on it is another time, and another database may be selected.
                selected = (b"SELECT", b"%d" % subject.session.db.number)
                subject.history = [*history, subject.server.clock.now(), selected]
                assert subject.server.dump() == replayed(history, subject.server.clock.now())
                if subject.server.clock.now() == then:
                    assert encodings(subject.server) == kept
        else:
            subject.take(step)


@settings(max_examples=100)
@given(STEPS, STEPS)
def test_a_diff_is_empty_if_and_only_if_the_dumps_are_equal(before: list[Any], after: list[Any]) -> None:
    subject = Subject()
    for step in before:
        if step not in ("snapshot", "restore"):
            subject.take(step)
    snapshot, dump = subject.server.snapshot(), subject.server.dump()
    assert subject.server.diff(snapshot) == []
    for step in after:
        if step not in ("snapshot", "restore"):
            subject.take(step)
            assert (subject.server.diff(snapshot) == []) == (subject.server.dump() == dump)
    subject.server.restore(snapshot)
    if "advance" not in after:
        assert subject.server.diff(snapshot) == []
        assert subject.server.dump() == dump


def loadable(server: MiniRedis) -> Iterator[tuple[int, dict[Any, Any], dict[Any, float | None]]]:
    """What each database holds, but for streams of which nothing but the name is left."""
    for number in range(2):
        view = server.db(number)
        data = {key: value for key, value in view.items() if not (isinstance(value, Stream) and not value)}
        yield number, data, {key: view.ttl(key) for key in data}


@settings(max_examples=100)
@given(STEPS)
def test_what_is_read_from_one_server_and_loaded_into_another_is_the_same(steps: list[Any]) -> None:
    one, other = Subject(), Subject()
    for step in steps:
        if step not in ("snapshot", "restore"):
            one.take(step)
    other.server.clock.set(one.server.clock.now())
    for number in range(2):
        other.server.load(one.server.db(number), db=number)
    for (_, data, ends), (_, copied, copied_ends) in zip(loadable(one.server), loadable(other.server), strict=True):
        assert copied == data
        assert copied_ends == ends
    dump = other.server.dump()
    for number in range(2):
        other.server.load(other.server.db(number), db=number)
    assert other.server.dump() == dump
