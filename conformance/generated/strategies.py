"""Commands as Hypothesis strategies, built from the syntax in miniredis's command table.

A command's syntax is compiled once into :class:`Writer` objects, one for each argument, which then write it again and
again, each time otherwise: options there or not and in any order, alternatives, repetitions, tokens in any case,
values from the pools. One command in seven has a slip in it: a word dropped, doubled, replaced, added or misplaced.

The rule of this file: few choices. Each one costs Hypothesis some 20 microseconds, and a run has thousands; so which
options there are is one choice, their order another, and a long repetition is three, however long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Protocol

from hypothesis import strategies as st

from conformance.generated.pools import (
    COUNTS_WHAT_FOLLOWS,
    GARBAGE,
    KEY_REPETITIONS,
    NEVER_PUT_IN,
    POOLS,
    POOLS_OF_COMMANDS,
    REPETITIONS,
    Pool,
)
from miniredis.engine.syntax import Argument
from miniredis.engine.table import Command

Argv = tuple[bytes, ...]
Act = tuple[Argv, ...]
"""What is generated at once: nearly always one command; several where only together they leave no freedom."""

Draw = Callable[[st.SearchStrategy[Any]], Any]

LONG: Final = 10
"""Repetitions from which on the values are not drawn one by one."""


def words_of(command: Command) -> tuple[bytes, ...]:
    """The name as it is sent: two words for a subcommand."""
    return tuple(word.encode().upper() for word in command.name.split("|"))


def name_of(command: Command) -> str:
    """The name as everything in ``conformance`` calls it: ``SET``, ``CONFIG GET``."""
    return command.name.replace("|", " ").upper()


@dataclass
class Hand:
    """What is known while one command is written."""

    draw: Draw
    spelling: Callable[[bytes, int], bytes] = lambda word, _: word
    counted: int = 0
    """How many values a ``numkeys`` has counted: as many weights belong to them."""
    tokens: int = 0

    def spelt(self, word: bytes) -> bytes:
        """A name or token as somebody may spell it."""
        self.tokens += 1
        return self.spelling(word, self.tokens)


class Writer(Protocol):
    """Writes one argument, or a group of them."""

    def write(self, hand: Hand) -> list[bytes]:
        """The words of it."""

    def write_many(self, hand: Hand, count: int) -> list[list[bytes]]:
        """The words of so many of it."""


class _Simple:
    """What writes many like one, one by one: no more than ``LONG`` of them."""

    def write(self, hand: Hand) -> list[bytes]:
        raise NotImplementedError

    def write_many(self, hand: Hand, count: int) -> list[list[bytes]]:
        return [self.write(hand) for _ in range(min(count, LONG))]


class _Value(_Simple):
    """A value from a pool."""

    def __init__(self, pool: Pool) -> None:
        self._plain = [value for value in pool if isinstance(value, bytes)]
        self._numbered = len(self._plain) < len(pool)
        self._pick = st.sampled_from(pool)

    def write(self, hand: Hand) -> list[bytes]:
        value = hand.draw(self._pick)
        return [value if type(value) is bytes else hand.draw(value.strategy)]

    def write_many(self, hand: Hand, count: int) -> list[list[bytes]]:
        if count < LONG:
            return super().write_many(hand, count)
        at = hand.draw(STRETCH)
        begin, step = at % 16, at // 16
        pool, numbered = self._plain, self._numbered and at % 3
        return [
            [b"m%d" % (begin + number) if numbered and number % 2 else pool[(begin + number * step) % len(pool)]]
            for number in range(count)
        ]


STRETCH: Final = st.integers(0, 255)


class _Nothing(_Simple):
    """A token alone: its word is written by who repeats it."""

    def write(self, hand: Hand) -> list[bytes]:
        return []


class _OneOf(_Simple):
    def __init__(self, alternatives: Sequence[Writer]) -> None:
        self._pick = st.sampled_from(alternatives)

    def write(self, hand: Hand) -> list[bytes]:
        written: list[bytes] = hand.draw(self._pick).write(hand)
        return written


class _Tokened(_Simple):
    """An argument with its token and its repetitions."""

    def __init__(self, argument: Argument, inner: Writer) -> None:
        self._token = None if argument.token is None else argument.token.encode()
        self._multiple, self._multiple_token = argument.multiple, argument.multiple_token
        self._is_weight = argument.name == "weight"
        self._pick = st.sampled_from(KEY_REPETITIONS if argument.type == "key" else REPETITIONS)
        self._inner = inner

    def write(self, hand: Hand) -> list[bytes]:
        if not self._multiple:
            return [*self._spelt(hand), *self._inner.write(hand)]
        count = hand.draw(self._pick)
        if self._is_weight and hand.counted and count != 2:
            count = hand.counted
        words: list[bytes] = []
        for number, part in enumerate(self._inner.write_many(hand, count)):
            if number == 0 or self._multiple_token:
                words += self._spelt(hand)
            words += part
        return words

    def _spelt(self, hand: Hand) -> list[bytes]:
        return [] if self._token is None else [hand.spelt(self._token)]


@dataclass
class _Part:
    """One place in a sequence: an argument that must come, or optional ones side by side."""

    writers: list[Writer]
    is_optional: bool
    counts: bool = False
    is_counted: bool = False
    presence: st.SearchStrategy[int] = field(init=False)

    def __post_init__(self) -> None:
        self.presence = st.integers(0, 2 ** len(self.writers) - 1)


class _Sequence(_Simple):
    """Arguments one after the other; options that stand side by side in any order."""

    def __init__(self, arguments: Sequence[Argument], pools: Mapping[str, Pool]) -> None:
        self._parts: list[_Part] = []
        for optional, group in groupby(arguments, lambda argument: argument.optional):
            if optional:
                self._parts.append(_Part([compile_argument(each, pools) for each in group], True))
                continue
            for each in group:
                counts, counted = each.name in COUNTS_WHAT_FOLLOWS, each.multiple
                self._parts.append(_Part([compile_argument(each, pools)], False, counts, counted))
        self._is_plain = not any(part.is_optional or part.counts for part in self._parts)

    def write(self, hand: Hand) -> list[bytes]:
        words: list[bytes] = []
        count_at: int | None = None
        for part in self._parts:
            if part.is_optional:
                words += self._options(hand, part)
                continue
            written = part.writers[0].write(hand)
            if part.counts:
                count_at = len(words)
            elif count_at is not None and part.is_counted:
                words[count_at] = hand.draw(COUNTS) or b"%d" % len(written)
                count_at = None
                hand.counted = len(written)
            words += written
        return words

    def write_many(self, hand: Hand, count: int) -> list[list[bytes]]:
        if not self._is_plain:
            return super().write_many(hand, count)
        columns = [part.writers[0].write_many(hand, count) for part in self._parts]
        return [[word for cell in row for word in cell] for row in zip(*columns, strict=False)]

    def _options(self, hand: Hand, part: _Part) -> list[bytes]:
        present = hand.draw(part.presence)
        if not present:
            return []
        options = [writer.write(hand) for at, writer in enumerate(part.writers) if present >> at & 1]
        if len(options) > 1:
            order = hand.draw(ORDER)
            shuffled: list[list[bytes]] = []
            while options:
                order, at = divmod(order, len(options))
                shuffled.append(options.pop(at))
            options = shuffled
        return [word for option in options for word in option]


COUNTS: Final = st.sampled_from((b"",) * 12 + (b"0", b"-1", b"3", b"abc"))
"""What is said about the number of what follows; empty: the truth."""

ORDER: Final = st.integers(0, 5039)
"""An order of up to seven options: the places that are taken from those that are left, one after the other."""


def compile_argument(argument: Argument, pools: Mapping[str, Pool]) -> Writer:
    """What writes that argument, with values from ``pools``."""
    match argument.type:
        case "pure-token":
            inner: Writer = _Nothing()
        case "oneof":
            inner = _OneOf([compile_argument(child, pools) for child in argument.children])
        case "block":
            inner = _Sequence(argument.children, pools)
        case kind:
            inner = _Value(pools.get(argument.name) or pools.get(kind) or pools["string"])
    return inner if argument.token is None and not argument.multiple else _Tokened(argument, inner)


def _alternately(word: bytes, number: int) -> bytes:
    return (word.lower(), word.title(), word.upper(), word.swapcase())[number % 4]


SPELLINGS: Final[tuple[Callable[[bytes, int], bytes], ...]] = (
    lambda word, _: word.upper(),
    lambda word, _: word.lower(),
    lambda word, _: word.title(),
    _alternately,
)


def _drop(argv: list[bytes], at: int, garbage: bytes) -> None:
    del argv[at : at + 1]


def _double(argv: list[bytes], at: int, garbage: bytes) -> None:
    argv[at:at] = argv[at : at + 1]


def _replace(argv: list[bytes], at: int, garbage: bytes) -> None:
    argv[at : at + 1] = [garbage]


def _add(argv: list[bytes], at: int, garbage: bytes) -> None:
    argv.insert(at, garbage)


def _misplace(argv: list[bytes], at: int, garbage: bytes) -> None:
    argv[at : at + 2] = argv[at : at + 2][::-1]


SLIPS: Final = (_drop, _double, _replace, _add, _misplace)
Slip = Callable[[list[bytes], int, bytes], None]

MANNERS: Final[st.SearchStrategy[tuple[Callable[[bytes, int], bytes], Slip | None]]] = st.sampled_from(
    [(SPELLINGS[number % 4 if number % 8 > 3 else 0], None) for number in range(30)]
    + [(SPELLINGS[number % 4], slip) for number, slip in enumerate(SLIPS)]
)
"""How a command is spelt, and what goes wrong with it: one choice for both."""

SLIP_AT: Final = st.integers(0, 2**10)


class CommandWriter:
    """One command of the table."""

    def __init__(self, command: Command, arguments: Sequence[Argument], pools: Mapping[str, Pool]) -> None:
        self.name = name_of(command)
        self._words = words_of(command)
        self._garbage = [word for word in GARBAGE if word != NEVER_PUT_IN.get(self.name)]
        self._arguments = _Sequence(arguments, {**POOLS, **POOLS_OF_COMMANDS.get(self.name, {}), **pools})

    def write(self, draw: Draw) -> Argv:
        """The command, well formed after its syntax, or with one slip."""
        spelling, slip = draw(MANNERS)
        hand = Hand(draw, spelling)
        argv = [hand.spelt(word) for word in self._words] + self._arguments.write(hand)
        if slip is not None:
            which = draw(SLIP_AT)
            room = len(argv) - len(self._words) + 1
            slip(argv, len(self._words) + which % room, self._garbage[which % len(self._garbage)])
        return tuple(argv)

    def act(self, draw: Draw) -> Act:
        """The command alone."""
        return (self.write(draw),)
