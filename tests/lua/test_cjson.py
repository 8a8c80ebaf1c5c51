"""``cjson``, as a real server has it."""

from __future__ import annotations

import pytest

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine

# ruff: noqa: E501
# fmt: off
CASES = [
    ('cjson.encode({1, 2, 3}), cjson.encode({}), cjson.encode({a = 1}), cjson.encode("x"), cjson.encode(1), cjson.encode(true), cjson.encode(nil), cjson.encode(cjson.null)', '[1,2,3]\t{}\t{"a":1}\t"x"\t1\ttrue\tnull\tnull'),
    ('cjson.encode(1.5), cjson.encode(1e15), cjson.encode(123456789012345), cjson.encode(0.1), cjson.encode(1/3), cjson.encode(-0.0), cjson.encode(1e100), cjson.encode(2^53)', '1.5\t1e+15\t1.2345678901234e+14\t0.1\t0.33333333333333\t-0\t1e+100\t9.007199254741e+15'),
    ('cjson.encode({1, nil, 3}), cjson.encode({[3] = 1}), cjson.encode({[1] = 1, a = 2}), cjson.encode({[1.5] = 1})', '[1,null,3]\t[null,null,1]\t{"1":1,"a":2}\t{"1.5":1}'),
    ('cjson.encode({[100] = 1})', 'error: it:1: Cannot serialise table: excessively sparse array'),
    ('cjson.encode({[true] = 1})', 'error: it:1: Cannot serialise boolean: table key must be a number or string'),
    ('cjson.encode({{}})', '[{}]'),
    ('cjson.encode(function() end)', 'error: it:1: Cannot serialise function: type not supported'),
    ('cjson.encode(1/0)', 'error: it:1: Cannot serialise number: must not be NaN or Inf'),
    ('cjson.encode(0/0)', 'error: it:1: Cannot serialise number: must not be NaN or Inf'),
    ('cjson.encode("\\0\\1\\31\\127\\"\\\\/\\b\\f\\n\\r\\t\\200"), cjson.encode("Ã©")', '"\\u0000\\u0001\\u001f\\u007f\\"\\\\\\/\\b\\f\\n\\r\\tÈ"\t"Ã©"'),
    ('cjson.encode({{{{1}}}}), cjson.encode({a = {b = {c = {}}}})', '[[[[1]]]]\t{"a":{"b":{"c":{}}}}'),
    ('local t = {} for i = 1, 1001 do t = {t} end return cjson.encode(t)', 'error: it:1: Cannot serialise, excessive nesting (1001)'),
    ('cjson.encode()', "error: it:1: bad argument #1 to 'encode' (expected 1 argument)"),
    ('cjson.encode(1, 2)', "error: it:1: bad argument #1 to 'encode' (expected 1 argument)"),
    ('local t = cjson.decode(\'{"a": [1, 2.5, -3e2, true, false, null, "x"], "b": {}}\') return t.a[1], t.a[2], t.a[3], t.a[4], t.a[5], t.a[6] == cjson.null, t.a[7], next(t.b)', '1\t2.5\t-300\ttrue\tfalse\ttrue\tx\tnil'),
    ('cjson.decode("[1,2,3]")[3], cjson.decode(\'"x"\'), cjson.decode("1"), cjson.decode("true"), cjson.decode("null") == cjson.null, #cjson.decode("[]")', '3\tx\t1\ttrue\ttrue\t0'),
    ('cjson.decode(\'"\\\\u0041\\\\u00e9\\\\u20ac\\\\ud83d\\\\ude00\\\\n\\\\t\\\\"\\\\\\\\\\\\/"\')', 'AÃ©â\x82¬ð\x9f\x98\x80\n\t"\\/'),
    ('cjson.decode(\'"\\\\ud800"\')', 'error: it:1: Expected value but found invalid unicode escape code at character 2'),
    ('cjson.decode(\'"\\\\udc00"\')', 'error: it:1: Expected value but found invalid unicode escape code at character 2'),
    ('cjson.decode(\'"\\\\x"\')', 'error: it:1: Expected value but found invalid escape code at character 2'),
    ('cjson.decode(\'"\\\\u12"\')', 'error: it:1: Expected value but found invalid unicode escape code at character 2'),
    ('cjson.decode("")', 'error: it:1: Expected value but found T_END at character 1'),
    ('cjson.decode("[1,")', 'error: it:1: Expected value but found T_END at character 4'),
    ('cjson.decode("[1 2]")', 'error: it:1: Expected comma or array end but found T_NUMBER at character 4'),
    ('cjson.decode("{1: 2}")', 'error: it:1: Expected object key string but found T_NUMBER at character 2'),
    ('cjson.decode(\'{"a" 2}\')', 'error: it:1: Expected colon but found T_NUMBER at character 6'),
    ('cjson.decode(\'{"a": }\')', 'error: it:1: Expected value but found T_OBJ_END at character 7'),
    ('cjson.decode("[1]x")', 'error: it:1: Expected the end but found invalid token at character 4'),
    ('cjson.decode("nul")', 'error: it:1: Expected value but found invalid token at character 1'),
    ('cjson.decode("tru")', 'error: it:1: Expected value but found invalid token at character 1'),
    ('cjson.decode("01")', '1'),
    ('cjson.decode("1.5e3"), cjson.decode("-1"), cjson.decode("1E2"), cjson.decode(" 1 "), cjson.decode("0x10"), cjson.decode("-0")', '1500\t-1\t100\t1\t16\t-0'),
    ('cjson.decode("inf"), cjson.decode("nan") ~= cjson.decode("nan"), cjson.decode("-inf"), cjson.decode("Infinity")', 'inf\ttrue\t-inf\tinf'),
    ('cjson.decode("\'x\'")', 'error: it:1: Expected value but found invalid token at character 1'),
    ('cjson.decode("[1,]")', 'error: it:1: Expected value but found T_ARR_END at character 4'),
    ('cjson.decode("{,}")', 'error: it:1: Expected object key string but found T_COMMA at character 2'),
    ('cjson.decode(\'"\\n"\')', '\n'),
    ('cjson.decode(\'"unfinished\')', 'error: it:1: Expected value but found unexpected end of string at character 12'),
    ('cjson.decode(("["):rep(1000) .. ("]"):rep(1000)) ~= nil', 'true'),
    ('cjson.decode(("["):rep(1001) .. ("]"):rep(1001))', 'error: it:1: Found too many nested data structures (1001) at character 1001'),
    ('cjson.decode()', "error: it:1: bad argument #1 to 'decode' (expected 1 argument)"),
    ('cjson.decode({})', "error: it:1: bad argument #1 to 'decode' (string expected, got table)"),
    ('cjson.decode(5)', '5'),
    ('cjson.decode(\'{"a":1,"a":2}\').a, cjson.decode(\'{"":1}\')[""], cjson.decode(\'{"1":2}\')["1"], cjson.decode(\'{"1":2}\')[1]', '2\t1\t2\tnil'),
    ('local c = cjson.new() return c ~= cjson, c.encode({1}), c._NAME, c._VERSION, tostring(c.null)', 'true\t[1]\tcjson\t2.1.0\tuserdata: (nil)'),
    ('local c = cjson.new() return c.encode_number_precision(3), c.encode(1/3), c.encode_number_precision(14), c.encode(1/3)', '3\t0.333\t14\t0.33333333333333'),
    ('local c = cjson.new() c.encode_number_precision(0)', "error: it:1: bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)"),
    ('local c = cjson.new() c.encode_number_precision(17)', "error: it:1: bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)"),
    ('local c = cjson.new() c.encode_invalid_numbers(true) return c.encode(0/0), c.encode(1/0), c.encode(-1/0)', 'nan\tinf\t-inf'),
    ('local c = cjson.new() c.encode_invalid_numbers("null") return c.encode(0/0), c.encode(1/0)', 'null\tnull'),
    ('local c = cjson.new() c.encode_invalid_numbers("x")', "error: it:1: bad argument #1 to 'encode_invalid_numbers' (invalid option 'x')"),
    ('local c = cjson.new() c.decode_invalid_numbers(false) return c.decode("nan")', 'error: it:1: Expected value but found invalid token at character 1'),
    ('local c = cjson.new() c.decode_invalid_numbers(false) return c.decode("0x10")', 'error: it:1: Expected value but found invalid number at character 1'),
    ('local c = cjson.new() c.encode_max_depth(2) return c.encode({{}}), pcall(c.encode, {{{}}})', '[{}]\tfalse\tCannot serialise, excessive nesting (3)'),
    ('local c = cjson.new() c.decode_max_depth(2) return c.decode("[[]]") ~= nil, pcall(c.decode, "[[[]]]")', 'true\tfalse\tFound too many nested data structures (3) at character 3'),
    ('local c = cjson.new() return c.encode_sparse_array(true), c.encode({[100] = 1})', 'true\t{"100":1}'),
    ('local c = cjson.new() c.encode_sparse_array(true, 1, 1) return c.encode({[5] = 1})', '{"5":1}'),
    ('local c = cjson.new() c.encode_sparse_array(false, 0) return c.encode({[3] = 1})', '[null,null,1]'),
    ('local c = cjson.new() return c.encode_keep_buffer(false), c.encode_keep_buffer(), c.encode({1})', 'false\tfalse\t[1]'),
    ('local c = cjson.new() return c.encode_empty_table_as_object', 'nil'),
    ('cjson.encode({["a\\0b"] = "c\\0d"}), cjson.encode({[1] = "a", [2] = "b"}), cjson.encode({a = cjson.null})', '{"a\\u0000b":"c\\u0000d"}\t["a","b"]\t{"a":null}'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours_in_engine(source) == told


def test_a_real_server_says_so(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        assert by_server(wire, [source for source, _ in CASES]) == [told for _, told in CASES]
