"""Chunks that are no Lua are refused in the words of PUC's Lua 5.1, which said what stands here."""

from __future__ import annotations

import pytest

from miniredis.lua.nodes import Assignment, Binary, Call, Index, Local, Name, Number, Return, String
from miniredis.lua.parser import LuaSyntaxError, parse

REFUSED = [
    (b"\x00", b"1: unexpected symbol"),
    (b"x = = 1", b"1: unexpected symbol near '='"),
    (b'x = "abc', b"1: unfinished string near '<eof>'"),
    (b"x = 'a\\300b'", b"1: escape sequence too large near ''a'"),
    (b"x = 'abc\\", b"1: unfinished string near '<eof>'"),
    (b"x = [[abc", b"1: unfinished long string near '<eof>'"),
    (b"x = [==[ abc ]=]", b"1: unfinished long string near '<eof>'"),
    (b"x = [=abc", b"1: invalid long string delimiter near '[='"),
    (b"--[[ abc", b"1: unfinished long comment near '<eof>'"),
    (b"x = 3x", b"1: malformed number near '3x'"),
    (b"x = 0x", b"1: malformed number near '0x'"),
    (b"x = 1..2", b"1: malformed number near '1..2'"),
    (b"x = 1e", b"1: malformed number near '1e'"),
    (b"for 1 = 2 do", b"1: '<name>' expected near '1'"),
    (b"for x do", b"1: '=' or 'in' expected near 'do'"),
    (b"for x = 1 do end", b"1: ',' expected near 'do'"),
    (b"for x = 1, 2 end", b"1: 'do' expected near 'end'"),
    (b"for x, y = 1", b"1: 'in' expected near '='"),
    (b"for x in pairs(t) end", b"1: 'do' expected near 'end'"),
    (b"if x then", b"1: 'end' expected near '<eof>'"),
    (b"if x then else", b"1: 'end' expected near '<eof>'"),
    (b"if x the", b"1: 'then' expected near 'the'"),
    (b"while x do", b"1: 'end' expected near '<eof>'"),
    (b"repeat x()", b"1: 'until' expected near '<eof>'"),
    (b"function f(", b"1: <name> or '...' expected near '<eof>'"),
    (b"function f(a,", b"1: <name> or '...' expected near '<eof>'"),
    (b"function f(a,) end", b"1: <name> or '...' expected near ')'"),
    (b"function f(a b) end", b"1: ')' expected near 'b'"),
    (b"function f(..., a) end", b"1: ')' expected near ','"),
    (b"function () end", b"1: '<name>' expected near '('"),
    (b"local function 1", b"1: '<name>' expected near '1'"),
    (b"local 1", b"1: '<name>' expected near '1'"),
    (b"local x =", b"1: unexpected symbol near '<eof>'"),
    (b"f", b"1: '=' expected near '<eof>'"),
    (b"f.x", b"1: '=' expected near '<eof>'"),
    (b"f()=1", b"1: unexpected symbol near '='"),
    (b"(f)", b"1: syntax error near '<eof>'"),
    (b"(f) = 1", b"1: syntax error near '='"),
    (b"f() g", b"1: '=' expected near '<eof>'"),
    (b"a.b:c = 1", b"1: function arguments expected near '='"),
    (b"a.b:c", b"1: function arguments expected near '<eof>'"),
    (b"a:b", b"1: function arguments expected near '<eof>'"),
    (b"x = {1, 2", b"1: '}' expected near '<eof>'"),
    (b"x = {1 2}", b"1: '}' expected near '2'"),
    (b"x = {[1 = 2}", b"1: ']' expected near '='"),
    (b"x = {[1] 2}", b"1: '=' expected near '2'"),
    (b"x = function", b"1: '(' expected near '<eof>'"),
    (b"break", b"1: no loop to break near '<eof>'"),
    (b"return 1 x", b"1: '<eof>' expected near 'x'"),
    (b"return return", b"1: unexpected symbol near 'return'"),
    (b"function f() return ... end", b"1: cannot use '...' outside a vararg function near '...'"),
    (b"x = @", b"1: unexpected symbol near '@'"),
    (b"x = a $ b", b"1: unexpected symbol near '$'"),
    (b"x = ~a", b"1: unexpected symbol near '~'"),
    (b"x = a ~ b", b"1: unexpected symbol near '~'"),
    (b"x = }", b"1: unexpected symbol near '}'"),
    (b"end", b"1: '<eof>' expected near 'end'"),
    (b"x = not", b"1: unexpected symbol near '<eof>'"),
    (b"x = 1 +", b"1: unexpected symbol near '<eof>'"),
    (b"x = #", b"1: unexpected symbol near '<eof>'"),
    (b"goto x", b"1: '=' expected near 'x'"),
    (b'x = "a" "b"', b"1: unexpected symbol near '\"b\"'"),
    (b"a, b", b"1: '=' expected near '<eof>'"),
    (b"a, f() = 1", b"1: syntax error near '='"),
    (b"a, b += 1", b"1: '=' expected near '+'"),
    (b"do", b"1: 'end' expected near '<eof>'"),
    (b"x = a.1", b"1: unexpected symbol near '.1'"),
    (b'x = a."x"', b"1: '<name>' expected near '\"x\"'"),
    (b"x = a[1", b"1: ']' expected near '<eof>'"),
    (b"f(1", b"1: ')' expected near '<eof>'"),
    (b"f(1,", b"1: unexpected symbol near '<eof>'"),
    (b"f(,)", b"1: unexpected symbol near ','"),
    (b"f{1", b"1: '}' expected near '<eof>'"),
    (b"else", b"1: '<eof>' expected near 'else'"),
    (b"until", b"1: '<eof>' expected near 'until'"),
    (b"local x, ", b"1: '<name>' expected near '<eof>'"),
    (b"local function f", b"1: '(' expected near '<eof>'"),
    (b"]]..string.char(1)", b"1: unexpected symbol near ']'"),
    (b"x = 1 = 2", b"1: unexpected symbol near '='"),
    (b'x = "\\"', b"1: unfinished string near '<eof>'"),
    (b'f "a" b', b"1: '=' expected near '<eof>'"),
    (b"x = and 1", b"1: unexpected symbol near 'and'"),
    (b"x = 1 2", b"1: unexpected symbol near '2'"),
    (b"return;;", b"1: '<eof>' expected near ';'"),
    (b"break", b"1: no loop to break near '<eof>'"),
    (b"for i=1,2 do return end end", b"1: '<eof>' expected near 'end'"),
    (b"x = (1", b"1: ')' expected near '<eof>'"),
    (b"x = ()", b"1: unexpected symbol near ')'"),
    (b"x=\\", b"1: unexpected symbol near '\\'"),
    (b"f\n(g)", b"2: ambiguous syntax (function call x new statement) near '('"),
    (b"x = \n\n\n y z", b"4: '=' expected near '<eof>'"),
    (b"if x then\n\n foo", b"3: '=' expected near '<eof>'"),
    (b"x={\n1\n", b"3: '}' expected (to close '{' at line 1) near '<eof>'"),
    (b"f(\n1\n", b"3: ')' expected (to close '(' at line 1) near '<eof>'"),
    (b"function f()\n x = 1\n", b"3: 'end' expected (to close 'function' at line 1) near '<eof>'"),
    (b"x = 'a\x01b' c", b"1: '=' expected near '<eof>'"),
    (b"\x01", b"1: unexpected symbol near 'char(1)'"),
    (b"x = \x01", b"1: unexpected symbol near 'char(1)'"),
    (b"x = \xe9", b"1: unexpected symbol near '\xe9'"),
    (b"x='a\\\nb' 3", b"2: unexpected symbol near '3'"),
    (b"\n\nx = [[a\nb]] 1", b"4: unexpected symbol near '1'"),
    (b"a.b:c\n(1)", b"2: ambiguous syntax (function call x new statement) near '('"),
]

