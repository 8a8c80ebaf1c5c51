"""The values that generated commands are made of.

They come mostly from small pools, so that commands meet on the same keys, fields and members, and the pools hold what
breaks servers: extreme integers, numbers in odd spellings, empty and binary strings. Some are invented: floats of
every magnitude, integers of every length, strings around the sizes at which encodings change. No value makes time
matter: what expires does so at once or in hours. And none asks for a huge reply or a huge string.

The rule of this file: in every pool what is simplest stands first, for that is where Hypothesis shrinks to; and a
value is drawn with one choice, an invented one with two or three, for a run draws thousands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

from hypothesis import strategies as st


@dataclass(frozen=True)
class Invented:
    """In a pool, the values of a strategy."""

    strategy: st.SearchStrategy[bytes]


Pool = Sequence[bytes | Invented]


def mostly(right: str, wrong: str = "") -> tuple[bytes, ...]:
    """A pool in which the words of ``right`` are four times as frequent as those of ``wrong``."""
    return tuple(word.encode() for word in right.split() * 4 + wrong.split())


def with_invented(pool: Sequence[bytes], strategy: st.SearchStrategy[bytes], often: float) -> Pool:
    """The pool, and at its end so many invented values that they are that part of the whole."""
    return (*pool, *[Invented(strategy)] * max(round(len(pool) * often / (1 - often)), 1))


SPECIAL_INTEGERS: Final = tuple(
    near + step for near in (0, 2**31, 2**32, 2**53, 2**63, 2**64, -(2**31), -(2**63)) for step in range(-3, 4)
)
INVENTED_INTEGERS: Final = st.one_of(
    st.sampled_from(SPECIAL_INTEGERS), st.integers(0, 2**20), st.integers(-(2**62), 2**62)
).map(lambda number: b"%d" % number)

ODD_DOUBLES: Final = mostly(".5 5. +1.5 0x10 1e5 1E5 Infinity -Inf +inf iNF -0.0 0e0", "NaN 1e 1e+ 1_0 1,5")


def _digits(number: int) -> bytes:
    digits = str(number)
    return f"{digits}.{digits[::-1]}".encode()


INVENTED_DOUBLES: Final = st.one_of(
    st.builds(
        lambda number, divisor: b"%r" % (number / divisor),
        st.integers(-999, 999),
        st.sampled_from((2, 4, 8, 10, 100, 1000)),
    ),
    st.sampled_from(ODD_DOUBLES),
    st.builds(lambda number, power: b"%de%d" % (number, power), st.integers(-20, 20), st.integers(-25, 25)),
    INVENTED_INTEGERS,
    st.integers(-(2**53), 2**53).map(lambda number: b"%r" % (number / 2**43)),
    st.integers(-(2**53), 2**53).map(lambda number: b"%.17g" % (number / 2**53)),
    st.builds(
        lambda number, power: b"%re%d" % (number / 10**6, power), st.integers(-(10**7), 10**7), st.integers(-330, 320)
    ),
    st.integers(1, 10**39).map(_digits),
)

INVENTED_BOUNDS: Final = st.builds(bytes.__add__, st.sampled_from((b"", b"", b"(")), INVENTED_DOUBLES)

ENCODING_SIZES: Final = (43, 44, 45, 63, 64, 65, 66, 127, 128, 300)
NUMBERED: Final = st.integers(0, 899).map(lambda number: b"%c%d" % (b"abm"[number % 3], number // 3))
INVENTED_TEXTS: Final = st.one_of(
    NUMBERED,
    NUMBERED,
    st.sampled_from([byte * size for byte in (b"a", b"b", b"\xff") for size in ENCODING_SIZES]),
    st.integers(0, 2**96 - 1).map(lambda number: number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")),
    INVENTED_INTEGERS,
    INVENTED_DOUBLES,
    st.sampled_from((*[b"q"] * 36, b"y" * 4000, b"y" * 8190, b"y" * 8200, b"y" * 20000)),
)

INVENTED_COORDINATES: Final = st.integers(-(10**8), 10**8).map(lambda number: b"%r" % (number / 10**6))
INVENTED_SECONDS: Final = st.integers(100, 10**6).map(lambda number: b"%d" % number)
INVENTED_MILLISECONDS: Final = st.integers(10**5, 10**9).map(lambda number: b"%d" % number)

OFTEN: Final = 0.15
"""How often a value is invented instead of taken from a pool, where the type allows it."""

DURATIONS_OFTEN: Final = 0.8
"""How often a duration is: hardly ever the same one twice, since which ends later would depend on the milliseconds."""

EMPTY_AND_BLANK: Final = (b"", b" 1")
TEXTS: Final = (
    *mostly("a b c d", "1 2 10 -5 3.5 1e3 12345678901234567890 " + "x" * 70),
    *(b"", b"\xff\x00\r\n"),
)
RANKS: Final = mostly("0 1 2 3 -1 -2 -100 100", "abc 1.5 -9223372036854775808 9223372036854775808")
SCORE_BOUNDS: Final = mostly("-inf +inf 0 1 2 3 (1 (2 -1 1.5", "abc ( - [1 nan") + EMPTY_AND_BLANK
ALL_SCORE_BOUNDS: Final = with_invented(SCORE_BOUNDS, INVENTED_BOUNDS, OFTEN)
LEX_BOUNDS: Final = mostly("- + [a [b [c (a (b (c [ (", "abc -inf 1") + EMPTY_AND_BLANK
AMOUNTS: Final = mostly("0 1 2 3 5 10 -1 -2 -7", "abc 1.5 9223372036854775807")
KEYS: Final = mostly("k1 k2 k3", "k1 other missing")
DATABASES: Final = mostly("0 1", "16 -1 abc")
BIT_OFFSETS: Final = mostly("0 1 5 7 8 9 63 64 100 1000", "#0 -1 abc 4294967296 9223372036854775807")
FIELD_OFFSETS: Final = mostly("0 3 8 31 60 #0 #1 #2 #9 100", "-1 # #-1 ## #abc #288230376151711744 4294967296")
FIELDS: Final = mostly("u1 u2 u7 u8 u16 u33 u63 i1 i4 i8 i13 i16 i64", "u64 i65 i0 i-1 u 8 x8 U8 i08")

LONGITUDES: Final = (
    *mostly("0 13.361389 13.3613 13.583333 15.087269 -0.1257 179.9999 -179.9999", "180 -180 180.0001 abc nan 1e3"),
    *mostly("2.349014 -73.9733487 100.5 12.7"),
)
LATITUDES: Final = (
    *mostly("0 38.115556 38.1155 37.316667 37.502669 51.5 66.5 -66.5", "85.05112878 -85.05112878 85.1 abc nan -90"),
    *mostly("48.864716 40.7648057 -33.5 80.5 38.9"),
)
LENGTHS: Final = mostly("1 10 100 200 1000 5000 0.5 166274.1516 1e7", "0 -1 abc nan inf 1e300 20037726.37")

STREAM_IDS: Final = (
    *mostly("0 1 1-1 2-1 2-2 3 3-* 5-5 6-* 7-3 9-* 9-* 9-* 9-1 9-2 9-5", "- + $ abc 1-2-3 18446744073709551615"),
    *(b"18446744073709551615-18446744073709551615", b" 4-1", b"5-", b"0-0", b"20-18446744073709551615"),
)
GROUPS: Final = mostly("g1 g2", "g3 nosuch")
CONSUMERS: Final = mostly("alice bob", "carol")
STREAM_BOUNDS: Final = (*mostly("- + (1-1 (3 (9-1", "( (- (18446744073709551615-18446744073709551615"), *STREAM_IDS)
READ_IDS: Final = (*STREAM_IDS, *mostly("0 0-0 $ > > >", "+"))

POOLS: Final[Mapping[str, Pool]] = {
    # By name, where the name says more than the type
    "seconds": with_invented(mostly("0 -1", "abc 9223372036854775807"), INVENTED_SECONDS, DURATIONS_OFTEN),
    "milliseconds": with_invented(mostly("0 -1", "1.5 9223372036854775807"), INVENTED_MILLISECONDS, DURATIONS_OFTEN),
    "offset": mostly("0 1 2 5 100", "-1 -2 abc 536870912 9223372036854775807"),
    "count": AMOUNTS,
    "limit": AMOUNTS,
    "len": AMOUNTS,
    "rank": AMOUNTS,
    "cursor": mostly("0", "7 abc"),
    "index": RANKS,
    "start": RANKS,
    "stop": RANKS,
    "end": RANKS,
    "min": ALL_SCORE_BOUNDS,
    "max": ALL_SCORE_BOUNDS,
    "db": DATABASES,
    "destination-db": DATABASES,
    "index1": DATABASES,
    "index2": DATABASES,
    "type": mostly("string LIST set zset hash stream", "foo"),
    "longitude": with_invented(LONGITUDES, INVENTED_COORDINATES, OFTEN),
    "latitude": with_invented(LATITUDES, INVENTED_COORDINATES, OFTEN),
    **dict.fromkeys(("radius", "width", "height"), LENGTHS),
    # By type
    "key": KEYS,
    "string": with_invented(TEXTS, INVENTED_TEXTS, OFTEN),
    "integer": with_invented(
        (
            *mostly(
                "0 1 2 3 5 -1 -2 100", "9223372036854775807 -9223372036854775808 9223372036854775808 abc 1.5 +1 01"
            ),
            *EMPTY_AND_BLANK,
        ),
        INVENTED_INTEGERS,
        OFTEN,
    ),
    "double": with_invented(
        (
            *mostly("0 1 -1 1.5 0.1 2 3 -2.25", "1e20 1e-7 3.0000000000000001 inf -inf nan abc -0 1e400"),
            *EMPTY_AND_BLANK,
        ),
        INVENTED_DOUBLES,
        OFTEN,
    ),
    "unix-time": mostly("33177117420000 33177117420", "1 0 -1 abc"),
    "channel": mostly("c1 c2", "k1"),
    "shardchannel": mostly("c1 c2", "k1"),
    "pattern": (*mostly("* k* [ab]* ? k1", "[^a] \\a k*->a # *a"), b""),
}
"""Values by the name of the argument or, failing that, by its type. ``other`` is a key of another family's type."""

