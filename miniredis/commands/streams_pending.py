"""Pending entries of consumer groups: acknowledging them, looking at them, and taking them over from others.

An entry that is pending but gone from its stream is found out by those who want to claim it, and forgotten then.
"""

from __future__ import annotations

from typing import Final

from miniredis.commands.stream_ids import range_end, range_start, stream_id, try_id
from miniredis.commands.streams_groups import find_or_create_consumer, no_such_key_or_group
from miniredis.commands.streams_propagation import propagate_claim, propagate_last_id
from miniredis.engine import errors, propagation
from miniredis.engine.arguments import integer, integer_in_range
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import Value
from miniredis.resp.types import NULL_ARRAY, Error, Reply
from miniredis.structures.numbers import INT64_MAX
from miniredis.structures.stream import Stream, format_id
from miniredis.structures.stream_groups import Consumer, Group, PendingEntry

ATTEMPTS: Final = 10
"""How many entries XAUTOCLAIM looks at for each that it may claim."""

MOST_CLAIMED: Final = INT64_MAX // 16


def _read_group(client: Session, argv: list[bytes]) -> tuple[Stream, Group]:
    """The stream and the group that a command names first; both must be there."""
    return _group_in(client.db.read(argv[1]), argv)


def _group_in(value: Value | None, argv: list[bytes]) -> tuple[Stream, Group]:
    """What :func:`_read_group` returns; *value* is what the key holds."""
    if value is not None and not isinstance(value, Stream):
        raise errors.wrong_type()
    group = None if value is None else value.groups.get(argv[2])
    if value is None or group is None:
        raise no_such_key_or_group(argv[1], argv[2])
    return value, group


@command(
    "XACK key group id [id ...]",
    arity=-4,
    summary=(
        "Returns the number of messages that were successfully acknowledged by the consumer group member of a stream."
    ),
    since="5.0.0",
    group="stream",
    complexity="O(1) for each message ID processed.",
    flags="write fast",
    categories="stream",
    keys=[key_range("RW update", 1)],
)
def xack(client: Session, argv: list[bytes]) -> Reply:
    client.db.unshare(argv[1])
    stream = client.db.read_as(argv[1], Stream)
    group = None if stream is None else stream.groups.get(argv[2])
    if group is None:
        return 0
    ids = [stream_id(text) for text in argv[3:]]
    acknowledged = sum(map(group.acknowledge, ids))
    client.engine.dirty += acknowledged
    return acknowledged


# Looking


@command(
    "XPENDING key group [[IDLE min-idle-time] start end count [consumer]]",
    arity=-3,
    summary="Returns the information and entries from a stream consumer group's pending entries list.",
    since="5.0.0",
    group="stream",
    complexity=(
        "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is"
        " O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command"
        " returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional"
        " O(N) time for iterating every consumer."
    ),
    flags="readonly",
    categories="stream",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("6.2.0", "Added the `IDLE` option and exclusive range intervals."),
    ],
    names=["filters"],
    details={"IDLE": "type=integer since=6.2.0", "start": "type=string", "end": "type=string"},
)
def xpending(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) == 3:
        return _summary(_read_group(client, argv)[1])
    if not 6 <= len(argv) <= 9:
        raise errors.syntax_error()
    first, minimum_idle = 3, 0
    if argv[3].upper() == b"IDLE":
        first, minimum_idle = 5, integer(argv[4])
        if len(argv) < 8:
            raise errors.syntax_error()
    count = max(integer(argv[first + 2]), 0)
    start, end = range_start(argv[first]), range_end(argv[first + 1])
    _, group = _read_group(client, argv)
    pending = group.pending
    if first + 3 < len(argv):
        consumer = group.consumers.get(argv[first + 3])
        if consumer is None:
            return []
        pending = consumer.pending
    found: list[Reply] = []
    if not count:
        return found
    for entry_id, item in pending.walk(start):
        if entry_id > end:
            break
        idle = client.engine.now - item.delivery_time
        if minimum_idle and idle < minimum_idle:
            continue
        found.append([format_id(entry_id), item.consumer.name, max(idle, 0), item.delivery_count])
        if len(found) == count:
            break
    return found


