"""What two versions of Redis or Valkey are known to answer differently to generated commands.

The rule of this file: a declared difference says what changed, since which version, and of which commands; and a
predicate as narrow as the change says whether two replies differ in that way. It applies only where one of the two
servers has the change and the other has not. Anything else that differs is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.freedoms import identical
from conformance.versions import Version
from conformance.wire import Frame
from miniredis.resp import Double, Error, Reply

Argv = Sequence[bytes]
Same = Callable[[Argv, Reply, Reply], bool]
"""Whether an older and a newer server's reply to a command differ as is declared."""

ANY: Final = frozenset[str]()


@dataclass(frozen=True)
class Change:
    """One difference between versions."""

    what: str
    since: Version
    commands: frozenset[str]
    """Which commands it concerns; empty: any."""
    same: Same
    leaves_alone: bool = False
    """Whether only the reply changed: the datasets remain the same, and so what follows can be compared."""
    is_hidden: bool = False
    """Whether it may be there though the replies are the same: in what the command leaves behind."""


def _is_error(reply: Reply, pattern: str = "") -> bool:
    return isinstance(reply, Error) and re.search(pattern, reply.message.decode("latin-1")) is not None


def _number(reply: Reply) -> float | None:
    try:
        return float(reply.text if isinstance(reply, Double) else bytes(reply))
    except (TypeError, ValueError):
        return None


def _same_numbers(argv: Argv, older: Any, newer: Any) -> bool:
    """The same, but for the digits in which doubles are written."""
    if type(older) is not type(newer):
        return False
    if isinstance(older, dict):
        older, newer = [*older, *older.values()], [*newer, *newer.values()]
    if isinstance(older, list):
        return len(older) == len(newer) and all(map(_same_numbers, [argv] * len(older), older, newer))
    if identical(older, newer):
        return True
    number = _number(older) if isinstance(older, bytes | Double) else None
    return number is not None and number == _number(newer)


def _refused_otherwise(before: str, after: str) -> Same:
    """Both refuse, in other words."""
    return lambda argv, older, newer: _is_error(older, before) and _is_error(newer, after)


def _refused_since(after: str) -> Same:
    """What was answered, or refused for another reason, is now refused in these words."""
    return lambda argv, older, newer: _is_error(newer, after) and not _is_error(older, after)


def _accepted_since(before: str) -> Same:
    """What was refused in these words is answered, or refused for another reason."""
    return lambda argv, older, newer: _is_error(older, before) and not _is_error(newer, before)


def _replies(before: object, *after: object) -> Same:
    return lambda argv, older, newer: older == before and newer in after


def _are_texts(argv: Argv, older: Reply, newer: Reply) -> bool:
    return isinstance(older, list) and isinstance(newer, list) and all(isinstance(line, bytes) for line in older)


def _has(*words: bytes) -> Callable[[Argv], bool]:
    return lambda argv: any(word.upper() in words for word in argv)


def _always(argv: Argv, older: Reply, newer: Reply) -> bool:
    return True


def _with(*words: bytes) -> Same:
    """With one of these options."""
    return lambda argv, older, newer: _has(*words)(argv)


def _greets(argv: Argv, older: Reply, newer: Reply) -> bool:
    return not isinstance(older, Error) and not isinstance(newer, Error)


def _is_refused(argv: Argv, older: Reply, newer: Reply) -> bool:
    return isinstance(older, Error) or isinstance(newer, Error)


def _names(text: str) -> frozenset[str]:
    return frozenset(name.replace("_", " ") for name in text.split())


V72: Final = Version("redis", (7, 2))
VALKEY: Final = Version("valkey", (7, 2, 5))
V8: Final = Version("valkey", (8, 0))