STREAM_POOLS: Final[Mapping[str, Pool]] = {
    **dict.fromkeys(("id", "lastid", "last-id", "last_id", "id-selector", "max-deleted-id"), STREAM_IDS),
    **dict.fromkeys(("max_deleted_entry_id", "max_deleted_id", "max-deleted-entry-id"), STREAM_IDS),
    **dict.fromkeys(("start", "end"), STREAM_BOUNDS),
    **dict.fromkeys(("group", "groupname"), GROUPS),
    **dict.fromkeys(("consumer", "consumername"), CONSUMERS),
    "min-idle-time": mostly("0 -1 1000000 1000000000000", "abc 1.5"),
    "ms": mostly("0 10000000 5000000", "-5 abc 9223372036854775807"),
    "unix-time-milliseconds": mostly("0 1 1000000000000", "-5 abc 9223372036854775807"),
    "threshold": (*mostly("0 1 2 3 5 10", "-1"), *STREAM_IDS),
    "count": mostly("0 1 2 3 10 100", "-1 abc 9223372036854775807"),
}
"""What the arguments of stream commands are made of. Idle times are so far apart that no delay makes a difference."""

STREAM_COMMANDS: Final = (
    *("XACK", "XADD", "XAUTOCLAIM", "XCLAIM", "XDEL", "XPENDING", "XRANGE", "XREVRANGE", "XSETID", "XTRIM"),
    *("XGROUP CREATE", "XGROUP SETID", "XGROUP DESTROY", "XGROUP CREATECONSUMER", "XGROUP DELCONSUMER"),
    *("XINFO STREAM", "XINFO GROUPS", "XINFO CONSUMERS"),
)

