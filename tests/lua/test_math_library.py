"""The library ``math``."""

from __future__ import annotations

import pytest

from tests.lua.judge import by_lua, ours

# ruff: noqa: E501
# fmt: off
CASES = [
    ('math.log10(-1), math.log(-1), math.atan2(0/0, 1), math.atan2(1, 0/0), math.atan2(0/0, -(0/0)), math.atan2(-(0/0), 0/0)', 'nan\t-nan\t-nan\t-nan\tnan\t-nan'),
    ('math.floor(1.5), math.floor(-1.5), math.ceil(1.5), math.ceil(-1.5), math.floor(1e100), math.ceil(-0.5)', '1\t-2\t2\t-1\t1e+100\t-0'),
    ('math.abs(-5), math.abs("-3"), math.max(1, 5, 3), math.min(1, 5, 3), math.max(-1), math.sqrt(16), math.sqrt(-1)', '5\t3\t5\t1\t-1\t4\t-nan'),
    ('math.max()', "error: it:1: bad argument #1 to 'max' (number expected, got no value)"),
    ('math.min()', "error: it:1: bad argument #1 to 'min' (number expected, got no value)"),
    ('math.fmod(7, 3), math.fmod(-7, 3), math.fmod(7, -3), math.fmod(1, 0), math.fmod(5.5, 2), math.mod(7, 3)', '1\t-1\t1\t-nan\t1.5\t1'),
    ('math.modf(3.7), math.modf(-3.7), math.modf(5), math.modf(1/0), math.modf(-1/0)', '3\t-3\t5\tinf\t-inf\t-0'),
    ('math.frexp(8), math.frexp(0.1), math.frexp(0), math.frexp(-3), math.ldexp(0.5, 4), math.ldexp(1, 1024), math.ldexp(1, -2000)', '0.5\t0.8\t0\t-0.75\t8\tinf\t0'),
    ('math.pow(2, 10), math.pow(2, 0.5), math.pow(-8, 1/3), math.pow(0, 0), math.pow(0, -1), 2 ^ 1024', '1024\t1.4142135623731\t-nan\t1\tinf\tinf'),
    ('math.exp(0), math.exp(1), math.exp(1000), math.log(1), math.log(0), math.log(-1), math.log10(1000), math.log10(0)', '1\t2.718281828459\tinf\t0\t-inf\t-nan\t3\t-inf'),
    ('math.sin(0), math.sin(1), math.cos(0), math.cos(1), math.tan(1), math.asin(1), math.asin(2), math.acos(0), math.atan(1), math.atan2(1, -1), math.atan2(0, 0), math.atan2(-0, -1)', '0\t0.8414709848079\t1\t0.54030230586814\t1.5574077246549\t1.5707963267949\tnan\t1.5707963267949\t0.78539816339745\t2.3561944901923\t0\t3.1415926535898'),
    ('math.sinh(1), math.cosh(1), math.tanh(1), math.sinh(1000), math.cosh(1000), math.deg(math.pi), math.rad(180)', '1.1752011936438\t1.5430806348152\t0.76159415595576\tinf\tinf\t180\t3.1415926535898'),
    ('math.pi, math.huge, -math.huge, math.huge - math.huge', '3.1415926535898\tinf\t-inf\t-nan'),
    ('math.floor("x")', "error: it:1: bad argument #1 to 'floor' (number expected, got string)"),
    ('math.floor()', "error: it:1: bad argument #1 to 'floor' (number expected, got no value)"),
    ('math.random(0)', "error: it:1: bad argument #1 to 'random' (interval is empty)"),
    ('math.random(5, 1)', "error: it:1: bad argument #2 to 'random' (interval is empty)"),
    ('math.random(1, 2, 3)', 'error: it:1: wrong number of arguments'),
    ('math.random("x")', "error: it:1: bad argument #1 to 'random' (number expected, got string)"),
    ('math.random(1), math.random(3, 3), math.random() < 1, math.random(10) <= 10', '1\t3\ttrue\ttrue'),
    ('math.randomseed()', "error: it:1: bad argument #1 to 'randomseed' (number expected, got no value)"),
    ('math.floor(0/0) ~= math.floor(0/0), math.max(0/0, 1), math.max(1, 0/0), math.min(1, 0/0)', 'true\t-nan\t1\t1'),
    ('math.log(2, 10), math.floor(2^31 + 0.5), math.floor(-2^31 - 0.5)', '0.69314718055995\t2147483648\t-2147483649'),
    ('math.fmod(1e308, 3), math.fmod(5, math.huge), math.fmod(math.huge, 5)', '2\t5\t-nan'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_numbers_come_out_the_same(source: str, told: str) -> None:
    assert ours(source) == told


def test_lua_itself_says_so() -> None:
    assert by_lua([source for source, _ in CASES]) == [told for _, told in CASES]
