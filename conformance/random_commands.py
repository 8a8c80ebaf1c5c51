"""Random commands, as Hypothesis strategies: well formed ones by the grammar, and some that a slip has spoilt.

The values come from small pools, so that commands meet on the same keys, fields and members, and the pools hold what
breaks servers: extreme integers, numbers in odd spellings, empty and binary strings. No value makes time matter:
what expires does so at once or in hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hypothesis import strategies as st

from conformance.grammar import Argument, CommandGrammar


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
    "seconds": _mostly("100 5000 100000", "0 -1 abc 9223372036854775807"),
    "milliseconds": _mostly("100000 5000000", "0 -1 1.5 9223372036854775807"),
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
    "ZREMRANGEBYSCORE": {"min": SCORE_BOUNDS, "max": SCORE_BOUNDS},
}
"""Where a command means something of its own by an argument's name."""

COUNTS_WHAT_FOLLOWS: Final = {"numkeys", "numfields"}
GARBAGE: Final = (b"0", b"1", b"-1", b"abc", b"", b"FOO", b"NX", b"WITHSCORES", b"LIMIT", b"COUNT", b"*", b"\x00")


def commands(grammars: Sequence[CommandGrammar]) -> st.SearchStrategy[tuple[bytes, ...]]:
    """Any of these commands, mostly well formed."""
    return st.one_of([command(grammar) for grammar in grammars])


def pipelines(grammars: Sequence[CommandGrammar]) -> st.SearchStrategy[list[tuple[bytes, ...]]]:
    """Some dozens of these commands."""
    # A list of lists, because Hypothesis makes short lists: a single one holds six on average.
    parts = st.lists(st.lists(commands(grammars), max_size=12), min_size=1, max_size=12)
    return parts.map(lambda lists: [each for part in lists for each in part])


@st.composite
def command(draw: st.DrawFn, grammar: CommandGrammar) -> tuple[bytes, ...]:
    """One command with arguments after its grammar; one in seven has one word dropped, doubled, replaced or added."""
    author = _Author(draw, {**POOLS, **POOLS_OF_COMMANDS.get(grammar.name, {})})
    argv = [draw(_any_case(word)) for word in grammar.words] + author.sequence(grammar.arguments)
    slip = draw(st.sampled_from(("none",) * 24 + ("drop", "double", "replace", "add")))
    at = draw(st.integers(len(grammar.words), len(argv))) if slip != "none" else 0
    match slip:
        case "drop":
            del argv[at : at + 1]
        case "double":
            argv[at:at] = argv[at : at + 1]
        case "replace":
            argv[at : at + 1] = [draw(st.sampled_from(GARBAGE))]
        case "add":
            argv.insert(at, draw(st.sampled_from(GARBAGE)))
    return tuple(argv)


class _Author:
    """Writes the arguments of one command: ``draw`` decides, ``pools`` are the values to choose from."""

    def __init__(self, draw: st.DrawFn, pools: Mapping[str, Sequence[bytes]]) -> None:
        self._draw = draw
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
                words[count_at] = self._draw(st.sampled_from((right,) * 12 + (b"0", b"-1", b"3", b"abc")))
                count_at = None
                self._counted = len(drawn)
            words += drawn
        return words + self._shuffled(options)

    def _shuffled(self, options: list[list[bytes]]) -> list[bytes]:
        order = self._draw(st.permutations(options)) if len(options) > 1 else options
        return [word for option in order for word in option]

    def _argument(self, argument: Argument) -> list[bytes]:
        if argument.optional and self._draw(st.booleans()):
            return []
        words: list[bytes] = []
        for repetition in range(self._repetitions(argument)):
            if argument.token is not None and (repetition == 0 or argument.multiple_token):
                words.append(self._draw(_any_case(argument.token)))
            words += self._value(argument)
        return words

    def _repetitions(self, argument: Argument) -> int:
        if not argument.multiple:
            return 1
        if argument.name == "weight" and self._counted:
            return int(self._draw(st.sampled_from((self._counted,) * 8 + (1, 3))))
        return int(self._draw(st.integers(1, 3)))

    def _value(self, argument: Argument) -> list[bytes]:
        match argument.type:
            case "pure-token":
                return []
            case "oneof":
                return self._argument(self._draw(st.sampled_from(argument.children)))
            case "block":
                return self.sequence(argument.children)
            case _:
                pool = self._pools.get(argument.name) or self._pools.get(argument.type) or TEXTS
                return [self._draw(st.sampled_from(pool))]


def _any_case(word: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from((word.upper(), word.upper(), word.lower(), word.title()))
