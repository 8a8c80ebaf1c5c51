"""Tokens, as PUC's Lua 5.1 reads them."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('return 0x10, 0xA, 0xfF, 1e2, 1E+2, 1e-2, .5, 5., 3.0', '16\t10\t255\t100\t100\t0.01\t0.5\t5\t3'),
    ('1..2', "refused: it:1: malformed number near '1..2'"),
    ('\'a\\nb\\tc\\\\d\\\'e\\"f\', "x\\065\\10y\\0z" == "xA\\ny\\0z", #"\\0\\0"', 'a\nb\tc\\d\'e"f\ttrue\t2'),
    ('"a\\\nb"', 'a\nb'),
    ('[[line one\nline two]]', 'line one\nline two'),
    ('[[\nfirst line end is none]]', 'first line end is none'),
    ('[==[ ]] ]=] ]==]', ' ]] ]=] '),
    ('--[[ a comment\nof two lines ]] return 1', '1'),
    ('--[==[ ]] ]==] return 2', '2'),
    ('-- only a comment', ''),
    ('return 1 --[[ inline ]] + --[[ another ]] 2', '3'),
    ('"\\x41"', 'x41'),
    ('"\\300"', 'refused: it:1: escape sequence too large near \'"\''),
    ("'unfinished", "refused: it:1: unfinished string near '<eof>'"),
    ('"unfinished\\', "refused: it:1: unfinished string near '<eof>'"),
    ('[[unfinished', "refused: it:1: unfinished long string near '<eof>'"),
    ('--[[unfinished', "refused: it:1: unfinished long comment near '<eof>'"),
    ('a.b.c:d', "refused: it:1: function arguments expected near '<eof>'"),
    ('3x', "refused: it:1: malformed number near '3x'"),
    ('0x1p4', '16'),
    ('1e5e', "refused: it:1: malformed number near '1e5e'"),
    ('return 08, 3x', "refused: it:1: malformed number near '3x'"),
    ('and, or', "refused: it:1: unexpected symbol near 'and'"),
    ('"\\q", \'\\z\'', 'q\tz'),
    ('#\'\\r\\n\', "a\\rb" == "a\\13b"', '2\ttrue'),
    ("return'a'..'b'", 'ab'),
    ('return{1,2}[1]', "refused: it:1: '<eof>' expected near '['"),
    ('x = @', "refused: it:1: unexpected symbol near '@'"),
    ('x = $1', "refused: it:1: unexpected symbol near '$'"),
    ('x ~ 1', "refused: it:1: '=' expected near '~'"),
    ('a != b', "refused: it:1: '=' expected near '!'"),
    ('1 // 2', "refused: it:1: unexpected symbol near '1'"),
    ('goto x', "refused: it:1: '=' expected near 'x'"),
    ('local end_ = 1 return end_', '1'),
    ('local _, __, a1, A = 1, 2, 3, 4 return _, __, a1, A', '1\t2\t3\t4'),
    ('return 100000000000000, 1e15, 123456789012345678, 0.1, 1/3, 1e308 * 10, 5e-324', '1e+14\t1e+15\t1.2345678901235e+17\t0.1\t0.33333333333333\tinf\t4.9406564584125e-324'),
    ('return 0xffffffffffffffff, 0x7fffffff, 0xffffffff', '1.844674407371e+19\t2147483647\t4294967295'),
    ('return 2^53 + 1, 1e16, 1e17, 123456.789e3', '9.007199254741e+15\t1e+16\t1e+17\t123456789'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_tokens_mean_what_they_mean(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
