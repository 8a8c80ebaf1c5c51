"""What a pattern matches: as observed on Redis 7.0 and Valkey 9.1, and by an independent reading of the rules."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miniredis.structures.glob import compile_glob

MATCHES = [
    (b"hello", b"hello"),
    (b"h?llo", b"hello"),
    (b"h*llo", b"hllo"),
    (b"h*llo", b"heeeello"),
    (b"h[ae]llo", b"hallo"),
    (b"h[^e]llo", b"hbllo"),
    (b"h[a-b]llo", b"hbllo"),
    (b"*", b"a"),
    (b"*", b"\n"),
    (b"**", b"a"),
    (b"a*", b"a"),
    (b"a**", b"a"),
    (b"*a", b"a"),
    (b"*a*", b"a"),
    (b"*?", b"a"),
    (b"?*", b"a"),
    (b"a*b*c", b"abcbc"),
    (b"*ab", b"aab"),
    (b"*a?b", b"aaab"),
    (b"*[ab]b*", b"bbab"),
    (b"", b""),
    # An escape makes the next byte ordinary; at the very end it stands for itself.
    (rb"\*", b"*"),
    (rb"\a", b"a"),
    (rb"\\", b"\\"),
    (b"\\", b"\\"),
    (b"a\\", b"a\\"),
    (rb"*\*", b"a*"),
    # Inside a class.
    (rb"[\]]", b"]"),
    (rb"[\^a]", b"^"),
    (rb"[a\-c]", b"-"),
    (b"[a^]", b"^"),
    (b"[*?]", b"*"),
    (b"[[]", b"["),
    (b"[c-a]", b"b"),
    (b"[-a]", b"-"),
    (b"[a-c-e]", b"-"),
    (b"[^]", b"x"),  # nothing is excluded
    (b"[^]a]", b"xa]"),
    (b"[^]-a]", b"x-a]"),  # the class ends at the first bracket
    # The end of the pattern ends a class.
    (b"[a", b"a"),
    (b"[ab", b"b"),
    (b"[^a", b"b"),
    (b"[^", b"x"),
    (b"[a-", b"-"),
    (b"[a\\", b"\\"),
    (b"[a-]", b"^"),  # a range from a to ], and no end of the class
    (b"[a-]b", b"b"),
    # A dash takes the byte after it for the end of a range, even a backslash.
    (rb"[Z-\]", b"["),
    # Bytes from 0x80 up are negative numbers, so they come before the others.
    (b"[a-\xff]", b"\xff"),
    (b"[a-\xff]", b"B"),
    (b"[\x80-\xff]", b"\x90"),
]

MISMATCHES = [
    (b"hello", b"Hello"),
    (b"h?llo", b"hllo"),
    (b"h[^e]llo", b"hello"),
    (b"h[a-b]llo", b"hcllo"),
    (b"a", b""),
    (b"", b"a"),
    (b"?", b"ab"),
    # Without a byte to look at, the matching loop does not begin: not even stars match the empty string.
    (b"*", b""),
    (b"**", b""),
    (rb"\*", b"a"),
    (rb"\a", b"\\a"),
    (b"a\\", b"a"),
    (b"[]", b"x"),
    (b"[]", b"]"),
    (b"[]a]", b"a"),
    (b"[]a]", b"]"),
    (b"[", b"["),
    (b"[", b"x"),
    (b"[^a", b"a"),
    (rb"[a\-c]", b"b"),
    (b"[a-]", b"-"),
    (b"[a-\xff]", b"b"),
    (b"[\x80-\xff]", b"\x7f"),
    (b"*ab*c", b"aabb"),
]


@pytest.mark.parametrize(("pattern", "string"), MATCHES)
def test_a_pattern_matches(pattern: bytes, string: bytes) -> None:
    assert compile_glob(pattern)(string) is True


@pytest.mark.parametrize(("pattern", "string"), MISMATCHES)
def test_a_pattern_does_not_match(pattern: bytes, string: bytes) -> None:
    assert compile_glob(pattern)(string) is False


@pytest.mark.parametrize(
    ("pattern", "string", "expected"),
    [
        (b"MaxMemory", b"maxmemory", True),
        (b"max*", b"MAXMEMORY", True),
        (b"*MEM*", b"maxmemory", True),
        (b"m[A-B]x", b"mbx", True),
        (b"m[ab]x", b"MAX", True),
        (b"m[^A]x", b"max", False),
        (rb"\M", b"m", True),
        (rb"[\M]", b"m", False),  # an escape inside a class is exact
        (b"[Z-a]", b"z", False),  # the ends become z and a, and are not put in order again
        (b"[Z-a]", b"a", False),
        (b"\xc4", b"\xe4", False),  # only ASCII letters have a case
    ],
)
def test_nocase_lets_letters_match_either_case(pattern: bytes, string: bytes, expected: bool) -> None:
    assert compile_glob(pattern, nocase=True)(string) is expected


def matches_by_the_rules(pattern: bytes, string: bytes, nocase: bool) -> bool:
    """Redis's rules, byte by byte, with backtracking and no cleverness."""

    def lower(char: int) -> int:
        return char + 32 if nocase and 65 <= char <= 90 else char

    def char(byte: int) -> int:
        return byte - 256 if byte > 127 else byte

    def in_class(p: int, byte: int) -> tuple[bool, int]:
        negated = pattern[p : p + 1] == b"^"
        p += negated
        found = False
        while p < len(pattern) and (pattern[p] != ord("]")):
            rest = pattern[p:]
            if rest[0] == ord("\\") and len(rest) > 1:
                found |= rest[1] == byte
                p += 2
            elif len(rest) > 2 and rest[1] == ord("-"):
                low, high = sorted((char(rest[0]), char(rest[2])))
                found |= lower(low) <= lower(char(byte)) <= lower(high)
                p += 3
            else:
                found |= lower(rest[0]) == lower(byte)
                p += 1
        return found != negated, p + 1

    @cache
    def match(p: int, s: int) -> bool:
        if s == len(string):
            return not pattern[p:].strip(b"*") and (s > 0 or not pattern)
        if p >= len(pattern):
            return False
        if pattern[p] == ord("*"):
            return match(p + 1, s) or match(p, s + 1)
        if pattern[p] == ord("?"):
            return match(p + 1, s + 1)
        if pattern[p] == ord("["):
            found, after = in_class(p + 1, string[s])
            return found and match(after, s + 1)
        if pattern[p] == ord("\\") and p + 1 < len(pattern):
            p += 1
        return lower(pattern[p]) == lower(string[s]) and match(p + 1, s + 1)

    return match(0, 0)