READ_POOLS: Final[Mapping[str, Pool]] = {**STREAM_POOLS, "id": READ_IDS, "milliseconds": (b"0",)}
CHANNEL_PATTERNS: Final[Mapping[str, Pool]] = {"pattern": mostly("* c? c1", "[")}
LEX_LIMITS: Final[Mapping[str, Pool]] = {"min": LEX_BOUNDS, "max": LEX_BOUNDS}
PAYLOADS: Final = (
    b"\x00\x04text\n\x00|\xf3&m\xca\xb5\xa51",
    b"\x00\xc190\n\x00\x9d\x94\xea'\x93\xfc\x08\xb9",
    b"\x12\x01\x02\x0f\x0f\x00\x00\x00\x03\x00\x81a\x02\x81b\x02\x03\x01\xff\n\x00\xdc\xa1\xe6}P\x05PH",
    b"\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00p\x11\x01\x00\n\x00\x85\xd5\xc1\x06[\x1d\xd0U",
    b"\x10\xc3\x17/\x0f/\x00\x00\x00\x04\x00\x81a\x02\x01\x01\x81b\x02\x9ex\xe0\x14\x00\x01\x1f\xff"
    b"\n\x00\x9c\xbem\xaa\xc1uV\x18",
    b"\x11\x14\x14\x00\x00\x00\x04\x00\x81a\x02\x831.5\x04\x81b\x02\x02\x01\xff\n\x00\xfa\x02\xb4%\xaf\x18\x87c",
    b"",
    b"foo",
    b"\x00\x04texT\n\x00|\xf3&m\xca\xb5\xa51",
)
"""What Redis 7.0 dumped of a string, a number, a list, a set, a hash and a sorted set; and what nobody dumped."""

