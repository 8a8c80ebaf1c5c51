"""``bit``, as a real server has it."""

from __future__ import annotations

import pytest

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine

# ruff: noqa: E501
# fmt: off
CASES = [
    ('bit.tobit(0xffffffff), bit.tobit(2^31), bit.tobit(2^32), bit.tobit(1.5), bit.tobit(2.5), bit.tobit(-1.5), bit.tobit("0x10"), bit.tobit(2^40 + 1), bit.tobit(1/0), bit.tobit(-1)', '-1\t-2147483648\t0\t2\t2\t-2\t16\t1\t0\t-1'),
    ('bit.bnot(0), bit.bnot(-1), bit.bnot(0x12345678)', '-1\t0\t-305419897'),
    ('bit.band(0xff, 0x0f), bit.band(1), bit.band(-1, 0xff, 0x3), bit.bor(1, 2, 4), bit.bor(0x80000000, 1), bit.bxor(5, 3), bit.bxor(-1, 1)', '15\t1\t3\t7\t-2147483647\t6\t-2'),
    ('bit.lshift(1, 31), bit.lshift(1, 32), bit.lshift(1, -1), bit.rshift(-1, 28), bit.rshift(256, 8), bit.arshift(-256, 4), bit.arshift(0x7fffffff, 31)', '-2147483648\t1\t-2147483648\t15\t1\t-16\t0'),
    ('bit.rol(0x12345678, 12), bit.ror(0x12345678, 12), bit.rol(1, 32), bit.ror(1, 0), bit.bswap(0x12345678), bit.bswap(0xff)', '1164411171\t1736516421\t1\t1\t2018915346\t-16777216'),
    ('bit.tohex(1), bit.tohex(-1), bit.tohex(0xabcdef, 4), bit.tohex(0xabcdef, -6), bit.tohex(255, 0), bit.tohex(255, 20), bit.tohex(255, -20)', '00000001\tffffffff\tcdef\tABCDEF\t\t000000ff\t000000FF'),
    ('bit.band()', "error: it:1: bad argument #1 to 'band' (number expected, got no value)"),
    ('bit.band("x")', "error: it:1: bad argument #1 to 'band' (number expected, got string)"),
    ('bit.band(1, {})', "error: it:1: bad argument #2 to 'band' (number expected, got table)"),
    ('bit.lshift(1)', "error: it:1: bad argument #2 to 'lshift' (number expected, got no value)"),
    ('bit.tohex()', "error: it:1: bad argument #1 to 'tohex' (number expected, got no value)"),
    ('bit.tohex(1, "x")', "error: it:1: bad argument #2 to 'tohex' (number expected, got string)"),
    ('bit.nosuch', 'nil'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours_in_engine(source) == told


def test_a_real_server_says_so(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        assert by_server(wire, [source for source, _ in CASES]) == [told for _, told in CASES]
