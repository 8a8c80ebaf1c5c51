"""The library ``bit`` (Lua BitOp): operations on the low 32 bits of a number, with a signed result."""

from __future__ import annotations

from struct import Struct
from typing import Final

from miniredis.lua.arguments import type_error
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import to_number
from miniredis.lua.runtime import State
from miniredis.lua.values import MISSING, Table, Value

ORDER: Final = "tobit bnot band bor bxor lshift rshift arshift rol ror bswap tohex"

MAGIC: Final = 6755399441055744.0
"""2^52 + 2^51: added to a double, it moves the integer part, rounded to even, into the low bits of the mantissa."""

MASK: Final = 0xFFFFFFFF

_DOUBLE: Final = Struct("<d")
_LOW_HALF: Final = Struct("<I4x")


def open_bit_library(state: State) -> Table:
    """Put the library among the globals of *state*."""

    def tobit(number: Value = MISSING, *_: Value) -> Value:
        return _signed(_bits(1, number))

    def bnot(number: Value = MISSING, *_: Value) -> Value:
        return _signed(~_bits(1, number) & MASK)

    # The first argument is looked at first, and then the others from the last one on.

    def band(first: Value = MISSING, *rest: Value) -> Value:
        bits = _bits(1, first)
        for position in range(len(rest), 0, -1):
            bits &= _bits(position + 1, rest[position - 1])
        return _signed(bits)

    def bor(first: Value = MISSING, *rest: Value) -> Value:
        bits = _bits(1, first)
        for position in range(len(rest), 0, -1):
            bits |= _bits(position + 1, rest[position - 1])
        return _signed(bits)

    def bxor(first: Value = MISSING, *rest: Value) -> Value:
        bits = _bits(1, first)
        for position in range(len(rest), 0, -1):
            bits ^= _bits(position + 1, rest[position - 1])
        return _signed(bits)

    def lshift(number: Value = MISSING, by: Value = MISSING, *_: Value) -> Value:
        bits, count = _bits(1, number), _bits(2, by) & 31
        return _signed(bits << count & MASK)

    def rshift(number: Value = MISSING, by: Value = MISSING, *_: Value) -> Value:
        bits, count = _bits(1, number), _bits(2, by) & 31
        return _signed(bits >> count)

    def arshift(number: Value = MISSING, by: Value = MISSING, *_: Value) -> Value:
        bits, count = _bits(1, number), _bits(2, by) & 31
        return float(int(_signed(bits)) >> count)

    def rol(number: Value = MISSING, by: Value = MISSING, *_: Value) -> Value:
        bits, count = _bits(1, number), _bits(2, by) & 31
        return _signed((bits << count | bits >> 32 - count) & MASK)

    def ror(number: Value = MISSING, by: Value = MISSING, *_: Value) -> Value:
        bits, count = _bits(1, number), _bits(2, by) & 31
        return _signed((bits << 32 - count | bits >> count) & MASK)

    def bswap(number: Value = MISSING, *_: Value) -> Value:
        return _signed(int.from_bytes(_bits(1, number).to_bytes(4, "big"), "little"))

    def tohex(number: Value = MISSING, digits: Value = MISSING, *_: Value) -> Value:
        bits = _bits(1, number)
        count = 8 if digits is MISSING else int(_signed(_bits(2, digits)))
        text = b"%08X" % bits if count < 0 else b"%08x" % bits
        return text[8 - min(abs(count), 8) :]

    functions = {name: function for name, function in locals().items() if name != "state"}
    library = library_table(functions, ORDER)
    state.globals.hash[b"bit"] = library
    return library


def _bits(number: int, value: Value) -> int:
    """The low 32 bits of an argument."""
    found = to_number(value)
    if found is None:
        raise type_error(number, value, "number")
    return int(_LOW_HALF.unpack(_DOUBLE.pack(found + MAGIC))[0])


def _signed(bits: int) -> float:
    return float(bits - (1 << 32) if bits >> 31 else bits)
