"""Redis's glob-style patterns, as in KEYS, SCAN MATCH, PSUBSCRIBE, ACL rules and CONFIG GET.

A pattern is parsed once into *elements*, each of which consumes exactly one byte and is a set of bytes, and the stars
between them. This parser is the only place that knows how Redis reads a pattern: what an escape means inside a class,
where an unterminated class ends, which byte order a range has. What comes after it is plain set language.

A run of elements between two stars may be matched at the first place where it fits: a later one could only leave less
for the rest. So every run but the first and the last becomes an atomic group, which Python's `re` never re-enters, and
the time is bounded by the product of the lengths, as in Redis; `*a*a*a*b` is not exponential.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from operator import eq

Matcher = Callable[[bytes], bool]
ByteSet = frozenset[int]

ANY_BYTE: ByteSet = frozenset(range(256))


@lru_cache(maxsize=1024)
def compile_glob(pattern: bytes, nocase: bool = False) -> Matcher:
    """A function that says whether a string matches the whole pattern. Every pattern is valid.

    `*` any bytes, `?` one byte, `[abc]`, `[a-c]`, `[^abc]` one byte of a set or outside it, `\\x` the byte x itself.
    With `nocase` ASCII letters match either case.

    The empty string matches the empty pattern only, not even `*`: Redis's matching loop does not begin without a byte
    to look at. (KEYS and SCAN take the pattern `*` for no pattern at all and so do return an empty key.)
    """
    runs = _parse(pattern, nocase)
    if len(runs) > 1 and not any(runs):
        return bool
    literals = [_literal(run) for run in runs]
    match literals:
        case [bytes() as whole]:
            return partial(eq, whole)
        case [bytes() as prefix, b""]:
            return lambda string: string.startswith(prefix)
        case [b"", bytes() as suffix]:
            return lambda string: string.endswith(suffix)
        case [b"", bytes() as infix, b""]:
            return lambda string: infix in string
    matches = re.compile(_expression(runs), re.DOTALL).fullmatch
    return lambda string: matches(string) is not None


def _parse(pattern: bytes, nocase: bool) -> list[list[ByteSet]]:
    """The runs of one-byte elements that the pattern's stars separate: one run more than there are stars."""
    runs: list[list[ByteSet]] = [[]]
    position, end = 0, len(pattern)
    while position < end:
        byte = pattern[position]
        position += 1
        if byte == ord("*"):
            if len(runs) == 1 or runs[-1]:  # a star next to a star adds nothing
                runs.append([])
        elif byte == ord("?"):
            runs[-1].append(ANY_BYTE)
        elif byte == ord("["):
            element, position = _parse_class(pattern, position, nocase)
            runs[-1].append(element)
        else:
            if byte == ord("\\") and position < end:
                byte = pattern[position]
                position += 1
            runs[-1].append(_either_case(byte) if nocase else frozenset((byte,)))
    return runs


def _parse_class(pattern: bytes, position: int, nocase: bool) -> tuple[ByteSet, int]:
    """The set that a class stands for, and the position after it. `position` is just after the opening bracket.

    The end of the pattern closes a class as well as `]` does. `]` cannot be a member unless escaped or the end of a
    range, so `[]` matches nothing and `[^]` anything. An escape inside a class is exempt from `nocase`, as in Redis.
    """
    negated = pattern.startswith(b"^", position)
    position += negated
    members: set[int] = set()
    while position < len(pattern):
        byte, left = pattern[position], len(pattern) - position
        if byte == ord("\\") and left >= 2:
            members.add(pattern[position + 1])
            position += 2
        elif byte == ord("]"):
            position += 1
            break
        elif left >= 3 and pattern[position + 1] == ord("-"):
            members |= _byte_range(byte, pattern[position + 2], nocase)
            position += 3
        else:
            members |= _either_case(byte) if nocase else {byte}
            position += 1
    return (ANY_BYTE - members if negated else frozenset(members)), position


def _byte_range(first: int, last: int, nocase: bool) -> ByteSet:
    """The bytes between two ends given in either order.

    Redis compares `char`s, which are signed on its usual platforms: bytes from 0x80 up come before 0x00. With `nocase`
    the ends are put in order before they are lowered, so `[Z-a]` becomes z..a and matches nothing.
    """
    start, stop = sorted((_signed(first), _signed(last)))
    if nocase:
        start, stop = _lower(start), _lower(stop)
        return frozenset(byte for byte in range(256) if start <= _lower(_signed(byte)) <= stop)
    return frozenset(byte & 0xFF for byte in range(start, stop + 1))


def _signed(byte: int) -> int:
    return byte - 256 if byte >= 128 else byte


def _lower(char: int) -> int:
    return char + 32 if ord("A") <= char <= ord("Z") else char


def _either_case(byte: int) -> ByteSet:
    char = bytes((byte,))
    return frozenset(char.lower() + char.upper())


def _literal(run: list[ByteSet]) -> bytes | None:
    """The bytes that a run stands for if it leaves no choice."""
    if any(len(element) != 1 for element in run):
        return None
    return bytes(byte for element in run for byte in element)


def _expression(runs: list[list[ByteSet]]) -> bytes:
    first, *rest = [b"".join(map(_element_expression, run)) for run in runs]
    if not rest:
        return first
    *middle, last = rest
    return first + b"".join(b"(?>.*?" + run + b")" for run in middle) + b".*" + last


def _element_expression(element: ByteSet) -> bytes:
    if len(element) == 1:
        return re.escape(bytes(element))
    if element == ANY_BYTE:
        return b"."
    if not element:
        return b"(?!)"
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(element)) + b"]"
