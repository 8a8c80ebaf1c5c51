"""Random commands: well formed ones by the grammar, and some that a slip has spoilt.

Everything is drawn from a ``random.Random``, so a seed is enough to repeat it. The values come mostly from small
pools, so that commands meet on the same keys, fields and members, and the pools hold what breaks servers: extreme
integers, numbers in odd spellings, empty and binary strings. Some values are invented: floats of every magnitude,
integers of every length, strings around the sizes at which encodings change. No value makes time matter: what expires
does so at once or in hours. And none asks for a huge reply or a huge string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from random import Random
from types import MappingProxyType
from typing import Final

from conformance.freedoms import freedom_of
from conformance.grammar import Argument, CommandGrammar

Argv = tuple[bytes, ...]


def _mostly(right: str, wrong: str) -> tuple[bytes, ...]:
    """A pool in which the values of ``right`` are four times as frequent as those of ``wrong``."""
    return tuple(word.encode() for word in right.split() * 4 + wrong.split())


EMPTY_AND_BLANK: Final = (b"", b" 1")
TEXTS: Final = (
    *_mostly("a b c d", "1 2 10 -5 3.5 1e3 12345678901234567890 " + "x" * 70),
    *(b"", b"\xff\x00\r\n"),
)
RANKS: Final = _mostly("0 1 2 3 -1 -2 -100 100", "abc 1.5 -9223372036854775808 9223372036854775808")
SCORE_BOUNDS: Final = _mostly("-inf +inf 0 1 2 3 (1 (2 -1 1.5", "abc ( - [1 nan") + EMPTY_AND_BLANK
LEX_BOUNDS: Final = _mostly("- + [a [b [c (a (b (c [ (", "abc -inf 1") + EMPTY_AND_BLANK
AMOUNTS: Final = _mostly("0 1 2 3 5 10 -1 -2 -7", "abc 1.5 9223372036854775807")

POOLS: Final[dict[str, Sequence[bytes]]] = {
    # By name, where the name says more than the type
    "seconds": _mostly("0 -1", "abc 9223372036854775807"),
    "milliseconds": _mostly("0 -1", "1.5 9223372036854775807"),
    "offset": _mostly("0 1 2 5 100", "-1 -2 abc 536870912 9223372036854775807"),
    "count": AMOUNTS,
    "limit": AMOUNTS,
    "len": AMOUNTS,
    "rank": AMOUNTS,
    "cursor": _mostly("0", "7 abc"),
    "index": RANKS,
    "start": RANKS,
    "stop": RANKS,
    "end": RANKS,
    "min": SCORE_BOUNDS,
    "max": SCORE_BOUNDS,
    "db": _mostly("0 1", "16 -1 abc"),
    "destination-db": _mostly("0 1", "16 -1 abc"),
    "type": _mostly("string LIST set zset hash stream", "foo"),
    "serialized-value": (b"", b"abc", b"\x00\x03foo\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    # By type
    "key": _mostly("k1 k2 k3", "k1 other missing"),
    "string": TEXTS,
    "integer": (
        *_mostly("0 1 2 3 5 -1 -2 100", "9223372036854775807 -9223372036854775808 9223372036854775808 abc 1.5 +1 01"),
        *EMPTY_AND_BLANK,
    ),
    "double": (
        *_mostly("0 1 -1 1.5 0.1 2 3 -2.25", "1e20 1e-7 3.0000000000000001 inf -inf nan abc -0 1e400"),
        *EMPTY_AND_BLANK,
    ),
    "unix-time": _mostly("33177117420000 33177117420", "1 0 -1 abc"),
    "channel": _mostly("c1 c2", "k1"),
    "shardchannel": _mostly("c1 c2", "k1"),
    "pattern": (*_mostly("* k* [ab]* ? k1", "[^a] \\a k*->a # *a"), b""),
}
"""Values by the name of the argument or, failing that, by its type. ``other`` is a key of another family's type."""

POOLS_OF_COMMANDS: Final[dict[str, dict[str, Sequence[bytes]]]] = {
    **{
        name: {"min": LEX_BOUNDS, "max": LEX_BOUNDS}
        for name in ("ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT", "ZREMRANGEBYLEX")
    },
    **{
        name: {"start": RANKS + SCORE_BOUNDS + LEX_BOUNDS, "stop": RANKS + SCORE_BOUNDS + LEX_BOUNDS}
        for name in ("ZRANGE", "ZRANGESTORE")
    },
    "PSUBSCRIBE": {"pattern": (b"*",)},  # of several that match, a hash table says which comes first
    "ZREMRANGEBYSCORE": {"min": SCORE_BOUNDS, "max": SCORE_BOUNDS},
}
"""Where a command means something of its own by an argument's name."""

