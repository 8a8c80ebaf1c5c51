"""LCS: the longest common subsequence of two strings, by dynamic programming in O(n·m) time and memory."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.session import Session
from miniredis.engine.values import Value, is_string, string_bytes
from miniredis.resp.types import Error, Reply


@dataclass(slots=True)
class Match:
    """A run common to both strings, by the first and last index in each."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int

    @property
    def length(self) -> int:
        return self.a_end - self.a_start + 1


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
    values = [client.db.read(key) for key in argv[1:3]]
    a, b = map(_string, values)
    length_only = with_index = with_lengths = False
    minimum_length = 0
    position = 3
    while position < len(argv):
        token = argv[position].upper()
        if token == b"IDX":
            with_index = True
        elif token == b"LEN":
            length_only = True
        elif token == b"WITHMATCHLEN":
            with_lengths = True
        elif token == b"MINMATCHLEN" and position + 1 < len(argv):
            minimum_length = max(integer(argv[position + 1]), 0)
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    if length_only and with_index:
        raise Error("ERR If you want both the length and indexes, please just use IDX.")

    table = _lengths(a, b)
    if length_only:
        return table[len(a)][len(b)]
    matches = _matches(a, b, table)
    if not with_index:
        return b"".join(a[match.a_start : match.a_end + 1] for match in reversed(matches))
    return {
        b"matches": [_describe(match, with_lengths) for match in matches if match.length >= minimum_length],
        b"len": table[len(a)][len(b)],
    }


def _string(value: Value | None) -> bytes:
    if value is None:
        return b""
    if not is_string(value):
        raise Error("ERR The specified keys must contain string values")
    return string_bytes(value)


def _lengths(a: bytes, b: bytes) -> list[array[int]]:
    """``table[i][j]``: the length of the longest common subsequence of ``a[:i]`` and ``b[:j]``."""
    above = array("L", bytes(8 * (len(b) + 1)))
    table = [above]
    for letter in a:
        row = array("L", [0])
        left = diagonal = 0
        for column, other in enumerate(b, 1):
            up = above[column]
            if letter == other:
                left = diagonal + 1
            elif up > left:
                left = up
            row.append(left)
            diagonal = up
        table.append(row)
        above = row
    return table


def _matches(a: bytes, b: bytes, table: list[array[int]]) -> list[Match]:
    """The runs of the subsequence that Redis picks among the longest: from the end, preferring to step back in *b*."""
    matches: list[Match] = []
    current: Match | None = None
    i, j = len(a), len(b)
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            if current is None:
                current = Match(i, i, j, j)
                matches.append(current)
            else:
                current.a_start, current.b_start = i, j
        else:
            current = None
            if table[i - 1][j] > table[i][j - 1]:
                i -= 1
            else:
                j -= 1
    return matches


def _describe(match: Match, with_lengths: bool) -> list[Reply]:
    ranges: list[Reply] = [[match.a_start, match.a_end], [match.b_start, match.b_end]]
    return [*ranges, match.length] if with_lengths else ranges