SCORED: Final = _names(
    "ZADD ZINCRBY ZSCORE ZMSCORE ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZPOPMIN ZPOPMAX ZMPOP ZUNION ZINTER"
    " ZDIFF ZSCAN ZRANDMEMBER ZRANK ZREVRANK GEOPOS GEORADIUS GEORADIUSBYMEMBER GEOSEARCH"
) | {"GEORADIUS_RO", "GEORADIUSBYMEMBER_RO"}
HELPS: Final = _names(
    "ACL_HELP CLIENT_HELP COMMAND_HELP CONFIG_HELP FUNCTION_HELP LATENCY_HELP MEMORY_HELP MODULE_HELP OBJECT_HELP"
    " PUBSUB_HELP SCRIPT_HELP SLOWLOG_HELP XGROUP_HELP XINFO_HELP CLUSTER_HELP"
)
READS_FLOATS: Final = _names(
    "ZADD ZINCRBY ZRANGE ZRANGESTORE ZRANGEBYSCORE ZREVRANGEBYSCORE ZCOUNT ZREMRANGEBYSCORE ZUNION ZINTER ZUNIONSTORE"
    " ZINTERSTORE SORT GEOADD GEORADIUS GEORADIUSBYMEMBER GEOSEARCH GEOSEARCHSTORE INCRBYFLOAT HINCRBYFLOAT"
) | {"SORT_RO", "GEORADIUS_RO", "GEORADIUSBYMEMBER_RO"}
SCRIPTS: Final = frozenset({"EVAL", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"})

CHANGES: Final[tuple[Change, ...]] = (
    # Redis 7.2
    Change("doubles are written with the fewest digits", V72, SCORED, _same_numbers, leaves_alone=True),
    Change(
        "small lists and sets are listpacks",
        V72,
        _names("OBJECT_ENCODING"),
        lambda argv, older, newer: (
            (older, newer)
            in (
                (b"quicklist", b"listpack"),
                (b"hashtable", b"listpack"),
                (b"intset", b"hashtable"),
                (b"intset", b"listpack"),
                (b"listpack", b"hashtable"),
                (b"listpack", b"skiplist"),
            )
        ),
        leaves_alone=True,
    ),
    Change("ZRANK WITHSCORE", V72, _names("ZRANK ZREVRANK"), lambda argv, older, newer: len(argv) == 4),
    Change("LPOS RANK has a lowest value", V72, _names("LPOS"), _refused_since("value is out of range, value must")),
    Change("HELLO reads all options first", V72, _names("HELLO"), _is_refused, is_hidden=True),
    Change("what is behind a NUL in a name is not looked at", V72, _names("CLIENT_SETNAME"), _accepted_since("names")),
    Change("GETEX looks at its arguments first", V72, _names("GETEX"), _refused_since("invalid expire|not an integer")),
    Change(
        "an index is cut to 32 bits", V72, _names("LSET"), lambda argv, older, newer: _is_error(older, "out of range")
    ),
    Change(
        "COMMAND GETKEYS tells more exactly what is wrong",
        V72,
        _names("COMMAND_GETKEYS COMMAND_GETKEYSANDFLAGS"),
        _is_refused,
    ),
    Change(
        "XAUTOCLAIM and XCLAIM make the consumer that was not there",
        V72,
        _names("XAUTOCLAIM XCLAIM XREADGROUP"),
        lambda argv, older, newer: not isinstance(newer, Error),
        is_hidden=True,
    ),
    Change(
        "XINFO tells of a consumer's last action too",
        V72,
        _names("XINFO_CONSUMERS XINFO_STREAM"),
        lambda argv, older, newer: isinstance(older, list | dict) and type(older) is type(newer),
        leaves_alone=True,
    ),
    Change(
        "a newer server has more commands",
        V72,
        _names("COMMAND_COUNT COMMAND_LIST"),
        lambda argv, older, newer: type(older) is type(newer) and isinstance(older, int | list),
        leaves_alone=True,
    ),
    Change("XSETID keeps to what was deleted", V72, _names("XSETID"), _refused_since("smaller than current max")),
    # Valkey
    Change("help is worded otherwise", VALKEY, HELPS, _are_texts, leaves_alone=True),
    Change("a greeting names the server and its modules", VALKEY, _names("HELLO MODULE_LIST"), _greets, True),
    Change(
        "what may not be in a transaction breaks it",
        V8,
        _names("MULTI WATCH"),
        _refused_otherwise("can not be nested|inside MULTI", "not allowed inside a transaction"),
    ),
    Change(
        "what needs no cluster is answered without one",
        V8,
        _names("READONLY READWRITE CLUSTER_KEYSLOT"),
        _accepted_since("cluster support disabled"),
        leaves_alone=True,
    ),
    Change(
        "CLUSTER REPLICATE NO ONE",
        V8,
        _names("CLUSTER_REPLICATE"),
        _refused_otherwise("wrong number of arguments", "cluster support disabled"),
        leaves_alone=True,
    ),
    Change("no shared integers", VALKEY, _names("OBJECT_REFCOUNT"), _replies(2147483647, 1), leaves_alone=True),
    Change(
        "short strings are kept inside of their object",
        VALKEY,
        _names("OBJECT_ENCODING"),
        _replies(b"raw", b"embstr"),
        True,
    ),
    Change(
        "numbers are read strictly", V8, READS_FLOATS, _refused_since("not a (valid )?float|can't be converted|numeric")
    ),
    Change(
        "BITCOUNT and BITPOS look at their arguments first, and BITCOUNT takes a start alone",
        V8,
        _names("BITCOUNT BITPOS"),
        lambda argv, older, newer: len(argv) > 2 and (isinstance(older, Error) or isinstance(newer, Error)),
    ),
    Change(
        "a missing member is named",
        V8,
        ANY,
        _refused_otherwise("could not decode requested zset member", "member .* does not exist"),
        leaves_alone=True,
    ),
    Change("what is in the past is gone at once", V8, _names("SET GETEX"), _with(b"EXAT", b"PXAT"), is_hidden=True),
    Change(
        "errors of scripts are told without the script's digest",
        V8,
        SCRIPTS,
        _refused_otherwise("script: |NOSCRIPT|Lua redis|", "script: |NOSCRIPT|ommand arguments|"),
        leaves_alone=True,
    ),
    Change(
        "an unbalanced list of streams is told by the command's name",
        V8,
        _names("XREAD XREADGROUP"),
        _refused_otherwise("Unbalanced", "Unbalanced"),
        leaves_alone=True,
    ),
    Change("this instance is not called Redis", V8, ANY, _refused_otherwise("Redis instance", "This instance"), True),
    Change("LREM's count has a lowest value", V8, _names("LREM"), _refused_since("value is out of range, value must")),
    Change(
        "a negative offset counts from the end",
        V8,
        _names("ZRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGESTORE ZRANGEBYLEX ZREVRANGEBYLEX"),
        _with(b"LIMIT"),
        is_hidden=True,
    ),
    Change(
        "cursors and types of SCAN are read strictly",
        V8,
        _names("SCAN SSCAN HSCAN ZSCAN"),
        _is_refused,
    ),
    Change(
        "XINFO and COMMAND tell of what is new",
        V8,
        _names("COMMAND COMMAND_INFO CONFIG_GET CONFIG_SET LATENCY_LATEST ACL_GETUSER ACL_CAT ACL_LIST ACL_DRYRUN"),
        lambda argv, older, newer: type(older) is type(newer) or _is_refused(argv, older, newer),
        leaves_alone=True,
    ),
)

EVENTS: Final = (("expired", "del", V8),)
"""Event since, event before: what a key that is given a time in the past dies of."""


def between(versions: tuple[Version, Version] | None) -> list[tuple[Change, bool]]:
    """The changes that one of the two has, each with whether it is the first: then the replies are to be exchanged."""
    if versions is None:
        return []
    reference, target = versions
    has = [(change, reference.inherits(change.since), target.inherits(change.since)) for change in CHANGES]
    return [(change, ours) for change, ours, theirs in has if ours != theirs]


def declared(
    changes: Iterable[tuple[Change, bool]], name: str, argv: Argv, left: Frame, right: Frame, *, differ: bool = True
) -> Change | None:
    """The change by which the reference's reply ``left`` and the target's ``right`` differ, if there is one.

    Unless they *differ*, one by which what they leave behind may differ.
    """
    for change, is_exchanged in changes:
        older, newer = (right, left) if is_exchanged else (left, right)
        applies = (differ or change.is_hidden) and (not change.commands or name in change.commands)
        if applies and change.same(argv, older.value, newer.value):
            return change
    return None


def event_since(line: str, versions: tuple[Version, Version]) -> str:
    """A notification as it would be if both servers had the newer events."""
    for after, before, since in EVENTS:
        if versions[0].inherits(since) != versions[1].inherits(since):
            line = re.sub(rf":{before} ", f":{after} ", line)
    return line
