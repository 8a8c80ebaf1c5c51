"""``cmsgpack``, as a real server has it."""

from __future__ import annotations

import pytest

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine

# ruff: noqa: E501
# fmt: off
CASES = [
    ('cmsgpack.pack(1), cmsgpack.pack(127), cmsgpack.pack(128), cmsgpack.pack(255), cmsgpack.pack(256), cmsgpack.pack(65535), cmsgpack.pack(65536), cmsgpack.pack(2^32 - 1), cmsgpack.pack(2^32), cmsgpack.pack(2^53)', '\x01\t\x7f\tÌ\x80\tÌÿ\tÍ\x01\x00\tÍÿÿ\tÎ\x00\x01\x00\x00\tÎÿÿÿÿ\tÏ\x00\x00\x00\x01\x00\x00\x00\x00\tÏ\x00 \x00\x00\x00\x00\x00\x00'),
    ('cmsgpack.pack(-1), cmsgpack.pack(-32), cmsgpack.pack(-33), cmsgpack.pack(-128), cmsgpack.pack(-129), cmsgpack.pack(-32769), cmsgpack.pack(-2^31 - 1), cmsgpack.pack(-2^63), cmsgpack.pack(2^64)', 'ÿ\tà\tÐß\tÐ\x80\tÑÿ\x7f\tÒÿÿ\x7fÿ\tÓÿÿÿÿ\x7fÿÿÿ\tÓ\x80\x00\x00\x00\x00\x00\x00\x00\tÊ_\x80\x00\x00'),
    ('cmsgpack.pack(1.5), cmsgpack.pack(0.1), cmsgpack.pack(1/0), cmsgpack.pack(-1/0), cmsgpack.pack(1e100), #cmsgpack.pack(0/0)', 'Ê?À\x00\x00\tË?¹\x99\x99\x99\x99\x99\x9a\tÊ\x7f\x80\x00\x00\tÊÿ\x80\x00\x00\tËT²I\xad%\x94Ã}\t9'),
    ('cmsgpack.pack(""), cmsgpack.pack("abc"), #cmsgpack.pack(("x"):rep(31)), #cmsgpack.pack(("x"):rep(32)), #cmsgpack.pack(("x"):rep(256)), #cmsgpack.pack(("x"):rep(65536))', '\xa0\t£abc\t32\t34\t259\t65541'),
    ('cmsgpack.pack(nil), cmsgpack.pack(true), cmsgpack.pack(false), cmsgpack.pack(print), cmsgpack.pack(1, 2, "x")', "error: it:1: Script attempted to access nonexistent global variable 'print'"),
    ('cmsgpack.pack({}), cmsgpack.pack({1, 2, 3}), cmsgpack.pack({a = 1}), cmsgpack.pack({1, 2, nil, 4}), cmsgpack.pack({[2] = 1}), cmsgpack.pack({1, a = 2})', '\x90\t\x93\x01\x02\x03\t\x81¡a\x01\t\x83\x01\x01\x02\x02\x04\x04\t\x81\x02\x01\t\x82\x01\x01¡a\x02'),
    ('cmsgpack.pack({1, "x", nil, 4, a = 5}), cmsgpack.pack({["1"] = 3}), cmsgpack.pack({[1.5] = 3}), cmsgpack.pack({[0] = 1}), cmsgpack.pack({[-1] = 1})', '\x84\x01\x01\x02¡x\x04\x04¡a\x05\t\x81¡1\x03\t\x81Ê?À\x00\x00\x03\t\x81\x00\x01\t\x81ÿ\x01'),
    ('cmsgpack.pack({{{}}}), #cmsgpack.pack({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})', '\x91\x91\x90\t19'),
    ('local t = {} for i = 1, 20 do t = {t} end return cmsgpack.pack(t)', '\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91À'),
    ('cmsgpack.pack()', "error: it:1: bad argument #0 to 'pack' (MessagePack pack needs input.)"),
    ('cmsgpack.unpack(cmsgpack.pack(1, "a", true, nil, 2.5))', '1\ta\ttrue\tnil\t2.5'),
    ('cmsgpack.unpack("\\147\\1\\2\\3")[3], cmsgpack.unpack("\\129\\161a\\1").a, cmsgpack.unpack("\\192"), cmsgpack.unpack("\\194"), cmsgpack.unpack("\\195")', '3\t1\tnil\tfalse\ttrue'),
    ('cmsgpack.unpack("\\204\\255"), cmsgpack.unpack("\\205\\1\\0"), cmsgpack.unpack("\\206\\0\\0\\1\\0"), cmsgpack.unpack("\\207\\0\\0\\0\\1\\0\\0\\0\\0"), cmsgpack.unpack("\\208\\255"), cmsgpack.unpack("\\209\\255\\0"), cmsgpack.unpack("\\210\\255\\255\\255\\0"), cmsgpack.unpack("\\211\\255\\255\\255\\255\\255\\255\\255\\0")', '255\t256\t256\t4294967296\t-1\t-256\t-256\t-256'),
    ('cmsgpack.unpack("\\202\\63\\192\\0\\0"), cmsgpack.unpack("\\203\\63\\248\\0\\0\\0\\0\\0\\0")', '1.5\t1.5'),
    ('cmsgpack.unpack("\\217\\3abc"), cmsgpack.unpack("\\218\\0\\3abc"), cmsgpack.unpack("\\219\\0\\0\\0\\3abc"), cmsgpack.unpack("\\220\\0\\1\\5")[1], cmsgpack.unpack("\\221\\0\\0\\0\\1\\5")[1], cmsgpack.unpack("\\222\\0\\1\\161a\\1").a, cmsgpack.unpack("\\223\\0\\0\\0\\1\\161a\\1").a', 'abc\tabc\tabc\t5\t5\t1\t1'),
    ('cmsgpack.unpack("\\196\\1a")', 'error: it:1: Bad data format in input.'),
    ('cmsgpack.unpack("\\193")', 'error: it:1: Bad data format in input.'),
    ('cmsgpack.unpack("\\147\\1\\2")', 'error: it:1: Missing bytes in input.'),
    ('cmsgpack.unpack("\\217")', 'error: it:1: Missing bytes in input.'),
    ('cmsgpack.unpack("\\163ab")', 'error: it:1: Missing bytes in input.'),
    ('cmsgpack.unpack("")', ''),
    ('cmsgpack.unpack()', "error: it:1: bad argument #1 to 'unpack' (string expected, got no value)"),
    ('cmsgpack.unpack({})', "error: it:1: bad argument #1 to 'unpack' (string expected, got table)"),
    ('cmsgpack.unpack("\\129\\192\\1")', 'error: table index is nil'),
    ('cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3)), cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 1), cmsgpack.unpack_one(cmsgpack.pack(1), 1)', '1\t2\t-1'),
    ('cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2), cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 1), cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 0)', '2\t-1\t1\t2\t3'),
    ('cmsgpack.unpack_one(cmsgpack.pack(1), 5)', 'error: it:1: Start offset 5 greater than input length 1.'),
    ('cmsgpack.unpack_one(cmsgpack.pack(1), -1)', 'error: it:1: Invalid request to unpack with offset of -1 and limit of 1.'),
    ('cmsgpack.unpack_limit(cmsgpack.pack(1), -1)', 'error: it:1: Invalid request to unpack with offset of 0 and limit of 1.'),
    ('cmsgpack._NAME, cmsgpack._VERSION, cmsgpack._COPYRIGHT, cmsgpack._DESCRIPTION', 'cmsgpack\tlua-cmsgpack 0.4.0\tCopyright (C) 2012, Salvatore Sanfilippo\tMessagePack C implementation for Lua'),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours_in_engine(source) == told


def test_a_real_server_says_so(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        assert by_server(wire, [source for source, _ in CASES]) == [told for _, told in CASES]