def _summary(group: Group) -> Reply:
    pending = group.pending
    if not len(pending):
        return [0, None, None, NULL_ARRAY]
    consumers = [
        [consumer.name, b"%d" % len(consumer.pending)] for consumer in group.sorted_consumers() if len(consumer.pending)
    ]
    return [len(pending), format_id(pending.first()), format_id(pending.last()), consumers]


# Claiming


class Claimant:
    """The consumer who claims. It comes into being with the first entry it gets; since Redis 7.2 at once."""

    def __init__(self, client: Session, argv: list[bytes], group: Group) -> None:
        self._client = client
        self._key, self._name = argv[1], argv[3]
        self._group = group
        self._consumer: Consumer | None = None
        if client.engine.version.redis >= (7, 2):
            self._consumer = find_or_create_consumer(client.db, self._key, group, self._name)

    @property
    def consumer(self) -> Consumer:
        """The consumer, who is there from now on."""
        if self._consumer is None:
            self._consumer = find_or_create_consumer(self._client.db, self._key, self._group, self._name)
        return self._consumer

    def take(self, entry_id: int, pending: PendingEntry) -> None:
        """The pending entry with that id belongs to this consumer now."""
        self._group.hand_over(entry_id, pending, self.consumer)
        self.consumer.active_time = self._client.engine.now


@record
class ClaimOptions:
    """What stands behind XCLAIM's ids. *delivery_time* and *delivery_count* are None where they are not given."""

    delivery_time: int | None = None
    delivery_count: int | None = None
    force: bool = False
    just_id: bool = False
    last_id: int = 0