ALPHABET = b"ab[]^-\\*?AB\xff"
PATTERNS = st.lists(st.sampled_from(ALPHABET), max_size=12).map(bytes)
STRINGS = st.lists(st.sampled_from(ALPHABET), max_size=8).map(bytes)


@given(PATTERNS, STRINGS, st.booleans())
@example(b"[a-]*[^", b"]]", False)
@example(b"*a*b", b"aabab", False)
def test_the_compiled_pattern_decides_as_the_rules_do(pattern: bytes, string: bytes, nocase: bool) -> None:
    assert compile_glob(pattern, nocase)(string) is matches_by_the_rules(pattern, string, nocase)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_every_pattern_can_be_compiled_and_every_string_asked_about(pattern: bytes, string: bytes) -> None:
    assert compile_glob(pattern)(string) is matches_by_the_rules(pattern, string, nocase=False)


@pytest.mark.parametrize(
    "pattern",
    [b"*a" * 1000 + b"*b", b"a*" * 5000 + b"b", b"*?a" * 500 + b"*[bc]", b"*" * 50_000 + b"b"],
    ids=["stars before", "stars after", "stars and question marks", "only stars"],
)
def test_many_stars_do_not_multiply_the_time(pattern: bytes) -> None:
    began = time.process_time()
    assert compile_glob(pattern)(b"a" * 20_000) is False
    assert time.process_time() - began < 5  # it takes a few hundredths; with backtracking, longer than the universe


def test_a_pattern_is_compiled_once() -> None:
    assert compile_glob(b"news.*[ab]") is compile_glob(b"news.*[ab]")
