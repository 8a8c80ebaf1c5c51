"""The library ``string``, but for patterns."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('string.byte(("x"):rep(9000), 1, -1)', 'error: it:1: stack overflow (string slice too long)'),
    ('select("#", string.byte(("x"):rep(9000), 1, 7997)), pcall(string.byte, ("x"):rep(9000), 1, 7998)', '7997\tfalse\tstack overflow (string slice too long)'),
    ("string.format('%100d')", "error: it:1: bad argument #2 to 'format' (no value)"),
    ("string.format('%------d')", "error: it:1: bad argument #2 to 'format' (no value)"),
    ("string.format('%\\0d', 1)", "error: it:1: invalid option '%' to 'format'"),
    ('("abc"):len(), ("abc"):upper(), ("ABC"):lower(), ("abc"):reverse(), ("ab"):rep(3), ("ab"):rep(0), ("ab"):rep(-1)', '3\tABC\tabc\tcba\tababab\t\t'),
    ('("hello"):sub(2), ("hello"):sub(2, 3), ("hello"):sub(-3), ("hello"):sub(-3, -2), ("hello"):sub(0), ("hello"):sub(10), ("hello"):sub(3, 2), ("hello"):sub(-100, 100)', 'ello\tel\tllo\tll\thello\t\t\thello'),
    ('("hello"):sub(2.7, 3.9), ("hello"):sub("2"), ("hello"):sub(-2^31)', 'el\tello\thello'),
    ('("abc"):byte(), ("abc"):byte(2), ("abc"):byte(-1), ("abc"):byte(1, -1), ("abc"):byte(10), (""):byte()', '97\t98\t99\t97\tnil'),
    ('string.char(), string.char(72, 105), #string.char(0, 255)', '\tHi\t2'),
    ('string.char(256)', "error: it:1: bad argument #1 to 'char' (invalid value)"),
    ('string.char(-1)', "error: it:1: bad argument #1 to 'char' (invalid value)"),
    ('string.char("x")', "error: it:1: bad argument #1 to 'char' (number expected, got string)"),
    ('("x"):byte(1, 2, 3)', '120'),
    ('string.format("%d %5d %-5d| %05d %+d % d", 1, 2, 3, 4, 5, 6)', '1     2 3    | 00004 +5  6'),
    ('string.format("%d", 3.7), string.format("%d", -3.7), string.format("%d", "10"), string.format("%i", 5)', '3\t-3\t10\t5'),
    ('string.format("%x %X %#x %o %u", 255, 255, 255, 8, 3), string.format("%x", -1)', 'ff FF 0x 10 3\tffffffffffffffff'),
    ('string.format("%f %.2f %10.3f %-10.1f| %e %E %g %G", 1.5, 1.555, 2.5, 3.5, 12345.678, 0.00012, 1e20, 1e-10)', '1.500000 1.55      2.500 3.5       | 1.234568e+04 1.200000E-04 1e+20 1E-10'),
    ('string.format("%g %g %g %g", 0, 100000, 1000000, 0.0001), string.format("%.3g", 1234.5), string.format("%#g", 1)', '0 100000 1e+06 0.0001\t1.23e+03\t1.00000'),
    ('string.format("%f %g %e", 1/0, -1/0, 1/0), string.format("%5.1f|%05.1f", 0/0, 1/0), string.format("%d", 2^53)', 'inf -inf inf\t -nan|  inf\t9007199254740992'),
    ('string.format("%s %10s %-10s| %.2s", "a", "b", "c", "def"), string.format("%s", "x\\0y") == "x\\0y", #string.format("%s", "x\\0y")', 'a          b c         | de\tfalse\t1'),
    ('string.format("%s", nil)', "error: it:1: bad argument #2 to 'format' (string expected, got nil)"),
    ('string.format("%s", {})', "error: it:1: bad argument #2 to 'format' (string expected, got table)"),
    ('string.format("%s", true)', "error: it:1: bad argument #2 to 'format' (string expected, got boolean)"),
    ('string.format("%s %s", 1, 1.5)', '1 1.5'),
    ('string.format("%q", \'a "quoted" \\\\ line\\nend\\0\\r\')', '"a \\"quoted\\" \\\\ line\\\nend\\000\\r"'),
    ('string.format("%c%c%c", 76, 117, 97), string.format("%5c|", 65)', 'Lua\t    A|'),
    ('string.format("%%"), string.format("100%%"), string.format("%5%")', "error: it:1: bad argument #2 to 'format' (no value)"),
    ('string.format("%")', "error: it:1: bad argument #2 to 'format' (no value)"),
    ('string.format("%y", 1)', "error: it:1: invalid option '%y' to 'format'"),
    ('string.format("%d")', "error: it:1: bad argument #2 to 'format' (no value)"),
    ('string.format("%d", "x")', "error: it:1: bad argument #2 to 'format' (number expected, got string)"),
    ('string.format("%d", {})', "error: it:1: bad argument #2 to 'format' (number expected, got table)"),
    ('string.format("%10000d", 1)', 'error: it:1: invalid format (width or precision too long)'),
    ('string.format("%.100f", 1)', 'error: it:1: invalid format (width or precision too long)'),
    ('string.format("%#####x", 1)', '0x'),
    ('string.format("<%#.0o> <%#5.0o> <%.0o> <%#.0x> <%#.3o> <%#.0o>", 0, 0, 0, 0, 8, 8)', '<0> <    0> <> <> <010> <010>'),
    ('string.format("%------d", 1)', 'error: it:1: invalid format (repeated flags)'),
    ('string.format()', "error: it:1: bad argument #1 to 'format' (string expected, got no value)"),
    ('string.format("%s", ("x"):rep(200)):len(), string.format("%99s", "x"):len(), string.format("%.99f", 1/3):len()', '200\t99\t101'),
    ('string.format("%a", 1)', "error: it:1: invalid option '%a' to 'format'"),
    ('string.format("%5s|%-5s|%05d|%+.2f", "ab", "cd", 42, 3.14159)', '   ab|cd   |00042|+3.14'),
    ('string.format("%.0f %.0f %.0f", 0.5, 1.5, 2.5), string.format("%.20f", 0.1), string.format("%.14g", 2^63)', '0 2 2\t0.10000000000000000555\t9.2233720368548e+18'),
    ('string.format("%d", 1e100), string.format("%d", -1e100), string.format("%x", 2^63), string.format("%u", -1), string.format("%d", 0/0)', '-9223372036854775808\t-9223372036854775808\t8000000000000000\t18446744073709551615\t-9223372036854775808'),
    ('string.format("%3d|%-3d|%03d", 12345, 12345, 12345), string.format("% 5d|%+5d", 42, 42), string.format("%.3d|%5.3d|%-5.3d|", 7, 7, 7)', '12345|12345|12345\t   42|  +42\t007|  007|007  |'),
    ('tostring(1), tostring(1.5), tostring(100), tostring(1e14), tostring(1e15), tostring(123456789012345), tostring(0.1), tostring(1/3), tostring(-1.5e-10)', '1\t1.5\t100\t1e+14\t1e+15\t1.2345678901234e+14\t0.1\t0.33333333333333\t-1.5e-10'),
    ('("x").len("abc"), #"\\228\\246", ("Ã\x9f"):upper() == "Ã\x9f", ("Ã©"):len()', '3\t2\ttrue\t2'),
    ('string.len({})', "error: it:1: bad argument #1 to 'len' (string expected, got table)"),
    ('string.len()', "error: it:1: bad argument #1 to 'len' (string expected, got no value)"),
    ('("abc"):nosuch()', "error: it:1: attempt to call method 'nosuch' (a nil value)"),
    ('string.gfind == string.gmatch, string.len == ("").len', 'true\ttrue'),
    ('("a"):rep(2.9), ("a"):rep("3")', 'aa\taaa'),
    ('"a" < "b", "a" < "ab", "Z" < "a", "\\255" > "a", "a\\0" > "a"', 'true\ttrue\ttrue\ttrue\ttrue'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_a_string_becomes_what_it_becomes(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