@command(
    "XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT"
    " count] [FORCE] [JUSTID] [LASTID lastid]",
    arity=-6,
    summary=(
        "Changes, or acquires, ownership of a message in a consumer group, as if the message was delivered to a"
        " consumer group member."
    ),
    since="5.0.0",
    group="stream",
    complexity="O(log N) with N being the number of messages in the PEL of the consumer group.",
    flags="write fast",
    categories="stream",
    keys=[key_range("RW update", 1)],
    tips=["nondeterministic_output"],
)
def xclaim(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    client.db.unshare(argv[1])
    stream, group = _read_group(client, argv)
    minimum_idle = max(integer(argv[4], "ERR Invalid min-idle-time argument for XCLAIM"), 0)
    ids: list[int] = []
    for text in argv[5:]:
        entry_id = try_id(text)
        if entry_id is None:
            break
        ids.append(entry_id)
    options = _parse_claim_options(argv, 5 + len(ids), engine.now)
    moves_last_id = options.last_id > group.last_id
    if moves_last_id:
        group.last_id = options.last_id
    propagation.prevent(client)
    claimant, claimed, dirty = Claimant(client, argv, group), list[Reply](), 0
    for entry_id in ids:
        pending, fields = group.pending.get(entry_id), stream.find(entry_id)
        if fields is None:
            if pending is not None:
                propagate_claim(client, argv[1], argv[2], group, entry_id, pending)
            dirty += group.acknowledge(entry_id)
            continue
        if pending is None:
            if not options.force:
                continue
            group.deliver(entry_id, claimant.consumer, engine.now)
            pending = group.pending.get(entry_id)
            assert pending is not None
        elif minimum_idle and engine.now - pending.delivery_time < minimum_idle:
            continue
        claimant.take(entry_id, pending)
        pending.delivery_time = engine.now if options.delivery_time is None else options.delivery_time
        if options.delivery_count is not None:
            pending.delivery_count = options.delivery_count
        elif not options.just_id:
            pending.delivery_count += 1
        propagate_claim(client, argv[1], argv[2], group, entry_id, pending)
        claimed.append(format_id(entry_id) if options.just_id else [format_id(entry_id), fields])
        dirty += 1
    if moves_last_id and not dirty:
        propagate_last_id(client, argv[1], argv[2], group)
    engine.dirty += dirty or moves_last_id
    return claimed


def _parse_claim_options(argv: list[bytes], position: int, now: int) -> ClaimOptions:
    options = ClaimOptions()
    while position < len(argv):
        token, has_value = argv[position].upper(), position + 1 < len(argv)
        if token == b"FORCE":
            options.force = True
        elif token == b"JUSTID":
            options.just_id = True
        elif token in (b"IDLE", b"TIME", b"RETRYCOUNT") and has_value:
            position += 1
            value = integer(argv[position], f"ERR Invalid {token.decode()} option argument for XCLAIM")
            if token == b"RETRYCOUNT":
                options.delivery_count = value if value >= 0 else None
            else:
                options.delivery_time = _delivery_time(now - value if token == b"IDLE" else value, now)
        elif token == b"LASTID" and has_value:
            position += 1
            options.last_id = stream_id(argv[position])
        else:
            option = errors.until_nul(argv[position])
            raise Error(b"ERR Unrecognized XCLAIM option '%b'" % option)
        position += 1
    return options


def _delivery_time(given: int, now: int) -> int:
    """A time that is before the epoch or still to come, which another machine's clock may give, stands for now."""
    return given if 0 <= given <= now else now


@command(
    "XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]",
    arity=-6,
    summary=(
        "Changes, or acquires, ownership of messages in a consumer group, as if the messages were delivered to a"
        " consumer group member."
    ),
    since="6.2.0",
    group="stream",
    complexity="O(1) if COUNT is small.",
    flags="write fast",
    categories="stream",
    keys=[key_range("RW delete", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("7.0.0", "Added an element to the reply array, containing deleted entries the command cleared from the PEL"),
    ],
    details={"start": "type=string"},
)
def xautoclaim(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    client.db.unshare(argv[1])
    value = client.db.read(argv[1])  # before the arguments, as the events of keys that are missed tell
    minimum_idle = max(integer(argv[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM"), 0)
    start = range_start(argv[5])
    count, just_id = _parse_autoclaim_options(argv)
    stream, group = _group_in(value, argv)
    claimant, claimed, deleted = Claimant(client, argv, group), list[Reply](), list[Reply]()
    propagation.prevent(client)
    attempts = count * ATTEMPTS
    following = group.pending.at_or_after(start)
    while following is not None and attempts and len(claimed) + len(deleted) < count:
        attempts -= 1
        entry_id, pending, fields = following, group.pending.get(following), stream.find(following)
        assert pending is not None
        if fields is None:
            propagate_claim(client, argv[1], argv[2], group, entry_id, pending)
            group.acknowledge(entry_id)
            deleted.append(format_id(entry_id))
        elif not minimum_idle or engine.now - pending.delivery_time >= minimum_idle:
            claimant.take(entry_id, pending)
            pending.delivery_time = engine.now
            if not just_id:
                pending.delivery_count += 1
            propagate_claim(client, argv[1], argv[2], group, entry_id, pending)
            claimed.append(format_id(entry_id) if just_id else [format_id(entry_id), fields])
        following = group.pending.at_or_after(entry_id + 1)
    engine.dirty += len(claimed) + len(deleted)
    return [format_id(following or 0), claimed, deleted]


def _parse_autoclaim_options(argv: list[bytes]) -> tuple[int, bool]:
    """COUNT, and whether JUSTID is there."""
    count, just_id, position = 100, False, 6
    while position < len(argv):
        token = argv[position].upper()
        if token == b"COUNT" and position + 1 < len(argv):
            position += 1
            count = integer_in_range(argv[position], 1, MOST_CLAIMED, "ERR COUNT must be > 0")
        elif token == b"JUSTID":
            just_id = True
        else:
            raise errors.syntax_error()
        position += 1
    return count, just_id