COUNTS_WHAT_FOLLOWS: Final = {"numkeys", "numfields"}
GARBAGE: Final = (b"0", b"200000", b"-1", b"abc", b"", b"FOO", b"NX", b"WITHSCORES", b"LIMIT", b"COUNT", b"*", b"\x00")


INVENTED: Final = 0.15
"""How often a value is made up instead of taken from a pool, where the type allows it."""

DURATIONS_INVENTED: Final = 0.8
"""How often a duration is: hardly ever the same one twice, since which ends later would depend on the milliseconds."""

REPETITIONS: Final = (1,) * 40 + (2,) * 30 + (3,) * 20 + (10,) * 6 + (40,) * 3 + (200,)
"""How often an argument comes that may come several times."""

CROWD_SIZE: Final = 10
"""Clients that send commands in turn."""

SMALL_LIMITS: Final = (
    ("hash-max-listpack-entries", "4"),
    ("hash-max-listpack-value", "8"),
    ("set-max-intset-entries", "3"),
    ("set-max-listpack-entries", "4"),  # not in Redis 7.0, which then says so
    ("zset-max-listpack-entries", "4"),
    ("zset-max-listpack-value", "8"),
    ("list-max-listpack-size", "3"),
    ("list-max-listpack-size", "-1"),
)
"""Settings under which small collections change their encoding."""


def pipeline(
    random: Random,
    grammars: Sequence[CommandGrammar],
    length: int,
    pools: Mapping[str, Sequence[bytes]] = MappingProxyType({}),
) -> list[Argv]:
    """So many commands, each any of the grammar's; one pipeline in three has transactions in it, or small limits.

    Values of the kinds that ``pools`` names come from there only.
    """
    argvs: list[Argv] = []
    if random.random() < 0.3:
        name, value = random.choice(SMALL_LIMITS)
        argvs.append((b"CONFIG", b"SET", name.encode(), value.encode()))
    with_transactions = random.random() < 0.3
    for _ in range(length):
        if with_transactions and random.random() < 0.15:
            argvs.append((random.choice((b"MULTI", b"EXEC", b"EXEC", b"DISCARD")),))
        argvs.append(command(random, random.choice(grammars), pools))
    return [*argvs, (b"EXEC",)] if with_transactions else argvs


def crowd(random: Random, grammars: Sequence[CommandGrammar], length: int) -> list[Argv]:
    """So many commands of several clients: the first word is the number of the connection.

    Whoever blocks, blocks for ever: when a time is over would be a race.
    """
    forever = {"timeout": (b"0",)}
    argvs: list[Argv] = []
    while len(argvs) < length:
        argv = command(random, random.choice(grammars), forever)
        if freedom_of(argv) is None:
            argvs.append((b"%d" % random.randint(1, CROWD_SIZE), *argv))
    return argvs


def command(
    random: Random, grammar: CommandGrammar, pools: Mapping[str, Sequence[bytes]] = MappingProxyType({})
) -> Argv:
    """One command with arguments after its grammar; one in seven has one word dropped, doubled, replaced or added."""
    author = _Author(random, {**POOLS, **POOLS_OF_COMMANDS.get(grammar.name, {}), **pools}, not_invented=pools.keys())
    argv = [author.in_any_case(word) for word in grammar.words] + author.sequence(grammar.arguments)
    if random.random() < 1 / 7:
        at = random.randint(len(grammar.words), len(argv))
        match random.choice(("drop", "double", "replace", "add")):
            case "drop":
                del argv[at : at + 1]
            case "double":
                argv[at:at] = argv[at : at + 1]
            case "replace":
                argv[at : at + 1] = [random.choice(GARBAGE)]
            case "add":
                argv.insert(at, random.choice(GARBAGE))
    return tuple(argv)