SCRIPTS: Final = (
    *(b"return 1", b"return ARGV[1]", b"return KEYS", b"return redis.call('GET', KEYS[1])"),
    *(b"return redis.call('RPUSH', KEYS[1], ARGV[1])", b"return redis.pcall('INCR', KEYS[1])"),
    *(b"return {1, 'a', false, {2.7}, nil, 3}", b"return redis.status_reply('A')", b"return redis.error_reply('A b')"),
    *(b"error('x')", b"return redis.call('nosuch')", b"return redis.call('LPUSH', KEYS[1], unpack(ARGV))", b"return ("),
)
SCRIPT_POOLS: Final[Mapping[str, Pool]] = {"script": SCRIPTS, "numkeys": mostly("0 1 2", "-1 abc 9")}
DIGESTS: Final[Mapping[str, Pool]] = {"sha1": (*(sha1(each).hexdigest().encode() for each in SCRIPTS), b"abc")}
LIBRARIES: Final[Mapping[str, Pool]] = {
    "function-code": (
        b"#!lua name=lib\nredis.register_function('f', function(keys, args) return args end)",
        b"#!lua name=lib\nredis.register_function('g', function(keys) return redis.call('TYPE', keys[1]) end)",
        *(b"#!lua name=lib", b"redis.register_function('f', 1)", b"#!js name=lib\n"),
    ),
    "library-name": mostly("lib", "nosuch"),
    "function": mostly("f g", "nosuch"),
}

ANY_BOUND: Final = {"start": RANKS + SCORE_BOUNDS + LEX_BOUNDS, "stop": RANKS + SCORE_BOUNDS + LEX_BOUNDS}
FIELD_POOLS: Final = {"encoding": FIELDS, "offset": FIELD_OFFSETS}

CONFIG_NAMES: Final = mostly("maxmemory-samples hz lfu-decay-time zset-max-listpack-value", "nosuch *max-int* ?")
COMMAND_NAMES: Final = mostly("get SET zunionstore xread config|get sort", "nosuch eval mset ping")

