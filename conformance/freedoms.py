"""What Redis leaves open: the only replies in which a target may differ from the reference.

The rule of this file: a difference in bytes is a failure unless the table at its end says, command by command, what
is free. A freedom is as narrow as Redis's own promise: the members of a set may come in any order, but not other
members; a random member may be another one, but as many and of the same type; a time may pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from conformance.wire import Frame
from miniredis.resp import Double, Error, Pairs, Push, Reply

Same = Callable[[Sequence[bytes], Reply, Reply], bool]

TIME_TOLERANCE_MS: Final = 1000
"""Milliseconds by which two clocks' readings may lie apart: the two servers are asked one after the other."""

EARLIEST_MOMENT: Final = 1_500_000_000_000
"""A number from here on is a reading of a clock, in milliseconds since the epoch; a counter does not come so far."""


def _always(argv: Sequence[bytes]) -> bool:
    return True


@dataclass(frozen=True)
class Freedom:
    """A reason why two different replies to a command may both be right, and the test whether these two are."""

    what: str
    same: Same
    applies: Callable[[Sequence[bytes]], bool] = _always
    """Whether the freedom is there for these arguments."""
    fixed_when_compact: bool = False
    """The order is part of Redis's behaviour unless the first key is a hash table: a listpack has one."""
    moment: str = ""
    """Of a reply that holds moments, seen from 1970: their unit, ``s`` or ``ms``."""


def identical(left: Reply, right: Reply) -> bool:
    """Equal values of equal types all the way down (Python alone would take 1, 1.0 and True for the same).

    Without recursion: a script answers as deeply nested as it likes.
    """
    pairs: list[tuple[Any, Any]] = [(left, right)]
    while pairs:
        mine, yours = pairs.pop()
        if type(mine) is not type(yours):
            return False
        mine, yours = _flat(mine), _flat(yours)
        if isinstance(mine, list):
            if len(mine) != len(yours):
                return False
            pairs.extend(zip(mine, yours, strict=True))
        elif isinstance(mine, Double):
            if mine.text != yours.text:
                return False
        elif mine != yours:
            return False
    return True


def frames_agree(
    argv: Sequence[bytes], left: Frame, right: Frame, *, compact: bool = False, queued: Sequence[Sequence[bytes]] = ()
) -> bool:
    """Whether both frames are right answers to ``argv``: the same bytes, or others by a freedom of the command.

    The arguments are those of :func:`replies_agree`.
    """
    if left.raw == right.raw or same_broken_redirection(left.value, right.value):
        return True
    if freedom_of(argv) is None and not queued:
        return False
    return _nulls(left.raw) == _nulls(right.raw) and replies_agree(
        argv, left.value, right.value, compact=compact, queued=queued
    )


def same_broken_redirection(left: Reply, right: Reply) -> bool:
    """The one push that names a client by its id, whichever command it comes with."""
    pushes = (left, right)
    if not all(isinstance(push, Push) and len(push) == 2 and push[0] == b"tracking-redir-broken" for push in pushes):
        return False
    return _same_redirection((), left[1], right[1])


def _nulls(raw: bytes) -> list[int]:
    """How many nulls of each spelling there are: as values they are all the same."""
    lines = raw.split(b"\r\n")
    return [lines.count(null) for null in (b"_", b"$-1", b"*-1")]


def replies_agree(
    argv: Sequence[bytes], left: Reply, right: Reply, *, compact: bool = False, queued: Sequence[Sequence[bytes]] = ()
) -> bool:
    """Whether both values are right answers to ``argv``.

    ``compact``: the command's key has a compact encoding. ``queued``: for EXEC, the commands of the transaction.
    """
    if identical(left, right):
        return True
    if queued and isinstance(left, list) and isinstance(right, list) and len(left) == len(right) == len(queued):
        return all(map(replies_agree, queued, left, right))
    freedom = freedom_of(argv)
    return freedom is not None and not (compact and freedom.fixed_when_compact) and freedom.same(argv, left, right)


