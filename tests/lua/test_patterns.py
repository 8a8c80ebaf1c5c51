"""Lua's patterns."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('("hello world"):find("wor"), ("hello"):find("l+"), ("hello"):find("xyz"), ("hello"):find("")', '7\t3\tnil\t1\t0'),
    ('("hello"):find("", 10), ("hello"):find("", 6), ("hello"):find("l", -2), ("hello"):find("h", -100)', '6\t6\t4\t1\t1'),
    ('("a.b"):find(".", 1, true), ("a.b"):find("%."), ("a+b"):find("+", 1, true)', '2\t2\t2\t2'),
    ('("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("  trim  "):match("^%s*(.-)%s*$")', 'key\ttrim'),
    ('("2024-01-31"):match("(%d+)-(%d+)-(%d+)"), ("abc"):match("b"), ("abc"):match("()b()")', '2024\tb\t2\t3'),
    ('("abc"):match("^b"), ("abc"):match("c$"), ("a$c"):match("a$c"), ("a^c"):match("a^c"), ("x^"):match("x^")', 'nil\tc\ta$c\ta^c\tx^'),
    ('("f(a(b)c)d"):match("%b()"), ("((x)"):match("%b()"), ("<<a>>"):match("%b<>"), ("aXbX"):match("%bXX")', '(a(b)c)\t(x)\t<<a>>\tXbX'),
    ('("THE (quick) fox"):find("%((%a+)%)"), ("THE (quick) fox"):gsub("%f[%a]%a+", string.lower)', '5\tthe (quick) fox\t3'),
    ('("THE (quick) fox"):find("%f[%a]%a+%f[%A]"), ("abc"):find("%f[%z]"), ("abc"):gsub("%f[%w]", "|")', '1\t4\t|abc\t1'),
    ('("aaa"):gsub("a", "b", 2), ("abc"):gsub("", "-"), ("abc"):gsub(".", {a = 1, b = true, c = false}), ("abc"):gsub("%w", "%0%0")', 'error: it:1: invalid replacement value (a boolean)'),
    ('("hello world"):gsub("(%w+) (%w+)", "%2 %1"), ("abc"):gsub("b", "%%"), ("abc"):gsub("b", function() end), ("abc"):gsub("(b)", function(x) return x:upper() end)', 'world hello\ta%c\tabc\taBc\t1'),
    ('("abc"):gsub("b", "%9")', 'error: it:1: invalid capture index'),
    ('("abc"):gsub("b", "%x")', 'axc\t1'),
    ('("abc"):gsub("b", {b = {}})', 'error: it:1: invalid replacement value (a table)'),
    ('("abc"):gsub("b", print and function() return {} end)', 'error: it:1: invalid replacement value (a table)'),
    ('("abc"):gsub("b", true)', "error: it:1: bad argument #2 to 'gsub' (string/function/table expected)"),
    ('("x"):rep(3):gsub("x", "%1")', 'xxx\t3'),
    ('("abc"):gsub("(a)(b)", "%2%1%0")', 'baabc\t1'),
    ('("a,b,,c"):gsub(",", ";"), ("a,b,,c"):gsub("[^,]*", "x")', 'a;b;;c\txx,xx,x,xx\t7'),
    ('local r = {} for w in ("one two  three"):gmatch("%a+") do r[#r + 1] = w end return table.concat(r, "|")', 'one|two|three'),
    ('local r = {} for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do r[#r + 1] = k .. v end return table.concat(r, "|")', 'a1|b2'),
    ('local r = {} for p in ("abc"):gmatch("()") do r[#r + 1] = p end return table.concat(r, "|")', '1|2|3|4'),
    ('local r = {} for w in ("^a^a"):gmatch("^a") do r[#r + 1] = w end return #r', '2'),
    ('("[]"):find("[]]"), ("a]"):find("[^]]"), ("a-z"):find("[a%-z]+"), ("a-z"):find("[%a-z]+"), ("-"):find("[a-]"), ("^"):find("[x^]")', '2\t1\t1\t1\t1\t1\t1'),
    ('("abc123"):find("[%d]+"), ("abc123"):find("[^%a]+"), ("\\0a"):find("%z"), ("a\\0b"):find("[%z]"), ("Ã©"):find("[\\128-\\255]+")', '4\t4\t1\t2\t1\t2'),
    ('("abab"):find("(ab)%1"), ("abac"):find("(ab)%1"), ("\'x\'"):match("([\'\\"])(.-)%1")', "1\tnil\t'\tx"),
    ('("abc"):find("(")', 'error: it:1: unfinished capture'),
    ('("abc"):find(")")', 'nil'),
    ('("abc"):find("[a")', "error: it:1: malformed pattern (missing ']')"),
    ('("abc"):find("[]")', "error: it:1: malformed pattern (missing ']')"),
    ('("abc"):find("%")', "error: it:1: malformed pattern (ends with '%')"),
    ('("abc"):find("%f")', "error: it:1: missing '[' after '%f' in pattern"),
    ('("abc"):find("%fa")', "error: it:1: missing '[' after '%f' in pattern"),
    ('("abc"):find("%b")', 'error: it:1: unbalanced pattern'),
    ('("abc"):find("%bx")', 'error: it:1: unbalanced pattern'),
    ('("abc"):find("(a")', 'error: it:1: unfinished capture'),
    ('("abc"):find("%1")', 'error: it:1: invalid capture index'),
    ('("abc"):find("(a)%2")', 'error: it:1: invalid capture index'),
    ('("abc"):find("(a%1)")', 'error: it:1: invalid capture index'),
    ('("abc"):match("a-b"), ("aaab"):match("a-b"), ("aaab"):match("a-"), ("aaab"):match("a?b"), ("b"):match("a?b"), ("*"):match("*"), ("a*"):match("a%*")', 'ab\taaab\t\tab\tb\t*\ta*'),
    ('("x"):match("x*"), ("x"):match("y*"), ("xxy"):match("^x*y$"), ("key  "):match("^(%S+)%s+$")', 'x\t\txxy\tkey'),
    ('("%d"):gsub("%%d", "x"), ("a.b.c"):gsub("%.", "/"), ("path/to/file"):match("([^/]+)$"), ("path/to/file"):match("^(.*)/")', 'x\ta/b/c\tfile\tpath/to'),
    ('("hello"):find("l", 1, true), ("hello"):find("xl", 1, true), (""):find(""), (""):match(".*"), (""):gsub("", "x")', '3\tnil\t1\t\tx\t1'),
    ('string.rep("(", 33)', '((((((((((((((((((((((((((((((((('),
    ('("a"):find(string.rep("(a?)", 33))', 'error: it:1: too many captures'),
    ('("a"):find(string.rep("()", 32))', '1\t0\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1'),
    ('("alo 123 xyz"):gsub("%d+", function(d) return d * 2 end), ("$name is $age"):gsub("%$(%w+)", {name = "Bob", age = 42})', 'alo 246 xyz\tBob is 42\t2'),
    ('("abc"):gsub("a", "x", 0), ("abc"):gsub("a", "x", -1), ("aaa"):gsub("^a", "b")', 'abc\tabc\tbaa\t1'),
    ('("%a"):match("%%a"), ("1,2"):match("%d,%d"), ("ab\\ncd"):match("b.c"), ("A1_"):match("[%w_]+"), ("tab\\t"):find("%c"), ("x!"):find("%p"), ("xF"):match("%x+"), ("aB"):match("%u"), ("aB"):match("%l")', '%a\t1,2\tb\nc\tA1_\t4\t2\tF\tB\ta'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_a_pattern_matches_what_it_matches(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
