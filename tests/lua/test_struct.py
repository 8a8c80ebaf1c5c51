"""``struct``, as a real server has it."""

from __future__ import annotations

import pytest

from conformance.servers import Server
from tests.lua.judge import by_server, ours_in_engine

# ruff: noqa: E501
# fmt: off
CASES = [
    ('struct.pack("b", 1), struct.pack("B", 255), struct.pack("h", -2), struct.pack(">H", 258), struct.pack("<i4", -1), struct.pack(">I4", 2^32 - 1), struct.pack("l", 5), struct.pack("L", 2^63)', '\x01\tÿ\tþÿ\t\x01\x02\tÿÿÿÿ\tÿÿÿÿ\t\x05\x00\x00\x00\x00\x00\x00\x00\t\x00\x00\x00\x00\x00\x00\x00\x80'),
    ('struct.pack("f", 1.5), struct.pack("d", 0.1), struct.pack(">d", 0.1), struct.pack("f", 1e300), #struct.pack("f", 0/0)', '\x00\x00À?\t\x9a\x99\x99\x99\x99\x99¹?\t?¹\x99\x99\x99\x99\x99\x9a\t\x00\x00\x80\x7f\t4'),
    ('struct.pack("s", "abc"), struct.pack("c3", "abcdef"), struct.pack("c0", "abc"), struct.pack("x"), struct.pack("bxb", 1, 2), struct.pack("i3", 70000), struct.pack(">i3", -2)', 'abc\x00\tabc\tabc\t\x00\t\x01\x00\x02\tp\x11\x01\tÿÿþ'),
    ('struct.pack("!4bi4", 1, 2), struct.pack("!bd", 1, 2), struct.pack("!2bi4", 1, 2), struct.pack("b i4", 1, 2)', '\x01\x00\x00\x00\x02\x00\x00\x00\t\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00@\t\x01\x00\x02\x00\x00\x00\t\x01\x02\x00\x00\x00'),
    ('struct.pack("c5", "abc")', "error: it:1: bad argument #3 to 'pack' (string too short)"),
    ('struct.pack("i33", 1)', 'error: it:1: integral size 33 is larger than limit of 32'),
    ('struct.pack("!3b", 1)', 'error: it:1: alignment 3 is not a power of 2'),
    ('struct.pack("b")', "error: it:1: bad argument #2 to 'pack' (number expected, got nil)"),
    ('struct.pack("b", "x")', "error: it:1: bad argument #2 to 'pack' (number expected, got string)"),
    ('struct.pack("s", {})', "error: it:1: bad argument #2 to 'pack' (string expected, got table)"),
    ('struct.pack("q", 1)', "error: it:1: bad argument #1 to 'pack' (invalid format option 'q')"),
    ('struct.pack("")', ''),
    ('struct.pack()', "error: it:1: bad argument #1 to 'pack' (string expected, got no value)"),
    ('struct.pack("b", 300), struct.pack("b", -1.9), struct.pack("B", -1), struct.pack("i4", 2^40), struct.pack("I2", 70000.7)', ',\tÿ\tÿ\t\x00\x00\x00\x00\tp\x11'),
    ('struct.unpack("b", "\\255"), struct.unpack("B", "\\255"), struct.unpack(">h", "\\1\\2"), struct.unpack("<i4", "\\255\\255\\255\\255"), struct.unpack("I4", "\\255\\255\\255\\255"), struct.unpack("L", ("\\255"):rep(8)), struct.unpack("l", ("\\255"):rep(8))', '-1\t255\t258\t-1\t4294967295\t1.844674407371e+19\t-1\t9'),
    ('struct.unpack("s", "abc\\0def"), struct.unpack("c3", "abcdef"), struct.unpack("bc0", "\\3abcdef"), struct.unpack("f", struct.pack("f", 1.5)), struct.unpack("d", struct.pack("d", 0.1))', 'abc\tabc\tabc\t1.5\t0.1\t9'),
    ('struct.unpack("bb", "\\1\\2"), struct.unpack("b", "\\1\\2", 2), struct.unpack("x b", "\\1\\2"), struct.unpack("!4bi4", "\\1\\0\\0\\0\\2\\0\\0\\0")', '1\t2\t2\t1\t2\t9'),
    ('struct.unpack("i4", "abc")', "error: it:1: bad argument #2 to 'unpack' (data string too short)"),
    ('struct.unpack("s", "abc")', 'error: it:1: unfinished string in data'),
    ('struct.unpack("c0", "abc")', "error: it:1: format 'c0' needs a previous size"),
    ('struct.unpack("bc0", "\\9abc")', "error: it:1: bad argument #2 to 'unpack' (data string too short)"),
    ('struct.unpack("b", "\\1", 0)', "error: it:1: bad argument #3 to 'unpack' (offset must be 1 or greater)"),
    ('struct.unpack("b", "\\1", 3)', "error: it:1: bad argument #2 to 'unpack' (data string too short)"),
    ('struct.unpack("b", "\\1", -1)', "error: it:1: bad argument #2 to 'unpack' (data string too short)"),
    ('struct.unpack("i33", "x")', 'error: it:1: integral size 33 is larger than limit of 32'),
    ('struct.unpack()', "error: it:1: bad argument #1 to 'unpack' (string expected, got no value)"),
    ('struct.unpack("b")', "error: it:1: bad argument #2 to 'unpack' (string expected, got no value)"),
    ('struct.unpack("q", "x")', "error: it:1: bad argument #1 to 'unpack' (invalid format option 'q')"),
    ('struct.size("b"), struct.size("i4"), struct.size("!bi4"), struct.size("!8bd"), struct.size("c10"), struct.size("x"), struct.size(""), struct.size("bhild")', '1\t4\t8\t16\t10\t1\t0\t23'),
    ('struct.size("s")', "error: it:1: bad argument #1 to 'size' (option 's' has no fixed size)"),
    ('struct.size("c0")', "error: it:1: bad argument #1 to 'size' (option 'c0' has no fixed size)"),
    ('struct.size("?")', "error: it:1: bad argument #1 to 'size' (invalid format option '?')"),
    ('struct.size()', "error: it:1: bad argument #1 to 'size' (string expected, got no value)"),
]
# fmt: on


@pytest.mark.parametrize(("source", "told"), CASES)
def test_it_gives_what_it_gives(source: str, told: str) -> None:
    assert ours_in_engine(source) == told


def test_a_real_server_says_so(redis_server: Server) -> None:
    with redis_server.connect() as wire:
        assert by_server(wire, [source for source, _ in CASES]) == [told for _, told in CASES]
