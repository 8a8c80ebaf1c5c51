"""LCS: the longest common subsequence of two strings, by dynamic programming in O(n·m) time and memory."""

from __future__ import annotations

from typing import Final

from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import Value, is_string, string_bytes
from miniredis.resp.types import Error, Reply


@record
class LcsOptions:
    """What follows the keys. *minimum_length*: the shortest match that IDX shows."""

    length_only: bool = False
    with_index: bool = False
    with_lengths: bool = False
    minimum_length: int = 0


@record
class Match:
    """A run common to both strings, by the first and last index in each."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.a_end - self.a_start + 1


_SIZE_OF_LENGTH: Final = 4
"""Bytes that Redis's table takes for each pair of positions."""


@command(
    "LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    arity=-3,
    summary="Finds the longest common substring.",
    since="7.0.0",
    group="string",
    complexity="O(N*M) where N and M are the lengths of s1 and s2, respectively",
    flags="readonly",
    categories="string",
    keys=[key_range("RO access", 1, last=1)],
    details={"key2": "key-spec=0"},
)
def lcs(client: Session, argv: list[bytes]) -> Reply:
    values = [client.db.read(key) for key in argv[1:3]]  # before the options are read, as in Redis
    a, b = map(_string, values)
    options = _parse_options(argv)
    if (len(a) + 1) * (len(b) + 1) * _SIZE_OF_LENGTH > client.engine.config.proto_max_bulk_len:
        raise Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    table = _table(a, b)
    length = len(b) - table[-1].bit_count()
    if options.length_only:
        return length
    matches = _matches(a, b, table)
    if not options.with_index:
        return b"".join(a[match.a_start : match.a_end + 1] for match in reversed(matches))
    return {
        b"matches": [
            _describe(match, options.with_lengths) for match in matches if match.length >= options.minimum_length
        ],
        b"len": length,
    }


def _parse_options(argv: list[bytes]) -> LcsOptions:
    options = LcsOptions()
    position = 3
    while position < len(argv):
        token = argv[position].upper()
        if token == b"IDX":
            options.with_index = True
        elif token == b"LEN":
            options.length_only = True
        elif token == b"WITHMATCHLEN":
            options.with_lengths = True
        elif token == b"MINMATCHLEN" and position + 1 < len(argv):
            options.minimum_length = max(integer(argv[position + 1]), 0)
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    if options.length_only and options.with_index:
        raise Error("ERR If you want both the length and indexes, please just use IDX.")
    return options


def _string(value: Value | None) -> bytes:
    if value is None:
        return b""
    if not is_string(value):
        raise Error("ERR The specified keys must contain string values")
    return string_bytes(value)


def _table(a: bytes, b: bytes) -> list[int]:
    """The lengths of the longest common subsequences of ``a[:i]`` and ``b[:j]``, as one number for each *i*.

    Bit ``j - 1`` of ``table[i]`` is 0 where the length for *j* is one more than that for ``j - 1``. A row comes from
    the one above by an addition, for all *j* at once (Hyyrö 2004): of numbers of a thousand digits, but in C.
    """
    backwards = b[::-1]
    places = {letter: int(backwards.translate(_only(letter)), 2) for letter in set(a) & set(b)}
    every_place = (1 << len(b)) - 1
    row = every_place
    table = [row]
    for letter in a:
        matching = row & places.get(letter, 0)
        row = (row + matching | row - matching) & every_place
        table.append(row)
    return table


def _only(letter: int) -> bytes:
    """What ``translate`` needs to write 1 for *letter* and 0 for all others."""
    return b"0" * letter + b"1" + b"0" * (255 - letter)


def _matches(a: bytes, b: bytes, table: list[int]) -> list[Match]:
    """The runs of the subsequence that Redis picks among the longest: from the end, preferring to step back in *b*."""
    matches: list[Match] = []
    current: Match | None = None
    i, j = len(a), len(b)
    width = j // 8 + 1
    row = table[i].to_bytes(width, "little")
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            row = table[i].to_bytes(width, "little")
            if current is None:
                current = Match(i, i, j, j)
                matches.append(current)
            else:
                current.a_start, current.b_start = i, j
        else:
            current = None
            if row[j - 1 >> 3] >> (j - 1 & 7) & 1:  # without the last of b it is as long
                j -= 1
            else:
                i -= 1
                row = table[i].to_bytes(width, "little")
    return matches


def _describe(match: Match, with_lengths: bool) -> list[Reply]:
    ranges: list[Reply] = [[match.a_start, match.a_end], [match.b_start, match.b_end]]
    return [*ranges, match.length] if with_lengths else ranges