class _Author:
    """Writes the arguments of one command; ``pools`` are the values to choose from."""

    def __init__(self, random: Random, pools: Mapping[str, Sequence[bytes]], not_invented: Set[str]) -> None:
        self._not_invented = not_invented
        self._random = random
        self._pools = pools
        self._counted = 0  # how many values a ``numkeys`` has counted: as many weights belong to them

    def sequence(self, arguments: Sequence[Argument]) -> list[bytes]:
        """The arguments one after the other; options that stand side by side in any order."""
        words: list[bytes] = []
        options: list[list[bytes]] = []
        count_at: int | None = None
        for argument in arguments:
            drawn = self._argument(argument)
            if argument.optional:
                options.append(drawn)
                continue
            words += self._shuffled(options)
            options = []
            if argument.name in COUNTS_WHAT_FOLLOWS:
                count_at = len(words)
            elif count_at is not None and argument.multiple:
                right = b"%d" % len(drawn)
                words[count_at] = self._random.choice((right,) * 12 + (b"0", b"-1", b"3", b"abc"))
                count_at = None
                self._counted = len(drawn)
            words += drawn
        return words + self._shuffled(options)

    def in_any_case(self, word: bytes) -> bytes:
        """A name or token as somebody may spell it."""
        return self._random.choice((word.upper(), word.upper(), word.lower(), word.title()))

    def _shuffled(self, options: list[list[bytes]]) -> list[bytes]:
        self._random.shuffle(options)
        return [word for option in options for word in option]

    def _argument(self, argument: Argument) -> list[bytes]:
        if argument.optional and self._random.random() < 0.5:
            return []
        words: list[bytes] = []
        for repetition in range(self._repetitions(argument)):
            if argument.token is not None and (repetition == 0 or argument.multiple_token):
                words.append(self.in_any_case(argument.token))
            words += self._value(argument)
        return words

    def _repetitions(self, argument: Argument) -> int:
        if not argument.multiple:
            return 1
        if argument.name == "weight" and self._counted:
            return self._random.choice((self._counted,) * 8 + (1, 3))
        most = 3 if argument.type == "key" else 200
        return min(self._random.choice(REPETITIONS), most)

    def _value(self, argument: Argument) -> list[bytes]:
        match argument.type:
            case "pure-token":
                return []
            case "oneof":
                return self._argument(self._random.choice(argument.children))
            case "block":
                return self.sequence(argument.children)
        pool = self._pools.get(argument.name)
        kind = argument.type if pool is None else argument.name
        invent = None if kind in self._not_invented else INVENTORS.get(kind)
        often = DURATIONS_INVENTED if argument.name in ("seconds", "milliseconds") else INVENTED
        if invent is not None and self._random.random() < often:
            return [invent(self._random)]
        return [self._random.choice(pool or self._pools.get(argument.type) or TEXTS)]


ODD_DOUBLES: Final = _mostly(".5 5. +1.5 0x10 1e5 1E5 Infinity -Inf +inf iNF -0.0 0e0", "NaN 1e 1e+ 1_0 1,5")


def _invented_integer(random: Random) -> bytes:
    near = random.choice((0, 0, 2**31, 2**32, 2**53, 2**63, 2**64, -(2**31), -(2**63)))
    return b"%d" % (
        near + random.randint(-3, 3) if random.random() < 0.5 else random.getrandbits(random.randint(1, 62))
    )


def _invented_double(random: Random) -> bytes:
    match random.randrange(8):
        case 0:
            return _invented_integer(random)
        case 1:
            number = repr(random.uniform(-1000, 1000))
        case 2:
            number = f"{random.uniform(-1, 1):.17g}"
        case 3:
            number = f"{random.uniform(-10, 10)!r}e{random.randint(-330, 320)}"
        case 4:
            number = f"{random.randint(-999, 999) / random.choice((2, 4, 8, 10, 100, 1000))}"
        case 5:
            number = "".join(random.choices("0123456789", k=random.randint(1, 40)))
            number = f"{number}.{number[::-1]}"
        case 6:
            number = f"{random.randint(-20, 20)}e{random.randint(-25, 25)}"
        case _:
            return random.choice(ODD_DOUBLES)
    return number.encode()


def _invented_bound(random: Random) -> bytes:
    return random.choice((b"", b"", b"(")) + _invented_double(random)


def _invented_text(random: Random) -> bytes:
    match random.randrange(6):
        case 0:
            return random.randbytes(random.randint(1, 12))
        case 1:
            return bytes([random.choice(b"ab\xff")]) * random.choice((43, 44, 45, 63, 64, 65, 66, 127, 128, 300))
        case 2:
            return _invented_integer(random)
        case 3:
            return _invented_double(random)
        case 4 if random.random() < 0.1:
            return b"y" * random.choice((4000, 8190, 8200, 20000))
    return b"%c%d" % (random.choice(b"abm"), random.randrange(300))


INVENTORS: Final[dict[str, Callable[[Random], bytes]]] = {
    "string": _invented_text,
    "integer": _invented_integer,
    "double": _invented_double,
    "min": _invented_bound,
    "max": _invented_bound,
    "seconds": lambda random: b"%d" % random.randint(100, 10**6),
    "milliseconds": lambda random: b"%d" % random.randint(10**5, 10**9),
}
"""How values of a type, or of a name that has a pool of its own, are made up."""