POOLS_OF_COMMANDS: Final[Mapping[str, Mapping[str, Pool]]] = {
    **dict.fromkeys(("ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT", "ZREMRANGEBYLEX"), LEX_LIMITS),
    **dict.fromkeys(("ZRANGE", "ZRANGESTORE"), ANY_BOUND),
    "ZREMRANGEBYSCORE": {"min": SCORE_BOUNDS, "max": SCORE_BOUNDS},
    **dict.fromkeys(("BITFIELD", "BITFIELD_RO"), FIELD_POOLS),
    "BITOP": {"operation": mostly("AND or XoR not", "nand")},
    "BITPOS": {"bit": mostly("0 1", "2 -1 abc")},
    "GETBIT": {"offset": BIT_OFFSETS},
    "SETBIT": {"offset": BIT_OFFSETS, "value": mostly("0 1", "2 -1 abc")},
    **dict.fromkeys(STREAM_COMMANDS, STREAM_POOLS),
    **dict.fromkeys(("XREAD", "XREADGROUP"), READ_POOLS),
    "RESTORE": {"serialized-value": PAYLOADS, "ttl": mostly("0 1000000 33177117420000", "-1 abc")},
    **dict.fromkeys(("EVAL", "EVAL_RO", "SCRIPT LOAD"), SCRIPT_POOLS),
    **dict.fromkeys(("EVALSHA", "EVALSHA_RO", "SCRIPT EXISTS"), DIGESTS),
    **dict.fromkeys(("FUNCTION LOAD", "FUNCTION DELETE", "FCALL", "FCALL_RO"), LIBRARIES),
    "PFDEBUG": {"subcommand": mostly("GETREG decode Encoding TODENSE", "foo")},
    **dict.fromkeys(("PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS"), CHANNEL_PATTERNS),
    "CONFIG GET": {"parameter": CONFIG_NAMES},
    "CONFIG SET": {"parameter": CONFIG_NAMES, "value": mostly("1 2 10 noeviction", "abc -1")},
    "COMMAND GETKEYS": {"command": COMMAND_NAMES},
    "COMMAND GETKEYSANDFLAGS": {"command": COMMAND_NAMES},
    "COMMAND INFO": {"command-name": COMMAND_NAMES},
    "HELLO": {"protover": mostly("2 3", "4 0 abc")},
    "CLIENT SETNAME": {"connection-name": mostly("a b", "x\x00y")},
    "WAIT": {"numreplicas": mostly("0", "-1 abc"), "timeout": mostly("0 1", "-1 abc 1.5")},
    "WAITAOF": {"numlocal": mostly("0", "-1 1 abc"), "numreplicas": mostly("0", "abc"), "timeout": mostly("1", "abc")},
}
"""Where a command means something of its own by an argument's name."""

NEVER_PUT_IN: Final[Mapping[str, bytes]] = {"XADD": b"*", "CONFIG GET": b"*"}
"""What no slip may put into a command: an id made of the time, all settings, of which some are the server's own."""

COUNTS_WHAT_FOLLOWS: Final = frozenset({"numkeys", "numfields", "num-vertices"})

GARBAGE: Final = (b"0", b"200000", b"-1", b"abc", b"", b"FOO", b"NX", b"WITHSCORES", b"LIMIT", b"COUNT", b"*", b"\x00")

REPETITIONS: Final = (1,) * 40 + (2,) * 30 + (3,) * 20 + (10,) * 6 + (40,) * 3 + (200,)
"""How often an argument comes that may come several times."""

KEY_REPETITIONS: Final = tuple(min(often, 3) for often in REPETITIONS)

SMALL_LIMITS: Final = (
    ("hash-max-listpack-entries", "4"),
    ("hash-max-listpack-value", "8"),
    ("set-max-intset-entries", "3"),
    ("set-max-listpack-entries", "4"),  # not in Redis 7.0, which then says so
    ("zset-max-listpack-entries", "4"),
    ("zset-max-listpack-value", "8"),
    ("list-max-listpack-size", "3"),
    ("list-max-listpack-size", "-1"),
    ("hll-sparse-max-bytes", "100"),
    ("stream-node-max-entries", "3"),
    ("stream-node-max-entries", "0"),
    ("stream-node-max-bytes", "80"),
)
"""Settings under which small collections change their encoding."""