def freedom_of(argv: Sequence[bytes]) -> Freedom | None:
    """The freedom that the table grants to this command or subcommand."""
    words = [word.decode("latin-1").upper() for word in argv[:2]]
    freedom = FREEDOMS.get(" ".join(words)) or FREEDOMS.get(words[0] if words else "")
    return freedom if freedom is not None and freedom.applies(argv) else None


def _flat(reply: Reply) -> Reply:
    """A map as the flat list that it is in RESP2; any other reply as it is."""
    if isinstance(reply, dict | Pairs):
        return [part for pair in (reply.items() if isinstance(reply, dict) else reply) for part in pair]
    return reply


def _sorted(items: Sequence[Any]) -> list[Any]:
    return sorted(items, key=repr)


def _pairs(reply: list[Any]) -> list[Any]:
    return [list(pair) for pair in zip(reply[::2], reply[1::2], strict=False)]


def _shape(reply: Reply) -> Any:
    """The types of a reply and of its parts, and how many there are."""
    if isinstance(reply, Error):
        return reply
    if isinstance(reply, list | dict):
        return type(reply), [_shape(item) for item in _flat(reply)]
    return type(reply)


def _same_elements(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    return type(left) is type(right) and isinstance(left, list) and identical(_sorted(left), _sorted(right))


def _same_pairs(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    if type(left) is not type(right) or not isinstance(left, list | dict):
        return False
    return identical(_sorted(_pairs(_flat(left))), _sorted(_pairs(_flat(right))))


def _same_without_sorting(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """What SORT makes of a set if not to sort it (BY a pattern without asterisk), or ALPHA by weights, maybe equal."""
    words = [word.upper() for word in argv]
    if not any(word == b"BY" and (b"*" not in pattern or b"ALPHA" in words) for word, pattern in pairwise(words)):
        return False
    return (_same_shape if {b"LIMIT", b"GET"} & set(words) else _same_elements)(argv, left, right)


def _same_shape(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    return bool(_shape(left) == _shape(right))


def _same_type(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    return type(left) is type(right) and not isinstance(left, Error)


def _same_scan(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    if not isinstance(left, list) or not isinstance(right, list) or list(map(type, left)) != list(map(type, right)):
        return False
    began_at = argv[1 if argv[0].upper() == b"SCAN" else 2]
    if not (began_at == left[0] == right[0] == b"0"):
        return True  # Part of the elements: every hash table is cut in another way.
    words = {word.upper() for word in argv}
    in_pairs = argv[0].upper() in (b"HSCAN", b"ZSCAN") and not words & {b"NOVALUES", b"NOSCORES"}
    return (_same_pairs if in_pairs else _same_elements)(argv, left[1], right[1])


def _same_departure(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """Without arguments all subscriptions end, in any order: the kind of message and the count are fixed."""
    return len(argv) == 1 and _shape(left) == _shape(right) and (left[0], left[2]) == (right[0], right[2])


def _close_in_time(unit_ms: int) -> Same:
    def same(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
        if type(left) is not int or type(right) is not int or min(left, right) < 0:
            return False
        return abs(left - right) * unit_ms <= max(TIME_TOLERANCE_MS, unit_ms)

    return same


def _same_made_id(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """Ids of stream entries that were made at about the same time."""
    if not isinstance(left, bytes) or not isinstance(right, bytes):
        return False
    (ours, _, sequence), (theirs, _, other) = left.partition(b"-"), right.partition(b"-")
    return sequence.isdigit() and other.isdigit() and abs(int(ours) - int(theirs)) <= TIME_TOLERANCE_MS


def _asks_for_an_id(argv: Sequence[bytes]) -> bool:
    return b"*" in argv[2:-2]


def _same_but_for_moments(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """The same but for readings of the clock, which lie close together."""
    if type(left) is int and type(right) is int and min(left, right) >= EARLIEST_MOMENT:
        return abs(left - right) <= TIME_TOLERANCE_MS
    if isinstance(left, list | dict) and type(left) is type(right):
        ours, theirs = _flat(left), _flat(right)
        return len(ours) == len(theirs) and all(
            _same_but_for_moments(argv, one, other) for one, other in zip(ours, theirs, strict=True)
        )
    return identical(left, right)


def _same_but_for_idle_times(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """Pending entries, each with the milliseconds since it was delivered in its third place."""
    return (
        _shape(left) == _shape(right)
        and isinstance(left, list)
        and all(
            isinstance(ours, list)
            and len(ours) == 4
            and abs(ours[2] - theirs[2]) <= TIME_TOLERANCE_MS
            and identical([*ours[:2], ours[3]], [*theirs[:2], theirs[3]])
            for ours, theirs in zip(left, right, strict=True)
        )
    )


def _asks_for_entries(argv: Sequence[bytes]) -> bool:
    return len(argv) > 3


def _same_but_for_idle_fields(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """Consumers, of whom ``idle`` and ``inactive`` are times that pass."""
    if _shape(left) != _shape(right) or not isinstance(left, list):
        return False
    pairs = [
        pair
        for ours, theirs in zip(left, right, strict=True)
        for pair in zip(_fields(ours), _fields(theirs), strict=True)
    ]
    return all(
        identical(ours, theirs)
        or (
            name == other
            and name in ("idle", "inactive")
            and min(ours, theirs) >= 0
            and abs(ours - theirs) <= TIME_TOLERANCE_MS
        )
        for (name, ours), (other, theirs) in pairs
    )


def _only_free_fields(*free: str) -> Same:
    """Two ``name=value`` lines, or two maps, with the same names in the same order; only some values may differ."""

    def same(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
        if _shape(left) != _shape(right) or isinstance(left, Error):
            return False
        ours, theirs = _fields(left), _fields(right)
        return [name for name, _ in ours] == [name for name, _ in theirs] and all(
            name in free or identical(value, other) for (name, value), (_, other) in zip(ours, theirs, strict=True)
        )

    return same


def _same_redirection(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    """Ids of other clients; what is not above 0 is none."""
    return type(left) is type(right) is int and (left == right or min(left, right) > 0)


def _same_tracking(argv: Sequence[bytes], left: Reply, right: Reply) -> bool:
    return _only_free_fields("redirect")(argv, left, right) and all(
        name != "redirect" or _same_redirection(argv, value, other)
        for (name, value), (_, other) in zip(_fields(left), _fields(right), strict=True)
    )


def _fields(reply: Reply) -> list[tuple[str, Any]]:
    if isinstance(reply, bytes):
        return [(name.decode(), value) for name, _, value in (word.partition(b"=") for word in reply.split())]
    flat = _flat(reply)
    return [(name.decode(), value) for name, value in zip(flat[::2], flat[1::2], strict=True)]


UNORDERED: Final = Freedom("the elements come in any order", _same_elements)
UNORDERED_WHEN_LARGE: Final = Freedom("a hash table has no order", _same_elements, fixed_when_compact=True)
UNSORTED_WHEN_LARGE: Final = Freedom("a hash table has no order", _same_without_sorting, fixed_when_compact=True)
PAIRS_UNORDERED: Final = Freedom("the pairs come in any order", _same_pairs)
PAIRS_UNORDERED_WHEN_LARGE: Final = Freedom("a hash table has no order", _same_pairs, fixed_when_compact=True)
DEPARTURE: Final = Freedom("subscriptions end in any order", _same_departure)
RANDOM: Final = Freedom("which ones are picked is random", _same_shape)
SCANNED: Final = Freedom("cursors are the server's own, and so is how it cuts a large collection", _same_scan)
MEASURED: Final = Freedom("the value is measured on the running server", _same_shape)
MADE_ID: Final = Freedom("the id is made of the time", _same_made_id, _asks_for_an_id, moment="ms")
MOMENTS: Final = Freedom("it tells when things happened", _same_but_for_moments, moment="ms")
IDLE_ENTRIES: Final = Freedom("time passes", _same_but_for_idle_times, _asks_for_entries)
IDLE_CONSUMERS: Final = Freedom("time passes", _same_but_for_idle_fields)
DESCRIBED: Final = Freedom("the server describes itself", _same_type)
SECONDS: Final = Freedom("time passes", _close_in_time(1000))
MILLISECONDS: Final = Freedom("time passes", _close_in_time(1))
MOMENT: Final = Freedom("it is reckoned from the present moment", _close_in_time(1000), moment="s")
MOMENT_IN_MILLISECONDS: Final = Freedom("it is reckoned from the present moment", _close_in_time(1), moment="ms")
CLIENT_LINE: Final = Freedom(
    "addresses, ids, ages and memory are the server's own",
    _only_free_fields(
        *("id", "addr", "laddr", "fd", "age", "idle", "qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp"),
        *("obl", "oll", "omem", "tot-mem", "events", "tot-net-in", "tot-net-out", "tot-cmds", "io-thread"),
    ),
)
REDIRECTION: Final = Freedom("ids are the server's own", _same_redirection)
TRACKING: Final = Freedom("ids are the server's own", _same_tracking)
GREETING: Final = Freedom(
    "patch level, connection id and loaded modules are the server's own", _only_free_fields("version", "id", "modules")
)

FREEDOMS: Final[dict[str, Freedom]] = {
    # Order
    "KEYS": UNORDERED,
    "SMEMBERS": UNORDERED_WHEN_LARGE,
    "SUNION": UNORDERED,
    "SINTER": UNORDERED,
    "SDIFF": UNORDERED,
    "HKEYS": UNORDERED_WHEN_LARGE,
    "HVALS": UNORDERED_WHEN_LARGE,
    "HGETALL": PAIRS_UNORDERED_WHEN_LARGE,
    "SORT": UNSORTED_WHEN_LARGE,
    "SORT_RO": UNSORTED_WHEN_LARGE,
    "PUBSUB CHANNELS": UNORDERED,
    "PUBSUB SHARDCHANNELS": UNORDERED,
    "CONFIG GET": PAIRS_UNORDERED,
    "COMMAND LIST": UNORDERED,
    "ACL CAT": UNORDERED,
    "UNSUBSCRIBE": DEPARTURE,
    "PUNSUBSCRIBE": DEPARTURE,
    "SUNSUBSCRIBE": DEPARTURE,
    # Chance
    "RANDOMKEY": RANDOM,
    "SPOP": RANDOM,
    "SRANDMEMBER": RANDOM,
    "HRANDFIELD": RANDOM,
    "ZRANDMEMBER": RANDOM,
    "ACL GENPASS": RANDOM,
    # Cursors
    "SCAN": SCANNED,
    "SSCAN": SCANNED,
    "HSCAN": SCANNED,
    "ZSCAN": SCANNED,
    # Time
    "TTL": SECONDS,
    "PTTL": MILLISECONDS,
    "EXPIRETIME": MOMENT,
    "PEXPIRETIME": MOMENT_IN_MILLISECONDS,
    "HTTL": MEASURED,
    "HPTTL": MEASURED,
    "HEXPIRETIME": MEASURED,
    "HPEXPIRETIME": MEASURED,
    "TIME": MEASURED,
    "LASTSAVE": MEASURED,
    "XADD": MADE_ID,
    "XPENDING": IDLE_ENTRIES,
    "XINFO STREAM": MOMENTS,
    "XINFO CONSUMERS": IDLE_CONSUMERS,
    # The server itself
    "ROLE": MEASURED,
    "OBJECT IDLETIME": MEASURED,
    "OBJECT FREQ": MEASURED,
    "MEMORY USAGE": MEASURED,
    "MEMORY STATS": DESCRIBED,
    "MEMORY DOCTOR": DESCRIBED,
    "MEMORY MALLOC-STATS": DESCRIBED,
    "LATENCY DOCTOR": DESCRIBED,
    "LATENCY HISTOGRAM": DESCRIBED,
    "SLOWLOG GET": DESCRIBED,
    "SLOWLOG LEN": MEASURED,
    "COMMANDLOG GET": DESCRIBED,
    "COMMANDLOG LEN": MEASURED,
    "DEBUG OBJECT": DESCRIBED,
    "DEBUG SLEEP": DESCRIBED,
    "INFO": DESCRIBED,
    "LOLWUT": DESCRIBED,
    "CLIENT ID": MEASURED,
    "CLIENT LIST": DESCRIBED,
    "CLIENT GETREDIR": REDIRECTION,
    "CLIENT TRACKINGINFO": TRACKING,
    "CLIENT INFO": CLIENT_LINE,
    "HELLO": GREETING,
}