ACCEPTED = [
    b"x = ...",
]


@pytest.mark.parametrize(("source", "message"), REFUSED)
def test_what_is_no_lua_is_refused_as_puc_refuses_it(source: bytes, message: bytes) -> None:
    with pytest.raises(LuaSyntaxError) as refused:
        parse(source)
    assert b"%d: %b" % (refused.value.line, refused.value.message) == message


@pytest.mark.parametrize("source", ACCEPTED)
def test_what_looks_odd_but_is_lua_is_taken(source: bytes) -> None:
    parse(source)


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("{", "}"), ("do ", " end"), ("- ", ""), ("f(", ")")])
def test_depth_has_lua_s_limit_and_no_other(opening: str, closing: str) -> None:
    start = "" if opening == "do " else "x = "
    inner = "" if opening == "do " else "1"
    parse((start + opening * 190 + inner + closing * 190).encode())
    with pytest.raises(LuaSyntaxError, match="chunk has too many syntax levels"):
        parse((start + opening * 250 + inner + closing * 250).encode())


def test_operators_bind_as_in_the_manual() -> None:
    (statement,) = parse(b"return a or b and c < d .. e + f * -g ^ h").body.statements
    assert isinstance(statement, Return)
    operators = []
    node = statement.values[0]
    while isinstance(node, Binary):
        operators.append(node.operator)
        node = node.right
    assert operators == ["or", "and", "<", "..", "+", "*"]


def test_concatenation_and_powers_associate_to_the_right_and_the_rest_to_the_left() -> None:
    right, left = (parse(b"return " + text).body.statements[0] for text in (b"1 ^ 2 ^ 3", b"1 - 2 - 3"))
    assert isinstance(right, Return)
    assert isinstance(left, Return)
    assert right.values == [Binary(1, "^", Number(1, 1.0), Binary(1, "^", Number(1, 2.0), Number(1, 3.0)))]
    assert left.values == [Binary(1, "-", Binary(1, "-", Number(1, 1.0), Number(1, 2.0)), Number(1, 3.0))]


def test_every_node_knows_its_line() -> None:
    local, assignment = parse(b"local a = f(\n1)\nt.x.y\n  [2] = 3").body.statements
    assert local == Local(1, ["a"], [Call(1, Name(1, "f"), [Number(2, 1.0)])])
    inner = Index(3, Index(3, Name(3, "t"), String(3, b"x")), String(3, b"y"))
    assert assignment == Assignment(4, [Index(4, inner, Number(4, 2.0))], [Number(4, 3.0)])
